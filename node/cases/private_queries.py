"""SQL of private texts, and of the log of who read them."""

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


def log_reading(db: Database, at_ms: int, account: str, role: str, case_id: str, purpose: str) -> None:
    """Notes that somebody read a private part; nothing ever changes or removes the row."""
    db.execute(
        "INSERT INTO reading (at, account, role, case_id, purpose) VALUES (?, ?, ?, ?, ?)",
        [at_ms, account, role, case_id, purpose],
    )


def readings(db: Database, case_id: str, limit: int) -> list[tuple[str, str, int, str]]:
    """(account, role, instant, purpose) of the latest readings, newest first."""
    rows = db.execute(
        "SELECT account, role, at, purpose FROM reading WHERE case_id = ? ORDER BY n DESC LIMIT ?", [case_id, limit]
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def count_readings(db: Database, case_id: str) -> int:
    """How often a private part was read."""
    return int(db.execute("SELECT COUNT(*) FROM reading WHERE case_id = ?", [case_id]).fetchone()[0])
