"""What is sent back reaches who sent it, whatever happened there meanwhile: four ways in which it gets lost elsewhere.

Each for a case that was offered, whose words are sealed to the node that offered it, and for a returned report.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from casework import PRIVATE, Caseworker

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, City, Node, told
from sync.rebuild import rebuild
from sync.verify import verify

GROUP: Final = E_GROUPS[0]
DAY: Final = "2026-11-20"
ROUNDS: Final = 40


class Line:
    """Hub, county, township, village and group, each with a node and somebody at work."""

    def __init__(self) -> None:
        self.city = City()
        self.nodes: dict[str, Node] = {
            node.unit: node for node in self.city.line(EAST, E_TOWN, E_VILLAGE, GROUP)
        }  # fmt: skip
        self.people = {unit: Caseworker(node, "r", "reviewer", unit) for unit, node in self.nodes.items()}

    def rest(self) -> None:
        """All links are drained."""
        self.city.settle(ROUNDS)

    def replace(self, unit: str, parent: str) -> None:
        """The unit's computer is lost; another one, with nothing on it, is enrolled at its parent."""
        self.nodes[unit] = self.city.replace(self.nodes[unit], self.nodes[parent])
        self.people[unit] = Caseworker(self.nodes[unit], "r", "reviewer", unit)

    def sound(self) -> None:
        """Everything verifies, and is the same when made again."""
        for node in self.city.nodes:
            assert verify(node.replica).problems == []
            before = node.derived()
            rebuild(node.replica)
            assert node.derived() == before

    # ---- a case

    def act(self, unit: str, case: dict[str, Any], action: str, **fields: Any) -> None:
        """One act at a unit after what it sees there; nothing moves yet."""
        person = self.people[unit]
        person.act({**case, "event": person.see(case)["event"]}, action, **fields)

    def offered(self) -> dict[str, Any]:
        """A case of the group, offered to the village, known everywhere."""
        case = self.people[GROUP].register(private=PRIVATE)
        self.rest()
        self.offer(case)
        return case

    def offer(self, case: dict[str, Any], to: str = E_VILLAGE) -> None:
        """The group offers the case, and everybody knows."""
        self.act(GROUP, case, "hand_up", to_unit=to, reason="请接手")
        self.rest()

    def why(self, case: dict[str, Any]) -> list[str]:
        """Why the case was sent back, in the order of the timeline, as the group reads it at its node."""
        seen = self.people[GROUP].see(case)
        assert (seen["owner"], seen["offered_to"]) == (GROUP, None)
        return [one["words"]["reason"] for one in seen["timeline"] if one["action"] == "send_back"]

    # ---- a report

    def reported(self, disputes: int = 0) -> str:
        """A report of the group, known everywhere."""
        event = self.nodes[GROUP].check(GROUP, DAY, disputes)
        self.rest()
        return event

    def give_back(self, event: str, unit: str, reason: str) -> None:
        """A unit above returns the report; nothing moves yet."""
        reply = (
            self.nodes[unit]
            .browser()
            .post(f"/api/v1/checks/{event}/return", json={"reason": reason}, headers=self.people[unit].headers)
        )
        assert reply.status_code == 201, told(reply)

    def returned(self, event: str) -> tuple[str, str, str]:
        """(state, by, reason) of the report as the group's node shows it."""
        reply = self.nodes[GROUP].browser().get(
            f"/api/v1/checks?unit={GROUP}&from={DAY}&to={DAY}", headers=self.people[GROUP].headers
        )  # fmt: skip
        found = next(one for one in told(reply)["items"] if one["event"] == event)
        return found["state"], found["returned"]["by"], found["returned"]["reason"]


@pytest.fixture
def line() -> Line:
    """Everybody at work."""
    return Line()


def test_a_send_back_reaches_a_node_that_was_reinstalled_from_its_parent(line: Line) -> None:
    case, report = line.offered(), line.reported()
    line.act(E_VILLAGE, case, "send_back", reason="请先上门一次")
    line.give_back(report, E_VILLAGE, "数目不符")
    line.replace(GROUP, E_VILLAGE)
    line.rest()
    assert line.why(case) == ["请先上门一次"]
    assert line.returned(report) == ("returned", E_VILLAGE, "数目不符")
    line.sound()


def test_it_reaches_a_node_that_had_it_and_was_reinstalled_afterwards(line: Line) -> None:
    case, report = line.offered(), line.reported()
    line.act(E_VILLAGE, case, "send_back", reason="请先上门一次")
    line.give_back(report, E_VILLAGE, "数目不符")
    line.rest()
    line.replace(GROUP, E_VILLAGE)
    line.rest()
    assert line.why(case) == ["请先上门一次"]
    assert line.returned(report) == ("returned", E_VILLAGE, "数目不符")
    line.sound()


def test_a_second_send_back_reaches_it_after_the_case_was_offered_again(line: Line) -> None:
    case, report = line.offered(), line.reported()
    line.act(E_VILLAGE, case, "send_back", reason="请先上门一次")
    line.give_back(report, E_VILLAGE, "数目不符")
    line.rest()
    line.offer(case)
    amended = line.nodes[GROUP].check(GROUP, DAY, 1)
    line.rest()
    line.act(E_VILLAGE, case, "send_back", reason="再问问对方的意见")
    line.give_back(amended, E_VILLAGE, "仍然不符")
    line.rest()
    assert line.why(case) == ["请先上门一次", "再问问对方的意见"]
    assert line.returned(amended) == ("returned", E_VILLAGE, "仍然不符")
    line.sound()


def test_two_in_a_row_both_reach_it_and_the_later_one_stands(line: Line) -> None:
    case, report = line.offered(), line.reported()
    line.act(E_VILLAGE, case, "send_back", reason="请先上门一次")
    line.give_back(report, E_VILLAGE, "数目不符")
    line.rest()
    line.offer(case, E_TOWN)
    line.act(E_TOWN, case, "send_back", reason="村里先调")
    line.city.clock.forward(60_000)
    line.give_back(report, E_TOWN, "请补报隐患")
    line.rest()
    assert line.why(case) == ["请先上门一次", "村里先调"]
    assert line.returned(report) == ("returned", E_TOWN, "请补报隐患")
    line.sound()


def test_it_reaches_it_over_a_hop_that_was_replaced_meanwhile(line: Line) -> None:
    case, report = line.offered(), line.reported()
    line.act(E_VILLAGE, case, "send_back", reason="请先上门一次")
    line.rest()
    line.offer(case, E_TOWN)
    line.act(E_TOWN, case, "send_back", reason="村里先调")
    line.give_back(report, E_TOWN, "请补报隐患")
    line.replace(E_VILLAGE, E_TOWN)
    line.rest()
    assert line.why(case) == ["请先上门一次", "村里先调"]
    assert line.returned(report) == ("returned", E_TOWN, "请补报隐患")
    line.sound()


def test_a_return_is_shown_with_its_words_to_who_reported_and_without_them_in_between(line: Line) -> None:
    report = line.reported()
    line.give_back(report, E_TOWN, "请补报隐患")
    line.rest()
    browser = line.nodes[GROUP].browser()
    assert line.returned(report) == ("returned", E_TOWN, "请补报隐患")
    assert browser.get("/").status_code == 302  # nobody is signed in
    seen = told(line.nodes[E_VILLAGE].browser().get(
        f"/api/v1/checks?unit={GROUP}&from={DAY}&to={DAY}", headers=line.people[E_VILLAGE].headers
    ))["items"]  # fmt: skip
    assert [(one["returned"]["by"], one["returned"]["reason"], one["returned"]["reason_code"]) for one in seen] == [
        (E_TOWN, None, "other")
    ]
