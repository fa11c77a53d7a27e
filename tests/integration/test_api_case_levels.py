"""Hand-overs and supervision over three levels with nodes of their own: who may do what by role, where the design's
table is written down again, and what each act makes of owner, offer and term.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from casework import NEEDED, Caseworker, Copy

from builders import CITY, E_TOWN, E_VILLAGE, EAST, NOW_MS, City, told

LINE: Final = (E_VILLAGE, E_TOWN, EAST, CITY)
ROLES: Final = ("worker", "mediator", "reviewer")
WORKER: Final = {"hand_up", "recall", "note"}
REVIEWER_ALONE: Final = {"take", "send_back", "seize", "supervise"}
# act -> by what the unit is to the case, of those that hand over or supervise
ACTS: Final = {
    "hand_up": "owner", "hand_down": "owner", "hand_across": "owner", "take": "offered", "send_back": "offered",
    "recall": "owner", "seize": "above", "supervise": "above", "answer": "owner", "extend": "owner",
    "note": "owner offered above seeing",
}  # fmt: skip
# What was done: (unit, act, fields); then owner, offered to, term, whether a supervision waits for its answer.
UP: Final = (E_VILLAGE, "hand_up", {"to_unit": E_TOWN, "reason": "超出权限"})
TWO_UP: Final = (E_VILLAGE, "hand_up", {"to_unit": EAST, "reason": "重大"})
TAKEN: Final = (UP, (E_TOWN, "take", {}))
WATCHED: Final = (EAST, "supervise", {"due": "2026-11-30"})
SITUATIONS: Final[dict[str, tuple[tuple[Any, ...], str, str | None, int, bool]]] = {
    "registered": ((), E_VILLAGE, None, 0, False),
    "offered up": ((UP,), E_VILLAGE, E_TOWN, 0, False),
    "offered two levels up": ((TWO_UP,), E_VILLAGE, EAST, 0, False),
    "sent back": ((UP, (E_TOWN, "send_back", {"reason": "应由村办理"})), E_VILLAGE, None, 0, False),
    "recalled": ((UP, (E_VILLAGE, "recall", {})), E_VILLAGE, None, 0, False),
    "taken": (TAKEN, E_TOWN, None, 1, False),
    "offered down": (
        (*TAKEN, (E_TOWN, "hand_down", {"to_unit": E_VILLAGE, "reason": "就近"})), E_TOWN, E_VILLAGE, 1, False,
    ),
    "seized": (((EAST, "seize", {"reason": "重大"}),), EAST, None, 1, False),
    "seized while offered": ((UP, (EAST, "seize", {"reason": "重大"})), EAST, None, 1, False),
    "supervised": ((WATCHED,), E_VILLAGE, None, 0, True),
    "supervised while offered": ((UP, WATCHED), E_VILLAGE, E_TOWN, 0, True),
    "answered": ((WATCHED, (E_VILLAGE, "answer", {"reply": "已约"})), E_VILLAGE, None, 0, False),
}  # fmt: skip


def views(unit: str, owner: str, offered: str | None) -> set[str]:
    """What a unit is to the case."""
    found = {"owner"} if unit == owner else set()
    found |= {"offered"} if unit == offered else set()
    found |= {"above"} if LINE.index(unit) > LINE.index(owner) else set()
    return found or {"seeing"}


def allowed(unit: str, role: str, situation: str) -> set[str]:
    """The acts of ACTS that the design allows."""
    _, owner, offered, _, watched = SITUATIONS[situation]
    may = set()
    for act, by in ACTS.items():
        if (role == "worker" and act not in WORKER) or (role == "mediator" and act in REVIEWER_ALONE):
            continue
        if not views(unit, owner, offered) & set(by.split()):
            continue
        if act.startswith("hand_") and (offered or (act == "hand_up" and owner == CITY)):
            continue
        if act in ("take", "send_back", "recall") and not offered:
            continue
        if act == "answer" and not watched:
            continue
        may.add(act)
    return may


class Levels:
    """Four nodes one above the other, with people in three roles at each."""

    def __init__(self) -> None:
        self.city = City()
        nodes = dict(
            zip((CITY, EAST, E_TOWN, E_VILLAGE), (self.city.hub, *self.city.line(EAST, E_TOWN, E_VILLAGE)), strict=True)
        )
        self.nodes = {unit: nodes[unit] for unit in LINE}
        self.people = {
            (unit, role): Caseworker(node, role, role, unit) for unit, node in self.nodes.items() for role in ROLES
        }
        self.kept = [Copy(node) for node in self.nodes.values()]

    def bring(self, situation: str) -> dict[str, Any]:
        """The village's case in a situation, the same at every node."""
        self.city.clock.at_ms = NOW_MS
        for copy in self.kept:
            copy.restore()
        case = self.people[E_VILLAGE, "reviewer"].register()
        self.city.settle(30)
        for unit, act, fields in SITUATIONS[situation][0]:
            who = self.people[unit, "reviewer"]
            who.act(who.see(case), act, **(fields or NEEDED.get(act, {})))
            self.city.settle(30)
        return case


@pytest.fixture(scope="module")
def levels() -> Iterator[Levels]:
    made = Levels()
    yield made
    for copy in made.kept:
        copy.close()
    for node in made.nodes.values():
        node.db.conn.close()


def fields_of(act: str, unit: str) -> dict[str, Any]:
    """What the act needs, to units that there are."""
    at = LINE.index(unit)
    if act == "hand_up":
        return {"to_unit": LINE[min(at + 1, len(LINE) - 1)], "reason": "超出权限"}
    if act == "hand_down":
        return {"to_unit": LINE[at - 1] if at else f"{E_VILLAGE}001", "reason": "就近"}
    return dict(NEEDED.get(act, {}))


def after(act: str, unit: str, situation: str, to: str | None) -> tuple[str, str | None, int]:
    """(owner, offered to, term) that an act leaves."""
    _, owner, offered, term, _ = SITUATIONS[situation]
    if act in ("take", "seize"):
        return unit, None, term + 1
    if act in ("send_back", "recall"):
        return owner, None, term
    return owner, to if act in ("hand_up", "hand_down", "hand_across") else offered, term


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_level_and_role_may_do_what_the_table_says_and_no_more(levels: Levels, situation: str) -> None:
    case = levels.bring(situation)
    _, owner, offered, term, _ = SITUATIONS[situation]
    wrong = []
    for (unit, role), who in levels.people.items():
        seen = who.see(case)
        assert (seen["owner"], seen["offered_to"], seen["term"]) == (owner, offered, term), unit
        may = allowed(unit, role, situation)
        if set(seen["allowed"]) & ACTS.keys() != may:
            wrong.append((unit, role, sorted(set(seen["allowed"]) & ACTS.keys() ^ may)))
    assert wrong == []


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_allowed_is_done_and_all_else_is_refused_without_a_trace(levels: Levels, situation: str) -> None:
    case = levels.bring(situation)
    wrong = []
    for unit, node in levels.nodes.items():
        who, here, events = levels.people[unit, "reviewer"], Copy(node), node.count()
        seen = who.see(case)
        for act in ACTS:
            if act == "hand_across":  # each level has its own neighbours: told by the table of one level
                continue
            fields = fields_of(act, unit)
            reply = who.try_to(seen, act, **fields)
            if act not in allowed(unit, "reviewer", situation):
                if (reply.status_code, told(reply)["code"]) != (409, "case_not_now") or node.count() != events:
                    wrong.append((unit, act, reply.status_code))
                continue
            done = who.see(case)
            got = (done["owner"], done["offered_to"], done["term"])
            if reply.status_code != 200 or got != after(act, unit, situation, fields.get("to_unit")):
                wrong.append((unit, act, reply.status_code, got))
            here.restore()
        here.close()
    assert wrong == []
