"""Comparison of a period with the one before (环比) and with the same one a year earlier (同比)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from schemas.errors import Invalid
from schemas.periods import FIRST_DAY, Period, cadence_of, month_end, period_of, shifted

KINDS: Final = ("previous", "last_year")
BOTH: Final = "both"
_HUNDREDTH: Final = Decimal("0.01")


def kinds_of(text: str | None) -> tuple[str, ...]:
    """What `compare=` asks for. Raises: Invalid for another word."""
    if not text:
        return ()
    if text not in (*KINDS, BOTH):
        raise Invalid("not_one_of", field="compare", value=text, allowed=", ".join((*KINDS, BOTH)))
    return KINDS if text == BOTH else (text,)


def other_period(period: Period, kind: str) -> Period | None:
    """The period to compare with; None where it would lie before the calendar begins."""
    found = previous(period) if kind == KINDS[0] else last_year(period)
    return found if found.first >= FIRST_DAY else None


def previous(period: Period) -> Period:
    """The period before: of the same cadence; the same days of the month before for a span that begins a month and
    stays in it; else the span of the same length that ends the day before.
    """
    first, last = period.first, period.last
    if cadence_of(period) is None and first.day == 1 and (first.year, first.month) == (last.year, last.month):
        begin = (first - timedelta(days=1)).replace(day=1)
        end = month_end(begin.year, begin.month)
        stop = end if last == month_end(last.year, last.month) else min(end, begin.replace(day=min(last.day, end.day)))
        return Period(f"{begin}..{stop}", begin, stop)
    return shifted(period, -1)


def last_year(period: Period) -> Period:
    """The same period a year earlier; 29 February becomes the 28th, a week keeps its number (53 becomes 52)."""
    cadence = cadence_of(period)
    if cadence == "week":
        iso = period.first.isocalendar()
        earlier = date.fromisocalendar(iso.year - 1, min(iso.week, 52), 1)
        return period_of("week", earlier)
    first, last = _a_year_earlier(period.first), _a_year_earlier(period.last)
    if cadence is not None:
        return period_of(cadence, first)
    if period.last == month_end(period.last.year, period.last.month):
        last = month_end(last.year, last.month)
    return Period(f"{first}..{last}", first, last)


def _a_year_earlier(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)


def change(now: int, then: int) -> dict[str, Any]:
    """By how much a figure grew: the difference, and percent of what it was (None where that was 0)."""
    percent = None
    if then:
        grown = Decimal(100 * (now - then)) / Decimal(then)
        percent = str(grown.quantize(_HUNDREDTH, rounding=ROUND_HALF_UP))
    return {"difference": now - then, "percent": percent}


def points(now: Mapping[str, Any], then: Mapping[str, Any]) -> str | None:
    """By how many percentage points a rate grew; None where one of the two has no value."""
    if now["value"] is None or then["value"] is None:
        return None
    return str(Decimal(now["value"]) - Decimal(then["value"]))


def compared(now: Mapping[str, Any], then: Mapping[str, Any], period: Period) -> dict[str, Any]:
    """`{period, from, to, measures, rates, change, points}` of another period beside the present."""
    return {
        "period": period.key,
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "measures": then["measures"],
        "rates": then["rates"],
        "change": {name: change(value, then["measures"][name]) for name, value in now["measures"].items()},
        "points": {name: points(rate, then["rates"][name]) for name, rate in now["rates"].items()},
    }
