"""`verify` finds what was altered, whichever table it stands in, names it, and ends with exit code 1."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from builders import E_GROUPS, E_TOWN, EAST, City, Node, many_checks
from node.cli import main as node_main
from node.folder import DATABASE
from schemas.events import next_acc
from sync.rebuild import rebuild
from sync.verify import verify

BYTE = "CAST(x'00' || substr({0}, 2) AS BLOB)"
TAMPERS: dict[str, tuple[str, str]] = {
    "a header": ("bad_hash", "UPDATE event SET header = replace(header, '2026-11-21', '2026-11-19')"),
    "a header that cannot be read": ("unreadable", "UPDATE event SET header = 'x' || header WHERE n = {chk}"),
    "a byte that is no text": ("unreadable", "UPDATE event SET header = CAST(x'fffe' AS TEXT) WHERE n = {chk}"),
    "a signature": ("bad_sig", f"UPDATE event SET sig = {BYTE.format('sig')} WHERE n = {{chk}}"),
    "a text": ("bad_parts", "UPDATE part SET text = text || ' ' WHERE event = {chk}"),
    "a salt": ("bad_parts", f"UPDATE part SET salt = {BYTE.format('salt')} WHERE event = {{chk}}"),
    "a part's hash": ("bad_parts", f"UPDATE part SET hash = {BYTE.format('hash')} WHERE event = {{chk}}"),
    "a missing part": ("bad_parts", "DELETE FROM part WHERE event = {chk}"),
    "the index of a chain": ("bad_index", "UPDATE event SET seq = seq + 100 WHERE n = {chk}"),
    "the index of a unit": ("bad_index", "UPDATE event SET unit = '421001001001002' WHERE n = {chk}"),
    "the index of a kind": ("bad_index", "UPDATE event SET kind = 'return' WHERE n = {chk}"),
    "a standing": ("bad_standing", "UPDATE event SET standing = 'bad_scope' WHERE n = {chk}"),
    "a certificate gone": ("bad_standing", "DELETE FROM node_cert WHERE unit = '421001001000'"),
    "a key": ("no_key", "DELETE FROM node_key WHERE node = (SELECT node FROM event WHERE n = {chk})"),
    "an acc of the up log": ("bad_log", f"UPDATE uplog SET acc = {BYTE.format('acc')} WHERE n = 2"),
    "an event of the up log": ("bad_log", "UPDATE uplog SET event = 1 WHERE n = 2"),
    "an entry of the up log gone": ("bad_log", "DELETE FROM uplog WHERE n = 2"),
    "an acc of a down log": ("bad_log", f"UPDATE downlog SET acc = {BYTE.format('acc')} WHERE n = 2"),
    "an acc of an in-log": ("bad_log", f"UPDATE inlog SET acc = {BYTE.format('acc')} WHERE n = 2"),
    "a hash of an in-log": ("bad_log", "UPDATE inlog SET hash = (SELECT hash FROM event WHERE n = 1) WHERE n = 2"),
    "the tally of a day": ("bad_tally", "UPDATE check_day SET zero = zero + 1 WHERE day = '2026-11-20'"),
    "the tally of a month": ("bad_tally", "UPDATE check_month SET found = found + 1"),
    "a tally too many": ("bad_tally", "INSERT INTO check_day VALUES ('421001001001003', '2026-11-01', 1, 0, 0, 0)"),
    "the effective check": ("bad_tally", "UPDATE check_duty SET first_recorded_at = 1 WHERE day = '2026-11-20'"),
    "a tally gone": ("bad_tally", "DELETE FROM check_day WHERE day = '2026-11-20'"),
    "a mark": ("bad_mark", "UPDATE mark SET line = replace(line, 'm1', 'm2')"),
    "the instant of a mark": ("bad_mark", "UPDATE mark SET line = replace(line, '\t17', '\t18')"),
    "the index of a mark": ("bad_mark", "UPDATE mark SET at = -at"),
    "the signature of a mark": ("bad_mark", f"UPDATE mark SET sig = {BYTE.format('sig')}"),
    "an event gone from the middle": ("gap", "DELETE FROM event WHERE n = {chk}"),
    "an event gone from the end": ("lost_tip", "DELETE FROM event WHERE n = {last}"),
}  # fmt: skip


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[City, Node]:
    """A county on disk, between the city and a township, with three checks from below, all at rest."""
    city = City(folder=tmp_path_factory.mktemp("city"))
    county, town = city.line(EAST, E_TOWN)
    for day in (20, 21, 22):
        town.check(E_GROUPS[0], f"2026-11-{day}", disputes=day % 2)
    city.settle()
    return city, county


def run(folder: Path | None, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """(exit code, document) of `verify --json` on a node's folder."""
    code = node_main(["verify", "--data", str(folder), "--json"])
    printed = capsys.readouterr()
    assert printed.err == ""
    return code, json.loads(printed.out)


def test_an_honest_node_verifies_whole(pristine: tuple[City, Node], capsys: pytest.CaptureFixture[str]) -> None:
    code, document = run(pristine[1].folder, capsys)
    assert code == 0
    assert (document["ok"], document["problems"], document["forks"], document["set_aside"]) == (True, [], 0, 0)
    assert document["events"] == pristine[1].count()
    assert document["tallies"] > 0
    assert document["marks"] > 0
    assert document["log_entries"] > 10


@pytest.mark.parametrize("name", list(TAMPERS))
def test_what_was_altered_is_named_and_ends_with_1(
    pristine: tuple[City, Node], capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    expected, statement = TAMPERS[name]
    folder = copied_to(pristine[1], tmp_path / "copy")
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as conn:
        (chk,) = conn.execute("SELECT n FROM event WHERE kind = 'chk' ORDER BY n LIMIT 1 OFFSET 1").fetchone()
        (last,) = conn.execute("SELECT MAX(n) FROM event WHERE kind = 'chk'").fetchone()
        assert conn.execute(statement.format(chk=chk, last=last)).rowcount > 0
    code, document = run(folder, capsys)
    assert (code, document["ok"]) == (1, False)
    named = [problem for problem in document["problems"] if problem["code"] == expected]
    assert named, document["problems"]
    assert all(problem["text"] for problem in document["problems"])
    assert (named[0]["event"] is not None) == (expected not in ("bad_tally", "bad_mark"))


def copied_to(node: Node, folder: Path) -> Path:
    """The node's folder copied while nobody writes to it."""
    assert node.folder is not None
    node.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(node.folder, folder)
    return folder


def test_a_thousand_problems_are_told_and_no_more() -> None:
    city = City()
    county = city.line(EAST)[0]
    county.check_all(many_checks(E_GROUPS, date(2025, 1, 1), 1_100))
    county.db.execute("UPDATE event SET sig = zeroblob(64)")
    report = verify(county.replica)
    assert (len(report.problems), report.ok) == (1_000, False)


def test_a_forged_log_whose_accs_fold_is_still_no_log_of_these_events() -> None:
    city = City()
    county = city.line(EAST)[0]
    county.check(E_GROUPS[0], "2026-11-20")
    second = county.check(E_GROUPS[0], "2026-11-21")
    rows = county.db.execute("SELECT n, event, acc FROM uplog ORDER BY n").fetchall()
    (n, _, _), (_, event, _) = rows[-2:]
    acc = rows[-3][2]
    county.db.execute("UPDATE uplog SET event = ?, acc = ? WHERE n = ?", [event, next_acc(acc, second), n])
    assert [problem.code for problem in verify(county.replica).problems] == ["bad_log"]


def test_verify_changes_nothing(pristine: tuple[City, Node], capsys: pytest.CaptureFixture[str]) -> None:
    county = pristine[1]
    assert run(county.folder, capsys)[0] == 0  # the first process on this disk writes the head marker
    before = county.db.conn.serialize()
    assert run(county.folder, capsys)[0] == 0
    assert county.db.conn.serialize() == before


def test_a_rebuild_mends_what_is_derived_and_nothing_else() -> None:
    city = City()
    county = city.line(EAST)[0]
    event = county.check(E_GROUPS[0])
    county.db.execute("UPDATE check_day SET zero = 9")
    county.db.execute("DELETE FROM check_report")
    county.db.execute("DELETE FROM check_duty")
    county.db.execute("UPDATE event SET standing = 'late_key'")
    assert not verify(county.replica).ok
    rebuild(county.replica)
    assert verify(county.replica).ok
    county.db.execute("UPDATE event SET sig = zeroblob(64) WHERE hash = ?", [event])
    rebuild(county.replica)
    assert [problem.code for problem in verify(county.replica).problems] == ["bad_sig"]
