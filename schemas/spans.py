"""A span of days as whole years, months and single days, added and taken away: the fewest sums that make it up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from schemas.periods import month_end

Grain = Literal["year", "month", "day"]
MAX_KEPT: Final = 1_024  # spans whose pieces are remembered: pages ask for the same few
_ONE_DAY: Final = timedelta(days=1)


class Piece(NamedTuple):
    """Consecutive sums of one grain, keyed `2026`, `2026-11` or `2026-11-23`; `sign` -1: to be taken away."""

    grain: Grain
    first: str
    last: str
    sign: int
    keys: int  # how many


@lru_cache(MAX_KEPT)
def pieces(first: date, last: date) -> tuple[Piece, ...]:
    """What adds up to the days from `first` to `last`, both included; none if `last` is before `first`.

    Of a year and of a month at most half is added up: where more of it is wanted, the rest is taken from the whole.
    So at most six months and sixteen days of the first and of the last year are looked at, however long the span is.
    """
    found: list[Piece] = []
    for year in range(first.year, last.year + 1):
        begin, end = date(year, 1, 1), date(year, 12, 31)
        inside = _months(max(first, begin), min(last, end))
        outside = [*_months(begin, max(first, begin) - _ONE_DAY), *_months(min(last, end) + _ONE_DAY, end)]
        whole = Piece("year", str(year), str(year), 1, 1)
        found += _fewest(inside, whole, outside)
    return tuple(_joined(found))


def rest_of_year(day: date) -> tuple[Piece, ...]:
    """What adds up to the days of the year after a day; none on its last."""
    return pieces(day + _ONE_DAY, date(day.year, 12, 31)) if (day.month, day.day) != (12, 31) else ()


def _months(first: date, last: date) -> list[Piece]:
    """The same of days inside one year, of months and days."""
    found: list[Piece] = []
    day = first
    while day <= last:
        begin, end = day.replace(day=1), month_end(day.year, day.month)
        inside = _days(day, min(last, end))
        outside = [*_days(begin, day - _ONE_DAY), *_days(min(last, end) + _ONE_DAY, end)]
        month = day.isoformat()[:7]
        found += _fewest(inside, Piece("month", month, month, 1, 1), outside)
        day = end + _ONE_DAY
    return _joined(found)


def _days(first: date, last: date) -> list[Piece]:
    count = (last - first).days + 1
    return [Piece("day", first.isoformat(), last.isoformat(), 1, count)] if count > 0 else []


def _fewest(inside: list[Piece], whole: Piece, outside: list[Piece]) -> list[Piece]:
    """What is inside, or the whole without what is outside, whichever are fewer sums."""
    if 1 + _cost(outside) < _cost(inside) or not outside:
        return [whole, *(piece._replace(sign=-piece.sign) for piece in outside)]
    return inside


def _cost(found: Iterable[Piece]) -> int:
    return sum(piece.keys for piece in found)


def _joined(found: list[Piece]) -> list[Piece]:
    """Pieces with those of one grain and sign that follow each other as one."""
    joined: list[Piece] = []
    for piece in sorted(found, key=lambda one: (one.grain, one.sign, one.first)):
        before = joined[-1] if joined else None
        if before and (before.grain, before.sign) == piece[0:4:3] and _follows(before.last, piece.first):
            joined[-1] = before._replace(last=piece.last, keys=before.keys + piece.keys)
        else:
            joined.append(piece)
    return joined


def _follows(key: str, later: str) -> bool:
    """Whether one key comes right after another of the same grain."""
    if len(key) == 4:
        return int(key) + 1 == int(later)
    if len(key) == 7:
        return (date.fromisoformat(f"{key}-28") + timedelta(days=4)).isoformat()[:7] == later
    return date.fromisoformat(key) + _ONE_DAY == date.fromisoformat(later)
