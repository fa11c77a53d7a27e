"""What a node has to hand back on a link: "lost" to a child that went back in time, "back" to such a parent; and what
it wants handed back itself (3-sync, Handing back).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from sqlite_utils import Database

from sync import log
from sync.certificates import key_of, sound
from sync.log import LogLine

MAX_WANTED: Final = 20  # in one request
MAX_WANTED_BY_LINK: Final = 2_000
MAX_HANDED: Final = 200  # lines of one exchange
ANY_LOG: Final = ""  # owed to a link, over whichever log of it comes first


def note(db: Database, link: str, log_id: str, hashes: Iterable[str]) -> None:
    """From now on these are handed back over the log, until they come over it."""
    db.conn.executemany(
        "INSERT INTO owed (link, log, hash) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(link, log_id, event_hash) for event_hash in hashes],
    )


def carry_over(db: Database, link: str, log_id: str, fresh: str) -> None:
    """What was still to be handed back over a log is handed back over the one that takes its place."""
    db.execute("UPDATE OR IGNORE owed SET log = ? WHERE link = ? AND log = ?", [fresh, link, log_id])
    db.execute("DELETE FROM owed WHERE link = ? AND log = ?", [link, log_id])


def move_over(db: Database, link: str, log_id: str) -> None:
    """What was still to be handed back to an earlier parent is handed to this one."""
    earlier = "link <> ? AND link IN (SELECT link FROM link WHERE side = 'parent')"
    db.execute(f"UPDATE OR IGNORE owed SET link = ?, log = ? WHERE {earlier}", [link, log_id, link])
    db.execute(f"DELETE FROM owed WHERE {earlier}", [link])


def settle(db: Database, link: str, log_id: str, hashes: Collection[str]) -> None:
    """These came over the log."""
    _clear(db, link, log_id, hashes)
    came = _clear(db, link, ANY_LOG, hashes)
    if came:  # another disk of the same unit, which speaks of a log of its own, has not got them
        asked = "SELECT log FROM inlog_base WHERE link = ? AND kept = 1 AND log <> ?"
        for (other,) in db.execute(asked, [link, log_id]).fetchall():
            note(db, link, other, came)


def _clear(db: Database, link: str, log_id: str, hashes: Collection[str]) -> list[str]:
    """Returns those that were owed."""
    if not db.execute("SELECT 1 FROM owed WHERE link = ? AND log = ? LIMIT 1", [link, log_id]).fetchone():
        return []
    gone = "DELETE FROM owed WHERE link = ? AND log = ? AND hash = ?"
    return [one for one in hashes if db.execute(gone, [link, log_id, one]).rowcount]


def lines(db: Database, link: str, log_id: str) -> Iterator[LogLine]:
    """The next events to hand back, oldest first. One whose stored bytes fail helps nobody and is left out."""
    entries = (
        "SELECT MIN(o.place) AS n, e.n AS event, x'' AS acc FROM owed o JOIN event e ON e.hash = o.hash"
        " WHERE o.link = ? AND o.log IN (?, ?) GROUP BY e.n ORDER BY n LIMIT ?"
    )
    for line in log.lines_of(db, entries, [link, log_id, ANY_LOG, MAX_HANDED]):
        if sound(line.header, line.signature, line.parts, line.hash, lambda node: key_of(db, node)) is None:
            yield line


def line_up_to(db: Database, event_hash: str, link: str, own: tuple[str, int], limit: int) -> list[str]:
    """The event and what it follows, oldest first, at most `limit`: of the child's own chain only what comes after its
    head (chain, seq), of any other only what did not come over its link.
    """
    rows = db.execute(
        "WITH RECURSIVE line (hash, prev, chain, seq, at) AS ("
        "SELECT hash, prev, chain, seq, 1 FROM event WHERE hash = ?1 UNION ALL"
        " SELECT e.hash, e.prev, e.chain, e.seq, line.at + 1 FROM line JOIN event e ON e.hash = line.prev"
        " WHERE e.chain = line.chain AND line.at < ?5 AND (CASE WHEN e.chain = ?3 THEN e.seq > ?4 ELSE"
        " NOT EXISTS (SELECT 1 FROM inlog i WHERE i.link = ?2 AND i.hash = e.hash) END))"
        " SELECT hash FROM line ORDER BY at DESC",
        [event_hash, link, *own, limit],
    )
    return [row[0] for row in rows]


def want(db: Database, hashes: Iterable[str], link: str = "", log_id: str = "", at: int = 0) -> None:
    """Notes hashes that this node lacks, for itself (a mark of instant `at` names them) or for a child that asked."""
    (count,) = db.execute("SELECT COUNT(*) FROM wanted WHERE link = ?", [link]).fetchone()
    rows = [(event_hash, link, log_id, at) for event_hash in hashes][: max(0, MAX_WANTED_BY_LINK - count)]
    db.conn.executemany(
        "INSERT INTO wanted (hash, link, log, named_at) VALUES (?, ?, ?, ?) ON CONFLICT (hash, link, log) DO UPDATE"
        " SET asked = 0, named_at = excluded.named_at WHERE wanted.link <> '' OR excluded.named_at > wanted.named_at",
        rows,
    )


def wanted(db: Database) -> list[str]:
    """What the parent has not been asked for yet, at most 20."""
    rows = db.execute("SELECT DISTINCT hash FROM wanted WHERE asked = 0 ORDER BY hash LIMIT ?", [MAX_WANTED])
    return [row[0] for row in rows]


def asked(db: Database, hashes: Sequence[str]) -> None:
    """The parent was asked; it is asked again only when a new mark names the event, or over a new log."""
    db.conn.executemany("UPDATE wanted SET asked = 1 WHERE hash = ?", [(event_hash,) for event_hash in hashes])


def ask_again(db: Database) -> None:
    """A new log: everything still wanted is asked for once more."""
    db.execute("UPDATE wanted SET asked = 0 WHERE asked = 1")


def arrived(db: Database, event_hash: str) -> list[tuple[str, str]]:
    """A wanted event is held now. Returns (link, log) of the children that asked for it."""
    rows = db.execute("SELECT link, log FROM wanted WHERE hash = ?", [event_hash]).fetchall()
    if rows:
        db.execute("DELETE FROM wanted WHERE hash = ?", [event_hash])
    return [(link, log_id) for link, log_id in rows if link]
