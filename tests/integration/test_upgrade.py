"""A database of an older version: what that one did not work out is worked out when the newer one opens it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from desk import Desk, desk_in

from builders import WEST
from node.cases import acts
from node.folder import DATABASE
from node.home import Home
from node.keeping.upgrade import is_stale
from node.migrations import DERIVED
from node.people.accounts import Account
from sync.rebuild import rebuild

WAIT_S = 300  # generous: a busy machine is slow and not wrong
OLDER = (  # as a version without to-do lists of cases and without forms left it
    "DROP TABLE case_todo", "DROP TABLE todo_seen", "DROP INDEX check_return_at", "DROP TABLE supervision",
    "DELETE FROM _sqlite_migrations WHERE migration_set = 'node' AND name IN ('todo', 'supervisions')",
    "PRAGMA user_version = 0",
)  # fmt: skip
CASE = {
    "unit": WEST,
    "kind": "dispute",
    "category": "02",
    "source": "self_found",
    "complexity": "simple",
    "urgency": "yellow",
}


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Folders and an interpreter for commands."""
    return desk_in(tmp_path, capsys, monkeypatch)


def rows(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Every derived table."""
    return {table: home.replica().db.execute(f"SELECT * FROM {table}").fetchall() for table in DERIVED}


def test_an_upgraded_node_has_on_its_lists_what_an_older_version_did_not_list(desk: Desk) -> None:
    desk.ready()
    desk.at_county("sync", "--once")
    home = Home(desk.county)
    acts.register(home.replica(), Account("m", "mediator", WEST), CASE, "k")
    before = rows(home)
    assert before["case_todo"]
    home.close_all()
    with closing(sqlite3.connect(desk.county / DATABASE, isolation_level=None)) as conn:
        for statement in OLDER:
            conn.execute(statement)
    said = desk.at_county("status", "--json")
    assert (said.code, "程序已升级" in said.err, said.document["unit"]) == (0, True, WEST)
    assert "程序已升级" not in desk.at_county("status").err
    home = Home(desk.county)
    assert rows(home) == before
    home.close_all()


def test_of_two_processes_the_second_one_waits_and_finds_it_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ready()
    with closing(sqlite3.connect(desk.county / DATABASE, isolation_level=None)) as conn:
        conn.execute("PRAGMA user_version = 0")
    began, made = Barrier(2), list[int]()
    monkeypatch.setattr("node.home.is_stale", lambda db: (is_stale(db), began.wait(WAIT_S))[0])
    monkeypatch.setattr("node.keeping.upgrade.rebuild", lambda replica: made.append(rebuild(replica)))
    homes = [Home(desk.county) for _ in range(2)]
    threads = [Thread(target=home.replica) for home in homes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert len(made) == 1
    assert not is_stale(homes[0].replica().db)
    for home in homes:
        home.close_all()


def test_a_new_node_has_nothing_to_make_again(desk: Desk) -> None:
    desk.ready()
    assert (desk.at_county("status").err, desk.at_hub("status").err) == ("", "")
