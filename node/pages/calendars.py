"""The completeness calendar of a unit: every day with what was owed, said, and not said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from markupsafe import Markup

from node import charts
from node.access import rule_for
from node.guard import language, me
from node.pages.choosing import Choice
from node.pages.texts import day_text
from schemas.labels import label
from schemas.masking import OTHER_TEXT, shown
from schemas.periods import Period, parse_period

MONTH_AT_MOST: Final = 42  # days that are drawn as a table; more than these are drawn as columns of weeks
MAX_DAYS: Final = 400
COUNTED: Final = ("checks_due", "checks_zero", "checks_found", "checks_missing")
Row = Mapping[str, Any]


def span_of(period: Period) -> Period:
    """The days that the calendar of a period shows: the whole month of a period inside one, else the period's own,
    the last 400 at most.
    """
    if (period.first.year, period.first.month) == (period.last.year, period.last.month):
        return parse_period(f"{period.last:%Y-%m}")
    first = max(period.first, period.last - timedelta(days=MAX_DAYS - 1))
    return Period(f"{first}..{period.last}", first, period.last)


def completeness(choice: Choice, rows: Sequence[Row], today: date) -> dict[str, Any]:
    """Of a rollup's rows by day: `chart`, whether it is `wide`, and for a month or so the `rows` of the table beside
    it; the days of a longer span have a page of their own.
    """
    start = _day_start(choice)
    days = [_day(row, today, start) for row in rows]
    wide = len(days) > MONTH_AT_MOST
    listed = [] if wide else [_figures(choice, row) for row in rows if date.fromisoformat(row["key"]) <= today]
    return {"chart": _chart(days), "wide": wide, "rows": listed}


def _chart(days: Sequence[charts.CalendarDay]) -> Markup:
    lang = language()
    caption = label(lang, "page.calendar.caption", first=days[0].day.isoformat(), last=days[-1].day.isoformat())
    if len(days) <= MONTH_AT_MOST:
        return charts.calendar(days, label(lang, "page.calendar.weekdays").split(), caption)
    return charts.heat(days, caption, label(lang, "page.calendar.months").split())


def _day(row: Row, today: date, start: str | None) -> charts.CalendarDay:
    day, found = date.fromisoformat(row["key"]), row["measures"]
    counts = {name: found[name] for name in (*COUNTED, "checks_excused")}
    if day > today:
        return charts.CalendarDay(day, "", "off", label(language(), "duty.not_due"))
    title = label(
        language(), "page.calendar.day", day=day_text(day), coverage=row["rates"]["coverage"]["value"] or "—",
        **{name.removeprefix("checks_"): _words(value) for name, value in counts.items()},
    )  # fmt: skip
    opened = f"{start}{day}" if start else None
    if any(not isinstance(value, int) for value in counts.values()):  # small figures are masked for this reader
        return charts.CalendarDay(day, OTHER_TEXT, "", title, opened)
    reported = counts["checks_zero"] + counts["checks_found"]
    owed = counts["checks_due"] - counts["checks_excused"]
    if day == today:
        return charts.CalendarDay(day, label(language(), "preset.today"), "now", title, opened)
    if owed > reported + counts["checks_missing"]:  # the grace is not over: nothing is missing yet
        return charts.CalendarDay(day, label(language(), "duty.due"), "now", title, opened)
    tone = charts.coverage_tone(reported, owed)
    return charts.CalendarDay(day, _tenth(row["rates"]["coverage"]["value"]), tone or "off", title, opened)


def day_url(choice: Choice, day: date) -> str | None:
    """Who has not reported for a day; None for roles that don't see it."""
    start = _day_start(choice)
    return f"{start}{day}" if start else None


def _day_start(choice: Choice) -> str | None:
    """The address of a day without the day: the router is asked once for a year of them."""
    rule = rule_for("pages.missing", "GET")
    if rule is None or me().role not in rule.roles:
        return None
    return f"{choice.url('pages.missing', period=None, tree=None, as_of=None)}&date="


def _figures(choice: Choice, row: Row) -> dict[str, Any]:
    day = date.fromisoformat(row["key"])
    links = {name: choice.records(name, period=row["key"]) if row["measures"][name] else None for name in COUNTED}
    return {**row, "day": day, "href": day_url(choice, day), "links": links}


def _words(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else shown(value)


def _tenth(percent: str | None) -> str:
    """`97.38` as 97.3, cut and not rounded: 99.96 must not look whole."""
    return "—" if percent is None else "100" if percent == "100.00" else percent[:-1]
