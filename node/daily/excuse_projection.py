"""From excuse acts to what excuses now, and to the tally of group days that are excused and not reported.

The tally of a unit holds what excuses of units *below* it lift; a unit that is itself excused, or stands below one that
is, needs none: all its duties but the reported ones are lifted (`node.daily.excuses.count`). So a tally changes for the
few units above an excused one, whatever number of groups there is below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta

from node.daily import duty_queries
from node.daily import excuse_queries as queries
from schemas.cadence import Calendar
from schemas.errors import GridError
from schemas.events import payload
from schemas.excuses import read_stored, standing
from schemas.units.tree import LEVELS, Tree
from sync import directory
from sync.replica import Replica, Stored

Dirty = dict[date, set[str]]  # by day the units whose excused days changed


class ExcuseProjection:
    """The part of one write transaction's projection that is about excuses."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._db = replica.db
        self._touched: set[str] = set()  # units with new acts

    def project(self, stored: Stored) -> None:
        """Takes one act in. Raises GridError for one that can't be read."""
        header = stored.event.header
        author = directory.unit_of(self._db, header.node)
        if author is None:  # of standing ok it has a certificate
            raise GridError("unreadable", field="node", value=header.node, why="no certificate")
        act = read_stored(stored.event.hash, header.unit, author[0], payload(stored.event))
        queries.put_act(self._db, act)
        self._touched.add(header.unit)

    def finish(self, calendar: Callable[[], Calendar], reported: Iterable[tuple[str, str]], *, all_again: bool) -> None:
        """Works out what excuses now, and the tallies of the days on which that changed, or on which somebody reported.

        `reported`: (unit, day) of check tallies that this transaction changed; they are written before.
        """
        tree = directory.tree_of(self._replica)
        dirty: Dirty = defaultdict(set)
        if all_again:
            queries.clear(self._db)
            self._touched = set(queries.units_with_acts(self._db))
        for unit in sorted(self._touched):
            self._settle(tree, unit, dirty)
        self._touched.clear()
        if not all_again and not queries.nothing_excused(self._db):
            self._reported(reported, dirty)
        if dirty:
            self._tally(tree, calendar(), dirty)

    def _settle(self, tree: Tree, unit: str, dirty: Dirty) -> None:
        """What excuses a unit now; the days on which that may have changed."""
        acts = queries.acts_of(self._db, unit)
        for act in acts:
            for number in range((act.last - act.first).days + 1):
                dirty[act.first + timedelta(days=number)].add(unit)
        queries.put_standing(self._db, unit, standing(acts, tree.ever_below))

    def _reported(self, reported: Iterable[tuple[str, str]], dirty: Dirty) -> None:
        by_day: dict[str, set[str]] = defaultdict(set)
        for unit, day in reported:
            by_day[day].add(unit)
        for text, units in by_day.items():
            excused = units & queries.units_on(self._db, date.fromisoformat(text))
            if excused:
                dirty[date.fromisoformat(text)] |= excused

    def _tally(self, tree: Tree, calendar: Calendar, dirty: Dirty) -> None:
        months: dict[tuple[str, str], int] = defaultdict(int)
        for day in sorted(dirty):
            daily = calendar.on(day).cadences[LEVELS[0]] == "day"
            above = {one for unit in dirty[day] for one in tree.ancestors(unit, day)[1:]}
            excused = queries.units_on(self._db, day)
            for unit in sorted(above, key=lambda one: (LEVELS.index(tree.level(one) or LEVELS[0]), one)):
                before = queries.excused_on(self._db, day, [unit]).get(unit, 0)
                change = (self._below(tree, unit, day, excused) if daily else 0) - before
                if change:
                    queries.add_tallies(self._db, "excused_day", "day", [(unit, day.isoformat(), change)])
                    months[(unit, day.isoformat()[:7])] += change
        queries.add_tallies(
            self._db, "excused_month", "month", [(*key, change) for key, change in sorted(months.items()) if change]
        )

    def _below(self, tree: Tree, unit: str, day: date, excused: frozenset[str]) -> int:
        """Group days that excuses of units below lift: whole children less what they reported, and parts of others."""
        children = tree.children_nearest(unit, day)
        whole = [one for one in children if one in excused]
        tallies = duty_queries.tallies_on(self._db, day, whole)
        lifted = sum(tree.group_count(one, day) for one in whole) - sum(one.reported for one in tallies.values())
        parts = [one for one in children if one not in excused]
        for start in range(0, len(parts), duty_queries.CHUNK):
            lifted += sum(queries.excused_on(self._db, day, parts[start : start + duty_queries.CHUNK]).values())
        return lifted
