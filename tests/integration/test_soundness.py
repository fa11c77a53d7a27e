"""What counts as a damaged database: real faults do, a false alarm of SQLite 3.40 does not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from builders import W_GROUPS, W_TOWN, City
from node.home import DATABASE
from node.keeping.repair import _wrong_with
from node.keeping.soundness import first_fault


def test_a_database_with_an_excuse_is_sound(tmp_path: Path) -> None:
    hub = City(folder=tmp_path).hub
    who = hub.user("r", "reviewer", W_TOWN)
    body = {"unit": W_GROUPS[0], "from": "2026-11-24", "to": "2026-11-25", "reason": "防汛"}
    assert hub.browser().post("/api/v1/excuses", json=body, headers=who).status_code == 201
    assert hub.count("excused") == 1
    assert first_fault(hub.db.conn) is None
    assert hub.folder is not None
    assert _wrong_with(hub.folder / DATABASE) is None
    hub.db.conn.close()


def test_a_null_that_is_there_is_a_fault() -> None:
    with closing(sqlite3.connect(":memory:")) as conn:
        conn.execute(
            "CREATE TABLE t (a TEXT NOT NULL, x TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID"
        )
        conn.execute("CREATE TABLE u (x TEXT)")
        conn.execute("INSERT INTO t VALUES ('a', 'x', 'b')")
        conn.execute("INSERT INTO u VALUES (NULL)")
        assert first_fault(conn) is None
        conn.execute("PRAGMA writable_schema=ON")
        conn.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE u (x TEXT NOT NULL)' WHERE name = 'u'")
        conn.execute("PRAGMA writable_schema=RESET")
        assert first_fault(conn) == "NULL value in u.x"
