"""Erasure (3-sync): an `erase` event names events whose private parts every node drops, text and salt; the chains still
verify by the hashes that stay. It goes wherever the events went, and holds for what comes later too.
"""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

from schemas.encoding import DIGEST_BYTES, unb64
from schemas.errors import Corrupt, GridError
from schemas.events import PUBLIC, Event, payload
from schemas.strict_json import Json, dumps, loads
from sync import directory
from sync.replica import Replica

KIND: Final = "erase"
MAX_HASHES: Final = 500


def take_in(replica: Replica, event: Event) -> list[str]:
    """Notes what an `erase` event names and drops what is held of it. Returns the hashes; none if it makes no sense."""
    try:
        value = payload(event)
        hashes, parts = _digests(value.get("hashes")), _names(value.get("parts"))
    except (Corrupt, ValueError):
        return []
    author = directory.unit_of(replica.db, event.node)
    if author is None:
        return []
    replica.db.conn.executemany(
        "INSERT INTO erased (hash, part, event, unit) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(event_hash, part, event.hash, author[0]) for event_hash in hashes for part in parts],
    )
    for event_hash in hashes:
        drop(replica, event_hash)
    return hashes


def drop(replica: Replica, event_hash: str) -> list[str]:
    """Drops what is to be erased of a held event. Returns the `erase` events that count for it."""
    db = replica.db
    rows = db.execute("SELECT part, event, unit FROM erased WHERE hash = ?", [event_hash]).fetchall()
    if not rows:
        return []
    _drop_set_aside(db, event_hash, {row[0] for row in rows})
    held = db.execute("SELECT n, unit FROM event WHERE hash = ?", [event_hash]).fetchone()
    if held is None:
        return []
    n, unit = held
    counting = [row for row in rows if _may(replica, row[2], unit)]
    dropped = 0
    for part, _event, _unit in counting:
        dropped += db.execute(
            "UPDATE part SET text = NULL, salt = NULL WHERE event = ? AND name = ? AND text IS NOT NULL", [n, part]
        ).rowcount
    if dropped:
        db.execute("UPDATE node_state SET scrub = scrub + 1")
    return list(dict.fromkeys(row[1] for row in counting))


def _drop_set_aside(db: Database, event_hash: str, parts: set[str]) -> None:
    """A line that was set aside stays listed; what it says of the parts goes."""
    rows = db.execute(
        "SELECT link, log, n, line FROM refused WHERE hash = ? AND line IS NOT NULL", [event_hash]
    ).fetchall()
    for link, log_id, n, line in rows:
        cut = _without(line, parts)
        if cut != line:
            db.execute("UPDATE refused SET line = ? WHERE link = ? AND log = ? AND n = ?", [cut, link, log_id, n])
            db.execute("UPDATE node_state SET scrub = scrub + 1")


def _without(line: str, parts: set[str]) -> str:
    try:
        value = loads(line)
    except GridError:  # what can't be read can't be searched for the parts either
        return ""
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[2], list):
        return ""
    if all(isinstance(part, list) and len(part) == 4 for part in value[2]):
        kept: list[Json] = [
            [part[0], None, None, part[3]] if isinstance(part, list) and part[0] in parts and part[2] else part
            for part in value[2]
        ]
        return line if kept == value[2] else dumps([*value[:2], kept, *value[3:]])
    return ""


def state(replica: Replica, event_hash: str) -> list[dict[str, str]]:
    """Which parts of a held event were erased, by which `erase` event of which unit."""
    rows = replica.db.execute(
        "SELECT x.part, x.event, x.unit, e.unit FROM erased x JOIN event e ON e.hash = x.hash"
        " JOIN part p ON p.event = e.n AND p.name = x.part AND p.text IS NULL"
        " WHERE x.hash = ? ORDER BY x.part, x.event",
        [event_hash],
    ).fetchall()
    return [{"part": row[0], "event": row[1], "by": row[2]} for row in rows if _may(replica, row[2], row[3])]


def _may(replica: Replica, eraser: str, unit: str) -> bool:
    """Whether a unit may erase what was written for another one: it stands, or stood, above it."""
    return eraser == unit or directory.tree_of(replica).ever_below(unit, eraser)


def _digests(value: Json) -> list[str]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_HASHES:
        raise ValueError(value)
    for one in value:
        unb64(str(one), DIGEST_BYTES)
    return [str(one) for one in value]


def _names(value: Json) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise ValueError(value)
    return [str(one) for one in value if one != PUBLIC]
