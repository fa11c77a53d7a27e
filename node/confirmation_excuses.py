"""Which units need not confirm a period: those for which each of its days is excused."""

from __future__ import annotations

from datetime import date

from sqlite_utils import Database

from node import excuse_queries
from node.excuses import Excused, days_excused
from schemas.excuses import without
from schemas.periods import Period
from schemas.units import Tree


def lifted(db: Database, tree: Tree, level: str, period: Period) -> frozenset[str]:
    """Units of a level, valid on the last day of a period, that were excused on each of its days, as of the day."""
    named = excuse_queries.units_on(db, period.last)
    if not named:
        return frozenset()
    last_day = Excused(tree, period.last, named)
    return frozenset(
        one.id
        for one in tree.units(period.last)
        if one.level == level and last_day.has(one.id) and _throughout(db, tree, one.id, period.first, period.last)
    )


def _throughout(db: Database, tree: Tree, unit: str, first: date, last: date) -> bool:
    return not without(first, last, days_excused(db, tree, unit, first, last))
