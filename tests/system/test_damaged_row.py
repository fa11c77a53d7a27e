"""A byte changed in a middle node's database: refused by the next hop, shown on both screens, mended from below."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fakes import E_GROUPS, E_TOWN, E_VILLAGE, EAST
from live import Live, Nodes, today, wait_for

pytestmark = pytest.mark.system
ARRIVES_S = 60


def test_a_changed_byte_is_refused_by_name_while_the_rest_counts_and_is_mended_from_below(nodes: Nodes) -> None:
    hub, county, town, village = nodes.chain(EAST, E_TOWN, E_VILLAGE)
    county.kill()  # so that the township keeps what it has not sent yet
    damaged, sound = today() - timedelta(days=3), today() - timedelta(days=4)
    events = [village.check(E_GROUPS[0], damaged, "one"), village.check(E_GROUPS[0], sound, "two")]
    wait_for(lambda: sorted(events) == town.checks_held(), ARRIVES_S)
    village.kill()  # the good copies stay out of reach for now
    swapped = (f"\t{E_GROUPS[0]}\t", f"\t{E_GROUPS[1]}\t", events[0])
    town.rows("UPDATE event SET header = replace(header, ?, ?) WHERE hash = ?", *swapped)
    county.start()
    wait_for(lambda: county.checks_held() == [events[1]], ARRIVES_S)
    wait_for(lambda: refusals(town, events[0]), ARRIVES_S)
    assert refusals(county, events[0]) == {("bad_sig", EAST)}
    assert refusals(town, events[0]) == {("bad_sig", EAST)}
    for node in (county, town):
        assert "签名不符" in node.pages().get(f"{node.url}/sync", timeout=10).text
    assert [zeros(county, day) for day in (damaged, sound)] == [0, 1]
    village.start()
    wait_for(lambda: hub.checks_held() == sorted(events), ARRIVES_S)
    assert [zeros(hub, day) for day in (damaged, sound)] == [1, 1]
    for node in nodes.all:
        assert node.json("verify")["problems"] == []


def refusals(node: Live, event: str) -> set[tuple[str, str]]:
    return {(row["code"], row["by"]) for row in node.json("status")["refused"] if row["event"] == event}


def zeros(node: Live, day: Any) -> int:
    document = node.api("GET", f"/api/v1/rollup?unit={EAST}&period={day}").document
    return int(document["measures"]["checks_zero"])
