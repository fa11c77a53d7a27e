"""SQL of the answers that are kept by idempotency key."""

from __future__ import annotations

from sqlite_utils import Database


def answer(db: Database, account: str, key: str) -> tuple[bytes, str] | None:
    """(digest of the request, body of the answer) under a key, or None."""
    row = db.execute("SELECT request, body FROM answer WHERE account = ? AND key = ?", [account, key]).fetchone()
    return (row[0], row[1]) if row else None


def put_answer(db: Database, account: str, key: str, digest: bytes, body: str, at_ms: int) -> None:
    """Keeps an answer."""
    db.execute(
        "INSERT INTO answer (account, key, request, status, body, at) VALUES (?, ?, ?, 201, ?, ?)",
        [account, key, digest, body, at_ms],
    )


def drop_answers(db: Database, before_ms: int) -> None:
    """Forgets answers given before an instant."""
    db.execute("DELETE FROM answer WHERE at < ?", [before_ms])
