"""Erasure: private texts go for good, wherever they are; chains, figures and what was not named stay."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from casework import PRIVATE, Caseworker
from desk import assert_refused, desk_in

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, TODAY, W_TOWN, WEST, City, Node
from node.cases.private import uncover
from node.evidence.records import evidence
from node.folder import DATABASE
from schemas.errors import GridError
from sync import log
from sync.database import write
from sync.env import SystemEnv
from sync.erase import erase, scrub
from sync.heads import is_covered
from sync.intake import Intake
from sync.rebuild import rebuild
from sync.verify import verify


def registered(node: Node, unit: str, **private: Any) -> dict[str, Any]:
    """A case with private texts."""
    names = [row[0] for row in node.db.execute("SELECT name FROM account")]
    return Caseworker(node, f"m{len(names)}", "mediator", unit).register(private={**PRIVATE, **private})


def texts(node: Node) -> list[str]:
    """Every private text that a database holds."""
    return [row[0] for row in node.db.execute("SELECT text FROM part WHERE name <> 'pub' AND text IS NOT NULL")]


def sound(*nodes: Node) -> None:
    """Everything verifies, and is the same when made again."""
    for node in nodes:
        assert verify(node.replica).problems == []
        before = node.derived()
        rebuild(node.replica)
        assert node.derived() == before


@pytest.mark.parametrize(
    ("events", "ground", "code"),
    [
        (["A" * 43], "当事人申请", "unknown_event"),
        ([], "当事人申请", "erase_count"),
        (["A" * 43] * 2 + [f"{n:043d}" for n in range(500)], "当事人申请", "erase_count"),
        (["A" * 43], "  ", "erase_ground"),
        (["A" * 43], "依" * 501, "erase_ground"),
    ],
)
def test_an_erasure_that_makes_no_sense_is_refused(events: list[str], ground: str, code: str) -> None:
    with pytest.raises(GridError, match=code):
        erase(City().hub.replica, events, ground)


def test_one_event_that_may_not_be_erased_keeps_all_of_them() -> None:
    city = City()
    (east,) = city.line(EAST)
    case = registered(east, E_TOWN)
    check = east.check(E_GROUPS[0], "2026-11-20")
    published = city.hub.db.execute("SELECT hash FROM event WHERE kind = 'dir' LIMIT 1").fetchone()[0]
    for other, code in ((check, "nothing_to_erase"), (published, "unit_out_of_scope")):
        with pytest.raises(GridError, match=code):
            erase(east.replica, [case["event"], other], "当事人申请")
    assert len(texts(east)) == 1
    assert east.count("event", "kind = 'erase'") == 0


def test_what_the_city_erases_goes_where_it_was_written_and_nowhere_else() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    west_town = city.join(west, W_TOWN)
    village = city.join(city.join(east, E_TOWN), E_VILLAGE)
    kept, gone = registered(village, E_VILLAGE), registered(village, E_VILLAGE)
    city.settle()
    signed = erase(city.hub.replica, [gone["event"]], "当事人申请删除")
    city.settle()
    assert len(texts(village)) == 1
    assert evidence(village.replica, kept["event"])["erased"] == []
    shown = evidence(village.replica, gone["event"])
    assert (shown["verified"], [(one["part"], one["event"]) for one in shown["erased"]]) == (
        True, [("per", signed.hash)],
    )  # fmt: skip
    assert west.count("event", "kind = 'erase'") == 1  # one of those that keep the city's own word for it
    assert [node.count("event", "kind = 'erase'") for node in city.nodes if node is not west_town] == [1] * 5
    assert west_town.count("event", "kind = 'erase'") == 0
    sound(*city.nodes)


def test_what_somebody_below_erases_reaches_the_city_and_who_may_not_erases_nothing() -> None:
    city = City()
    east, west = city.join(city.hub, EAST), city.join(city.hub, WEST)
    case = registered(east, E_TOWN)
    city.settle()
    with write(west.db, "erase", west.env):
        intake = Intake(west.replica, west.env.now_ms())
        public = {"hashes": [case["event"]], "parts": ["per"], "ground": "冒名"}
        intake.author(kind="erase", schema="erase/1", unit=WEST, day=TODAY, public=public)
        intake.finish()
    city.settle()
    assert len(texts(east)) == 1
    assert evidence(city.hub.replica, case["event"])["erased"] == []
    erase(east.replica, [case["event"]], "当事人申请")
    city.settle()
    assert texts(east) == []
    assert evidence(city.hub.replica, case["event"])["erased"] != []
    sound(*city.nodes)


def test_an_erasure_that_comes_before_the_event_holds_when_it_comes() -> None:
    city = City()
    (east,) = city.line(EAST)
    case = registered(east, E_TOWN)
    stored = log.load(east.db, case["event"])
    assert stored is not None
    with write(city.hub.db, "erase", city.hub.env):
        intake = Intake(city.hub.replica, city.hub.env.now_ms())
        public = {"hashes": [case["event"]], "parts": ["per"], "ground": "当事人申请"}
        intake.author(kind="erase", schema="erase/1", unit=city.city, day=TODAY, public=public)
        intake.finish()
    city.settle()
    assert texts(east) == []
    sound(*city.nodes)


def test_a_restored_node_covers_private_texts_until_it_has_synced_and_then_erases_again() -> None:
    city = City()
    (east,) = city.line(EAST)
    case = registered(east, E_TOWN)
    city.settle()
    backup = east.snapshot()
    erase(city.hub.replica, [case["event"]], "当事人申请")
    east.check(E_GROUPS[0], "2026-11-20")
    city.settle()
    east.restore(backup)
    reader = Caseworker(east, "reader", "mediator", E_TOWN)
    assert len(texts(east)) == 1
    assert reader.see(case)["private"] is None
    with pytest.raises(GridError, match="erase_ground"):
        uncover(east.replica, " ")
    city.settle()
    assert texts(east) == []
    assert not is_covered(east.db)
    assert reader.see(case)["private"]["narrative"] == ""
    sound(*city.nodes)


@pytest.mark.parametrize("marker", [True, False])
def test_private_texts_of_a_restored_copy_are_shown_unsynced_only_by_a_logged_word(marker: bool) -> None:
    city = City()
    (east,) = city.line(EAST)
    case = registered(east, E_TOWN)
    backup = east.snapshot()
    east.check(E_GROUPS[0], "2026-11-20")
    east.restore(backup, marker=marker)
    reader = Caseworker(east, "reader", "mediator", E_TOWN)
    assert reader.see(case)["private"] is None
    assert uncover(east.replica, "下村办案急用") is True
    assert uncover(east.replica, "下村办案急用") is False
    assert reader.see(case)["private"]["narrative"] == PRIVATE["narrative"]
    assert [row[0] for row in east.db.execute("SELECT purpose FROM audit WHERE act = 'uncovered'")] == ["下村办案急用"]


def test_a_restored_city_covers_private_texts_until_a_child_has_nothing_more_for_it() -> None:
    city = City()
    city.line(EAST)
    case = registered(city.hub, city.city)
    city.settle()
    backup = city.hub.snapshot()
    erase(city.hub.replica, [case["event"]], "当事人申请")
    city.settle()
    city.hub.restore(backup)
    assert (is_covered(city.hub.db), len(texts(city.hub))) == (True, 1)
    city.settle(20)
    city.settle()
    assert not is_covered(city.hub.db)
    assert texts(city.hub) == []


def test_a_line_that_was_set_aside_loses_the_text_too() -> None:
    city = City()
    (east,) = city.line(EAST)
    line = '["g1\\tx","sig",[["pub","s","t",null],["per","c2FsdA","甲某住东村",null]]]'
    for n, kept in enumerate((line, "甲某住东村 – not even JSON")):
        city.hub.db.execute(
            "INSERT INTO refused (link, log, n, hash, code, by, line, at)"
            " VALUES ('l', 'g', ?, ?, 'bad_sig', 'x', ?, 1)",
            [n + 1, "A" * 43, kept],
        )
    with write(east.db, "erase", east.env):
        intake = Intake(east.replica, east.env.now_ms())
        public = {"hashes": ["A" * 43], "parts": ["per"], "ground": "当事人申请"}
        intake.author(kind="erase", schema="erase/1", unit=EAST, day=TODAY, public=public)
        intake.finish()
    city.settle()
    rows = city.hub.db.execute("SELECT line FROM refused ORDER BY n").fetchall()
    assert len(rows) == 2
    assert not any("甲某" in row[0] for row in rows)
    assert '"pub"' in rows[0][0]


def test_no_file_of_a_node_holds_a_byte_of_what_was_erased(tmp_path: Path) -> None:
    city = City(folder=tmp_path)
    (east,) = city.line(EAST)
    drawn = random.Random(5)
    canaries = [f"金丝雀{drawn.getrandbits(80):020x}" for _ in range(40)]
    worker = Caseworker(east, "m", "mediator", E_TOWN)
    cases = [worker.register(private={**PRIVATE, "narrative": f"{one}，" * drawn.randint(1, 60)}) for one in canaries]
    city.settle()
    copy, backup = tmp_path / EAST / "replaced-1", tmp_path / EAST / "backups" / "day"
    for folder in (copy, backup):
        folder.mkdir(parents=True)
        east.db.execute("VACUUM INTO ?", [str(folder / DATABASE)])
    broken = tmp_path / EAST / "replaced-2"
    broken.mkdir()
    (broken / DATABASE).write_bytes((copy / DATABASE).read_bytes()[5000:])
    east.env.copies = SystemEnv(tmp_path / EAST, city.network).copies  # type: ignore[method-assign]
    gone = drawn.sample(range(40), 25)
    for at in gone[:5]:
        erase(east.replica, [cases[at]["event"]], "当事人申请")
    erase(city.hub.replica, [cases[at]["event"] for at in gone[5:]], "当事人申请")
    city.settle()
    assert scrub(east.replica)
    found = [path.read_bytes() for path in (tmp_path / EAST).rglob("*") if path.is_file()]
    for at, canary in enumerate(canaries):
        held = sum(canary.encode() in content for content in found)
        assert held == (0 if at in gone else 3), (at, held)
    assert not (broken / DATABASE).exists()


def test_what_a_split_page_left_behind_goes_too(tmp_path: Path) -> None:
    """Texts that came late, as by disclosure, split the pages they stand in: seed by seed, until one left a trace."""
    (east,) = City(folder=tmp_path).line(EAST)
    path, db = tmp_path / EAST / DATABASE, east.db
    db.execute("PRAGMA foreign_keys=OFF")
    for seed in range(100):
        drawn, first = random.Random(seed), 1_000 * (seed + 1)
        events, hashes = range(first, first + 150), (drawn.randbytes(32) for _ in range(300))
        for event in events:
            rows = [(0, "pub", drawn.randbytes(16), "y" * drawn.randrange(50, 300)), (1, "per", None, None)]
            for place, name, salt, text in rows:
                values = [event, place, name, salt, text, next(hashes)]
                db.execute("INSERT INTO part (event, place, name, salt, text, hash) VALUES (?, ?, ?, ?, ?, ?)", values)
        canaries = [f"canary{drawn.getrandbits(64):016x}" for _ in range(60)]
        for event, canary in zip(drawn.sample(events, 60), canaries, strict=True):
            values = [drawn.randbytes(16), "x" * drawn.randrange(200) + canary, event]
            db.execute("UPDATE part SET salt = ?, text = ? WHERE event = ? AND place = 1", values)
        db.execute("UPDATE part SET salt = NULL, text = NULL WHERE name = 'per'")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        left = [one for one in canaries if one.encode() in path.read_bytes()]
        if left:
            break
    assert left, "no page was split so that a trace stayed"
    db.execute("UPDATE node_state SET scrub = scrub + 1")
    assert scrub(east.replica)
    assert [one for one in left if one.encode() in path.read_bytes()] == []


def test_a_writer_in_the_way_puts_the_scrubbing_off(tmp_path: Path) -> None:
    (east,) = City(folder=tmp_path).line(EAST)
    east.db.execute("UPDATE node_state SET scrub = scrub + 1")
    east.db.execute("PRAGMA busy_timeout=10")
    with closing(sqlite3.connect(tmp_path / EAST / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not scrub(east.replica)
        other.execute("ROLLBACK")
    assert scrub(east.replica)
    assert east.db.execute("SELECT scrub FROM node_state").fetchone()[0] == 0


def test_the_command_says_what_it_did_and_what_it_can_t_reach(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_in(tmp_path, capsys, monkeypatch).ready()
    assert_refused(desk.at_county("erase", "A" * 43, "--ground", "当事人申请"))
    dashed = "-" + "A" * 42  # one hash in 64 begins so, and is no option
    refused = desk.at_county("erase", "A" * 43, dashed, "--ground", "当事人申请")
    assert_refused(refused)
    assert "A" * 43 in refused.err
    assert dashed in desk.at_county("erase", dashed, "--ground", "当事人申请").err
    assert_refused(desk.at_county("erase", "A" * 43))
    assert_refused(desk.at_county("erase", "--ground", "当事人申请"))
    assert_refused(desk.at_county("uncover", "--ground", " "))
    assert desk.at_county("uncover", "--ground", "查看", "--json").document == {"uncovered": False}
