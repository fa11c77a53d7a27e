"""Days and periods by their keys: `2026-11-23`, `2026-W48`, `2026-11-H1`, `2026-11`, `2026-Q4`, `2026-S2`, `2026`,
and any span `FROM..TO` in days, inclusive. Business dates are days in Asia/Shanghai.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from schemas.errors import Invalid

CADENCES: Final = ("day", "week", "half-month", "month", "quarter", "half-year", "year")
FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
MAX_SPAN_DAYS: Final = 40 * 366
_ONE_DAY: Final = timedelta(days=1)
_HALF_MONTH: Final = 15  # days 1–15, then 16 to the end

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_HALF = re.compile(r"([0-9]{4})-([0-9]{2})-H([12])")
_MONTHS = re.compile(r"([0-9]{4})(?:-(?:([0-9]{2})|Q([1-4])|S([12])))?")


@dataclass(frozen=True, slots=True)
class Period:
    """A span of whole days, both ends included, with the key that names it."""

    key: str
    first: date
    last: date

    @property
    def days(self) -> int:
        """Number of days, at least 1."""
        return (self.last - self.first).days + 1

    def each_day(self) -> Iterator[date]:
        """The days in order."""
        for number in range(self.first.toordinal(), self.last.toordinal() + 1):
            yield date.fromordinal(number)


@lru_cache(maxsize=4096)
def read_day(text: str) -> date | None:
    """The day that a strict ASCII `YYYY-MM-DD` names, or None; years 2000–2199.

    The grammar comes first: `date.fromisoformat` alone also takes `20261123` and `2026-W48-1`.
    """
    if not _DAY.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def parse_day(text: object, field: str) -> date:
    """The day that `text` names, as `YYYY-MM-DD` in ASCII digits.

    Raises: Invalid("bad_date") for anything else, and for years outside 2000–2199.
    """
    day = read_day(text) if isinstance(text, str) else None
    if day is None:
        raise Invalid("bad_date", field=field, value=text)
    return day


def parse_period(text: object, field: str = "period") -> Period:
    """The period that a key names; its `key` is the text as given.

    Raises: Invalid("bad_period") for another grammar, a period that does not exist (2026-W54), FROM after TO,
    a span over 40 years, or one outside 2000–2199.
    """
    period = _read_period(text) if isinstance(text, str) else None
    if period is None or period.last < FIRST_DAY or period.first > LAST_DAY:
        raise Invalid("bad_period", field=field, value=text)
    return period


def stated_period(payload: Mapping[str, object], day: date) -> Period:
    """The period of a report's payload `{period, first, last}` whose business date, the period's last day, is `day`.

    Raises: Invalid naming the field that does not fit the others.
    """
    period = parse_period(payload.get("period"))
    if (payload.get("first"), payload.get("last")) != (period.first.isoformat(), period.last.isoformat()):
        raise Invalid("bad_period", field="first", value=payload.get("first"))
    if period.last != day:
        raise Invalid("bad_period", field="period", value=period.key)
    return period


def _read_period(text: str) -> Period | None:
    if ".." in text:
        return _read_span(text)
    if day := read_day(text):
        return Period(text, day, day)
    try:
        if match := _WEEK.fullmatch(text):
            first = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return Period(text, first, first + timedelta(days=6))
        if match := _HALF.fullmatch(text):
            return _half_month(int(match[1]), int(match[2]), int(match[3]))
        if match := _MONTHS.fullmatch(text):
            return _months(text, match)
    except (ValueError, OverflowError):  # a month 13, a week 54, the year 0000: named, but not on the calendar
        return None
    return None


def _read_span(text: str) -> Period | None:
    first_text, _, last_text = text.partition("..")
    first, last = read_day(first_text), read_day(last_text)
    if first is None or last is None or first > last or (last - first).days >= MAX_SPAN_DAYS:
        return None
    return Period(text, first, last)


def _half_month(year: int, month: int, half: int) -> Period:
    key = f"{year:04d}-{month:02d}-H{half}"
    if half == 1:
        return Period(key, date(year, month, 1), date(year, month, _HALF_MONTH))
    return Period(key, date(year, month, _HALF_MONTH + 1), month_end(year, month))


def _months(text: str, match: re.Match[str]) -> Period:
    year = int(match[1])
    if match[2]:
        start, count = int(match[2]), 1
    elif match[3]:
        start, count = 3 * int(match[3]) - 2, 3
    elif match[4]:
        start, count = 6 * int(match[4]) - 5, 6
    else:
        start, count = 1, 12
    return Period(text, date(year, start, 1), month_end(year, start + count - 1))


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - _ONE_DAY


def period_of(cadence: str, day: date) -> Period:
    """The period of a cadence that holds the day; a week belongs to its ISO year.

    Raises: Invalid("bad_cadence") for a cadence that is not in CADENCES.
    """
    year, month = day.year, day.month
    if cadence == "day":
        return Period(day.isoformat(), day, day)
    if cadence == "week":
        iso = day.isocalendar()
        first = day - timedelta(days=iso.weekday - 1)
        return Period(f"{iso.year:04d}-W{iso.week:02d}", first, first + timedelta(days=6))
    if cadence == "half-month":
        return _half_month(year, month, 1 if day.day <= _HALF_MONTH else 2)
    lengths = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
    if cadence not in lengths:
        raise Invalid("bad_cadence", field="cadence", value=cadence, allowed=", ".join(CADENCES))
    length = lengths[cadence]
    number = (month - 1) // length + 1
    names = {"month": f"-{month:02d}", "quarter": f"-Q{number}", "half-year": f"-S{number}", "year": ""}
    start = (number - 1) * length + 1
    return Period(f"{year:04d}{names[cadence]}", date(year, start, 1), month_end(year, start + length - 1))


def cadence_of(period: Period) -> str | None:
    """The cadence that a period's key belongs to; None for a span `FROM..TO`."""
    for cadence in CADENCES:
        if period_of(cadence, period.first).key == period.key:
            return cadence
    return None


def shifted(period: Period, by: int) -> Period:
    """The period `by` steps later (earlier if negative): of the same cadence, or a span of the same length.

    It may lie outside 2000–2199, where no key is read. Raises: OverflowError beyond the calendar.
    """
    cadence = cadence_of(period)
    if cadence is None:
        move = timedelta(days=by * period.days)
        first, last = period.first + move, period.last + move
        return Period(f"{first}..{last}", first, last)
    for _ in range(abs(by)):
        beside = period.last + _ONE_DAY if by > 0 else period.first - _ONE_DAY
        period = period_of(cadence, beside)
    return period


def months_inside(period: Period) -> tuple[list[str], list[tuple[date, date]]]:
    """Whole months `YYYY-MM` inside a period, and the (first, last) spans of days left over at its edges.

    Months and spans together hold every day of the period exactly once; there are at most two spans.
    """
    months: list[str] = []
    edges: list[tuple[date, date]] = []
    day = period.first
    while day <= period.last:
        end = month_end(day.year, day.month)
        if day.day == 1 and end <= period.last:
            months.append(f"{day.year:04d}-{day.month:02d}")
        else:
            edges.append((day, min(end, period.last)))
        day = end + _ONE_DAY
    return months, edges
