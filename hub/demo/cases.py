"""Cases of the demonstration: seeded, registered and settled where each unit is hosted; no real person appears."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from hub.demo.work import REVIEWER
from node.cases import acts
from node.cases.projection import ancestor_in
from node.home import Home
from node.people.accounts import Account
from schemas.cases.events import CaseEvent, read_case_event
from schemas.cases.fold import fold
from schemas.cases.lists import AMOUNT_BANDS, COMPLEXITIES, HAZARDS, HUBEI_15, SCALES, SOURCES
from schemas.cases.measures import recount
from schemas.events import payload
from schemas.periods import parse_day
from schemas.units.acts import LEVELS
from sync import log
from sync.database import write
from sync.directory import tree_of
from sync.intake import Intake

MEASURES: Final = ("registered", "accepted", "mediated", "agreed", "not_agreed", "confirmed", "closed", "open")
CASES_A_UNIT: Final = 8
GROUPS: Final = 12  # of the group node's village and others, hosted by the nodes above
HAZARD: Final = 0.2
OPEN: Final = ("accept", "mediate")
COURT: Final = (*OPEN, "agree", "apply_confirmation", "confirm")
ALWAYS: Final = (OPEN, COURT)  # of the first cases of each unit
# How far a case comes, and how often: each path is a beginning of the next act's.
PATHS: Final[Sequence[tuple[float, tuple[str, ...]]]] = (
    (0.1, ()),
    (0.1, ("accept",)),
    (0.2, OPEN),
    (0.3, (*OPEN, "agree")),
    (0.2, (*OPEN, "agree", "close")),
    (0.1, (*OPEN, "fail", "close")),
)
PRIVATE: Final[Mapping[str, Any]] = {
    "parties": [{"role": "applicant", "name": "申请人甲"}, {"role": "respondent", "name": "被申请人乙"}],
    "narrative": "演示用的编造经过。",
}
Act = dict[str, Any]
Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Planned:
    """One case: the body of its registration, and the acts that follow with their dates."""

    body: Act
    acts: tuple[Act, ...]


def plan(units: Sequence[str], days: Sequence[date], seed: int) -> list[Planned]:
    """The cases of some units over days; the same seed gives the same again."""
    chance = random.Random(f"{seed} cases {days[0]}")  # noqa: S311 - generated work, no secret
    return [_case(unit, days, chance, number) for unit in units for number in range(CASES_A_UNIT)]


def _case(unit: str, days: Sequence[date], chance: random.Random, number: int) -> Planned:
    listed = HAZARDS if chance.random() < HAZARD else HUBEI_15
    day = chance.choice(days)
    body = {
        "unit": unit, "date": day.isoformat(), "kind": listed.kind, "category": chance.choice(listed.codes),
        "source": chance.choices(SOURCES, [12, 8, 5, 1, 2, 1, 1, 1, 1])[0], "complexity": chance.choice(COMPLEXITIES),
        "urgency": chance.choices(("yellow", "orange", "red"), [8, 3, 1])[0], "scale": chance.choice(SCALES),
        "amount_band": chance.choice(AMOUNT_BANDS),
        "private": PRIVATE,
    }  # fmt: skip
    drawn = chance.choices([one for _, one in PATHS], [weight for weight, _ in PATHS])[0]
    path = ALWAYS[number] if number < len(ALWAYS) else drawn
    followed = []
    for action in path:
        day = min(day + timedelta(days=chance.randint(0, 3)), days[-1])
        at_once = action == "agree" and ("close" in path or chance.random() < 0.5)
        needs: Act = {"fail": {"advice": "litigation"}}.get(action, {})
        if action == "agree":
            due = (day + timedelta(days=30)).isoformat()
            needs = {"performed_at_once": True} if at_once else {"performance_due": due}
        followed.append({"action": action, "date": day.isoformat(), **needs})
    return Planned(body, tuple(followed))


def enter(homes: Mapping[str, Home], planned: Sequence[Planned], on_entered: Callable[[int], None]) -> dict[str, str]:
    """Signs and stores the cases, each in one transaction at the node that hosts its unit; `homes` lowest first.
    Returns the id of the first case of each unit, which stays open.
    """
    first: dict[str, str] = {}
    tree = tree_of(next(iter(homes.values())).replica())
    for case in planned:
        unit, day = case.body["unit"], date.fromisoformat(case.body["date"])
        above = tree.ancestors(unit, day)
        home = next(home for at, home in homes.items() if at in above)
        replica = home.replica()
        account = Account(REVIEWER, REVIEWER, replica.identity.unit)
        with write(replica.db, "case", replica.env):
            intake = Intake(replica, replica.env.now_ms())
            case_id = acts.enter(intake, case.body)
            for act in case.acts:
                last = acts.require_case(replica, account, case_id).event
                acts.enter_act(intake, account, case_id, {**act, "after": last})
            intake.finish()
        first.setdefault(unit, case_id)
        on_entered(1)
    return first


def counts_of(planned: Sequence[Planned], inside: Callable[[str], bool]) -> Counts:
    """The measures of the planned cases of some units: what was entered."""
    found = dict.fromkeys(MEASURES, 0)
    for case in planned:
        if inside(case.body["unit"]):
            done = {act["action"] for act in case.acts}
            found["registered"] += 1
            found["accepted"] += "accept" in done
            found["mediated"] += bool(done & {"agree", "fail"})
            found["agreed"] += "agree" in done
            found["not_agreed"] += "fail" in done
            found["confirmed"] += "confirm" in done
            found["closed"] += "close" in done
            found["open"] += not done & {"agree", "fail"}
    return found


def from_logs(homes: Sequence[Home], unit: str, days: Sequence[date], now_ms: int) -> Counts:
    """Brute force: every case folded from the events in the logs of all nodes, without any of the kept tables."""
    tree = tree_of(homes[0].replica())
    by_case: dict[str, dict[str, CaseEvent]] = {}
    for home in homes:
        for stored in log.events(home.replica().db, "e.kind = ?", ["case"]):
            header = stored.event.header
            level = LEVELS.index(tree.level(header.unit) or LEVELS[0])
            day = parse_day(header.bdate, "bdate")
            said = payload(stored.event)
            event = read_case_event(stored.event.hash, header.unit, level, day, header.rtime, said)
            by_case.setdefault(event.case, {})[event.hash] = event
    folded = (fold(events.values(), ancestor_in(tree)) for events in by_case.values())
    cases = [case for case in folded if case is not None]
    counts = recount(cases, days[0], days[-1], lambda one, day: tree.below(one, unit, day), now_ms)
    return {name: counts[name] for name in MEASURES}
