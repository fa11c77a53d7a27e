"""Queries for the page of erasures: which records have a private part, and what was erased."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

Row = tuple[Any, ...]
_RECORD = (
    "SELECT e.hash, e.kind, e.unit, e.header, e.received_at, MAX(p.text IS NOT NULL),"
    " (SELECT q.text FROM part q WHERE q.event = e.n AND q.name = 'pub') FROM event e"
    " JOIN part p ON p.event = e.n AND p.name IN ('per', 'sealed') WHERE "
)


def record(db: Database, event: str) -> Row | None:
    """(hash, kind, unit, header, received, whether the text is held, public part) of an event with a private part."""
    row: Row = db.execute(_RECORD + "e.hash = ?", [event]).fetchone()
    return row if row[0] is not None else None


def records_of_case(db: Database, case: str, limit: int) -> list[Row]:
    """The same of every act of a case, in the order of arrival."""
    sql = _RECORD + "e.hash IN (SELECT event FROM case_event WHERE case_id = ?) GROUP BY e.n ORDER BY e.n LIMIT ?"
    return db.execute(sql, [case, limit]).fetchall()


def erasures(db: Database, limit: int) -> list[Row]:
    """(hash, unit, received, standing, public part) of the latest erasures held, newest first."""
    return db.execute(
        "SELECT e.hash, e.unit, e.received_at, e.standing, p.text FROM event e"
        " JOIN part p ON p.event = e.n AND p.name = 'pub' WHERE e.kind = 'erase' AND e.kind NOT IN ('chk', 'case')"
        " ORDER BY e.n DESC LIMIT ?",
        [limit],
    ).fetchall()


def count(db: Database) -> int:
    """How many private parts were ever erased, as far as is known here."""
    (found,) = db.execute("SELECT COUNT(*) FROM erased").fetchone()
    return int(found)
