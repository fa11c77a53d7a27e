"""In-logs that branch: a log that goes on from a point of an earlier one keeps only its own rows and where it began.

A restored or cloned disk continues at the last point that both sides know. What the earlier logs of the link hold
beyond that point is what the sender has lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlite_utils import Database

from sync.log import START, Point

KEPT_LOGS: Final = 8  # of a link: as many disks may run on copies of one; older ones keep what a kept one stands on
MAX_BRANCHES: Final = 10_000


def known_point(db: Database, link: str, point: Point) -> bool:
    """Whether any log of the link passes through this point."""
    return point == START or _owner(db, link, point) is not None


def begin(db: Database, link: str, log: str, point: Point) -> list[str]:
    """Starts a log at a point known on the link. Returns the hashes, oldest first, that came over the link in its kept
    logs and are not on the new log's path: its sender no longer has them.
    """
    base = _owner(db, link, point)
    db.execute(
        "INSERT INTO inlog_base (link, log, base_log, n, acc) VALUES (?, ?, ?, ?, ?)",
        [link, log, base or "", point[0], point[1]],
    )
    path = dict(_path(db, link, log))
    lost: dict[str, None] = {}
    for (other,) in db.execute(
        "SELECT log FROM inlog_base WHERE link = ? AND kept = 1 ORDER BY born", [link]
    ).fetchall():
        rows = db.execute(
            "SELECT hash FROM inlog WHERE link = ? AND log = ? AND n > ? ORDER BY n", [link, other, path.get(other, 0)]
        )
        lost.update({row[0]: None for row in rows.fetchall() if not _on(db, link, path, row[0])})
    _prune(db, link)
    return list(lost)


def on_path(db: Database, link: str, log: str, event_hash: str) -> bool:
    """Whether the log, or what it goes on from, holds this hash."""
    return _on(db, link, dict(_path(db, link, log)), event_hash)


def came_over(db: Database, link: str, event_hash: str) -> bool:
    """Whether any kept log of the link holds this hash."""
    return (
        db.execute("SELECT 1 FROM inlog WHERE link = ? AND hash = ? LIMIT 1", [link, event_hash]).fetchone() is not None
    )


def best(db: Database, link: str, ladder: tuple[Point, ...]) -> Point:
    """The highest of these points that any log of the link passes through."""
    known = [point for point in ladder if known_point(db, link, point)]
    return max(known, default=START, key=lambda point: point[0])


def _owner(db: Database, link: str, point: Point) -> str | None:
    """The log whose own row this point is."""
    row = db.execute(
        "SELECT i.log FROM inlog i JOIN inlog_base b ON b.link = i.link AND b.log = i.log"
        " WHERE i.link = ? AND i.acc = ? AND i.n = ? ORDER BY b.born DESC LIMIT 1",
        [link, point[1], point[0]],
    ).fetchone()
    return row[0] if row else None


def _path(db: Database, link: str, log: str) -> Iterator[tuple[str, int]]:
    """(log, last n that counts) from a log down to the first one that it stands on."""
    last = 2**53
    for _ in range(MAX_BRANCHES):
        yield log, last
        row = db.execute("SELECT base_log, n FROM inlog_base WHERE link = ? AND log = ?", [link, log]).fetchone()
        if row is None or not row[0]:
            return
        log, last = row[0], row[1]


def _on(db: Database, link: str, path: dict[str, int], event_hash: str) -> bool:
    rows = db.execute("SELECT log, n FROM inlog WHERE link = ? AND hash = ?", [link, event_hash])
    return any(n <= path.get(log, -1) for log, n in rows)


def _prune(db: Database, link: str) -> None:
    """Keeps the newest logs; of the others, the rows on which those stand."""
    logs = [
        row[0] for row in db.execute("SELECT log FROM inlog_base WHERE link = ? ORDER BY born DESC", [link]).fetchall()
    ]
    needed: dict[str, int] = {}
    for log in logs[:KEPT_LOGS]:
        for one, last in _path(db, link, log):
            needed[one] = max(needed.get(one, -1), last)
    for log in logs[KEPT_LOGS:]:
        db.execute("DELETE FROM owed WHERE link = ? AND log = ?", [link, log])
        db.execute("DELETE FROM inlog WHERE link = ? AND log = ? AND n > ?", [link, log, needed.get(log, -1)])
        if log in needed:
            db.execute("UPDATE inlog_base SET kept = 0 WHERE link = ? AND log = ?", [link, log])
        else:
            db.execute("DELETE FROM inlog_base WHERE link = ? AND log = ?", [link, log])
