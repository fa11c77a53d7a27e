"""The work of the demonstration: seeded checks of one county, entered where each group is hosted, and synced up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any, Final

from hub.demo.nodes import DemoFailed
from node import status
from node.daily import checks
from node.home import Home
from schemas.clock import at_time, iso_instant
from sync.client import Outcome
from sync.database import write
from sync.directory import tree_of
from sync.intake import Intake
from sync.loop import drain

Body = dict[str, Any]  # one check as the API takes it
BATCH: Final = 200  # checks in one write transaction
MAX_PASSES: Final = 10
ONE_DAY: Final = timedelta(days=1)
MINUTE_MS: Final = 60_000
# About 99 of 100 checks find nothing; a few come late, a few never.
SILENT: Final = 0.004
LATE: Final = 0.005
FOUND: Final = 0.01
AMENDED_A_DAY: Final = 1
REPORTED_TODAY: Final = 0.6
REVIEWER: Final = "reviewer"  # the account of each unit that does what is no daily check


def days_up_to(today: date, count: int) -> list[date]:
    """The last `count` days, today included, oldest first."""
    return days_between(today - (count - 1) * ONE_DAY, today)


def days_between(first: date, last: date) -> list[date]:
    """Every day of a span, both ends included."""
    return [first + at * ONE_DAY for at in range((last - first).days + 1)]


def groups_below(home: Home, unit: str, day: date) -> list[str]:
    """The groups of a subtree, in the order of their codes."""
    return [one.id for one in tree_of(home.replica()).subtree(unit, day) if one.level == "group"]


def plan_day(day: date, groups: Sequence[str], seed: int, now_ms: int) -> list[Body]:
    """The checks of one day, amendments last. The same seed gives each group the same day again, but for instants:
    nothing is recorded after `now_ms`.
    """
    threshold = 1 - REPORTED_TODAY if at_time(day + ONE_DAY, time(0)) > now_ms else SILENT
    planned = []
    for group in groups:
        chance = random.Random(f"{seed} {day} {group}")  # noqa: S311 - generated work, no secret
        if chance.random() >= threshold:
            planned.append(_check(group, day, _recorded(day, chance, now_ms), chance, found=chance.random() < FOUND))
    chance = random.Random(f"{seed} {day}")  # noqa: S311 - generated work, no secret
    amended = chance.sample(planned, min(AMENDED_A_DAY, len(planned)))
    again = [
        _check(one["unit"], day, min(one["recorded_at"] + 20 * MINUTE_MS, now_ms), chance, found=True)
        for one in amended
    ]
    return [{**one, "recorded_at": iso_instant(one["recorded_at"])} for one in [*planned, *again]]


def _check(group: str, day: date, recorded_ms: int, chance: random.Random, *, found: bool) -> Body:
    body: Body = {"unit": group, "date": day.isoformat(), "result": "zero", "recorded_at": recorded_ms}
    if found:
        disputes = chance.randint(0, 2)
        body |= {"result": "found", "found": {"disputes": disputes, "hazards": chance.randint(0 if disputes else 1, 2)}}
    return body


def _recorded(day: date, chance: random.Random, now_ms: int) -> int:
    """An instant in the evening of the day; seldom after grace, the next day; earlier where that has not come yet."""
    late, part = chance.random() < LATE, chance.random()
    start, end = at_time(day, time(17)), at_time(day, time(19, 59))
    after_grace = at_time(day + ONE_DAY, time(10, 1))
    if late and after_grace < now_ms:
        start, end = after_grace, after_grace + 240 * MINUTE_MS
    elif start >= now_ms:
        start = at_time(day, time(0))
    end = min(end, now_ms)
    return start + int(part * (end - start))


def enter(homes: Mapping[str, Home], bodies: Sequence[Body], on_entered: Callable[[int], None]) -> None:
    """Signs and stores checks, each at the node that hosts its group; `homes` by unit, the lowest first."""
    for home, own in _by_host(homes, bodies):
        replica = home.replica()
        for start in range(0, len(own), BATCH):
            with write(replica.db, "check", replica.env):
                intake = Intake(replica, replica.env.now_ms())
                for body in own[start : start + BATCH]:
                    checks.enter(intake, body)
                intake.finish()
            on_entered(len(own[start : start + BATCH]))


def _by_host(homes: Mapping[str, Home], bodies: Sequence[Body]) -> Iterator[tuple[Home, list[Body]]]:
    """Who enters what: the nearest unit above a group that has a node here."""
    tree = tree_of(next(iter(homes.values())).replica())
    shares: dict[str, list[Body]] = {unit: [] for unit in homes}
    for body in bodies:
        above = tree.ancestors(body["unit"], date.fromisoformat(body["date"]))
        shares[next(unit for unit in homes if unit in above)].append(body)
    return ((homes[unit], share) for unit, share in shares.items())


def sync_up(homes: Sequence[Home], on_moved: Callable[[int], None]) -> None:
    """Drains every link from the lowest node up, then back down for the marks, until the city has marked every head.

    Raises DemoFailed when that does not come about in 10 passes.
    """
    why = ""
    for _ in range(MAX_PASSES):
        for home in [*homes, *reversed(homes)]:
            why = _drained(home, on_moved) or why
        if all(marked for home in homes for *_, marked in status.heads(home.replica())):
            return
    raise DemoFailed("demo.sync_failed", why=why or "not_marked")


def _drained(home: Home, on_moved: Callable[[int], None]) -> str | None:
    """One drain, taking turns with the loop of `serve`; the problem that ended it, if any."""

    def moved(outcome: Outcome) -> None:
        on_moved(outcome.pushed)

    client = home.client()
    assert client is not None
    with home.sync_turn():
        return drain(client, on_round=moved).last.problem
