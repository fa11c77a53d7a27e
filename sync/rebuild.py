"""Making everything derived again from the log: standing, certificates, directory, and the application's tables."""

from __future__ import annotations

from typing import Final

from sync import log
from sync.database import write
from sync.intake import PENDING, Intake
from sync.replica import Replica

DERIVED: Final = ("node_cert", "directory_act", "refusal", "node_key")


def rebuild(replica: Replica) -> int:
    """Works out every derived table from the events, in one transaction; returns how many events were read."""
    db = replica.db
    with write(db, "rebuild", replica.env):
        clear(replica)
        intake = Intake(replica, replica.env.now_ms(), replaying=True)
        count = 0
        for stored in log.events(db):
            intake.replay(stored)
            count += 1
        intake.finish()
    return count


def clear(replica: Replica) -> None:
    """Empties every derived table; the logs, marks and cursors stay."""
    for table in DERIVED:
        replica.db.execute(f"DELETE FROM {table}")
    replica.db.execute("UPDATE directory_state SET acts = 0, version = ''")
    replica.db.execute("UPDATE event SET standing = ?", [PENDING])
    replica.app.clear(replica.db)
