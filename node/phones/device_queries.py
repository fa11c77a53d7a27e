"""SQL of phones that sign in by a code: codes by their hash, wrong guesses by their instant."""

from __future__ import annotations

from sqlite_utils import Database


def put_code(db: Database, digest: bytes, account: str, expires_at: int) -> None:
    """The one code of an account, in the place of the one before."""
    db.execute("DELETE FROM phone_code WHERE account = ?", [account])
    db.execute("INSERT INTO phone_code (hash, account, expires_at) VALUES (?, ?, ?)", [digest, account, expires_at])


def take_code(db: Database, digest: bytes, now: int) -> str | None:
    """Whose code it is, used up with that; None for one that is unknown, used or past its end."""
    db.execute("DELETE FROM phone_code WHERE expires_at < ?", [now])
    row = db.execute("DELETE FROM phone_code WHERE hash = ? RETURNING account", [digest]).fetchone()
    return None if row is None else str(row[0])


def guesses(db: Database, since: int) -> int:
    """Wrong codes since an instant; older ones are forgotten."""
    db.execute("DELETE FROM phone_guess WHERE at < ?", [since])
    return int(db.execute("SELECT COUNT(*) FROM phone_guess").fetchone()[0])


def note_guess(db: Database, at: int) -> None:
    """One more wrong code."""
    db.execute("INSERT INTO phone_guess (at) VALUES (?)", [at])
