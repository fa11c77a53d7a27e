"""What did not come up by its link, since a file carried it past or a disk went back, is there again on every level
that it belongs to, the writer's included: the level above hands it down.
"""

from __future__ import annotations

import pytest

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node
from node.status import heads
from sync import carrier, directory, enrol, receipts
from sync.verify import verify


def hashes(node: Node) -> set[str]:
    """All events that a node holds."""
    return {row[0] for row in node.db.execute("SELECT hash FROM event")}


def carried(writer: Node, to: Node) -> None:
    """A stick goes from a node to a level above it, past those between."""
    for file in carrier.export(writer.replica):
        carrier.take_in(to.replica, file.content)


def waiting(node: Node) -> int:
    """How many chains of its subtree a node waits to see marked by the city."""
    return node.count("chain", "behind_since IS NOT NULL")


@pytest.fixture
def city() -> City:
    """A hub with a line of nodes down to a village."""
    city = City()
    city.line(EAST, E_TOWN, E_VILLAGE)
    return city


def test_the_successor_of_a_lost_node_gets_what_only_a_stick_had_brought_past_its_link() -> None:
    city = City()
    hub, (county,) = city.hub, city.line(EAST)
    kept = county.check(E_GROUPS[0], "2026-11-20")
    carried(county, hub)
    successor = city.replace(county, hub)
    city.settle(30)
    assert kept in hashes(successor)
    assert waiting(successor) == 0


def test_the_levels_between_and_a_writer_whose_disk_went_back_get_what_a_stick_had_brought_to_the_city(
    city: City,
) -> None:
    hub, county, town, village = city.nodes
    backup = village.snapshot()
    kept = village.check(E_GROUPS[0], "2026-11-20")
    carried(village, hub)
    village.restore(backup, marker=False)
    city.settle(30)
    assert [kept in hashes(node) for node in (county, town, village)] == [True] * 3
    assert all(marked for _chain, _seq, _hash, marked in heads(village.replica))
    assert [verify(node.replica).problems for node in city.nodes] == [[]] * 4


def test_the_successor_of_a_lost_node_gets_what_its_parent_itself_was_handed_back(city: City) -> None:
    _hub, _county, town, village = city.nodes
    backup = town.snapshot()
    kept = village.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    town.restore(backup)
    town.sync()
    successor = city.replace(village, town)
    city.settle(30)
    assert kept in hashes(successor)


def test_what_a_child_sends_of_itself_is_not_handed_down_to_it_too(city: City) -> None:
    hub, county, town, village = city.nodes
    village.check(E_GROUPS[0], "2026-11-20")
    carried(village, hub)
    (owing,) = hub.db.execute("SELECT COUNT(*) FROM owed WHERE link LIKE ?", [f"%>{EAST}"]).fetchone()
    assert owing == 1
    assert [node.sync().pulled for node in (village, town, county)] == [0, 0, 0]
    assert hub.count("owed") == 0


def test_two_disks_of_one_unit_both_get_what_a_stick_had_brought_of_their_predecessor() -> None:
    city = City()
    county, town = city.line(EAST, E_TOWN)
    town.check(E_GROUPS[0], "2026-11-19")
    city.settle()
    kept = town.check(E_GROUPS[0], "2026-11-20")
    files = [file.content for file in carrier.export(town.replica)]
    successor = city.replace(town, county)
    twin = city.clone(successor)
    for disk, group in ((successor, E_GROUPS[1]), (twin, E_GROUPS[2])):
        disk.check(group, "2026-11-20")
    city.settle(30)
    for content in files:
        carrier.take_in(city.hub.replica, content)
    city.settle(30)
    assert [kept in hashes(node) for node in (successor, twin)] == [True, True]
    assert [waiting(node) for node in (successor, twin)] == [0, 0]


def test_a_late_stick_of_a_lost_node_reaches_its_successor_even_where_the_loss_was_forgotten() -> None:
    city = City()
    (county,) = city.line(EAST)
    backup = city.hub.snapshot()
    kept = county.check(E_GROUPS[0], "2026-11-20")
    files = [file.content for file in carrier.export(county.replica)]
    successor = city.replace(county, city.hub, sync=False)
    city.hub.restore(backup, marker=False)
    successor.sync()
    successor.sync()
    assert [carrier.take_in(city.hub.replica, content).moved for content in files] == [True]
    city.settle(30)
    assert kept in hashes(successor)


def moved(city: City, unit: str, to: str, *through: Node) -> None:
    """The city publishes a move; these nodes hear of it first."""
    city.hub.publish({"type": "unit", "act": "move", "unit": unit, "date": "2026-11-01", "parent": to})
    for node in through:
        node.client.own_url = node.url
        node.sync()
    city.settle(30)


def test_a_unit_that_moves_with_its_node_is_followed_by_what_those_above_had_reported_for_it() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    earlier = west.check(W_GROUPS[0], "2026-11-20")
    town = city.join(west, W_TOWN, sync=False)
    west.sync()
    moved(city, W_TOWN, EAST, east, west, town)
    assert town.replica.identity.parent == EAST
    assert earlier in hashes(east)


def test_a_report_reaches_where_its_unit_stands_though_its_author_stood_there_before_it_moved_away() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    town = city.join(west, W_TOWN)
    city.settle()
    moved(city, W_TOWN, EAST, east, west, town)
    city.hub.publish({"type": "unit", "act": "move", "unit": W_VILLAGE, "date": "2026-11-02", "parent": E_TOWN})
    city.hub.publish({"type": "unit", "act": "move", "unit": E_TOWN, "date": "2026-11-03", "parent": WEST})
    kept = town.check(W_GROUPS[0], "2026-11-20")  # it has not heard of it yet
    city.settle(30)
    assert (town.replica.identity.parent, kept in hashes(west)) == (EAST, True)


def test_a_unit_that_comes_back_to_its_parent_brings_what_was_reported_for_it_elsewhere() -> None:
    city = City()
    east, west = city.line(EAST)[0], city.join(city.hub, WEST)
    moved(city, W_TOWN, EAST, east, west)
    kept = east.check(W_GROUPS[0], "2026-11-20")
    city.settle()
    city.hub.publish({"type": "unit", "act": "move", "unit": W_TOWN, "date": "2026-11-02", "parent": WEST})
    city.settle()
    assert kept in hashes(west)
    assert [verify(node.replica).problems for node in city.nodes] == [[]] * 3


def test_a_receipt_is_written_for_a_node_whose_issuer_was_revoked() -> None:
    city = City()
    (county,) = city.line(EAST)
    town = city.join(county, E_TOWN)
    town.check(E_GROUPS[0], "2026-11-20")
    enrol.revoke(city.hub.replica, EAST)
    (file,) = carrier.export(town.replica, everything=True)
    done = carrier.take_in(city.hub.replica, file.content)
    assert directory.unit_of(city.hub.db, done.node) is None
    receipt = receipts.receipt(city.hub.replica, done.node, done.log, done.chains)
    assert receipts.take_receipt(town.replica, receipt.content).unit == CITY
