"""Queries about nodes: those below, what a unit's nodes wrote, what was refused, and since when this one works."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

Row = tuple[Any, ...]


def units_below(db: Database, unit: str) -> list[str]:
    """Units for which a node of this unit signed a certificate, or from which one ever exchanged with it."""
    rows = db.execute(
        "SELECT unit FROM node_cert WHERE unit <> :unit AND issuer IN (SELECT node FROM node_cert WHERE unit = :unit)"
        " UNION SELECT unit FROM link WHERE side = 'child' ORDER BY 1",
        {"unit": unit},
    )
    return [row[0] for row in rows.fetchall()]


def link_with(db: Database, link: str) -> Row:
    """(last seen, received, clock offset in ms, refused) of a child's link; nothing is known of one never seen."""
    row = db.execute(
        "SELECT l.last_seen_at, l.received, l.offset_ms,"
        " (SELECT COUNT(*) FROM refused r WHERE r.link = l.link AND r.line IS NOT NULL)"
        " FROM link l WHERE l.link = ? AND l.side = 'child'",
        [link],
    ).fetchone()
    return row or (None, 0, None, 0)


def nodes_of(db: Database, unit: str) -> list[Row]:
    """(node, when its first certificate came, events held, when the last one came, whether it is revoked) of every
    node that was certified for a unit, the latest first.
    """
    return db.execute(
        "SELECT c.node, MIN(e.received_at), (SELECT COUNT(*) FROM event w WHERE w.node = c.node),"
        " (SELECT MAX(w.received_at) FROM event w WHERE w.node = c.node),"
        " EXISTS (SELECT 1 FROM revocation r WHERE r.node = c.node AND r.unit = c.unit)"
        " FROM node_cert c JOIN event e ON e.hash = c.event WHERE c.unit = ? GROUP BY c.node ORDER BY MIN(e.n) DESC",
        [unit],
    ).fetchall()


def began_at(db: Database) -> int | None:
    """When the first event was stored here (unix ms)."""
    row = db.execute("SELECT received_at FROM event ORDER BY n LIMIT 1").fetchone()
    return None if row is None else int(row[0])


def chain_of(db: Database, event: str) -> str | None:
    """The chain of an event that is held."""
    row = db.execute("SELECT chain FROM event WHERE hash = ?", [event]).fetchone()
    return None if row is None else str(row[0])


def was_refused(db: Database, event: str, by: str, code: str) -> bool:
    """Whether a unit has told an event's writer of such a refusal."""
    row = db.execute("SELECT 1 FROM refusal WHERE hash = ? AND by = ? AND code = ?", [event, by, code]).fetchone()
    return row is not None
