"""SQL of what a phone's entries build on."""

from __future__ import annotations

from sqlite_utils import Database


def public_text(db: Database, event: str) -> str | None:
    """The coded facts of a held event as they were written, or None."""
    row = db.execute(
        "SELECT p.text FROM event e JOIN part p ON p.event = e.n AND p.name = 'pub' WHERE e.hash = ?", [event]
    ).fetchone()
    return row[0] if row else None
