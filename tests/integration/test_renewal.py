"""A node's key is renewed while it lives: old records stay good, everybody follows, the old key is worth nothing."""

from __future__ import annotations

import pytest
from crafted import events_of, take
from test_recovery import hashes, sound

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, TODAY, City, Node
from hub.recovery import renew_hub
from node.status import refused
from schemas.errors import GridError
from schemas.events import Event, Header
from sync import carrier, chains, directory, log, renewal, trails
from sync.keys import SEED_BYTES, Signer
from sync.rebuild import rebuild


def fresh_key(node: Node) -> Signer:
    """A new key, kept beside the earlier ones as the node's folder keeps it."""
    signer, earlier = Signer(node.env.random.randbytes(SEED_BYTES)), node.replica.keys
    node.replica.keys = lambda name: signer if name == signer.node else earlier(name)
    return signer


def renew(node: Node) -> tuple[str, str]:
    """(earlier node id, present one)."""
    before = node.replica.identity.node
    return before, renewal.renew(node.replica, fresh_key(node))


def refusal(node: Node) -> str:
    key, before = fresh_key(node), node.replica.identity
    with pytest.raises(GridError) as raised:
        renewal.renew(node.replica, key)
    assert node.replica.identity == before
    return raised.value.code


def stolen(node: Node, key: Signer, seq_after: Event) -> Event:
    """What somebody writes with an earlier key behind its last event."""
    h = seq_after.header
    header = Header(h.chain, h.seq + 1, seq_after.hash, "chk", E_GROUPS[2], str(TODAY), h.rtime, 0, "chk/1", "")
    return chains.compose(key, node.env.random_bytes, header, {"result": "zero", "occasion": "regular"})


def standing(node: Node, event: str) -> str:
    (found,) = node.db.execute("SELECT standing FROM event WHERE hash = ?", [event]).fetchone()
    return str(found)


def test_a_second_renewal_has_to_wait_until_the_parent_confirmed_the_first() -> None:
    city = City()
    (east,) = city.line(EAST)
    renew(east)
    assert refusal(east) == "renew_unconfirmed"
    city.settle()
    renew(east)
    city.settle()
    sound(city)


def test_the_hub_is_renewed_by_its_root_alone() -> None:
    city = City()
    assert refusal(city.hub) == "renew_top"
    before = city.hub.replica.identity
    with pytest.raises(GridError, match="recovery_key_other"):
        renew_hub(city.hub.replica, Signer(bytes(32)), fresh_key(city.hub))
    assert city.hub.replica.identity == before


def test_a_restored_copy_that_waits_for_its_head_is_not_renewed() -> None:
    city = City()
    (east,) = city.line(EAST)
    backup = east.snapshot()
    east.check(E_GROUPS[0])
    city.settle()
    east.restore(backup)
    assert refusal(east) == "renew_restored"
    city.settle()
    renew(east)


def test_old_and_new_records_count_and_the_node_goes_on() -> None:
    city = City()
    east, town, village = city.line(EAST, E_TOWN, E_VILLAGE)
    before = town.check(E_TOWN, "2026-11-20")
    unsent = town.check(E_TOWN, "2026-11-21")
    earlier, present = renew(town)
    after = town.check(E_TOWN, "2026-11-22")
    city.settle(20)
    below = village.check(E_GROUPS[0])
    city.settle(20)
    for node in (town, east, city.hub):
        assert [standing(node, one) for one in (before, unsent, after, below)] == ["ok"] * 4
        assert directory.live_nodes(node.db, E_TOWN) == [present]
        assert directory.is_revoked(node.db, earlier)
        kept = node.derived()
        rebuild(node.replica)
        assert node.derived() == kept
    assert [refused(node.replica) for node in city.nodes] == [[], [], [], []]
    assert village.replica.identity.parent_node == present
    sound(city)


def test_the_parent_certifies_the_new_key_itself_so_that_no_renewal_makes_the_proof_longer() -> None:
    city = City()
    _east, town = city.line(EAST, E_TOWN)
    length = len(trails.own_lines(town.db))
    for _ in range(3):
        renew(town)
        assert len(trails.own_lines(town.db)) == length + 1
        city.settle(20)
        assert len(trails.own_lines(town.db)) == length
    town.check(E_TOWN)
    city.settle()
    sound(city)


def test_whoever_has_a_copy_of_the_old_key_gains_nothing() -> None:
    city = City()
    _east, town = city.line(EAST, E_TOWN)
    old = town.replica.signer
    twin = city.clone(town)
    twin.replica.keys = lambda _name: None
    renew(town)
    *_, last = events_of(town.replica, f"e.node = '{old.node}'")
    city.nodes.remove(twin)
    city.settle(20)
    forged = stolen(town, old, last)
    take(city.hub.replica, [forged], "file")
    assert standing(city.hub, forged.hash) == "revoked"
    written = twin.check(E_GROUPS[0])
    assert twin.sync().last.problem == "revoked"
    assert written not in hashes(city.hub)


def test_what_the_old_key_signed_behind_its_last_word_has_no_effect_though_it_came_before_the_parent_heard() -> None:
    city = City()
    east, town = city.line(EAST, E_TOWN)
    old = town.replica.signer
    renew(town)
    *_, last = events_of(town.replica, f"e.node = '{old.node}'")
    forged = stolen(town, old, last)
    take(east.replica, [forged], "file")
    city.settle(20)
    assert [standing(node, forged.hash) for node in (east, city.hub)] == ["revoked", "revoked"]
    assert standing(city.hub, last.hash) == "ok"


def test_a_stick_with_the_end_of_the_log_ends_no_key_before_the_rest_has_come() -> None:
    city = City()
    east, town = city.line(EAST, E_TOWN)
    backup = town.snapshot()
    town.check(E_TOWN, "2026-11-19")
    city.settle()
    town.restore(backup)
    unsent = town.check(E_TOWN, "2026-11-20")  # in a chain of its own, which nobody has heard of
    earlier, _present = renew(town)
    after = log.up_tip(town.db)[0] - 2
    (stick,) = carrier.export(town.replica, after=after)
    carrier.take_in(east.replica, stick.content)
    assert not directory.is_revoked(east.db, earlier)
    city.settle(20)
    assert directory.is_revoked(east.db, earlier)
    assert [standing(node, unsent) for node in (east, city.hub)] == ["ok", "ok"]
    sound(city)


def test_a_node_renewed_by_a_middle_level_keeps_its_children() -> None:
    city = City()
    east, town, village = city.line(EAST, E_TOWN, E_VILLAGE)
    for node in (east, town, village):
        renew(node)
    written = village.check(E_GROUPS[0])
    city.settle(30)
    assert written in hashes(city.hub)
    assert [node.replica.identity.parent_node for node in (town, village)] == [
        node.replica.identity.node for node in (east, town)
    ]
    sound(city)


def test_a_hub_renewed_by_its_root_keeps_its_children_and_publishes_on() -> None:
    city = City()
    (east,) = city.line(EAST)
    earlier = city.hub.replica.identity.node
    present = renew_hub(city.hub.replica, city.root, fresh_key(city.hub))
    city.hub.publish({"type": "unit", "act": "rename", "unit": E_GROUPS[0], "date": str(TODAY), "name": "先锋组"})
    written = east.check(E_GROUPS[0])
    city.settle(20)
    assert written in hashes(city.hub)
    assert east.replica.identity.parent_node == present
    for node in city.nodes:
        named = directory.tree_of(node.replica).at(E_GROUPS[0], TODAY)
        assert named is not None
        assert named.name == "先锋组"
        assert directory.live_nodes(node.db, CITY) == [present]
        assert directory.is_revoked(node.db, earlier)
    sound(city)


def test_a_backup_from_before_the_renewal_comes_back_to_the_present_key() -> None:
    city = City()
    east, town = city.line(EAST, E_TOWN)
    backup = town.snapshot()
    kept = town.check(E_TOWN, "2026-11-20")
    _earlier, present = renew(town)
    later = town.check(E_TOWN, "2026-11-21")
    city.settle(20)
    town.restore(backup)
    assert town.replica.identity.node == present
    city.settle(30)
    assert {kept, later} <= hashes(town)
    after = town.check(E_TOWN, "2026-11-22")
    city.settle(20)
    assert after in hashes(city.hub)
    assert [standing(node, after) for node in (east, city.hub)] == ["ok", "ok"]
    sound(city)
