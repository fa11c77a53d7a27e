"""The clocks at hand: the own, the newest mark held, the parent's last word. A dead battery must not stop the work."""

from __future__ import annotations

from datetime import date

from schemas.clock import latest_business_day
from sync import marks
from sync.replica import Replica


def known(replica: Replica) -> tuple[int, int | None, int | None]:
    """Unix ms of the own clock, the newest mark held and the parent's last `now`; None for what never came."""
    row = replica.db.execute("SELECT MAX(peer_now) FROM link WHERE side = 'parent'").fetchone()
    return replica.env.now_ms(), marks.newest_instant(replica.db), row[0]


def of_children(replica: Replica) -> int | None:
    """The latest clock that a child had at its last exchange, unix ms; None where none ever came. The top has no other
    to hold its own against: its marks are by its own clock.
    """
    row = replica.db.execute("SELECT MAX(last_seen_at + offset_ms) FROM link WHERE side = 'child'").fetchone()
    return None if row[0] is None else int(row[0])


def today(replica: Replica) -> date:
    """The business day by the latest of them."""
    return latest_business_day(*known(replica))
