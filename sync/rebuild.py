"""Making everything derived again from the log: standing, certificates, directory, and the application's tables."""

from __future__ import annotations

from sync.database import write
from sync.derived import DERIVED, clear_derived
from sync.intake import Intake
from sync.replica import Replica

__all__ = ["DERIVED", "rebuild"]


def rebuild(replica: Replica) -> int:
    """Works out every derived table from the events, in one transaction; returns how many events were read."""
    with write(replica.db, "rebuild", replica.env):
        clear_derived(replica)
        intake = Intake(replica, replica.env.now_ms(), replaying=True)
        count = intake.replay_all()
        intake.finish()
    return count
