"""Confirmation figures of one node at one instant: due, done, late and missing, of the tallies and the dated tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlite_utils import Database

from node.reports import confirmation_queries as queries
from node.reports.confirmation_excuses import lifted
from schemas.cadence import Calendar
from schemas.confirmations import CONFIRMATION_MEASURES, OWING, Owed, owed_between
from schemas.periods import Period
from schemas.units.acts import LEVELS
from schemas.units.tree import Tree

Parts = Sequence[tuple[str, int]]  # (unit, 1 for what it owes itself, else 0 for its subtree as it was)


class ConfirmationFigures:
    """Sums as judged at `now_ms`. Call inside `sync.database.read`."""

    def __init__(self, db: Database, tree: Tree, calendar: Calendar, now_ms: int) -> None:
        self._db, self._tree, self._calendar, self._now_ms = db, tree, calendar, now_ms
        self._owed: dict[tuple[str, date, date], list[Owed]] = {}
        self._lifted: dict[tuple[str, str], frozenset[str]] = {}

    def totals(self, parts: Parts, spans: Iterable[tuple[date, date]]) -> dict[str, int]:
        """Every measure of CONFIRMATION_MEASURES over spans of days, 0 where there is none."""
        total = dict.fromkeys(CONFIRMATION_MEASURES, 0)
        for first, last in spans:
            for unit, own in parts:
                self._add(total, unit, own, first, last)
        return total

    def days(self, parts: Parts, period: Period) -> dict[date, dict[str, int]]:
        """{day: every measure} of the days in a period on which something owed ends."""
        levels = {one for unit, own in parts for one in _levels(self._tree.level(unit) or LEVELS[0], own)} & set(OWING)
        ends = {owed.period.last for one in levels for owed in self._owed_of(one, period.first, period.last)}
        return {day: self.totals(parts, [(day, day)]) for day in sorted(ends)}

    def _add(self, total: dict[str, int], unit: str, own: int, first: date, last: date) -> None:
        level = self._tree.level(unit)
        if level is None or level not in OWING:
            return
        owed_by = {one: self._owed_of(one, first, last) for one in _levels(level, own)}
        if not any(owed_by.values()):
            return
        read = queries.own_sums if own else queries.sums
        given = {(one.day, one.level): one for one in read(self._db, unit, first, last)}
        for one_level, periods in owed_by.items():
            for owed in periods:
                day = owed.period.last
                due = self._due(unit, own, one_level, day)
                found = given.get((day.isoformat(), one_level))
                done = found.done if found else 0
                total["confirmations_due"] += due
                total["confirmations_done"] += done
                total["confirmations_late"] += found.late if found else 0
                if self._now_ms > owed.grace_ms:
                    total["confirmations_missing"] += due - done - self._excused(unit, own, one_level, owed.period)

    def _due(self, unit: str, own: int, level: str, day: date) -> int:
        """How many units owe one: known from the dated tree and the cadence alone, before anything was confirmed."""
        return int(self._tree.at(unit, day) is not None) if own else self._tree.level_count(unit, level, day)

    def _excused(self, unit: str, own: int, level: str, period: Period) -> int:
        """How many units were excused on each day of the period and confirmed nothing."""
        key = (level, period.key)
        if key not in self._lifted:
            excused = lifted(self._db, self._tree, level, period)
            self._lifted[key] = excused - queries.confirmed_on(self._db, period.last) if excused else excused
        found = self._lifted[key]
        if own:
            return int(unit in found)
        return sum(1 for one in found if self._tree.below(one, unit, period.last))

    def _owed_of(self, level: str, first: date, last: date) -> list[Owed]:
        key = (level, first, last)
        if key not in self._owed:
            self._owed[key] = list(owed_between(self._calendar, level, first, last))
        return self._owed[key]


def _levels(level: str, own: int) -> Sequence[str]:
    """The levels that owe confirmations in a subtree, from the unit's own down."""
    return (level,) if own else OWING[: LEVELS.index(level)]
