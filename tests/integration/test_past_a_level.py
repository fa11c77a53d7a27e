"""What did not come up by its link, since a file carried it past or a disk went back, is there again on every level
that it belongs to, the writer's included: the level above hands it down.
"""

from __future__ import annotations

import pytest

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, City, Node
from node.status import heads
from sync import carrier
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
