"""What the sync layer works out from the log: emptied, it can be made again (rebuild.py, intake.py)."""

from __future__ import annotations

from typing import Final

from sync.replica import Replica
from sync.standing import PENDING

DERIVED: Final = ("node_cert", "revocation", "directory_act", "refusal", "node_key", "erased")


def clear_derived(replica: Replica) -> None:
    """Empties every derived table; the logs, marks and cursors stay."""
    for table in DERIVED:
        replica.db.execute(f"DELETE FROM {table}")
    replica.db.execute("UPDATE directory_state SET acts = 0, version = ''")
    replica.db.execute("UPDATE event SET standing = ?", [PENDING])
    replica.app.clear(replica.db)
