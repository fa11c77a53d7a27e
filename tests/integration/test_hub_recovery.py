"""A city whose hub is gone without a backup: the root recovery key makes a new one, and its children bring all back."""

from __future__ import annotations

from pathlib import Path

import pytest
from casework import PRIVATE, Caseworker
from desk import Desk, assert_refused, desk_in

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, W_GROUPS, WEST, City, Node
from hub.directory import RECOVERY_KEY
from hub.recovery import begin_hub
from node.figures import rollup
from node.status import alarms, heads
from sync.keys import SEED_BYTES, Signer
from sync.rebuild import rebuild
from sync.replica import Replica
from sync.verify import verify


def hashes(node: Node) -> set[str]:
    """What a node holds."""
    return {row[0] for row in node.db.execute("SELECT hash FROM event")}


def recovered(city: City) -> Node:
    """A hub with nothing on its disk in the place of the old one."""
    old = city.hub
    env, seed = city._env(), city.random.randbytes(SEED_BYTES)
    replica, secret, _ = city._open(city.city, env, seed, None)
    begin_hub(replica, city.root, city.city)
    new = Node(replica, env, secret, None, None)
    city.nodes[0] = city.hub = new
    for node in city.nodes:
        if node.parent is old:
            node.parent = new
    return new


def figures(replica: Replica, city: City) -> object:
    """The city's month."""
    return rollup.answer(replica, city.city, "2026-11", by="children", tree="then", now_ms=city.clock.at_ms)["rows"]


def test_the_children_bring_everything_back_to_a_new_hub_under_the_root_key() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    village = city.join(city.join(east, E_TOWN), E_VILLAGE)
    village.check(E_GROUPS[0], "2026-11-20", 2)
    west.check(W_GROUPS[1], "2026-11-20")
    Caseworker(village, "m", "mediator", E_VILLAGE).register(private=PRIVATE)
    city.hub.publish({"type": "unit", "act": "rename", "unit": E_GROUPS[1], "date": "2026-11-20", "name": "新组"})
    city.settle()
    told = "SELECT hash FROM event WHERE kind <> 'inc' OR node <> ?"  # the old hub's key never went down
    held = {row[0] for row in city.hub.db.execute(told, [city.hub.replica.identity.node])}
    before = figures(city.hub.replica, city)
    village.check(E_GROUPS[2], "2026-11-20")
    new = recovered(city)
    city.settle(30)
    assert held - hashes(new) == set()
    assert figures(new.replica, city) != before  # one check more
    village.check(E_GROUPS[1], "2026-11-21")
    new.publish({"type": "unit", "act": "rename", "unit": W_GROUPS[0], "date": "2026-11-21", "name": "再新组"})
    city.settle(30)
    for node in city.nodes:
        assert hashes(node) <= hashes(new)
        assert verify(node.replica).problems == []
        assert node.count("directory_act") == new.count("directory_act")
        assert [one["code"] for one in alarms(node.replica, "en")] == []
        kept = node.derived()
        rebuild(node.replica)
        assert node.derived() == kept
        if node is not new:
            assert all(marked for *_, marked in heads(node.replica))


def test_a_new_hub_under_another_root_is_not_believed() -> None:
    city = City()
    (east,) = city.line(EAST)
    city.root = Signer(bytes(SEED_BYTES))
    recovered(city)
    assert east.sync().last.problem == "reply_unsigned"
    assert east.count("event") > 3


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A hub and a county."""
    return desk_in(tmp_path, capsys, monkeypatch).ready()


def test_the_command_wants_a_whole_key_and_an_empty_folder(desk: Desk, tmp_path: Path) -> None:
    key, new = desk.hub / RECOVERY_KEY, tmp_path / "new"
    half = tmp_path / "half.key"
    half.write_bytes(key.read_bytes()[:20])
    desk_hub, desk.hub = desk.hub, new
    assert_refused(desk.at_hub("init", "--recover", half, "--unit", "421000000000"))
    assert_refused(desk.at_hub("init", "--recover", tmp_path / "none", "--unit", "421000000000"))
    assert_refused(desk.at_hub("init", "--recover", key))
    assert_refused(desk.at_hub("init", "--recover", key, "--unit", "荆州"))
    assert_refused(desk.at_hub("init", "--recover", key, "--unit", "421000000000", "--units", desk.units))
    assert not new.exists()
    made = desk.at_hub("init", "--recover", key, "--unit", "421000000000", "--json").document
    assert (made["unit"], made["level"], len(made["admin"]["code"]) > 6) == ("421000000000", "city", True)
    assert desk.at_hub("verify").code == 0
    desk.hub = desk_hub
    assert_refused(desk.at_hub("init", "--recover", key, "--unit", "421000000000"))


def test_what_a_restored_hub_had_published_comes_back_from_a_node_that_has_a_new_parent_since() -> None:
    city = City()
    backup = city.hub.snapshot()
    village = city.join(city.hub, E_VILLAGE)
    entry = {"type": "unit", "act": "rename", "unit": E_GROUPS[0], "date": "2026-11-20", "name": "改名组"}
    city.hub.publish(entry)
    village.sync()
    acts = village.count("directory_act")
    city.hub.restore(backup)
    town = city.join(city.hub, E_TOWN)
    for node in (town, village):
        node.client.own_url = node.url
        node.sync()
    city.settle(30)
    assert village.replica.identity.parent == E_TOWN
    assert [node.count("directory_act") for node in city.nodes] == [acts] * 3


def test_a_node_that_a_lost_act_had_moved_comes_back_from_a_parent_that_knows_nothing_of_it() -> None:
    city = City()
    west, village = city.join(city.hub, WEST), city.join(city.hub, E_VILLAGE)
    city.settle()
    backup = city.hub.snapshot()
    move = {"type": "unit", "act": "move", "unit": E_TOWN, "date": "2026-11-20", "parent": WEST}
    city.hub.publish(move | {"address": west.url})
    village.client.exchange()
    assert village.replica.identity.parent == WEST
    city.hub.restore(backup)
    kept = village.check(E_GROUPS[0], "2026-11-20")
    assert village.sync().last.problem == "not_below"
    city.settle(30)
    assert (village.replica.identity.parent, kept in hashes(city.hub)) == (CITY, True)
