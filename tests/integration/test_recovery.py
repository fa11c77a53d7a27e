"""Disks that went back in time, were copied, or were lost: nothing that somebody still holds is lost (3-sync)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from crafted import signed

from builders import (
    CITY,
    DAY_MS,
    E_GROUPS,
    E_TOWN,
    E_VILLAGE,
    EAST,
    TODAY,
    W_GROUPS,
    W_TOWN,
    W_VILLAGE,
    WEST,
    City,
    Node,
    Sent,
)
from node.status import alarms, forks, heads
from schemas.errors import GridError
from sync import carrier, enrol, log, marks, owed, server
from sync.client import Client
from sync.database import write
from sync.env import Reply
from sync.intake import Intake
from sync.rebuild import rebuild
from sync.verify import verify
from sync.wire import inflate


def hashes(node: Node) -> set[str]:
    """All events that a node holds."""
    return {row[0] for row in node.db.execute("SELECT hash FROM event")}


def own_chains(node: Node) -> list[str]:
    """The chains that a node signs or signed, the present one last."""
    (now,) = node.db.execute("SELECT chain FROM node_state").fetchone()
    rows = node.db.execute("SELECT chain FROM chain WHERE node = ? ORDER BY chain", [node.replica.identity.node])
    return [*(row[0] for row in rows if row[0] != now), now]


def sound(city: City) -> None:
    """Nothing is wrong anywhere, and an idle exchange is one request."""
    for node in city.nodes:
        assert verify(node.replica).problems == []
    for node in city.nodes:
        if node.parent is not None:
            before = len(city.network.log)
            node.sync()
            assert len(city.network.log) == before + 1


def all_at_the_top(city: City) -> None:
    """L1: every event held anywhere is at the hub."""
    for node in city.nodes:
        assert hashes(node) <= hashes(city.hub)


@pytest.mark.parametrize("marker", [True, False])
def test_a_restored_node_gets_back_what_it_had_sent_and_goes_on_in_its_chain(*, marker: bool) -> None:
    city = City()
    (east,) = city.line(EAST)
    backup = east.snapshot()
    lost = east.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    east.restore(backup, marker=marker)
    assert lost not in hashes(east)
    city.settle()
    assert lost in hashes(east)
    after = east.check(E_GROUPS[1], "2026-11-20")
    city.settle()
    assert {lost, after} <= hashes(city.hub)
    assert len(own_chains(east)) == 1
    sound(city)


def test_a_restored_node_that_writes_before_it_can_ask_begins_a_new_chain() -> None:
    city = City()
    (east,) = city.line(EAST)
    backup = east.snapshot()
    lost = east.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    east.restore(backup)
    after = east.check(E_GROUPS[1], "2026-11-20")
    assert len(own_chains(east)) == 2
    city.settle()
    assert {lost, after} <= hashes(city.hub) & hashes(east)
    assert [forks(node.replica) for node in city.nodes] == [[], []]
    sound(city)


def test_a_restored_node_without_its_marker_that_writes_forks_its_chain_and_both_branches_are_kept_and_shown() -> None:
    city = City()
    (east,) = city.line(EAST)
    backup = east.snapshot()
    lost = east.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    east.restore(backup, marker=False)
    after = east.check(E_GROUPS[1], "2026-11-20")
    city.settle()
    assert {lost, after} <= hashes(city.hub) & hashes(east)
    for node in city.nodes:
        assert [set(one["tips"]) for one in forks(node.replica)] == [{lost, after}]
    assert len(own_chains(east)) == 2
    sound(city)


def test_two_computers_on_copies_of_one_disk_each_write_a_chain_of_their_own_and_the_hub_has_all() -> None:
    city = City()
    (east,) = city.line(EAST)
    twin = city.clone(east)
    written = [east.check(E_GROUPS[0], "2026-11-20"), twin.check(E_GROUPS[1], "2026-11-20")]
    city.settle(40)
    written += [east.check(E_GROUPS[0], "2026-11-21"), twin.check(E_GROUPS[1], "2026-11-21")]
    city.settle(40)
    assert set(written) <= hashes(city.hub)
    assert own_chains(east)[-1] != own_chains(twin)[-1]
    for node in (east, twin, city.hub):
        assert forks(node.replica) != []
    all_at_the_top(city)
    sound(city)


def test_a_fork_is_shown_at_both_writers_within_one_drain_after_the_second_branch_came() -> None:
    city = City()
    (east,) = city.line(EAST)
    twin = city.clone(east)
    east.check(E_GROUPS[0], "2026-11-20")
    twin.check(E_GROUPS[1], "2026-11-20")
    east.sync()
    twin.sync()
    assert forks(twin.replica) != []
    east.sync()
    assert forks(east.replica) != []


@pytest.mark.parametrize("marker", [True, False])
def test_a_restored_middle_node_gets_all_back_from_above_and_below(*, marker: bool) -> None:
    city = City()
    east, town, village = city.line(EAST, E_TOWN, E_VILLAGE)
    backup = town.snapshot()
    lost = [village.check(E_GROUPS[0], "2026-11-20"), town.check(E_TOWN, "2026-11-19")]
    city.hub.publish({"type": "unit", "act": "rename", "unit": E_GROUPS[2], "date": "2026-11-20", "name": "新名组"})
    city.settle()
    late = village.check(E_GROUPS[2], "2026-11-21")
    town.restore(backup, marker=marker)
    city.settle(20)
    for node in (city.hub, east, town, village):
        assert {lost[0], late} <= hashes(node)
    assert lost[1] in hashes(town)
    assert all(marked for node in city.nodes for *_, marked in heads(node.replica))
    sound(city)


def test_a_hub_restored_from_a_backup_gets_its_tail_back_from_its_children() -> None:
    city = City()
    east, _west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    city.settle()
    backup = city.hub.snapshot()
    city.hub.publish({"type": "unit", "act": "rename", "unit": E_GROUPS[0], "date": "2026-11-20", "name": "先锋组"})
    lost = east.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    held = hashes(city.hub)
    city.hub.restore(backup)
    city.settle(20)
    assert held <= hashes(city.hub)
    assert lost in hashes(city.hub)
    city.hub.publish({"type": "unit", "act": "rename", "unit": W_GROUPS[0], "date": "2026-11-20", "name": "后进组"})
    city.settle(20)
    assert len(own_chains(city.hub)) == 2
    tables = [
        node.db.execute("SELECT act FROM directory_act ORDER BY no, event, place").fetchall() for node in city.nodes
    ]
    assert tables[0] == tables[1] == tables[2]
    assert {json.loads(row[0]).get("name") for row in tables[0]} >= {"先锋组", "后进组"}
    sound(city)


def test_a_replaced_node_needs_the_word_for_it_and_fetches_the_history_of_its_unit_back() -> None:
    city = City()
    east, town = city.line(EAST, E_TOWN)
    kept = [town.check(E_GROUPS[0], f"2026-11-{day}") for day in (17, 18, 19)]
    city.settle()
    code = enrol.invite(east.replica, E_TOWN).code
    env, signer = city._env(), town.replica.signer
    stranger = type(signer)(bytes(32))
    with pytest.raises(GridError, match="unit_has_node"):
        enrol.ask(env, east.url, E_TOWN, code, stranger)
    new = city.replace(town, east)
    city.settle()
    assert set(kept) <= hashes(new)
    after = new.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    assert after in hashes(city.hub)
    sound(city)


def test_what_a_replaced_node_writes_afterwards_is_kept_and_has_no_effect() -> None:
    city = City()
    east, town = city.line(EAST, E_TOWN)
    before = town.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    city.replace(town, east)
    city.settle()
    stolen = town.check(E_GROUPS[1], "2026-11-20")
    refused = town.sync().last
    assert (refused.kind, refused.problem) == ("failed", "revoked")

    stored = log.load(town.db, stolen)  # the stolen disk's line reaches the county by another way
    assert stored is not None
    with write(east.db, "exchange", east.env):
        intake = Intake(east.replica, east.env.now_ms())
        intake.add(stored.event, "file")
        intake.finish()
    city.settle()
    for node in (city.hub, east):
        assert node.db.execute("SELECT standing FROM event WHERE hash = ?", [stolen]).fetchone()[0] == "revoked"
        assert node.db.execute("SELECT standing FROM event WHERE hash = ?", [before]).fetchone()[0] == "ok"
        assert node.count("check_report", f"event = '{stolen}'") == 0
    sound(city)


def test_a_revocation_that_comes_after_what_it_voids_takes_it_out_of_every_figure() -> None:
    city = City()
    east, town = city.line(EAST, E_TOWN)
    town.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    position = east.snapshot()
    late = town.check(E_GROUPS[1], "2026-11-20")
    city.settle()
    assert city.hub.count("check_report") == 2
    east.restore(position)  # knows only the first check, and revokes there
    enrol.revoke(east.replica, E_TOWN)
    city.settle_but(town)
    assert city.hub.db.execute("SELECT standing FROM event WHERE hash = ?", [late]).fetchone()[0] == "revoked"
    assert city.hub.count("check_report") == 1
    kept = city.hub.derived()
    rebuild(city.hub.replica)
    assert city.hub.derived() == kept


def test_a_lost_parent_that_is_replaced_hears_all_again_from_its_children() -> None:
    city = City()
    east, town, village = city.line(EAST, E_TOWN, E_VILLAGE)
    checks = {village.check(E_GROUPS[0], "2026-11-20")}
    village.sync()  # the township has it, nobody above
    new = city.replace(town, east)
    checks.add(village.check(E_GROUPS[1], "2026-11-20"))
    city.settle(20)
    assert checks <= hashes(new) & hashes(city.hub)
    all_at_the_top(city)
    sound(city)


def test_a_unit_that_moves_follows_its_new_parent_and_the_new_parent_gets_its_whole_log() -> None:
    city = City()
    east, west, town = city.join(city.hub, EAST), city.join(city.hub, WEST), None
    town = city.join(east, E_TOWN)
    city.settle()
    before = town.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    city.hub.publish(
        {"type": "unit", "act": "move", "unit": E_TOWN, "date": "2026-11-21", "parent": WEST, "address": west.url}
    )
    city.settle(20)
    assert town.replica.identity.parent == WEST
    after = town.check(E_GROUPS[1], "2026-11-21")
    town.parent = west
    city.settle(20)
    assert {before, after} <= hashes(west) & hashes(city.hub)
    assert after not in hashes(east)
    sound(city)


def test_a_move_without_an_address_leads_over_the_ancestor_that_knows_the_way() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    town = city.join(east, E_TOWN)
    west.client.own_url = west.url
    city.settle()
    city.hub.publish({"type": "unit", "act": "move", "unit": E_TOWN, "date": "2026-11-21", "parent": WEST})
    city.settle(20)
    assert town.replica.identity.parent == WEST


def test_a_node_below_a_unit_that_moves_finds_the_new_parent_by_the_address_of_the_act() -> None:
    city = City()
    west, east, town = city.join(city.hub, WEST), *city.line(EAST, E_TOWN)
    group = city.join(west, W_GROUPS[0])
    city.settle()
    move = {"type": "unit", "act": "move", "unit": W_VILLAGE, "date": "2026-11-21", "parent": E_TOWN}
    city.hub.publish(move | {"address": town.url})
    for node in (west, east, town):
        node.sync()
    city.settle(20)
    assert group.replica.identity.parent == E_TOWN


def test_a_unit_that_gets_its_node_later_is_given_its_earlier_reports() -> None:
    city = City()
    (east,) = city.line(EAST)
    earlier = east.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    town = city.join(east, E_TOWN)
    city.settle()
    assert earlier in hashes(town)
    assert CITY not in town.replica.link_up
    sound(city)


class PowerCut(BaseException):
    """The process dies at a commit."""


def dies(node: Node, name: str, moment: str, act: Callable[[], object]) -> None:
    """Runs something during which the power goes at a commit."""

    def at_commit(commit: str, when: str) -> None:
        if (commit, when) == (name, moment):
            raise PowerCut

    node.env.on_commit = at_commit
    with pytest.raises(PowerCut):
        act()
    node.env.on_commit = None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_power_cut_at_the_commits_of_files_moves_and_revocations_costs_nothing(moment: str) -> None:
    city = City()
    east, west, town = city.join(city.hub, EAST), city.join(city.hub, WEST), None
    town = city.join(east, E_TOWN)
    city.settle()
    kept = town.check(E_GROUPS[0], "2026-11-20")
    (file,) = carrier.export(town.replica)
    dies(east, "import", moment, lambda: carrier.take_in(east.replica, file.content))
    assert (kept in hashes(east)) == (moment == "after")
    assert carrier.take_in(east.replica, file.content).new == int(moment == "before")
    city.hub.publish(
        {"type": "unit", "act": "move", "unit": E_TOWN, "date": "2026-11-21", "parent": WEST, "address": west.url}
    )
    for node in (east, west):
        node.sync()
    dies(town, "adopt", moment, town.sync)
    city.settle(20)
    assert (town.replica.identity.parent, kept in hashes(west)) == (WEST, True)
    dies(west, "revoke", moment, lambda: enrol.revoke(west.replica, E_TOWN))
    if moment == "before":
        enrol.revoke(west.replica, E_TOWN)
    with pytest.raises(GridError, match="no_node"):
        enrol.revoke(west.replica, E_TOWN)
    assert town.sync().last.problem == "revoked"


def test_a_child_of_a_revoked_issuer_is_taken_in_again_by_a_person_and_keeps_its_chain() -> None:
    city = City()
    east, town = city.line(EAST, E_TOWN)
    position = east.snapshot()
    village = city.join(town, E_VILLAGE)  # certified by the township after the county's copy was made
    east.restore(position)
    city.nodes.remove(village)
    new = city.replace(town, east)
    city.nodes.append(village)
    village.parent = new
    kept = village.check(E_GROUPS[0], "2026-11-20")
    assert village.sync().last.problem == "unknown_key"
    with pytest.raises(GridError, match="unit_out_of_scope"):
        enrol.readmit(new.replica, WEST)
    assert enrol.readmit(new.replica, E_VILLAGE) == [village.replica.identity.node]
    city.settle(20)
    assert kept in hashes(city.hub)
    assert len(own_chains(village)) == 1
    assert city.hub.db.execute("SELECT standing FROM event WHERE hash = ?", [kept]).fetchone()[0] == "ok"
    sound(city)


def codes(node: Node) -> list[str]:
    """The alarms of a node."""
    return [one["code"] for one in alarms(node.replica, "zh_CN")]


def test_a_restored_copy_and_a_fork_raise_an_alarm_at_the_writer_until_they_are_settled() -> None:
    city = City()
    (east,) = city.line(EAST)
    backup = east.snapshot()
    east.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    east.restore(backup)
    assert codes(east) == ["restored_copy"]
    city.settle()
    assert codes(east) == []
    twin = city.clone(east)
    east.check(E_GROUPS[1], "2026-11-20")
    twin.check(E_GROUPS[2], "2026-11-20")
    city.settle(40)
    assert (codes(east), codes(twin)) == (["forked"], ["forked"])


def test_what_is_missing_on_the_way_for_days_raises_an_alarm_above() -> None:
    city = City()
    (east,) = city.line(EAST)
    first, second = east.check(E_GROUPS[0], "2026-11-20"), east.check(E_GROUPS[1], "2026-11-20")
    stored = log.load(east.db, second)
    assert stored is not None
    with write(city.hub.db, "exchange", city.hub.env):
        intake = Intake(city.hub.replica, city.hub.env.now_ms())
        intake.add(stored.event, "file")
        intake.finish()
    assert codes(city.hub) == []
    city.clock.forward(4 * DAY_MS)
    assert "withheld" in codes(city.hub)
    city.settle()
    assert first in hashes(city.hub)
    assert "withheld" not in codes(city.hub)


def test_nobody_is_handed_a_sibling_s_event_by_wanting_its_hash_before_it_came() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    city.settle()
    secret = west.check(W_GROUPS[0], "2026-11-20", 3)
    owed.want(east.db, [secret])
    east.sync()
    west.sync()
    city.settle()
    assert secret in hashes(city.hub)
    assert secret not in hashes(east)


def test_what_is_handed_back_fits_a_reply_however_large_the_events_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_DOWN_PLAIN_BYTES", 4_000)
    city = City()
    (east,) = city.line(EAST)
    backup = east.snapshot()
    lost = {east.check(E_GROUPS[at % 3], f"2026-11-{10 + at // 3}") for at in range(24)}
    city.settle()
    east.restore(backup)
    sizes: list[int] = []
    city.network.after = lambda sent, reply: _weighed(sizes, sent, reply)
    city.settle(20)
    assert lost <= hashes(east)
    assert max(sizes) < 6_000
    sound(city)


def _weighed(sizes: list[int], sent: Sent, reply: Reply) -> Reply:
    if sent.url.endswith(server.EXCHANGE_PATH) and reply.status == 200:
        sizes.append(len(inflate(reply.body)))
    return reply


@pytest.mark.parametrize("side", ["lost", "back"])
def test_a_damaged_event_that_is_to_be_handed_back_stops_no_link_and_keeps_none_busy(side: str) -> None:
    city = City()
    (east,) = city.line(EAST)
    loser, keeper = (east, city.hub) if side == "lost" else (city.hub, east)
    backup = loser.snapshot()
    if side == "lost":
        event = east.check(E_GROUPS[0], "2026-11-20")
    else:
        city.hub.publish({"type": "unit", "act": "rename", "unit": E_GROUPS[0], "date": "2026-11-20", "name": "先锋组"})
        (event,) = city.hub.db.execute("SELECT hash FROM event ORDER BY n DESC LIMIT 1").fetchone()
    city.settle()
    keeper.db.execute("UPDATE event SET sig = zeroblob(64) WHERE hash = ?", [event])
    loser.restore(backup)
    requests = len(city.network.log)
    for _ in range(4):
        assert east.sync().last.kind == "ok"
    assert len(city.network.log) - requests < 40
    later = east.check(E_GROUPS[1], "2026-11-20")
    east.sync()
    assert later in hashes(city.hub)


def test_a_mark_that_came_before_the_tail_that_it_names_counts_once_the_tail_is_there() -> None:
    city = City()
    (east,) = city.line(EAST)
    twin = city.clone(east)
    twin.check(E_GROUPS[0], "2026-11-19")
    head = twin.check(E_GROUPS[0], "2026-11-20")
    twin.sync()
    city.settle(20)
    assert head in hashes(east)
    chain, seq = east.db.execute("SELECT chain, seq FROM event WHERE hash = ?", [head]).fetchone()
    assert city.hub.replica.identity.node in marks.reached(east.db, chain, seq, head, disputed=False)


def test_of_several_that_ask_to_be_taken_in_again_a_person_names_the_one() -> None:
    city = City()
    east, town = city.line(EAST, E_TOWN)
    position = east.snapshot()
    village = city.join(town, E_VILLAGE)
    impostor = city.replace(village, town, sync=False)
    for node in (village, impostor):
        if node in city.nodes:
            city.nodes.remove(node)
    east.restore(position)
    new = city.replace(town, east)
    for node in (village, impostor):
        node.parent = new
        assert node.sync().last.problem == "unknown_key"
    honest = village.replica.identity.node
    with pytest.raises(GridError, match="readmit_several"):
        enrol.readmit(new.replica, E_VILLAGE)
    with pytest.raises(GridError, match="no_node"):
        enrol.readmit(new.replica, E_VILLAGE, east.replica.identity.node)
    assert enrol.readmit(new.replica, E_VILLAGE, honest) == [honest]
    assert village.sync().last.kind == "ok"
    assert impostor.sync().last.problem == "unknown_key"


def test_after_a_move_an_address_that_is_changed_in_the_config_counts() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    town = city.join(east, E_TOWN)
    city.settle()
    city.hub.publish(
        {"type": "unit", "act": "move", "unit": E_TOWN, "date": "2026-11-21", "parent": WEST, "address": west.url}
    )
    city.settle(20)
    assert town.client.talk.url == west.url
    assert Client(town.replica, east.url).talk.url == west.url  # the config still names the earlier parent
    assert Client(town.replica, "http://elsewhere.test").talk.url == "http://elsewhere.test"


def test_a_move_sends_no_history_down_to_where_it_comes_up_by_itself() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    town = city.join(east, E_TOWN)
    for day in range(10, 20):
        town.check(E_GROUPS[0], f"2026-11-{day}")
    city.settle()
    city.hub.publish(
        {"type": "unit", "act": "move", "unit": E_TOWN, "date": "2026-11-21", "parent": WEST, "address": west.url}
    )
    sent_down = city.hub.count(
        "downlog", f"link = '{CITY}>{WEST}' AND event IN (SELECT n FROM event WHERE kind = 'chk')"
    )
    assert sent_down == 0
    city.settle(20)
    assert west.count("event", "kind = 'chk'") == 10
    sound(city)


def test_what_is_still_to_be_handed_back_survives_a_rebase_of_the_link_that_it_goes_over() -> None:
    city = City()
    west, town = city.line(WEST, W_TOWN)
    west_backup = west.snapshot()
    west.check(WEST, "2026-11-19")
    city.settle()
    hub_backup = city.hub.snapshot()
    city.hub.publish({"type": "unit", "act": "rename", "unit": W_GROUPS[0], "date": "2026-11-20", "name": "新组"})
    (event,) = city.hub.db.execute("SELECT hash FROM event ORDER BY n DESC LIMIT 1").fetchone()
    city.settle()
    city.hub.restore(hub_backup)
    west.restore(west_backup)
    west.check(WEST, "2026-11-20")
    town.sync()  # hands the act back to the county, which owes it to the city over a log that is to end
    city.settle(30)
    assert all(event in hashes(node) for node in city.nodes)
    sound(city)


def test_a_node_whose_issuer_s_own_certificate_lost_its_effect_is_readmitted_too() -> None:
    city = City()
    (east,) = city.line(EAST)
    before = city.hub.snapshot(), east.snapshot()
    town = city.join(east, E_TOWN)
    village = city.join(town, E_VILLAGE)
    new_town = city.replace(town, east, sync=False)
    for node, backup in zip((city.hub, east), before, strict=True):
        node.restore(backup)
    for node in (new_town, village):
        city.nodes.remove(node)
    new_east = city.replace(east, city.hub)  # revoked at a position before it certified any township
    city.settle(20)
    readmitted = []
    for node, parent in ((new_town, new_east), (village, new_town)):
        node.parent = parent
        city.nodes.append(node)
        if node.sync().last.problem == "unknown_key":
            readmitted += enrol.readmit(parent.replica, node.unit, node.replica.identity.node)
        city.settle(30)
    assert readmitted == [new_town.replica.identity.node, village.replica.identity.node]
    assert hashes(village) <= hashes(city.hub)


def test_what_an_earlier_parent_was_still_to_be_handed_goes_to_the_new_one() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    town = city.join(east, E_TOWN)
    village = city.join(town, E_VILLAGE)
    city.settle()
    backups = [(node, node.snapshot()) for node in (city.hub, east, town)]
    note = signed(east, kind="remind", schema="remind/1", unit=E_VILLAGE, day=TODAY, public={"text": "催报"})
    for _ in range(3):
        town.sync()
        village.sync()
    assert note.hash in hashes(village)
    for node, backup in backups:
        node.restore(backup)
    east.env.marker = None
    lost = city.replace(east, city.hub)  # the only other one that ever had it is gone
    city.nodes.remove(lost)
    town.parent = lost
    village.sync()  # hands it back to the township, which owes it to a parent that it is about to leave
    city.hub.publish(
        {"type": "unit", "act": "move", "unit": E_TOWN, "date": "2026-11-21", "parent": WEST, "address": west.url}
    )
    west.sync()
    city.nodes.append(lost)
    city.settle(30)
    assert note.hash in hashes(city.hub)
