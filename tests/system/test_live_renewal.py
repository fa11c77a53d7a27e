"""A node's key is renewed beside its running `serve`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import E_GROUPS, EAST
from live import ARRIVES_S, Nodes, today, wait_for

pytestmark = pytest.mark.system


def test_serve_goes_on_with_the_new_key_and_the_parent_ends_the_old_one(nodes: Nodes) -> None:
    hub, county = nodes.chain(EAST)
    earlier = county.json("status")["node"]
    first = county.check(E_GROUPS[0], today() - timedelta(days=1), "before")
    said = county.json("renew")
    assert said["succeeds"] == earlier
    second = county.check(E_GROUPS[0], today(), "after")
    wait_for(lambda: set(hub.checks_held()) == {first, second}, ARRIVES_S)
    county.command("sync", "--once")
    assert county.json("status")["node"] == said["node"] != earlier
    assert county.json("renew")["succeeds"] == said["node"]
    third = county.check(E_GROUPS[1], today(), "later")
    wait_for(lambda: set(hub.checks_held()) == {first, second, third}, ARRIVES_S)
    for node in (hub, county):
        assert node.json("verify")["ok"]
    assert county.stop() == 0
    assert hub.stop() == 0
