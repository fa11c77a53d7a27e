"""From `cnf` events to the confirmation that counts for each unit and period, and the tallies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from node.daily.calendars import calendar_of
from node.reports import confirmation_queries as queries
from node.reports.confirmation_queries import Duty, Given, Key
from schemas.cadence import Calendar
from schemas.confirmations import ABOUT, Confirmation, about_of, effective_confirmation, owed_on, read_confirmation
from schemas.duties import on_time
from schemas.events import payload
from schemas.periods import parse_day
from schemas.units.acts import LEVELS
from schemas.units.tree import Tree
from sync.directory import tree_of
from sync.replica import Replica, Stored

CONFIRMATION_KIND: Final = "cnf"
CONFIRMATION_SCHEMA: Final = "cnf/1"


def confirmation_from(stored: Stored) -> Confirmation:
    """The confirmation that a `cnf` about a period states. Raises GridError when its payload breaks a rule."""
    header = stored.event.header
    day = parse_day(header.bdate, "bdate")
    return read_confirmation(stored.event.hash, header.unit, day, header.rtime, payload(stored.event))


def is_about_period(stored: Stored) -> bool:
    """Whether a `cnf` is a periodic report."""
    return about_of(payload(stored.event)) == ABOUT


def duty_of(tree: Tree, calendar: Calendar, given: Sequence[Given]) -> Duty:
    """The confirmation that stands for a unit and period, and how it counts by the duty that the unit had."""
    standing = effective_confirmation(given)
    one, day = standing.report, parse_day(standing.report.day, "day")
    level = tree.level(one.unit) or LEVELS[0]
    owed = owed_on(calendar, level, day) if tree.at(one.unit, day) is not None else None
    counted = owed is not None and owed.period.key == one.period
    return Duty(
        unit=one.unit,
        day=one.day,
        period=one.period,
        level=level,
        event=one.event,
        result=one.result,
        first_recorded_at=standing.first_recorded_ms,
        counted=counted,
        late=owed is not None and counted and not on_time(standing.first_recorded_ms, owed.grace_ms),
        conflicts=len(standing.conflicts),
    )


class ConfirmationProjection:
    """The confirmations of one write transaction: tallies are gathered and written once, at `finish`."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._db = replica.db
        self._changes: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])

    def project(self, stored: Stored) -> None:
        """Takes one periodic report in. Raises GridError when its payload breaks a rule; then it has no effect."""
        one = confirmation_from(stored)
        day = one.period.last.isoformat()
        queries.insert(
            self._db, Given(one.event, one.unit, day, one.period.key, one.result, one.amends, one.recorded_ms)
        )
        self._settle((one.unit, one.period.key), tree_of(self._replica), calendar_of(self._db))

    def finish(self, *, all_again: bool) -> None:
        """Writes the tallies; after a change of tree or cadence they are all made again."""
        if all_again:
            self._changes.clear()
            queries.clear(self._db)
            tree, calendar = tree_of(self._replica), calendar_of(self._db)
            for key in queries.all_keys(self._db):
                self._settle(key, tree, calendar)
        changed = sorted(self._changes.items())
        queries.add(self._db, [(*slot, done, late) for slot, (done, late) in changed if done or late])
        self._changes.clear()

    def _settle(self, key: Key, tree: Tree, calendar: Calendar) -> None:
        """Works out what counts for a unit and period, and moves its weight in the tallies."""
        before = queries.duty(self._db, key)
        if before is not None:
            self._count(tree, before, -1)
        now = duty_of(tree, calendar, queries.given_for(self._db, key))
        queries.put_duty(self._db, now)
        self._count(tree, now, 1)

    def _count(self, tree: Tree, duty: Duty, sign: int) -> None:
        if not duty.counted:
            return
        for above in tree.ancestors(duty.unit, parse_day(duty.day, "day")):
            slot = self._changes[(above, duty.day, duty.level)]
            slot[0] += sign
            slot[1] += sign * duty.late
