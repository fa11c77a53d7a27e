"""Confirmations that units of a subtree owe for periods that end on a day, each with its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from node.daily import duty_queries
from node.daily.calendars import calendar_of
from node.reports import confirmation_queries
from node.reports.confirmation_excuses import lifted
from node.reports.confirmation_queries import Duty
from schemas.confirmations import OWING, Owed, owed_on
from schemas.duties import duty_state
from schemas.units.tree import Unit
from sync.directory import tree_of
from sync.replica import Replica


@dataclass(frozen=True, slots=True)
class OwedBy:
    """A period that a unit has to confirm, what it confirmed, and the state of that (one of the duty states)."""

    unit: Unit
    owed: Owed
    given: Duty | None
    state: str


def owed_by(replica: Replica, unit: str, day: date, level: str | None = None) -> list[OwedBy]:
    """What the subtree of a unit as of a day owes for periods that end on it, by unit id; of one level if asked."""
    calendar, tree = calendar_of(replica.db), tree_of(replica)
    levels = OWING if level is None else (level,)
    owed = {one: found for one in levels if (found := owed_on(calendar, one, day)) is not None}
    if not owed:
        return []
    units = [one for one in tree.units(day) if one.level in owed and tree.below(one.id, unit, day)]
    return judged(replica, [(one, owed[one.level]) for one in sorted(units, key=lambda one: one.id)])


def judged(replica: Replica, pairs: Sequence[tuple[Unit, Owed]]) -> list[OwedBy]:
    """Some duties with what was given for them and their states as they are now, in the order given."""
    given: dict[tuple[str, str], Duty] = {}
    tree = tree_of(replica)
    slots = {(unit.level, owed.period) for unit, owed in pairs}
    excused = {slot: lifted(replica.db, tree, *slot, [unit for unit, _ in pairs]) for slot in slots}
    for period in {owed.period for _, owed in pairs}:
        units = [unit.id for unit, owed in pairs if owed.period == period]
        rows = confirmation_queries.duties_on(replica.db, period.last, period.key, units)
        given |= {(unit, period.key): row for unit, row in rows.items()}
    returned = duty_queries.returned_among(replica.db, [row.event for row in given.values()])
    now = replica.env.now_ms()
    found = []
    for unit, owed in pairs:
        row = given.get((unit.id, owed.period.key))
        is_excused = unit.id in excused[(unit.level, owed.period)]
        found.append(OwedBy(unit, owed, row, _state(owed, row, now, excused=is_excused, returned=returned)))
    return found


def _state(owed: Owed, given: Duty | None, now_ms: int, *, excused: bool, returned: frozenset[str]) -> str:
    """One of the duty states: before the period is over nothing is due."""
    return duty_state(
        now_ms,
        owed.opens_ms,
        owed.grace_ms,
        given.result if given else None,  # type: ignore[arg-type]
        given.first_recorded_at if given else None,
        excused,
        given is not None and given.event in returned,
    )
