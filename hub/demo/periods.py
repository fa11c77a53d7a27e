"""Periodic reports of the demonstration: who confirms which period when, seeded, entered where each unit is hosted."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import groupby
from typing import Any, Final

from node.reports import confirmations
from schemas.cadence import Calendar
from schemas.clock import at_time, business_day
from schemas.confirmations import OWING, Owed, last_owed, owed_between
from schemas.units.tree import Tree, Unit
from sync.database import write
from sync.directory import tree_of
from sync.intake import Intake
from sync.replica import Replica

OFFICE_HOURS: Final = (time(9, 20), time(15, 40))
LATE: Final = 0.04
LATE_AFTER_MS: Final = 14 * 3_600_000  # behind the end of grace, which is an evening
ONE_DAY: Final = timedelta(days=1)
REMARKS: Final = ("", "", "", "已与各组台账核对一致。", "已核对，漏报的组已逐一提醒。")
BEFORE_START: Final = "系统自 {day} 起启用，此前各项情况未录入系统。"
COMMIT: Final = "check"  # a report of a unit, as a check is
Replicas = Mapping[str, Replica]  # by unit, the lowest first
EnterOne = Callable[[Intake, Mapping[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Timed:
    """What a unit sends, as the API takes it, and the instant (unix ms) at which it does."""

    at_ms: int
    unit: str
    last: date  # of its period
    body: Mapping[str, Any]


def plan(
    calendar: Calendar, tree: Tree, top: str, days: Sequence[date], seed: int, now_ms: int, punctual: Sequence[str]
) -> list[Timed]:
    """The confirmations, up to now, of a county's units for the periods that end within days, and the city's newest.

    The `punctual` are never late. Of each period one village's is missing; of one that falls due now some are still to
    come. The same seed gives the same again.
    """
    found: list[Timed] = []
    for level in OWING[:-1]:
        for owed in owed_between(calendar, level, days[0], days[-1]):
            units = [one for one in tree.subtree(top, owed.period.last) if one.level == level]
            missing = missing_village(units, owed, seed, punctual)
            for unit in units:
                chance = random.Random(f"{seed} {unit.id} {owed.period.key}")  # noqa: S311 - generated work
                at_ms = arrival(chance, owed, now_ms, late=unit.id not in punctual and chance.random() < LATE)
                if at_ms is not None and unit.id != missing:
                    found.append(_confirmation(unit.id, owed, at_ms, chance.choice(REMARKS)))
    return sorted([*found, *_of_city(calendar, tree, days, now_ms)], key=lambda one: one.at_ms)


def missing_village(units: Sequence[Unit], owed: Owed, seed: int, punctual: Sequence[str]) -> str | None:
    """The one village that does not confirm a period."""
    chance = random.Random(f"{seed} missing {owed.period.key}")  # noqa: S311 - generated work
    villages = [one.id for one in units if one.level == "village" and one.id not in punctual]
    return chance.choice(villages) if villages else None


def _of_city(calendar: Calendar, tree: Tree, days: Sequence[date], now_ms: int) -> Iterator[Timed]:
    """Nobody can excuse the city, so it confirms what ended before the system was taken into use as well."""
    owed = last_owed(calendar, OWING[-1], now_ms, days[-1])
    if owed is None:
        return
    at_ms = max(owed.opens_ms + OFFICE_HOURS[0].hour * 3_600_000, at_time(days[0], OFFICE_HOURS[0]))
    if at_ms <= now_ms:
        remarks = BEFORE_START.format(day=days[0]) if owed.period.first < days[0] else ""
        for unit in tree.units(owed.period.last):
            if unit.level == OWING[-1]:
                yield _confirmation(unit.id, owed, at_ms, remarks)


def _confirmation(unit: str, owed: Owed, at_ms: int, remarks: str) -> Timed:
    body = {"unit": unit, "period": owed.period.key, "remarks": remarks}
    return Timed(at_ms, unit, owed.period.last, body)


def arrival(chance: random.Random, owed: Owed, now_ms: int, *, late: bool) -> int | None:
    """When a report for a period is sent: in office hours before it is due, or after grace; None while that is still
    to come.
    """
    first, last = business_day(owed.opens_ms), business_day(owed.due_ms)
    moments = [at_time(first + at * ONE_DAY, clock) for at in range((last - first).days + 1) for clock in OFFICE_HOURS]
    at_ms = chance.choice([one for one in moments if owed.opens_ms <= one <= owed.due_ms] or [owed.opens_ms])
    at_ms = owed.grace_ms + LATE_AFTER_MS if late else at_ms
    return at_ms if at_ms <= now_ms else None


def enter(replicas: Replicas, timed: Sequence[Timed], on_entered: Callable[[int], None]) -> None:
    """Signs and stores confirmations in the order of their instants."""
    enter_timed(replicas, timed, confirmations.enter, on_entered)


def enter_timed(
    replicas: Replicas, timed: Sequence[Timed], enter_one: EnterOne, on_entered: Callable[[int], None]
) -> None:
    """Signs and stores what units send, each at the node that hosts it; what one node gets at one instant is one
    transaction, recorded then.
    """
    tree = tree_of(next(iter(replicas.values())))

    def host(one: Timed) -> str:
        above = tree.ancestors(one.unit, one.last)
        return next(unit for unit in replicas if unit in above)

    def turn(one: Timed) -> tuple[int, str]:
        return one.at_ms, host(one)

    for (at_ms, unit), batch in groupby(sorted(timed, key=turn), turn):
        sent, replica = list(batch), replicas[unit]
        with write(replica.db, COMMIT, replica.env):
            intake = Intake(replica, at_ms)
            for one in sent:
                enter_one(intake, one.body)
            intake.finish()
        on_entered(len(sent))
