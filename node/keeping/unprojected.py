"""Events that this version could not read when they came: listed, and tried again at every start of `serve`."""

from __future__ import annotations

from typing import Any, Final

from sqlite_utils import Database

from schemas.clock import iso_instant
from sync import log
from sync.database import write
from sync.intake import Intake
from sync.replica import Replica

MAX_AT_ONCE: Final = 10_000
MAX_LISTED: Final = 500


def note(db: Database, event: str) -> None:
    """An event that this version can't read: it has no effect yet."""
    db.execute("INSERT INTO unprojected (event) VALUES (?) ON CONFLICT DO NOTHING", [event])


def forget(db: Database, event: str) -> None:
    """An event has effect now: what it waited for came."""
    db.execute("DELETE FROM unprojected WHERE event = ?", [event])


def unprojected(replica: Replica) -> list[dict[str, Any]]:
    """The events that have no effect because this version can't read them, newest first."""
    rows = replica.db.execute(
        "SELECT e.hash, e.kind, e.header, e.unit, e.received_at FROM unprojected u JOIN event e ON e.hash = u.event"
        " ORDER BY e.n DESC LIMIT ?",
        [MAX_LISTED],
    )
    return [
        {
            "event": row[0], "kind": row[1], "schema": row[2].split("\t")[9], "unit": row[3],
            "at": iso_instant(row[4]),
        }
        for row in rows
    ]  # fmt: skip


def project_again(replica: Replica) -> int:
    """Gives each of them another chance, after an upgrade perhaps. Returns how many have effect now."""
    db = replica.db
    if db.execute("SELECT 1 FROM unprojected LIMIT 1").fetchone() is None:
        return 0
    with write(db, "rebuild", replica.env):
        waiting = [row[0] for row in db.execute("SELECT event FROM unprojected LIMIT ?", [MAX_AT_ONCE]).fetchall()]
        intake = Intake(replica, replica.env.now_ms())
        for event_hash in waiting:
            stored = log.load(db, event_hash)
            if stored is not None:
                db.execute("DELETE FROM unprojected WHERE event = ?", [event_hash])
                intake.effect(stored)
        intake.finish()
        (left,) = db.execute("SELECT COUNT(*) FROM unprojected").fetchone()
    return max(0, len(waiting) - int(left))
