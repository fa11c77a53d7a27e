"""Villages with nodes of their own are split and merged by dated acts: who takes entries, who gets which history, and
that what was reported before counts as it was.
"""

from __future__ import annotations

from typing import Any

import pytest
from casework import PRIVATE, Caseworker
from test_recovery import hashes, sound

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, City, Node
from node.figures import rollup
from schemas.errors import GridError
from sync import enrol
from sync.rebuild import rebuild

FIRST, SECOND = "421001001002", "421001001003"
BEFORE, DAY = "2026-11-20", "2026-11-23"  # the split is dated today
SPAN = f"{BEFORE}..{DAY}"


def opened(unit: str, name: str) -> dict[str, Any]:
    return {
        "type": "unit", "act": "open", "unit": unit, "code": unit, "name": name, "level": "village", "parent": E_TOWN,
        "kind": "regular", "date": DAY,
    }  # fmt: skip


def moved(group: str, parent: str) -> dict[str, Any]:
    return {"type": "unit", "act": "move", "unit": group, "parent": parent, "date": DAY}


def ended(act: str, *successors: str) -> dict[str, Any]:
    return {"type": "unit", "act": act, "unit": E_VILLAGE, "date": DAY, "successors": list(successors)}


SPLIT = (
    opened(FIRST, "东一村"), opened(SECOND, "东二村"), moved(E_GROUPS[0], FIRST), moved(E_GROUPS[1], SECOND),
    moved(E_GROUPS[2], SECOND), ended("split", FIRST, SECOND),
)  # fmt: skip


def three_levels() -> tuple[City, Node, Node]:
    """A township and a village with nodes of their own."""
    city = City()
    _east, town, village = city.line(EAST, E_TOWN, E_VILLAGE)
    return city, town, village


def entered(node: Node, unit: str, day: str = DAY) -> str:
    """The state of an entry: `ok`, or why it was refused and who serves the unit."""
    try:
        node.check(unit, day)
    except GridError as refusal:
        return f"{refusal.code} {refusal.params.get('host', '')}".strip()
    return "ok"


def zeros(city: City, unit: str, tree: str) -> int:
    """How many zero-reports the city counts for a unit."""
    answer = rollup.answer(city.hub.replica, unit, SPAN, by=None, tree=tree, now_ms=city.clock.at_ms)
    measures = answer["measures"]
    assert isinstance(measures, dict)
    return int(measures["checks_zero"])


def derived_is_right(city: City) -> None:
    """Everything verifies, and derived data made again is the same."""
    sound(city)
    for node in city.nodes:
        kept = node.derived()
        rebuild(node.replica)
        assert node.derived() == kept


def test_after_a_split_the_old_host_takes_nothing_for_the_moved_groups_and_says_who_does() -> None:
    city, town, village = three_levels()
    city.hub.publish(*SPLIT)
    city.settle()
    for day in (BEFORE, DAY):
        assert entered(village, E_GROUPS[0], day) == f"served_elsewhere {E_TOWN}"
        assert entered(town, E_GROUPS[0], day) == "ok"
    assert entered(village, E_VILLAGE) == "unit_not_open"
    assert entered(town, E_VILLAGE, BEFORE) == f"served_elsewhere {E_VILLAGE}"
    first = city.join(town, FIRST)
    city.settle()
    assert entered(first, E_GROUPS[0]) == "ok"
    for node in (town, city.hub):
        assert entered(node, E_GROUPS[0]) == f"served_elsewhere {FIRST}"
    for node in (town, city.hub):
        assert entered(node, E_GROUPS[1]) == ("ok" if node is town else f"served_elsewhere {E_TOWN}")
    city.settle()
    derived_is_right(city)


def test_until_it_has_heard_of_the_split_the_old_host_goes_on_and_all_of_it_counts() -> None:
    city, town, village = three_levels()
    city.hub.publish(*SPLIT)
    city.settle_but(village)
    late = village.check(E_GROUPS[0], DAY)
    city.nodes.append(village)
    city.settle()
    first = city.join(town, FIRST)
    city.settle()
    for node in (town, city.hub, first):
        assert late in hashes(node)
        assert node.count("event", f"hash = '{late}' AND standing = 'ok'") == 1
    assert (zeros(city, FIRST, "then"), zeros(city, E_VILLAGE, "then")) == (1, 0)
    derived_is_right(city)


def test_what_was_reported_before_the_split_counts_as_it_was_or_in_today_s_tree() -> None:
    city, town, village = three_levels()
    village.check(E_GROUPS[0], BEFORE)
    village.check(E_GROUPS[1], BEFORE)
    city.settle()
    city.hub.publish(*SPLIT)
    city.settle()
    town.check(E_GROUPS[0], DAY)
    city.settle()
    counted = {
        tree: [zeros(city, unit, tree) for unit in (E_VILLAGE, FIRST, SECOND, E_TOWN)] for tree in ("then", "now")
    }
    assert counted == {"then": [2, 1, 0, 3], "now": [0, 2, 1, 3]}
    derived_is_right(city)


def test_a_successor_gets_the_reports_of_its_groups_and_none_of_its_sister_s() -> None:
    city, town, village = three_levels()
    reports = [village.check(group, BEFORE) for group in E_GROUPS]
    city.settle()
    city.hub.publish(*SPLIT)
    city.settle()
    first, second = city.join(town, FIRST), city.join(town, SECOND)
    city.settle()
    held = [set(reports) & hashes(node) for node in (first, second)]
    assert held == [{reports[0]}, {reports[1], reports[2]}]
    derived_is_right(city)


@pytest.mark.parametrize("through", ["the old host", "the township"])
def test_an_open_case_of_a_split_village_is_handed_to_a_successor_with_its_texts(through: str) -> None:
    city, town, village = three_levels()
    old = Caseworker(village, "old", "admin", E_VILLAGE)
    case = old.register(private=PRIVATE)
    city.settle()
    city.hub.publish(*SPLIT)
    city.settle()
    first = city.join(town, FIRST)
    city.settle()
    assert case["event"] not in hashes(first)
    if through == "the old host":
        old.act(case, "hand_across", to_unit=FIRST, reason="撤并后移交")
    else:
        boss = Caseworker(town, "boss", "admin", E_TOWN)
        seized = boss.act(case, "seize")
        boss.act(seized, "hand_down", to_unit=FIRST, reason="撤并后移交")
    city.settle()
    new = Caseworker(first, "new", "admin", FIRST)
    taken = new.act(new.see(case), "take")
    assert (taken["owner"], taken["term"]) == (FIRST, 1 if through == "the old host" else 2)
    city.settle(20)
    assert new.see(case, "?purpose=接手")["private"]["narrative"] == PRIVATE["narrative"]
    for node in (village, town, city.hub):
        assert node.count("case_now", f"case_id = '{case['id']}' AND owner = '{FIRST}'") == 1
    derived_is_right(city)


def test_a_village_that_is_merged_brings_its_groups_and_its_node_is_ended() -> None:
    city, town, village = three_levels()
    earlier = village.check(E_GROUPS[0], BEFORE)
    case = Caseworker(village, "old", "admin", E_VILLAGE).register(private=PRIVATE)
    city.hub.publish(opened(FIRST, "东新村"))
    city.settle()
    heir = city.join(town, FIRST)
    city.settle()
    assert earlier not in hashes(heir)
    city.hub.publish(*(moved(group, FIRST) for group in E_GROUPS), ended("merge", FIRST))
    city.settle()
    assert earlier in hashes(heir)
    assert entered(village, E_GROUPS[0]) == f"served_elsewhere {E_TOWN}"  # whose sister's node it need not know
    assert entered(heir, E_GROUPS[0]) == "ok"
    enrol.revoke(town.replica, E_VILLAGE)
    city.settle_but(village)
    # Nobody serves the village but the township now; it may end what was left open there.
    boss = Caseworker(town, "boss", "admin", E_TOWN)
    assert boss.act(case, "seize")["owner"] == E_TOWN
    city.settle()
    assert [zeros(city, unit, "then") for unit in (E_VILLAGE, FIRST, CITY)] == [1, 1, 2]
    assert [zeros(city, unit, "now") for unit in (E_VILLAGE, FIRST, CITY)] == [0, 2, 2]
    derived_is_right(city)
