"""SQL of issued bulletins, of the files kept of them, and of drafts."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlite_utils import Database


class Issued(NamedTuple):
    """An issued bulletin: its event, what it is about, the one that it corrects, when (unix ms), who, SHA-256 of its
    Markdown (hex).
    """

    event: str
    unit: str
    period: str
    year: int
    no: int
    corrects: str | None
    title: str
    issued_at: int
    by: str
    sha256: str


class Draft(NamedTuple):
    """What somebody wrote for a bulletin that is not issued yet; instants in unix ms."""

    no: int
    remarks: str
    account: str
    at: int


_COLUMNS = "event, unit, period, year, no, corrects, title, issued_at, account, sha256"


def put_issued(db: Database, one: Issued) -> None:
    """Takes an issued bulletin in."""
    db.execute(f"INSERT INTO bulletin ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", list(one))


def issued(db: Database, event: str) -> Issued | None:
    """One issued bulletin."""
    row = db.execute(f"SELECT {_COLUMNS} FROM bulletin WHERE event = ?", [event]).fetchone()
    return Issued(*row) if row else None


def listed(db: Database, limit: int) -> list[Issued]:
    """The bulletins issued last, newest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM bulletin ORDER BY issued_at DESC, event LIMIT ?", [limit])
    return [Issued(*row) for row in rows]


def correcting(db: Database, event: str) -> list[Issued]:
    """The bulletins that correct one, oldest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM bulletin WHERE corrects = ? ORDER BY issued_at, event", [event])
    return [Issued(*row) for row in rows]


def last_no(db: Database, unit: str, year: int) -> int:
    """The greatest number of a unit's bulletins of a year; 0 if there are none."""
    row = db.execute("SELECT MAX(no) FROM bulletin WHERE unit = ? AND year = ?", [unit, year]).fetchone()
    return int(row[0] or 0)


def has_no(db: Database, unit: str, year: int, no: int) -> bool:
    """Whether a number is taken."""
    asked = "SELECT 1 FROM bulletin WHERE unit = ? AND year = ? AND no = ?"
    return db.execute(asked, [unit, year, no]).fetchone() is not None


def kept_file(db: Database, event: str, kind: str) -> bytes | None:
    """The bytes of a bulletin in a format, as they were made first."""
    row = db.execute("SELECT content FROM bulletin_file WHERE event = ? AND kind = ?", [event, kind]).fetchone()
    return row[0] if row else None


def keep_file(db: Database, event: str, kind: str, content: bytes) -> None:
    """Keeps the bytes; those that are kept already stay."""
    db.execute("INSERT INTO bulletin_file VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [event, kind, content])


def draft(db: Database, unit: str, period: str, corrects: str) -> Draft | None:
    """What was written so far; `corrects` is empty for a bulletin of its own."""
    row = db.execute(
        "SELECT no, remarks, account, at FROM bulletin_draft WHERE unit = ? AND period = ? AND corrects = ?",
        [unit, period, corrects],
    ).fetchone()
    return Draft(*row) if row else None


def put_draft(db: Database, unit: str, period: str, corrects: str, one: Draft) -> None:
    """Keeps what was written, in the place of what was written before."""
    values: list[Any] = [unit, period, corrects, *one]
    db.execute(
        "INSERT INTO bulletin_draft VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (unit, period, corrects) DO UPDATE"
        " SET no = excluded.no, remarks = excluded.remarks, account = excluded.account, at = excluded.at",
        values,
    )


def drop_draft(db: Database, unit: str, period: str, corrects: str) -> None:
    """Drops what was written, once it is issued."""
    db.execute("DELETE FROM bulletin_draft WHERE unit = ? AND period = ? AND corrects = ?", [unit, period, corrects])
