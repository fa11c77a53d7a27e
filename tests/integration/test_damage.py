"""One stored event goes bad in the middle of the way: the next level sets that line aside, says so down to the origin,
takes everything else, and has the event in the end, sent once more from below.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from crafted import alter, column

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, City, Node, told
from node import status
from node.evidence import records
from node.keeping import mending
from sync.rebuild import rebuild
from sync.verify import verify

DAYS = ("2026-11-20", "2026-11-21", "2026-11-22")


class Line:
    """City, county, township, village, each with a node; the village's three checks have come as far as the township,
    and the middle one is damaged there.
    """

    def __init__(self) -> None:
        self.city = City()
        self.county, self.town, self.village = self.city.line(EAST, E_TOWN, E_VILLAGE)
        self.events = [self.village.check(E_GROUPS[0], day) for day in DAYS]
        self.village.sync()
        self.bad = self.events[1]

    @property
    def nodes(self) -> list[Node]:
        """Everybody from the city down."""
        return self.city.nodes

    def standing(self, node: Node) -> dict[str, str]:
        """The standing of each of the three events at a node that holds it."""
        rows = node.db.execute("SELECT hash, standing FROM event WHERE kind = 'chk'").fetchall()
        return dict(rows)


def zeros(node: Node) -> int:
    """Zero-reports counted for the city's whole."""
    return int(node.db.execute("SELECT COALESCE(SUM(zero), 0) FROM check_day WHERE unit = ?", [CITY]).fetchone()[0])


def swap(text: str, place: int) -> str:
    """The text with one character changed."""
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def damages() -> list[tuple[str, str, str, Any]]:
    """(name, table, column, change) of one stored column."""
    fields = ("mark", "chain", "seq", "prev", "kind", "unit", "bdate", "rtime", "ctx", "schema", "phash")

    def in_field(place: int) -> Any:
        return lambda line: "\t".join(
            swap(part, len(part) - 1) if at == place else part for at, part in enumerate(line.split("\t"))
        )

    found: list[tuple[str, str, str, Any]] = [
        (f"the last byte of {name}", "event", "header", in_field(place)) for place, name in enumerate(fields)
    ]
    found += [
        ("a digit of the unit", "event", "header", lambda line: line.replace(E_GROUPS[0], E_GROUPS[1])),
        ("a digit of the date", "event", "header", lambda line: line.replace("2026-11-21", "2026-11-22")),
        ("a TAB gone", "event", "header", lambda line: line.replace("\t", "", 1)),
        ("a TAB more", "event", "header", lambda line: line + "\t"),
        ("a newline more", "event", "header", lambda line: line + "\n"),
        ("a Chinese sign", "event", "header", lambda line: line.replace("chk", "查")),
        ("an empty header", "event", "header", lambda _line: ""),
        ("another's header", "event", "header", "neighbour"),
        ("a byte of the signature", "event", "sig", lambda sig: bytes([sig[0] ^ 1]) + sig[1:]),
        ("half the signature", "event", "sig", lambda sig: sig[:32]),
        ("an empty signature", "event", "sig", lambda _sig: b""),
        ("a word of the payload", "part", "text", lambda text: text.replace("zero", "zerO")),
        ("an empty payload", "part", "text", lambda _text: ""),
        ("a byte of the salt", "part", "salt", lambda salt: bytes([salt[0] ^ 1]) + salt[1:]),
        ("half the salt", "part", "salt", lambda salt: salt[:8]),
        ("no salt", "part", "salt", lambda _salt: None),
        ("the name of the part", "part", "name", lambda _name: "pup"),
        ("a name that is none", "part", "name", lambda _name: "Pub!"),
        ("a byte of the part's hash", "part", "hash", lambda digest: bytes([digest[0] ^ 1]) + digest[1:]),
    ]
    return found


@pytest.mark.parametrize(("table", "name", "change"), [row[1:] for row in damages()], ids=[row[0] for row in damages()])
def test_damage_in_the_middle_is_set_aside_told_and_mended_from_below(table: str, name: str, change: Any) -> None:
    line = Line()
    kept = column(line.town, line.bad, table, name)
    other = column(line.town, line.events[0], table, name)
    alter(line.town, line.bad, table, name, other if change == "neighbour" else change(kept))
    assert line.town.sync().last.kind == "ok"
    held = line.standing(line.county)
    assert (held.get(line.events[0]), held.get(line.events[2])) == ("ok", "ok")
    line.city.settle()
    assert line.standing(line.city.hub) == dict.fromkeys(line.events, "ok")
    assert zeros(line.city.hub) == 3
    for node in line.nodes[:2]:
        assert verify(node.replica).problems == [], node.unit


@pytest.fixture
def line() -> Line:
    """One byte of a header altered at the township, which has sent it up."""
    line = Line()
    header = column(line.town, line.bad, "event", "header")
    alter(line.town, line.bad, "event", "header", header.replace("2026-11-21", "2026-11-19"))
    line.town.sync()
    return line


def test_the_others_of_the_batch_count_meanwhile(line: Line) -> None:
    assert zeros(line.county) == 2
    line.county.sync()
    assert zeros(line.city.hub) == 2


def test_both_sides_list_the_refusal_by_whom_and_why(line: Line) -> None:
    at_county, at_town = status.refused(line.county.replica), status.refused(line.town.replica)
    assert [(row["event"], row["code"], row["by"], row["here"]) for row in at_county] == [
        (line.bad, "bad_sig", EAST, True)
    ]
    assert [(row["event"], row["code"], row["by"], row["here"], row["held"]) for row in at_town] == [
        (line.bad, "bad_sig", EAST, False, True)
    ]
    for node in (line.county, line.town):
        headers = node.user("it", "admin")
        shown = told(node.browser().get("/api/v1/sync", headers=headers))["refused"]
        assert [(row["event"], row["code"]) for row in shown] == [(line.bad, "bad_sig")]
        assert "bad_sig" not in node.browser().get("/sync", headers=headers).text
        assert line.bad[-6:] in node.browser().get("/sync", headers=headers).text


def test_the_refusal_reaches_the_origin_over_the_hops(line: Line) -> None:
    line.village.sync()
    shown = status.refused(line.village.replica)
    assert [(row["event"], row["code"], row["by"]) for row in shown] == [(line.bad, "bad_sig", EAST)]
    way = records.path_of(line.village.replica, line.bad)
    assert way.refused is not None
    assert way.refused[:2] == (EAST, "bad_sig")
    assert [hop.hop for hop in way.hops if hop.at is not None] == ["saved", E_TOWN]


def test_the_origin_sends_it_once_more_and_only_once(line: Line) -> None:
    line.city.settle()
    entries = "SELECT COUNT(*) FROM uplog u JOIN event e ON e.n = u.event WHERE e.hash = ?"
    counts = [node.db.execute(entries, [line.bad]).fetchone()[0] for node in (line.village, line.town, line.county)]
    assert counts == [2, 2, 1]
    assert column(line.town, line.bad, "event", "header") == column(line.village, line.bad, "event", "header")
    line.city.settle()
    assert [node.db.execute(entries, [line.bad]).fetchone()[0] for node in (line.village, line.town, line.county)] == [
        2,
        2,
        1,
    ]


def test_after_mending_the_record_shows_its_whole_way_and_no_refusal_stands(line: Line) -> None:
    line.city.settle()
    way = records.path_of(line.village.replica, line.bad)
    assert way.refused is None
    assert [hop.hop for hop in way.hops if hop.at is None] == []
    assert verify(line.county.replica).set_aside == 1


def test_a_city_mark_with_a_gap_leaves_the_chain_to_be_asked_for(line: Line) -> None:
    line.county.sync()
    line.town.sync()
    line.village.sync()  # brings the refusal, and the city's mark that names the gap, in one reply
    assert line.village.count("chain", "behind_since IS NOT NULL") == 1
    line.city.settle()
    assert [hop.hop for hop in records.path_of(line.village.replica, line.bad).hops if hop.at is None] == []
    assert line.village.count("chain", "behind_since IS NOT NULL") == 0


def test_the_mended_middle_counts_as_before_and_stands_a_rebuild(line: Line) -> None:
    line.city.settle()
    for node in line.nodes:
        before = node.derived()
        rebuild(node.replica)
        assert node.derived() == before, node.unit
        assert verify(node.replica).problems == [], node.unit


def test_a_rebuild_passes_over_what_went_bad_and_counts_it_again_when_it_is_mended() -> None:
    line = Line()
    before = line.town.derived()
    header = column(line.town, line.bad, "event", "header")
    alter(line.town, line.bad, "event", "header", header.replace("2026-11-21", "2026-11-19"))
    rebuild(line.town.replica)
    assert (zeros(line.town), line.standing(line.town)[line.bad]) == (2, "pending")
    assert line.town.browser().get("/sync", headers=line.town.user("it", "admin")).status_code == 200
    line.city.settle()
    assert [zeros(node) for node in line.nodes] == [3, 3, 3, 3]
    del before["refusal"]
    assert {name: rows for name, rows in line.town.derived().items() if name in before} == before
    assert verify(line.town.replica).problems == []


def test_a_node_that_holds_only_damaged_bytes_of_its_own_says_so_and_blocks_nobody() -> None:
    city = City()
    county = city.line(EAST)[0]
    first, second = (county.check(E_GROUPS[0], day) for day in DAYS[:2])
    alter(county, first, "event", "header", column(county, first, "event", "header") + "x")
    city.settle()
    assert city.hub.count("event", "kind = 'chk'") == 1
    assert [row["event"] for row in status.refused(county.replica)] == [first]
    county.check(E_GROUPS[0], DAYS[2])
    city.settle()
    assert city.hub.count("event", "kind = 'chk'") == 2
    assert second in dict(city.hub.db.execute("SELECT hash, n FROM event").fetchall())


def test_damage_after_the_way_up_is_found_by_verify_and_disturbs_no_exchange() -> None:
    line = Line()
    line.city.settle()
    alter(line.county, line.bad, "part", "text", json.dumps({"result": "zero", "theme": "x"}))
    line.city.settle()
    problems = verify(line.county.replica).problems
    named = [(problem.code, problem.event) for problem in problems if problem.event is not None]
    assert named == [("bad_parts", line.bad)]
    assert zeros(line.city.hub) == 3


@pytest.mark.parametrize("place", [0, 1], ids=["city", "county"])
def test_damage_after_the_way_up_is_mended_from_below_once_verify_found_it(place: int) -> None:
    line = Line()
    line.city.settle()
    node = line.nodes[place]
    alter(
        node, line.bad, "event", "header", column(node, line.bad, "event", "header").replace("2026-11-21", "2026-11-19")
    )
    report = verify(node.replica)
    assert line.bad in [problem.event for problem in report.problems]
    assert (mending.ask_below(node.replica, report), mending.ask_below(node.replica, report)) == (1, 0)
    line.city.settle()
    assert verify(node.replica).problems == []
    assert [zeros(one) for one in line.nodes[:3]] == [3, 3, 3]
    assert [
        status.refused(one.replica)
        for one in line.nodes
        if any(row["held"] is False for row in status.refused(one.replica))
    ] == []
    before = node.derived()
    rebuild(node.replica)
    assert node.derived() == before


def test_nobody_is_asked_for_what_only_this_node_wrote() -> None:
    line = Line()
    line.city.settle()
    alter(line.village, line.bad, "part", "text", json.dumps({"result": "zero", "theme": "x"}))
    assert mending.ask_below(line.village.replica, verify(line.village.replica)) == 0


@pytest.mark.parametrize(
    "damage",
    [
        "''",
        "replace(header, char(9), ' ')",
        "replace(header, 'chk', '查')",
        "header || char(9)",
        "CAST(x'ff67310a' AS TEXT)",
    ],
)
def test_no_page_and_no_answer_fails_over_a_damaged_row(damage: str) -> None:
    line = Line()
    node = line.village
    node.db.execute(f"UPDATE event SET header = {damage} WHERE hash = ?", [line.bad])
    headers = node.user("it", "admin")
    browser = node.browser()
    for path in ("/today", "/records", "/sync", "/rollup", "/nodes", "/api/v1/sync", "/api/v1/duties", "/metrics"):
        assert browser.get(path, headers=headers).status_code == 200, path
    group = {"unit": E_GROUPS[0]}
    for path in ("/today", "/records", "/api/v1/checks"):
        assert browser.get(path, query_string=group, headers=headers).status_code == 200, path
    proof = browser.get(f"/api/v1/events/{line.bad}", headers=headers)
    assert (proof.status_code, told(proof)["verified"]) == (200, False)
    assert {problem.event for problem in verify(node.replica).problems} >= {line.bad}
    assert node.sync().last.kind == "ok"
    assert zeros(node) == 3
