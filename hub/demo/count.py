"""Whether the hub counts what was entered: three counts made in three ways, compared cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Final

from hub.demo.cases import MEASURES as CASES
from hub.demo.work import Body
from node.figures import rollup
from node.home import Home
from node.reports.confirmation_projection import CONFIRMATION_KIND
from schemas.checks import REGULAR
from schemas.clock import at_time, parse_instant
from schemas.confirmations import ABOUT, about_of
from schemas.events import payload
from schemas.excuses import KIND as EXCUSE
from sync import log

CHECKS: Final = ("checks_due", "checks_zero", "checks_found", "checks_late", "checks_excused", "checks_missing")
PERIODIC: Final = "confirmations_done"
MEASURES: Final = (*CHECKS, PERIODIC, *CASES)
ONE_DAY: Final = timedelta(days=1)
Counts = dict[str, int]
Lifted = Mapping[date, frozenset[str]]  # groups that are excused, by day
Span = tuple[str, date, date]  # unit, first and last day of an excuse
Confirmed = Sequence[tuple[str, date]]  # unit and last day of each period that was confirmed


@dataclass
class Tally:
    """What is known of each group day, kept while entering: the last result, and when the first report was made."""

    results: dict[tuple[str, date], str] = field(default_factory=dict)
    first_ms: dict[tuple[str, date], int] = field(default_factory=dict)

    def add(self, body: Body) -> None:
        """Takes one entered check in; a later one of the same group and day amends the earlier."""
        key = (body["unit"], date.fromisoformat(body["date"]))
        self.results[key] = body["result"]
        self.first_ms.setdefault(key, parse_instant(body["recorded_at"], "recorded_at"))

    def counts(self, groups: Iterable[str], days: Sequence[date], now_ms: int, lifted: Lifted) -> Counts:
        """The measures of some groups over days, as they are known at `now_ms`. A report beats an excuse."""
        found = dict.fromkeys(CHECKS, 0)
        for group in groups:
            for day in days:
                grace_ms = at_time(day + ONE_DAY, time(10))
                found["checks_due"] += 1
                result = self.results.get((group, day))
                if result is not None:
                    found[f"checks_{result}"] += 1
                    found["checks_late"] += self.first_ms[(group, day)] > grace_ms
                elif group in lifted[day]:
                    found["checks_excused"] += 1
                elif grace_ms < now_ms:
                    found["checks_missing"] += 1
        return found


def from_logs(homes: Sequence[Home]) -> Tally:
    """Brute force: every check in the logs of all nodes, each event once, folded without any of the kept tables."""
    reports: dict[str, tuple[str, date, str, int]] = {}
    amended: set[str] = set()
    for home in homes:
        for stored in log.events(home.replica().db, "e.kind = ?", ["chk"]):
            if stored.event.hash in reports:
                continue
            header, said = stored.event.header, payload(stored.event)
            if said["occasion"] != REGULAR:  # a campaign's checks are a dimension of their own
                continue
            recorded = said.get("recorded_at")
            recorded_ms = recorded if isinstance(recorded, int) else header.rtime
            reports[stored.event.hash] = (
                header.unit,
                date.fromisoformat(header.bdate),
                str(said["result"]),
                recorded_ms,
            )
            amended.add(str(said.get("amends")))
    tally = Tally()
    for event, (unit, day, result, recorded_ms) in sorted(
        reports.items(), key=lambda one: (one[1][2] == "found", one[0])
    ):
        key = (unit, day)
        tally.first_ms[key] = min(recorded_ms, tally.first_ms.get(key, recorded_ms))
        if event not in amended:  # of several that stand the last here wins: found before zero, then the greater hash
            tally.results[key] = result
    return tally


def lifted_by(spans: Iterable[Span], groups: Mapping[str, Sequence[str]], days: Sequence[date]) -> Lifted:
    """Who is excused on which day, by (unit, first, last) of each excuse."""
    found: dict[date, set[str]] = {day: set() for day in days}
    for unit, first, last in spans:
        for day in days:
            if first <= day <= last:
                found[day].update(groups[unit])
    return {day: frozenset(units) for day, units in found.items()}


def excuses_in_logs(homes: Sequence[Home]) -> list[Span]:
    """Every excuse in the logs of all nodes; nobody takes one back here."""
    found = set()
    for home in homes:
        for stored in log.events(home.replica().db, "e.kind = ?", [EXCUSE]):
            said = payload(stored.event)
            first, last = (date.fromisoformat(str(said[end])) for end in ("from", "to"))
            found.add((stored.event.header.unit, first, last))
    return sorted(found)


def confirmed_in_logs(homes: Sequence[Home]) -> Confirmed:
    """Every unit and period with a confirmation in the logs of all nodes, however often it was amended."""
    found = set()
    for home in homes:
        for stored in log.events(home.replica().db, "e.kind = ?", [CONFIRMATION_KIND]):
            said = payload(stored.event)
            if about_of(said) == ABOUT:
                found.add(
                    (stored.event.header.unit, str(said["period"]), date.fromisoformat(stored.event.header.bdate))
                )
    return [(unit, last) for unit, _, last in sorted(found)]


def count_confirmed(confirmed: Confirmed, days: Sequence[date], inside: Callable[[str], bool]) -> int:
    """How many of some confirmations are of periods that end within days, of the units inside."""
    return sum(days[0] <= last <= days[-1] and inside(unit) for unit, last in confirmed)


def groups_published(hub: Home) -> dict[str, list[str]]:
    """Every unit with the groups below it, as the directory acts in the hub's log open them."""
    parents: dict[str, str] = {}
    groups: list[str] = []
    for stored in log.events(hub.replica().db, "e.kind = ?", ["dir"]):
        acts = payload(stored.event)["acts"]
        for act in acts if isinstance(acts, list) else []:
            if isinstance(act, dict) and act["act"] == "open":
                if act["parent"] is not None:
                    parents[str(act["unit"])] = str(act["parent"])
                if act["level"] == "group":
                    groups.append(str(act["unit"]))
    below: dict[str, list[str]] = {}
    for group in groups:
        unit: str | None = group
        while unit is not None:
            below.setdefault(unit, []).append(group)
            unit = parents.get(unit)
    return below


def rolled_up(hub: Home, unit: str, days: Sequence[date], now_ms: int) -> Counts:
    """The hub's own answer for a unit over the days."""
    document = rollup.answer(hub.replica(), unit, f"{days[0]}..{days[-1]}", by=None, tree="then", now_ms=now_ms)
    measures = document["measures"]
    assert isinstance(measures, Mapping)
    return {name: int(measures[name]) for name in MEASURES}
