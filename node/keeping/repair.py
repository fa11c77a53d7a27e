"""A damaged database is set aside when `serve` starts, and the newest sound copy put in its place; what came after it
is fetched back from the parent, or handed back by the children (5-architecture, SQLite).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.folder import DATABASE
from node.home import Home
from node.keeping import copies
from node.keeping.backups import Copied, put_back
from node.keeping.damage import damage
from node.keeping.soundness import first_fault
from schemas.errors import Corrupt, Invalid

# Why a copy can't be used, so that the next older one is tried: not sound, not whole, or another node's.
UNFIT: Final = frozenset({"backup_damaged", "backup_not_whole", "no_backup_here", "restore_other_node"})


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was wrong, which copy took the database's place, and what that holds."""

    damage: str
    source: Path
    copied: Copied


def repair(home: Home) -> Repaired | None:
    """None for a database that is sound. Raises Corrupt where there is no sound copy; then nothing is changed."""
    folder = home.folder
    wrong = _wrong_with(folder / DATABASE)
    if wrong is None:
        return None
    for source in copies.known(folder, home.config.copies.second):
        try:
            return Repaired(wrong, source, put_back(source, folder, home.env.now_ms()))
        except Invalid as error:
            if error.code not in UNFIT:  # a full disk, say, is no reason to pass over a sound copy
                raise
    raise Corrupt("database_damaged", field="--data", value=f"{folder / DATABASE}: {wrong}")


def _wrong_with(database: Path) -> str | None:
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as conn:
            return first_fault(conn)
    except sqlite3.DatabaseError as error:
        wrong = damage(error)
        if wrong is None:
            raise
        return wrong
