"""Which units need not confirm a period: those for which each of its days is excused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlite_utils import Database

from node.daily import excuse_queries
from node.daily.excuses import Excused, days_lifted
from schemas.excuses import Span, without
from schemas.periods import Period
from schemas.units.tree import Tree, Unit


def lifted(db: Database, tree: Tree, level: str, period: Period, units: Iterable[Unit] | None = None) -> frozenset[str]:
    """Units of a level, valid on the last day of a period, that were excused on each of its days, as of the day; of
    some units only, if they are given.

    What stands in the period is read once: a city that excuses a county excuses hundreds of villages by it.
    """
    named = excuse_queries.units_on(db, period.last)
    if not named:
        return frozenset()
    last_day = Excused(tree, period.last, named)
    spans = excuse_queries.spans_between(db, period.first, period.last)

    def standing(above: Sequence[str], begin: date, end: date) -> list[Span]:
        return [span for unit in above for span in spans.get(unit, ()) if span[0] <= end and span[1] >= begin]

    return frozenset(
        one.id
        for one in (tree.units(period.last) if units is None else units)
        if one.level == level
        and last_day.has(one.id)
        and not without(period.first, period.last, days_lifted(tree, one.id, period.first, period.last, standing))
    )
