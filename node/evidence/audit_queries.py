"""SQL of the log of administrative acts. Entries are only ever added: triggers refuse anything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlite_utils import Database

from schemas.audit import START, Entry, entry_hash

PAGE: Final = 500
_COLUMNS: Final = "n, at, account, role, act, unit, subject, purpose"
Row = tuple[Any, ...]


def head(db: Database) -> tuple[int, bytes]:
    """(place, hash) of the last entry; (0, 32 zero bytes) for an empty log."""
    row = db.execute("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else (0, START)


def last_given(db: Database) -> int:
    """The greatest place that was ever given out."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    return int(row[0]) if row else 0


def append(db: Database, at: int, account: str, role: str, act: str, unit: str, subject: str, purpose: str) -> Entry:
    """Adds one entry behind the last, inside the caller's transaction."""
    n, before = head(db)
    entry = Entry(n + 1, at, account, role, act, unit, subject, purpose)
    db.execute(
        f"INSERT INTO audit ({_COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [*entry, entry_hash(before, entry)]
    )
    return entry


def put(db: Database, entry: Entry, kept: bytes) -> None:
    """Adds an entry of another copy of this log as it stands there."""
    db.execute(f"INSERT INTO audit ({_COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [*entry, kept])


def hash_at(db: Database, n: int) -> bytes | None:
    """The hash of an entry; None where there is none."""
    if n == 0:
        return START
    row = db.execute("SELECT hash FROM audit WHERE n = ?", [n]).fetchone()
    return row[0] if row else None


def entries(db: Database, after: int = 0) -> Iterator[tuple[Entry, bytes]]:
    """Every entry with its hash behind a place, oldest first, a page at a time."""
    while True:
        rows = db.execute(
            f"SELECT {_COLUMNS}, hash FROM audit WHERE n > ? ORDER BY n LIMIT ?", [after, PAGE]
        ).fetchall()
        if not rows:
            return
        yield from ((Entry(*row[:8]), row[8]) for row in rows)
        after = rows[-1][0]


def latest(db: Database, before: int | None, account: str | None, acts: tuple[str, ...]) -> Iterator[Entry]:
    """Entries, newest first, from before a place on; of one account, of some acts (none: all)."""
    where = f"(?2 IS NULL OR account = ?2) AND ({' OR '.join(['act = ?'] * len(acts)) or '1'})"
    while True:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM audit WHERE (?1 IS NULL OR n < ?1) AND {where} ORDER BY n DESC LIMIT {PAGE}",
            [before, account, *acts],
        ).fetchall()
        if not rows:
            return
        yield from (Entry(*row) for row in rows)
        before = rows[-1][0]


def about(db: Database, act: str, subject: str, limit: int) -> list[Entry]:
    """The latest entries of one act about one subject, newest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE act = ? AND subject = ? ORDER BY n DESC LIMIT ?", [act, subject, limit]
    )
    return [Entry(*row) for row in rows]


def count_about(db: Database, act: str, subject: str) -> int:
    """How many entries of one act there are about one subject."""
    return int(db.execute("SELECT COUNT(*) FROM audit WHERE act = ? AND subject = ?", [act, subject]).fetchone()[0])


def last_of(db: Database, act: str) -> Entry | None:
    """The newest entry of an act."""
    row = db.execute(f"SELECT {_COLUMNS} FROM audit WHERE act = ? ORDER BY n DESC LIMIT 1", [act]).fetchone()
    return Entry(*row) if row else None
