"""Erasing on purpose: signing the erasure, and leaving no trace of the text in this node's files."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from schemas.clock import business_day
from schemas.errors import Forbidden, Invalid, NotFound
from schemas.events import PUBLIC, Event
from sync import directory
from sync.database import write
from sync.erasure import KIND, MAX_HASHES
from sync.intake import Intake
from sync.replica import Replica

SCHEMA: Final = "erase/1"
PARTS: Final = ("per", "sealed")
MAX_GROUND_CHARS: Final = 500
_IN_THE_WAY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)


def erase(replica: Replica, events: Sequence[str], ground: str) -> Event:
    """Signs the erasure of the private parts of these events, and drops them here, in one transaction.

    Raises Invalid, NotFound for an event that is not held, Forbidden for one of a unit that never was below this
    node's, NotFound `nothing_to_erase` for one that never had a private part; nothing is erased then.
    """
    reason, hashes = ground.strip(), list(dict.fromkeys(events))
    if not 0 < len(reason) <= MAX_GROUND_CHARS:
        raise Invalid("erase_ground", field="--ground", value=reason[:60], limit=MAX_GROUND_CHARS)
    if not 0 < len(hashes) <= MAX_HASHES:
        raise Invalid("erase_count", field="EVENT", value=len(hashes), limit=MAX_HASHES)
    me = replica.identity
    with write(replica.db, "erase", replica.env):
        for event_hash in hashes:
            unit = _require_erasable(replica, event_hash)
            replica.app.note(replica, "erased", unit=unit, subject=event_hash, purpose=reason)
        intake = Intake(replica, replica.env.now_ms())
        signed = intake.author(
            kind=KIND, schema=SCHEMA, unit=me.unit, day=business_day(intake.now_ms),
            public={"hashes": hashes, "parts": list(PARTS), "ground": reason},
        )  # fmt: skip
        intake.finish()
    scrub(replica)
    return signed


def _require_erasable(replica: Replica, event_hash: str) -> str:
    """The unit of an event. Raises NotFound, Forbidden."""
    db, me = replica.db, replica.identity
    row = db.execute("SELECT n, unit FROM event WHERE hash = ?", [event_hash]).fetchone()
    if row is None:
        raise NotFound("unknown_event", field="EVENT", value=event_hash)
    if row[1] != me.unit and not directory.tree_of(replica).ever_below(row[1], me.unit):
        raise Forbidden("unit_out_of_scope", field="EVENT", value=row[1], own=me.unit)
    if not db.execute("SELECT 1 FROM part WHERE event = ? AND name <> ?", [row[0], PUBLIC]).fetchone():
        raise NotFound("nothing_to_erase", field="EVENT", value=event_hash)
    return str(row[1])


def scrub(replica: Replica) -> bool:
    """After an erasure: no page of the database, none of its write-ahead log, and no copy kept in the data folder holds
    the text any more. `secure_delete` alone does not see to that: where a page was split, what moved to the other half
    stays behind in the gap of the first until something is written over it. So the file is made anew.

    Returns whether that is done; a writer, a reader or a full disk may stand in the way for a while, then it is done
    with the next exchange.
    """
    db = replica.db
    row = db.execute("SELECT scrub FROM node_state").fetchone()
    if row is None or row[0] == 0:
        return True
    erased = db.execute(_DROPPED).fetchall()
    for path in replica.env.copies():
        _erase_copy(path, erased)
    if not _made_anew(db):
        return False
    with write(db, "sync_state", replica.env):
        db.execute("UPDATE node_state SET scrub = 0 WHERE scrub = ?", [row[0]])
    return True


def _made_anew(db: Database) -> bool:
    """Whether the file was written anew, and its log cut."""
    try:
        db.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _IN_THE_WAY:
            return False
        raise
    (busy, _pages, _moved) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


# What was erased and has gone here, that is, by somebody who may.
_DROPPED: Final = (
    "SELECT x.hash, x.part FROM erased x JOIN event e ON e.hash = x.hash"
    " JOIN part p ON p.event = e.n AND p.name = x.part AND p.text IS NULL"
)


def _erase_copy(path: Path, erased: Sequence[tuple[str, str]]) -> None:
    """Drops the texts from an earlier database that is kept beside the present one, and nothing else; a file that is no
    sound database any more goes whole.
    """
    try:
        _rewrite(path, erased)
    except sqlite3.DatabaseError:
        for file in path.parent.glob(path.name + "*"):
            file.unlink(missing_ok=True)


def _rewrite(path: Path, erased: Sequence[tuple[str, str]]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA secure_delete=ON")
        conn.execute("BEGIN IMMEDIATE")
        conn.executemany(
            "UPDATE part SET text = NULL, salt = NULL"
            " WHERE name = ?2 AND event = (SELECT n FROM event WHERE hash = ?1) AND text IS NOT NULL",
            erased,
        )
        conn.execute("COMMIT")
        conn.execute("VACUUM")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
