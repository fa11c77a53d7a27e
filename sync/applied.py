"""How far the children have applied what goes down to them, as their own exchanges say: a child states the point up to
which its in-log from here stands, and whatever is in that log it has stored and applied.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlite_utils import Database

from sync.log import Point, down_acc
from sync.routing import PUBLISHED


class Applied(NamedTuple):
    """What a child has of one event that was sent down: `since` (unix ms) is when it was heard that it has it, None
    while it has not; `seen_at` when it was last heard of.
    """

    unit: str
    since: int | None
    seen_at: int | None


def note(db: Database, link: str, point: Point, now: int) -> None:
    """Keeps the point that a child states, if it is one of this log; with the instant, where something published lies
    between it and the point before.
    """
    row = db.execute("SELECT down_n FROM link WHERE link = ?", [link]).fetchone()
    before = row[0] if row else None
    if before == point[0] or down_acc(db, link, point[0]) != point[1]:
        return
    db.execute("UPDATE link SET down_n = ? WHERE link = ?", [point[0], link])
    if before is not None and point[0] < before:  # it went back in time: what it has, it has since then
        db.execute("DELETE FROM down_seen WHERE link = ? AND n > ?", [link, point[0]])
        return
    kinds = sorted(PUBLISHED)
    published = db.execute(
        "SELECT 1 FROM downlog d JOIN event e ON e.n = d.event WHERE d.link = ? AND d.n > ? AND d.n <= ?"
        f" AND e.kind IN ({','.join('?' * len(kinds))}) AND e.kind NOT IN ('chk', 'case') LIMIT 1",
        [link, before or 0, point[0], *kinds],
    ).fetchone()
    if published:
        db.execute("INSERT INTO down_seen (link, n, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [link, point[0], now])


def of(db: Database, event: str) -> list[Applied]:
    """Every child that an event was sent down to, by unit."""
    rows = db.execute(
        "SELECT l.unit, MIN(d.n), l.down_n, l.last_seen_at, l.link FROM event e JOIN downlog d ON d.event = e.n"
        " JOIN link l ON l.link = d.link AND l.side = 'child' WHERE e.hash = ? GROUP BY l.link ORDER BY l.unit",
        [event],
    ).fetchall()
    found = []
    for unit, n, have, seen_at, link in rows:
        since = None
        if have is not None and have >= n:
            (since,) = db.execute("SELECT MIN(at) FROM down_seen WHERE link = ? AND n >= ?", [link, n]).fetchone()
        found.append(Applied(unit, since, seen_at))
    return found
