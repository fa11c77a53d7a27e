"""Days as a calendar: a month or so as a table that can be read and tapped, a longer span as columns of weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

from node.charts.markup import element, joined

WEEK: Final = 7
BAND: Final = 27  # weeks beside each other
_CELL, _STEP, _WORDS = 10, 12, 16  # a cell, from one to the next, room for the names of the months
_BAND_HEIGHT: Final = _WORDS + WEEK * _STEP + 6


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One day: `figure` under its number, `tone` q1 to q4, `off` (not yet) or `now` (today), `title` all of it in
    words, `href` where the day opens.
    """

    day: date
    figure: str
    tone: str
    title: str
    href: str | None = None


def calendar(days: Sequence[CalendarDay], weekdays: Sequence[str], caption: str) -> Markup:
    """Consecutive days as a table, a week a row from Monday on; `weekdays` the seven words of its head."""
    head = [element("th", word, scope="col") for word in weekdays]
    rows = [element("tr", joined([_cell(one) for one in week])) for week in weeks(days)]
    return element(
        "table", element("caption", caption, class_="vh"), element("thead", element("tr", joined(head))),
        element("tbody", joined(rows)), class_="cal",
    )  # fmt: skip


def heat(days: Sequence[CalendarDay], caption: str, months: Sequence[str]) -> Markup:
    """Consecutive days as columns of weeks, half a year a band; `months` the twelve short names. The figures belong in
    a table beside it, since a square has room for none.
    """
    columns = weeks(days)
    drawn: list[Markup] = []
    named: tuple[int, int] | None = None
    for at, week in enumerate(columns):
        left, top = at % BAND * _STEP, at // BAND * _BAND_HEIGHT
        first = next(one for one in week if one is not None).day
        if first.day <= WEEK and (first.year, first.month) != named:
            named = (first.year, first.month)
            drawn.append(element("text", months[first.month - 1], class_="tx", x=left, y=top + _CELL))
        drawn += [_square(one, left, top + _WORDS + row * _STEP) for row, one in enumerate(week) if one is not None]
    bands = -(-len(columns) // BAND)
    return element(
        "svg", element("title", caption), joined(drawn), viewBox=f"0 0 {BAND * _STEP} {bands * _BAND_HEIGHT}",
        class_="heat bands", role="img", aria_label=caption,
    )  # fmt: skip


def _square(one: CalendarDay, x: int, y: int) -> Markup:
    told = element("title", one.title)
    drawn = element("rect", told, class_=one.tone or None, x=x, y=y, width=_CELL, height=_CELL, rx=2)
    return element("a", drawn, href=one.href, tabindex=-1) if one.href else drawn


def weeks(days: Sequence[CalendarDay]) -> list[list[CalendarDay | None]]:
    """Consecutive days by week from Monday on, None before the first and after the last."""
    if not days:
        return []
    cells: list[CalendarDay | None] = [None] * days[0].day.weekday()
    cells += days
    cells += [None] * (-len(cells) % WEEK)
    return [cells[at : at + WEEK] for at in range(0, len(cells), WEEK)]


def _cell(one: CalendarDay | None) -> Markup:
    if one is None:
        return element("td")
    inside = [element("b", str(one.day.day)), element("span", one.figure)]
    shown = element("a", *inside, href=one.href, title=one.title) if one.href else joined(inside)
    return element("td", shown, class_=one.tone or None, title=None if one.href else one.title)
