"""The measures of checks of each day of a period, read at once: a year by day is a handful of questions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from sqlite_utils import Database

from node import queries
from node.daily import excuse_queries, excuses
from node.queries import Tally
from schemas.cadence import Calendar
from schemas.measures import CHECK_MEASURES
from schemas.periods import Period
from schemas.units.tree import Tree

# Which units are summed: (unit, 1 for what it did itself, else 0 for its subtree as it was).
Parts = Sequence[tuple[str, int]]
_NOTHING: Final = Tally()


def check_days(
    db: Database, tree: Tree, calendar: Calendar, parts: Parts, period: Period, closed: date
) -> dict[date, dict[str, int]]:
    """{day: every measure of CHECK_MEASURES}; up to `closed` a duty without a report is missing."""
    found = {day: dict.fromkeys(CHECK_MEASURES, 0) for day in period.each_day()}
    daily = {day for day in found if calendar.on(day).cadences["group"] == "day"}
    for unit, own in parts:
        if own:
            for text, count in queries.own_extra_days(db, unit, period.first, period.last).items():
                found[date.fromisoformat(text)]["checks_extra"] += count
            continue
        tallies = queries.each_day(db, unit, period.first, period.last)
        partly = excuse_queries.each_day(db, unit, period.first, period.last)
        wholly = excuses.days_excused(db, tree, unit, period.first, period.last)
        for day, row in found.items():
            text = day.isoformat()
            tally = tallies.get(text, _NOTHING)
            due = tree.group_count(unit, day) if day in daily else 0
            unreported = due - tally.zero - tally.found
            excused = partly.get(text, 0) if partly else 0
            if wholly and any(begin <= day <= end for begin, end in wholly):
                excused = unreported
            row["checks_due"] += due
            row["checks_excused"] += excused
            row["checks_missing"] += unreported - excused if day <= closed else 0
            if tally is not _NOTHING:
                row["checks_zero"] += tally.zero
                row["checks_found"] += tally.found
                row["checks_late"] += tally.late
                row["checks_extra"] += tally.extra
    return found
