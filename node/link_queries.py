"""SQL of how a node stands with its parent, as pages and programs are told: the link up, what is held, what waits."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class ParentLink:
    """The link up: instants in unix ms, `problem` the code of what stops it."""

    last_seen_at: int | None
    offset_ms: int | None
    problem: str | None


def parent_link(db: Database) -> ParentLink | None:
    """The link to the parent; None at the city."""
    row = db.execute(
        "SELECT last_seen_at, offset_ms, problem FROM link WHERE side = 'parent' ORDER BY last_seen_at DESC LIMIT 1"
    ).fetchone()
    return ParentLink(*row) if row else None


def events_held(db: Database) -> int:
    """How many events are held: the last place in the log."""
    return int(db.execute("SELECT COALESCE(MAX(n), 0) FROM event").fetchone()[0])


def received_since(db: Database, at_ms: int, *, going_up: bool) -> int:
    """Events that came since an instant; `going_up`: only the own ones and those from below."""
    joined = " JOIN uplog u ON u.event = e.n" if going_up else ""
    return int(db.execute(f"SELECT COUNT(*) FROM event e{joined} WHERE e.received_at >= ?", [at_ms]).fetchone()[0])


def refused_by_parent(db: Database, link: str) -> int:
    """Lines of the up log that the parent set aside."""
    return int(db.execute("SELECT COUNT(*) FROM refused WHERE link = ? AND line IS NULL", [link]).fetchone()[0])


def not_marked(db: Database) -> int:
    """Events of chains that the city has not marked to their end, since it fell behind."""
    row = db.execute(
        "SELECT COUNT(*) FROM event e JOIN chain c ON c.chain = e.chain WHERE c.behind_since IS NOT NULL"
        " AND e.received_at >= c.behind_since"
    ).fetchone()
    return int(row[0])


def event_about(db: Database, event: str) -> tuple[str, str, str] | None:
    """(kind, unit, header line) of a held event."""
    row = db.execute("SELECT kind, unit, header FROM event WHERE hash = ?", [event]).fetchone()
    return (row[0], row[1], row[2]) if row else None
