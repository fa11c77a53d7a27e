"""SQL of private texts."""

from __future__ import annotations

from sqlite_utils import Database


def private_texts(db: Database, case_id: str) -> list[tuple[str, str | None]]:
    """(event, text) of every act of a case that has a private part; None where the text is not held here."""
    rows = db.execute(
        "SELECT c.event, p.text FROM case_event c JOIN part p ON p.event = c.n AND p.name = 'per'"
        " WHERE c.case_id = ? ORDER BY c.n",
        [case_id],
    )
    return [(row[0], row[1]) for row in rows]
