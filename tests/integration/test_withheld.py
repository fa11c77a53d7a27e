"""A middle level that hands an event on without its coded facts: every hash fits, and still it is refused."""

from __future__ import annotations

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, TODAY, City, Node
from node import status
from node.figures import rollup
from sync.rebuild import rebuild
from sync.verify import verify


def zeros(node: Node) -> int:
    document = rollup.answer(node.replica, EAST, str(TODAY), by=None, tree="then", now_ms=node.env.now_ms())
    measures = document["measures"]
    assert isinstance(measures, dict)
    return int(measures["checks_zero"])


def cut_out(node: Node, event: str) -> None:
    node.db.execute(
        "UPDATE part SET text = NULL, salt = NULL WHERE event = (SELECT n FROM event WHERE hash = ?)", [event]
    )


def problems(node: Node) -> set[str]:
    return {problem.code for problem in verify(node.replica).problems}


def test_an_event_without_its_facts_is_refused_told_and_mended_from_below() -> None:
    city = City()
    county, town, village = city.line(EAST, E_TOWN, E_VILLAGE)
    cut, whole = (village.check(group) for group in E_GROUPS[:2])
    village.sync()
    cut_out(town, cut)
    assert "bad_parts" in problems(town)
    town.sync()
    assert (zeros(county), county.count("event", f"hash = '{cut}'"), county.count("event", f"hash = '{whole}'")) == (
        1,
        0,
        1,
    )
    for node in (county, town):
        assert [(row["code"], row["by"]) for row in status.refused(node.replica) if row["event"] == cut] == [
            ("bad_sig", EAST)
        ]
    city.settle()
    assert [zeros(node) for node in (village, town, county, city.hub)] == [2, 2, 2, 2]
    assert [problems(node) for node in city.nodes] == [set()] * 4


def test_a_rebuild_leaves_out_what_has_no_facts_and_counts_it_again_when_they_come_back() -> None:
    city = City()
    _county, town, village = city.line(EAST, E_TOWN, E_VILLAGE)
    cut = village.check(E_GROUPS[0])
    village.sync()
    cut_out(town, cut)
    rebuild(town.replica)
    assert zeros(town) == 0
    city.settle()
    assert [zeros(node) for node in (town, city.hub)] == [1, 1]
    assert problems(town) == set()


def test_private_words_may_be_withheld_on_the_way() -> None:
    city = City()
    county = city.line(EAST)[0]
    returned = county.user("reviewer", "reviewer")
    check = county.check(E_GROUPS[0])
    reply = county.browser().post(f"/api/v1/checks/{check}/return", json={"reason": "请核对"}, headers=returned)
    assert reply.status_code == 201
    city.settle()
    event = reply.get_json()["event"]
    held = city.hub.db.execute(
        "SELECT p.name, p.text IS NULL FROM part p JOIN event e ON e.n = p.event WHERE e.hash = ? ORDER BY place",
        [event],
    )
    assert held.fetchall() == [("pub", 0), ("per", 1)]
    assert problems(city.hub) == set()
