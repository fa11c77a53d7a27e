"""The confirmations, or the duties of one, behind a cell of a rollup: their count is the cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final

from node.daily.calendars import calendar_of
from node.figures.rollup_question import Question
from node.reports import confirmation_queries as queries
from node.reports.confirmation_excuses import lifted
from schemas.confirmations import OWING, owed_on
from schemas.units.tree import Tree
from sync.directory import tree_of
from sync.replica import Replica

Key = tuple[str, str]  # the last day of the period, and the unit
Item = dict[str, Any]
PAGE: Final = 1_000


def confirmations(
    replica: Replica, question: Question, measure: str, inside: Callable[[str, date], bool], after: Key, limit: int
) -> list[tuple[Key, Item]]:
    """The records of a measure of CONFIRMATION_MEASURES behind a key, at most `limit`, by (day, unit)."""
    if measure in ("confirmations_due", "confirmations_missing"):
        owed = _owed(replica, question, inside, missing=measure == "confirmations_missing")
        wanted = ((key, item) for key, item in owed if key > after)
        return [one for _, one in zip(range(limit), wanted, strict=False)]
    span = (question.period.first, question.period.last)
    found: list[tuple[Key, Item]] = []
    while len(found) < limit:
        rows = queries.counted_between(replica.db, span, after, PAGE, late=measure == "confirmations_late")
        if not rows:
            break
        after = (rows[-1][0], rows[-1][1])
        found += [
            ((day, unit), _item(unit, day, period, event, result))
            for day, unit, event, period, result in rows
            if inside(unit, date.fromisoformat(day))
        ]
    return found[:limit]


def _owed(
    replica: Replica, question: Question, inside: Callable[[str, date], bool], *, missing: bool
) -> Iterator[tuple[Key, Item]]:
    tree, calendar = tree_of(replica), calendar_of(replica.db)
    for day in question.period.each_day():
        owed = {level: one for level in OWING if (one := owed_on(calendar, level, day)) is not None}
        if missing:
            owed = {level: one for level, one in owed.items() if question.now_ms > one.grace_ms}
        if not owed:
            continue
        done = queries.confirmed_on(replica.db, day) if missing else frozenset()
        if missing:
            done |= frozenset().union(*(lifted(replica.db, tree, level, one.period) for level, one in owed.items()))
        for unit, level in _units(tree, day, frozenset(owed)):
            if unit not in done and inside(unit, day):
                item = _item(unit, day.isoformat(), owed[level].period.key, None, None)
                yield (day.isoformat(), unit), item


def _units(tree: Tree, day: date, levels: frozenset[str]) -> list[tuple[str, str]]:
    return sorted((one.id, one.level) for one in tree.units(day) if one.level in levels)


def _item(unit: str, day: str, period: str, event: str | None, result: str | None) -> Item:
    return {"event": event, "unit": unit, "date": day, "period": period, "result": result}
