"""All acts in all states by all roles, at the API: the design's table and its roles, written down again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from casework import NEEDED, ROLES, Caseworker, Copy

from builders import E_TOWN, E_VILLAGE, EAST, W_TOWN, City, Node, told

OPEN: Final = "registered accepted assigned mediating reneged"
ALL: Final = f"{OPEN} agreed performed not_agreed terminated closed"
# act -> from which states, by what the unit is to the case, to which state ("" where it stays), in the design's order
TABLE: Final = {
    "accept": ("registered", "owner", "accepted"),
    "decline": ("registered", "owner", "closed"),
    "assign": ("accepted assigned", "owner", "assigned"),
    "mediate": ("accepted assigned", "owner", "mediating"),
    "agree": ("mediating", "owner", "performed"),
    "fail": ("mediating", "owner", "not_agreed"),
    "terminate": ("accepted assigned mediating", "owner", "terminated"),
    "follow_up": ("agreed", "owner", ""),
    "remediate": ("reneged", "owner", "mediating"),
    "refer": ("reneged not_agreed", "owner", "closed"),
    "apply_confirmation": ("agreed performed", "owner", ""),
    "confirm": ("agreed performed", "owner", ""),
    "refuse_confirmation": ("agreed performed", "owner", ""),
    "withdraw_confirmation": ("agreed performed", "owner", ""),
    "close": ("performed not_agreed terminated", "owner", "closed"),
    "hand_up": (OPEN, "owner", ""),
    "hand_down": (OPEN, "owner", ""),
    "hand_across": (OPEN, "owner", ""),
    "take": (OPEN, "offered", ""),
    "send_back": (OPEN, "offered", ""),
    "recall": (OPEN, "owner", ""),
    "seize": (OPEN, "above", ""),
    "supervise": (OPEN, "above", ""),
    "answer": (OPEN, "owner", ""),
    "extend": (OPEN, "owner", ""),
    "note": (ALL, "owner offered above seeing", ""),
}
WORKER: Final = ["hand_up", "recall", "note"]
REVIEWER_ALONE: Final = ["take", "send_back", "seize", "supervise"]
MAY: Final = {
    "worker": set(WORKER),
    "mediator": set(TABLE) - set(REVIEWER_ALONE),
    "reviewer": set(TABLE),
    "admin": set(TABLE),
    "viewer": set[str](),
    "analyst": set[str](),
}
# How a case of the township comes to each state, act by act.
AGREED: Final = ("accept", "mediate", {"action": "agree", "performance_due": "2026-12-20"})
WAYS: Final[dict[str, tuple[Any, ...]]] = {
    "registered": (),
    "accepted": ("accept",),
    "assigned": ("accept", "assign"),
    "mediating": ("accept", "mediate"),
    "agreed": AGREED,
    "performed": ("accept", "mediate", "agree"),
    "not_agreed": ("accept", "mediate", "fail"),
    "reneged": (*AGREED, {"action": "follow_up", "result": "reneged"}),
    "terminated": ("accept", "terminate"),
    "closed": ("decline",),
}
# How the situation differs from the bare state, and in which states it can.
MORE: Final = {
    "": ALL,
    "offered": OPEN,
    "supervised": OPEN,
    "applied": "agreed performed",
    "confirmed": "agreed performed",
    "refused": "agreed performed",
}
SITUATIONS: Final = [(state, more) for more, states in MORE.items() for state in states.split()]
# Whose people ask -> what their unit is to the township's case. The county's act for the township too: it is below
# them, and has no node of its own. The other township's stand before a case that was offered to it.
VIEWS: Final = {E_TOWN: {"owner"}, EAST: {"owner", "above"}, W_TOWN: {"seeing"}}


def allowed(state: str, more: str, unit: str, role: str) -> list[str]:
    """The acts that the design allows, in the table's order."""
    views = VIEWS[unit] | ({"offered"} if unit == W_TOWN and more == "offered" else set())
    if unit == W_TOWN and "offered" in views:
        views -= {"seeing"}
    return [
        act for act, (states, by, _to) in TABLE.items()
        if act in MAY[role] and state in states.split() and views & set(by.split()) and fits(act, more)
    ]  # fmt: skip


def fits(act: str, more: str) -> bool:
    """What stands beside the table: one offer at a time, one application, an answer to a supervision."""
    if act in ("hand_up", "hand_down", "hand_across"):
        return more != "offered"
    if act in ("take", "send_back", "recall"):
        return more == "offered"
    if act == "apply_confirmation":
        return more not in ("applied", "confirmed")
    if act in ("confirm", "refuse_confirmation", "withdraw_confirmation"):
        return more == "applied"
    return more == "supervised" if act == "answer" else True


class Floor:
    """The hub of a small city that serves everybody, with people of three units in all roles."""

    def __init__(self) -> None:
        self.hub: Node = City().hub
        self.people = {
            (unit, role): Caseworker(self.hub, f"{role}{place}", role, unit)
            for place, unit in enumerate(VIEWS) for role in ROLES if unit == E_TOWN or MAY[role]
        }  # fmt: skip
        self.empty = Copy(self.hub)

    def bring(self, state: str, more: str) -> dict[str, Any]:
        """A case of the township in a situation; the other township saw it once, and sent it back."""
        self.empty.restore()
        owner, county = self.people[E_TOWN, "mediator"], self.people[EAST, "reviewer"]
        other = self.people[W_TOWN, "reviewer"]
        case = owner.register()
        case = other.act(owner.act(case, "hand_across"), "send_back")
        for step in WAYS[state]:
            fields = dict(step) if isinstance(step, dict) else {}
            case = owner.act(case, fields.pop("action", step), **fields)
        if more == "offered":
            case = owner.act(case, "hand_across")
        elif more == "supervised":
            case = county.act(case, "supervise")
        elif more:
            case = owner.act(case, "apply_confirmation")
            follows = {"confirmed": "confirm", "refused": "refuse_confirmation"}.get(more)
            case = owner.act(case, follows) if follows else case
        assert case["state"] == state
        return case


@pytest.fixture(scope="module")
def floor() -> Iterator[Floor]:
    """One for all cells: every cell finds the situation as it was brought about."""
    made = Floor()
    yield made
    made.empty.close()
    made.hub.db.conn.close()


def fields_of(act: str) -> dict[str, Any]:
    """What the act needs here."""
    return {**NEEDED.get(act, {}), **({"to_unit": E_VILLAGE} if act == "hand_down" else {})}


def outcome(who: Caseworker, case: dict[str, Any], act: str) -> tuple[Any, ...]:
    """What is compared of an answer."""
    reply = who.try_to(case, act, **fields_of(act))
    document = told(reply)
    if reply.status_code == 200:
        return 200, document["state"], document["owner"], document["term"], document["event"] != case["event"]
    if reply.status_code == 409:
        return 409, document["code"], document["state"], document["allowed"], document["event"], document["field"]
    return reply.status_code, document["code"], document["field"]


def expected(case: dict[str, Any], state: str, more: str, who: Caseworker, act: str) -> tuple[Any, ...]:
    """What the design says."""
    if who.role in ("viewer", "analyst"):
        return 403, "role_not_allowed", "role"
    if act not in MAY[who.role]:
        return 403, "act_not_allowed", "action"
    may = allowed(state, more, who.unit, who.role)
    if act not in may:
        return 409, "case_not_now", state, may, case["event"], "action"
    owner = {"take": W_TOWN, "seize": EAST}.get(act, E_TOWN)
    return 200, TABLE[act][2] or state, owner, int(act in ("take", "seize")), True


@pytest.mark.parametrize(("state", "more"), SITUATIONS, ids=lambda part: part or "plain")
def test_every_act_by_every_role_ends_as_the_table_says(floor: Floor, state: str, more: str) -> None:
    case = floor.bring(state, more)
    here, events, wrong = Copy(floor.hub), floor.hub.count(), []
    for (unit, _role), who in floor.people.items():
        for act in TABLE:
            got, wanted = outcome(who, case, act), expected(case, state, more, who, act)
            if got != wanted:
                wrong.append((unit, who.role, act, got, wanted))
            if got[0] == 200:
                here.restore()
            assert floor.hub.count() == events, (who.role, act, got)
    here.close()
    assert wrong == []


@pytest.mark.parametrize(("state", "more"), SITUATIONS, ids=lambda part: part or "plain")
def test_the_document_names_the_acts_that_are_allowed(floor: Floor, state: str, more: str) -> None:
    case = floor.bring(state, more)
    for (unit, role), who in floor.people.items():
        if role not in ("viewer", "analyst"):
            assert who.see(case)["allowed"] == allowed(state, more, unit, role), (unit, role)


def test_registering_is_no_act_on_a_case(floor: Floor) -> None:
    case = floor.bring("registered", "")
    for role in ("worker", "mediator", "reviewer", "admin"):
        got = outcome(floor.people[E_TOWN, role], case, "register")
        assert got == (422, "not_one_of", "action"), role
