"""SQL of what was handed in for a preview and waits for its confirmation."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlite_utils import Database

LIFE_MS: Final = 86_400_000
MAX_KEPT: Final = 20


class Upload(NamedTuple):
    """A text that somebody handed in, with what else was said about it; instants in unix ms."""

    id: str
    kind: str
    account: str
    at: int
    content: str
    options: str


def put(db: Database, one: Upload) -> None:
    """Keeps an upload; those a day old, and all but the newest 20, are dropped."""
    db.execute("DELETE FROM upload WHERE at < ? OR id = ?", [one.at - LIFE_MS, one.id])
    db.execute("INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?)", list(one))
    db.execute("DELETE FROM upload WHERE id NOT IN (SELECT id FROM upload ORDER BY at DESC, id LIMIT ?)", [MAX_KEPT])


def get(db: Database, upload: str, kind: str, account: str) -> Upload | None:
    """An account's own upload of a kind."""
    row = db.execute(
        "SELECT id, kind, account, at, content, options FROM upload WHERE id = ? AND kind = ? AND account = ?",
        [upload, kind, account],
    ).fetchone()
    return Upload(*row) if row else None


def drop(db: Database, upload: str) -> None:
    """Drops one that is done with."""
    db.execute("DELETE FROM upload WHERE id = ?", [upload])
