"""Two people act on one case at two levels while nobody hears of the other: nothing is lost, one act holds everywhere,
the other one is shown, and its author can act again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
from casework import PRIVATE, Caseworker
from test_pages import signed_in

from builders import CITY, E_TOWN, E_VILLAGE, EAST, W_TOWN, WEST, City
from schemas.labels import label
from sync.rebuild import rebuild
from sync.verify import verify

ROUNDS: Final = 40
# Where the case stands before both act: (unit, act, fields), one after the other from a case of the village.
OFFERED: Final = ((E_VILLAGE, "hand_up", {"to_unit": E_TOWN, "reason": "涉及两个村"}),)
TAKEN: Final = (*OFFERED, (E_TOWN, "take", {}), (E_TOWN, "accept", {}))
SEIZE: Final = {"reason": "重大矛盾"}
MEETINGS: Final = {
    # before, (unit, act, fields), (unit, act, fields), owner afterwards, acts that hold besides, in their order
    "take beats recall": (OFFERED, (E_TOWN, "take", {}), (E_VILLAGE, "recall", {}), E_TOWN, ["take"]),
    "take beats the owner's own work": (OFFERED, (E_TOWN, "take", {}), (E_VILLAGE, "accept", {}), E_TOWN, ["take"]),
    "the higher seize holds": (TAKEN, (CITY, "seize", SEIZE), (EAST, "seize", SEIZE), CITY, ["seize"]),
    "seize beats the owner's work": (TAKEN, (EAST, "seize", SEIZE), (E_TOWN, "mediate", {}), EAST, ["seize"]),
    "a supervision and an act both hold": (
        TAKEN, (EAST, "supervise", {"due": "2026-11-30"}), (E_TOWN, "mediate", {}), E_TOWN, ["mediate", "supervise"],
    ),
    "two offers of one case": (
        TAKEN, (E_TOWN, "hand_across", {"to_unit": W_TOWN, "reason": "当事人在西镇"}),
        (EAST, "seize", SEIZE), EAST, ["seize"],
    ),
}  # fmt: skip


class Town:
    """A village, its township and county, another township, the city, each with a node and a reviewer."""

    def __init__(self) -> None:
        self.city = City()
        hub = self.city.hub
        east, west = self.city.join(hub, EAST), self.city.join(hub, WEST)
        town, west_town = self.city.join(east, E_TOWN), self.city.join(west, W_TOWN)
        village = self.city.join(town, E_VILLAGE)
        self.nodes = {node.unit: node for node in (hub, east, town, west_town, village)}
        self.rest()
        self.people = {unit: Caseworker(node, "r", "reviewer", unit) for unit, node in self.nodes.items()}

    def rest(self) -> None:
        """All links are drained."""
        self.city.settle(ROUNDS)

    def act(self, case: dict[str, Any], unit: str, action: str, fields: Mapping[str, Any]) -> str:
        """One act after what the unit sees at its node; the event."""
        person = self.people[unit]
        return str(person.act({**case, "event": person.see(case)["event"]}, action, **fields)["event"])


@pytest.mark.parametrize("meeting", MEETINGS)
@pytest.mark.parametrize("first", [0, 1])
def test_two_who_act_while_cut_off_lose_nothing_and_one_act_holds_at_every_node(meeting: str, first: int) -> None:
    before, one, other, owner, holding = MEETINGS[meeting]
    town = Town()
    case = town.people[E_VILLAGE].register(private=PRIVATE)
    town.rest()
    for unit, action, fields in before:
        town.act(case, unit, action, fields)
        town.rest()
    done_before = len(town.people[E_VILLAGE].see(case)["timeline"])

    written = {}
    for unit, action, fields in (one, other)[:: 1 if first == 0 else -1]:  # the clock of neither decides
        written[action, unit] = _last(town, case, unit, action, fields)
        town.city.clock.forward(3_600_000)
    town.rest()

    seen = {unit: town.people[unit].see(case) for unit in (E_VILLAGE, E_TOWN, EAST, CITY)}
    assert {unit: found["owner"] for unit, found in seen.items()} == dict.fromkeys(seen, owner)
    assert len({(found["state"], found["term"], found["event"]) for found in seen.values()}) == 1
    acts = {unit: {step["event"]: step for step in found["timeline"]} for unit, found in seen.items()}
    for unit, steps in acts.items():
        assert len(steps) == done_before + 2, unit  # neither is lost
        held = sorted(steps[event]["action"] for event in written.values() if steps[event]["void"] is None)
        assert held == sorted(holding), unit
    void = [(event, unit) for (_, unit), event in written.items() if acts[CITY][event]["void"]]
    assert len(void) == 2 - len(holding)
    for event, unit in void:
        page = signed_in(town.nodes[unit]).get(f"/cases/{case['id']}").get_data(as_text=True)
        assert label("zh_CN", f"void.{acts[unit][event]['void']}") in page
    for node in town.city.nodes:
        assert verify(node.replica).problems == []
        derived = node.derived()
        rebuild(node.replica)
        assert node.derived() == derived


def _last(town: Town, case: dict[str, Any], unit: str, action: str, fields: Mapping[str, Any]) -> str:
    """The event that the unit writes; a supervision is no effective act, so it is looked up in the timeline."""
    known = {step["event"] for step in town.people[unit].see(case)["timeline"]}
    town.act(case, unit, action, fields)
    (new,) = {step["event"] for step in town.people[unit].see(case)["timeline"]} - known
    return str(new)


def test_who_was_void_acts_again_after_what_holds() -> None:
    town = Town()
    case = town.people[E_VILLAGE].register(private=PRIVATE)
    town.rest()
    for unit, action, fields in TAKEN:
        town.act(case, unit, action, fields)
        town.rest()
    town.act(case, EAST, "seize", SEIZE)
    town.act(case, E_TOWN, "mediate", {})
    town.rest()
    refused = town.people[E_TOWN].try_to(
        {**case, "event": town.people[E_TOWN].see(case)["event"]}, "agree", performed_at_once=True
    )
    assert refused.status_code in (403, 409)
    town.act(case, EAST, "hand_down", {"to_unit": E_TOWN, "reason": "就近调处"})
    town.rest()
    town.act(case, E_TOWN, "take", {})
    town.act(case, E_TOWN, "mediate", {})
    town.act(case, E_TOWN, "agree", {"performed_at_once": True})
    town.rest()
    assert {
        unit: (p.see(case)["owner"], p.see(case)["state"]) for unit, p in town.people.items() if unit != W_TOWN
    } == (dict.fromkeys((CITY, EAST, E_TOWN, E_VILLAGE), (E_TOWN, "performed")))
