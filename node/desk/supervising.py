"""督办: what a unit asked to be answered and what it was asked, with counts; the document of `GET /supervisions`."""

from __future__ import annotations

from typing import Any

from node.cases import supervision_queries as queries
from node.cases.supervision_queries import STATES, Key, Side
from node.scope import today_of
from schemas.errors import Invalid
from sync.replica import Replica

SIDES: tuple[Side, ...] = ("given", "received")
START: Key = ("", "")


def listed(replica: Replica, unit: str, side: str, state: str, after: Key, limit: int) -> dict[str, Any]:
    """`{unit, side, items, next, counts}`. Call inside `sync.database.read`. Raises Invalid naming the field."""
    if side not in SIDES:
        raise Invalid("not_one_of", field="side", value=side, allowed=", ".join(SIDES))
    if state and state not in STATES:
        raise Invalid("not_one_of", field="state", value=state, allowed=", ".join(STATES))
    chosen: Side = "given" if side == "given" else "received"
    today = today_of(replica).isoformat()
    rows = queries.page(replica.db, chosen, unit, state or None, today, after, limit + 1)
    items = [
        {
            "event": row.event,
            "case": row.case_id,
            "by": row.by,
            "owner": row.owner,
            "date": row.day,
            "due": row.due,
            "state": "answered" if row.answered_on else "silent" if row.due < today else "waiting",
            "answered_on": row.answered_on,
            "answer": row.answer,
            "case_state": row.state,
            "kind": row.kind,
            "category": row.category,
            "found_by": row.found_by,
        }
        for row in rows[:limit]
    ]
    following = f"{rows[limit - 1].due} {rows[limit - 1].event}" if len(rows) > limit else None
    counted = {one: queries.counts(replica.db, one, unit, today) for one in SIDES}
    return {"unit": unit, "side": side, "items": items, "next": following, "counts": counted}


def read_key(text: str | None) -> Key:
    """The key that a page goes on from. Raises Invalid naming `after`."""
    if not text:
        return START
    due, _, event = text.partition(" ")
    if not event:
        raise Invalid("bad_after", field="after", value=text)
    return due, event
