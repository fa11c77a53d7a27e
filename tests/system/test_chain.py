"""Five real nodes, one under the other: one tap at the group is a number at the city, and every hop is seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from fakes import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST
from live import ARRIVES_S, REQUEST_S, Live, Nodes, today, wait_for

from schemas.labels import label

pytestmark = pytest.mark.system
WEEK = timedelta(days=7)
GROUP = E_GROUPS[0]
HOPS = ["saved", E_VILLAGE, E_TOWN, EAST, "city"]


NAMES = {CITY: "试点市", EAST: "东县", E_TOWN: "东镇", E_VILLAGE: "东村", GROUP: "东村1组"}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Live]]:
    """The hub first, the group last; each test works on a day of its own."""
    nodes = Nodes(tmp_path_factory.mktemp("chain"))
    try:
        yield nodes.chain(EAST, E_TOWN, E_VILLAGE, GROUP)
    finally:
        nodes.close()


def the_record(node: Live, event: str) -> dict[str, Any]:
    """One check as the node's own list shows it."""
    listed = node.api("GET", f"/api/v1/checks?unit={node.unit}&from={today() - WEEK}").document["items"]
    found: dict[str, Any] = next(item for item in listed if item["event"] == event)
    return found


def all_marked(node: Live, event: str) -> bool:
    """Whether the node shows an instant for every hop."""
    return all(hop["at"] for hop in the_record(node, event)["sync"])


def test_a_check_entered_at_the_group_is_counted_at_the_city_and_every_hop_is_seen_at_the_group(
    chain: list[Live],
) -> None:
    hub, *_, group = chain
    day = today()
    event = group.check(GROUP, day, "tap-1", "found")
    wait_for(lambda: event in hub.checks_held(), ARRIVES_S, lambda: group.json("status"))
    wait_for(lambda: all_marked(group, event), ARRIVES_S, lambda: the_record(group, event))

    record = the_record(group, event)
    assert [hop["hop"] for hop in record["sync"]] == HOPS
    assert [hop["unit"] for hop in record["sync"]] == [GROUP, E_VILLAGE, E_TOWN, EAST, CITY]
    instants = [datetime.fromisoformat(hop["at"]) for hop in record["sync"]]
    assert instants == sorted(instants)
    assert record["refused"] is None

    for node in chain:
        rollup = node.api("GET", f"/api/v1/rollup?unit={node.unit}&period={day}").document
        groups = {CITY: 6, GROUP: 1}.get(node.unit, 3)
        counted = {name: rollup["measures"][name] for name in ("checks_due", "checks_zero", "checks_found")}
        assert counted == {"checks_due": groups, "checks_zero": 0, "checks_found": 1}, node.unit

        duties = node.api("GET", f"/api/v1/duties?unit={node.unit}&date={day}").document
        states = {item["unit"]: item["state"] for item in duties["items"]}
        assert states[GROUP] == "found", node.unit
        assert len(states) == groups

        evidence = node.api("GET", f"/api/v1/events/{event}").document
        assert (evidence["event"], evidence["verified"], evidence["standing"]) == (event, True, "ok")
        report = node.json("verify")
        assert (report["ok"], report["problems"]) == (True, [])


def test_a_second_report_amends_the_first_everywhere_and_the_group_is_counted_once(chain: list[Live]) -> None:
    hub, *_, group = chain
    day = today() - timedelta(days=1)
    first = group.check(GROUP, day, "first", "zero")
    second = group.check(GROUP, day, "second", "found")
    wait_for(lambda: {first, second} <= set(hub.checks_held()), ARRIVES_S, hub.checks_held)

    measures = hub.api("GET", f"/api/v1/rollup?unit={CITY}&period={day}").document["measures"]
    assert {name: measures[name] for name in ("checks_zero", "checks_found")} == {"checks_zero": 0, "checks_found": 1}
    assert the_record(hub, second)["amends"] == first


def test_statuses_say_that_nothing_waits_and_the_sync_pages_name_parent_and_children(chain: list[Live]) -> None:
    group = chain[-1]
    event = group.check(GROUP, today() - timedelta(days=2), "third")
    wait_for(lambda: all_marked(group, event), ARRIVES_S, lambda: the_record(group, event))
    for parent, node, child in zip([None, *chain], chain, [*chain[1:], None], strict=False):
        status = node.json("status")
        assert (status["unit"], status["parent"], status["queue"]) == (node.unit, parent and parent.unit, 0)
        assert (status["refused"], status["forks"], status["alarms"]) == ([], [], [])
        assert all(marked for *_, marked in status["heads"]), status["heads"]

        state = node.api("GET", "/api/v1/sync").document
        assert [one["unit"] for one in state["children"]] == ([child.unit] if child else [])

        page = node.pages().get(f"{node.url}/sync", timeout=REQUEST_S)
        assert page.status_code == 200
        assert label("zh_CN", "page.sync.nothing") in page.text
        assert all(NAMES[near.unit] in page.text for near in (parent, node, child) if near)
