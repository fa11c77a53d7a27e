"""Derived tables that an older version of this program made are made again, once, when an upgraded node opens."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from sqlite_utils import Database

from node.migrations import DERIVED
from schemas.strict_json import dumps
from sync.derived import DERIVED as SYNC_DERIVED
from sync.rebuild import rebuild
from sync.replica import Replica

# Raise it when other rules fill the derived tables and their shape stays: a changed shape is seen by itself.
RULES: Final = 1
_MASK: Final = 0x7FFF_FFFF  # `PRAGMA user_version` holds 31 bits


def stamp(db: Database) -> None:
    """Says in the database that its derived tables are of this version."""
    db.execute(f"PRAGMA user_version = {version_of(db)}")


def version_of(db: Database) -> int:
    """A number for the rules and shapes of the derived tables as this program makes them; never 0."""
    names = (*SYNC_DERIVED, *DERIVED)
    shapes = db.execute(
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
        f" AND tbl_name IN ({','.join('?' * len(names))}) ORDER BY name",
        list(names),
    ).fetchall()
    digest = hashlib.sha256(dumps([RULES, [list(row) for row in shapes]]).encode()).digest()
    return int.from_bytes(digest[:4]) & _MASK or 1


def is_stale(db: Database) -> bool:
    """Whether derived tables are of another version."""
    return bool(db.execute("PRAGMA user_version").fetchone()[0] != version_of(db))


def bring_up_to_date(replica: Replica, announce: Callable[[], None]) -> None:
    """Makes derived tables again if they are of another version; says so before, as it may take minutes. One process at
    a time: a second one that has waited finds it done.
    """
    db = replica.db
    if not is_stale(db):
        return
    if db.execute("SELECT 1 FROM event LIMIT 1").fetchone() is not None:
        announce()
        rebuild(replica)
    stamp(db)
