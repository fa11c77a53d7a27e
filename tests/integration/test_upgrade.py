"""A database of an older version: what that one did not work out is worked out when the newer one opens it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, desk_in

from builders import WEST
from node.accounts import Account
from node.cases import acts
from node.home import DATABASE, Home
from node.migrations import DERIVED

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


def test_a_new_node_has_nothing_to_make_again(desk: Desk) -> None:
    desk.ready()
    assert (desk.at_county("status").err, desk.at_hub("status").err) == ("", "")
