"""The work of the demonstration: seeded checks of one county, entered where each group is hosted, and synced up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any, Final

from hub.demo_nodes import DemoFailed
from node import checks, status
from node.home import Home
from schemas.clock import at_time, iso_instant
from sync.client import Client, Outcome
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
    """The checks of one day, amendments last: the same for the same seed, day and groups, but for what is cut off
    at `now_ms` (nothing is recorded in the future).
    """
    pick = random.Random(f"{seed} {day}")  # noqa: S311 - generated work, no secret
    today = at_time(day + ONE_DAY, time(0)) > now_ms
    planned = []
    for group in groups:
        chance, late, found = pick.random(), pick.random() < LATE, pick.random() < FOUND
        body = _check(group, day, _recorded(day, pick, now_ms, late=late), pick if found else None)
        if chance >= (1 - REPORTED_TODAY if today else SILENT):
            planned.append(body)
    amended = pick.sample(planned, min(AMENDED_A_DAY, len(planned)))
    again = [_check(one["unit"], day, min(one["recorded_at"] + 20 * MINUTE_MS, now_ms), pick) for one in amended]
    return [{**one, "recorded_at": iso_instant(one["recorded_at"])} for one in [*planned, *again]]


def _check(group: str, day: date, recorded_ms: int, finding: random.Random | None) -> Body:
    body: Body = {"unit": group, "date": day.isoformat(), "result": "zero", "recorded_at": recorded_ms}
    if finding is not None:
        disputes = finding.randint(0, 2)
        body |= {
            "result": "found",
            "found": {"disputes": disputes, "hazards": finding.randint(0 if disputes else 1, 2)},
        }
    return body


def _recorded(day: date, pick: random.Random, now_ms: int, *, late: bool) -> int:
    """An instant in the evening of the day, or after grace the next morning; earlier where that has not come yet."""
    after_grace = at_time(day + ONE_DAY, time(10)) + MINUTE_MS
    if late and after_grace < now_ms:
        return pick.randint(after_grace, min(after_grace + 240 * MINUTE_MS, now_ms))
    starts = (at_time(day, time(17)), at_time(day, time(7)), at_time(day, time(0)))
    start = next((one for one in starts if one < now_ms), now_ms)
    return pick.randint(start, min(at_time(day, time(19, 59)), now_ms))


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

    assert home.config.parent is not None
    with home.sync_turn():
        return drain(Client(home.replica(), home.config.parent), on_round=moved).last.problem
