"""Silence as an alarm: an offer that nobody has taken, a supervision that nobody has answered, a node that is not heard
of. The same three questions for `status`, `doctor` and the sync page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from node.cases import supervision_queries, todo_queries
from node.desk.waits import waits_of
from node.scope import hosts, today_of
from schemas.cases.limits import end_of
from sync.replica import Replica

DAY_MS: Final = 86_400_000
MAX_LOOKED_AT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Silence:
    """How many wait without a word, after how many days that is an alarm, and since when (unix ms) the first does."""

    count: int
    days: int
    since: int | None


def offers(replica: Replica) -> Silence:
    """Offers of units served here that nobody has taken for days."""
    days = waits_of(replica).offer_days
    before = replica.env.now_ms() - days * DAY_MS
    rows = todo_queries.waiting_since(replica.db, "offered", before, MAX_LOOKED_AT)
    served = {unit for unit in {row[0] for row in rows} if hosts(replica, unit)}
    own = [row[3] for row in rows if row[0] in served]
    return Silence(len(own), days, own[0] if own else None)


def supervisions(replica: Replica) -> Silence:
    """Supervisions by the node's own unit that were not answered in time."""
    count, due = supervision_queries.silent_of(replica.db, replica.identity.unit, today_of(replica).isoformat())
    return Silence(count, 0, end_of(date.fromisoformat(due)) if due else None)


def children(replica: Replica) -> tuple[Silence, list[tuple[str, int]]]:
    """Nodes right below that have not synced for days: how many, and (unit, when it was last heard of) of each."""
    days = waits_of(replica).child_days
    rows = replica.db.execute(
        "SELECT unit, last_seen_at FROM link WHERE side = 'child' AND last_seen_at < ? ORDER BY unit LIMIT ?",
        [replica.env.now_ms() - days * DAY_MS, MAX_LOOKED_AT],
    ).fetchall()
    found = [(row[0], row[1]) for row in rows]
    return Silence(len(found), days, min((seen for _, seen in found), default=None)), found
