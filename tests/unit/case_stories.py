"""A small tree of units and a teller of case stories, for the tests of cases."""

from __future__ import annotations

from datetime import date, time, timedelta

from schemas.cases.events import CaseEvent
from schemas.cases.fold import Case, fold
from schemas.cases.table import NAMES_OFFER, OWNING
from schemas.clock import at_time
from schemas.units.acts import LEVELS

CASE = "0190f3b2-1c1a-7abc-8def-0123456789ab"
DAY = date(2026, 11, 10)
PARENTS = {
    "city": None,
    "k1": "city",
    "k2": "city",
    "t1": "k1",
    "t2": "k1",
    "t3": "k2",
    "v1": "t1",
    "v2": "t1",
    "v3": "t2",
    "g1": "v1",
    "g2": "v1",
}
UNITS = tuple(PARENTS)
NEEDED: dict[str, dict[str, object]] = {
    "decline": {"reason": "in_court"},
    "assign": {"body": "family"},
    "agree": {"performance_due": "2026-12-01"},
    "fail": {"advice": "litigation"},
    "follow_up": {"result": "not_yet"},
    "refer": {"to": "arbitration"},
    "supervise": {"due": "2026-11-20"},
    "extend": {"until": "2026-12-01"},
}
REGISTRATION: dict[str, object] = {
    "kind": "dispute",
    "category": "04",
    "list": "hubei-15/1",
    "source": "self_found",
    "complexity": "ordinary",
    "urgency": "orange",
}


def ancestor(above: str, unit: str, day: date) -> bool:
    parent = PARENTS.get(unit)
    while parent is not None:
        if parent == above:
            return True
        parent = PARENTS[parent]
    return False


def level(unit: str) -> int:
    depth = 0
    parent = PARENTS[unit]
    while parent is not None:
        depth, parent = depth + 1, PARENTS[parent]
    return len(LEVELS) - 1 - depth


def noon(day: date) -> int:
    return at_time(day, time(12))


class Story:
    """Events of one case as they are told. Terms and offers are right unless given; each act follows the last one."""

    def __init__(self, unit: str = "g1", name: str = "a0", day: date = DAY, **facts: object) -> None:
        self.events: list[CaseEvent] = []
        self.names = 0
        first = CaseEvent(
            name, None, CASE, "register", unit, level(unit), day, noon(day), 0, None, {**REGISTRATION, **facts}
        )
        self.events.append(first)

    def act(
        self,
        action: str,
        unit: str,
        *,
        name: str | None = None,
        after: str | None = None,
        term: int | None = None,
        offer: str | None = None,
        day: date | None = None,
        **public: object,
    ) -> str:
        """Tells an act and gives its hash."""
        self.names += 1
        before = self.path(after or self.events[-1].hash)
        reached = fold(before, ancestor)
        last_term = reached.term if reached else 0
        if offer is None and action in NAMES_OFFER:
            offer = next((one.hash for one in reversed(before) if one.action.startswith("hand_")), None)
        event = CaseEvent(
            name or f"m{self.names:02}",
            before[-1].hash,
            CASE,
            action,
            unit,
            level(unit),
            day or before[-1].day,
            noon(day or before[-1].day),
            last_term + (action in OWNING) if term is None else term,
            offer,
            public or NEEDED.get(action, {}),
        )
        self.events.append(event)
        return event.hash

    def path(self, tip: str) -> list[CaseEvent]:
        """The events from the registration to one of them."""
        by_hash = {event.hash: event for event in self.events}
        path = [by_hash[tip]]
        while path[-1].after is not None:
            path.append(by_hash[path[-1].after])
        return path[::-1]

    @property
    def case(self) -> Case:
        case = fold(self.events, ancestor)
        assert case is not None
        return case


def days(number: int) -> timedelta:
    return timedelta(days=number)
