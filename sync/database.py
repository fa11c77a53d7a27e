"""One way to open a database and one way to commit to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from schemas.errors import DiskFull, Unavailable
from sync.env import Env

BUSY_TIMEOUT_MS: Final = 5_000
MEMORY: Final = ":memory:"
# Every commit of the product by name; the simulator dies before and after each of them.
COMMITS: Final = frozenset(
    {
        "adopt", "apply", "audit", "case", "check", "enrol", "erase", "exchange", "excuse", "import", "init", "invite",
        "publish", "reading", "rebuild", "remind", "return", "revoke", "session", "sync_state", "todo", "user",
    }
)  # fmt: skip


def open_database(path: Path | str, *sets: Migrations) -> Database:
    """An open database at its newest schema. WAL with synchronous=FULL: an acknowledged commit survives a power cut.

    Raises Unavailable when another process holds it for longer than the time-out.
    """
    # check_same_thread off: a connection is used by one thread at a time, but may be closed by another.
    conn = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False, cached_statements=512)
    conn.text_factory = partial(str, encoding="utf-8", errors="backslashreplace")  # one bad byte must not stop a node
    conn.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    with _translated():
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA foreign_keys=ON")
        conn.execute("PRAGMA secure_delete=ON")
        conn.execute("PRAGMA cache_size=-16000")
        database = Database(conn, execute_plugins=False)
        for migrations in sets:
            _migrate(database, migrations)
    return database


def _migrate(db: Database, migrations: Migrations) -> None:
    """Applies what is pending under the write lock, so that two processes starting at once don't both try."""
    if not migrations.pending(db):
        return
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(db)
        db.conn.execute("COMMIT")
    except BaseException:
        db.conn.rollback()
        raise


@contextmanager
def write(db: Database, name: str, env: Env) -> Iterator[None]:
    """The one write transaction: takes the lock at once (a deferred one fails when it has read first), commits at the
    end, rolls everything back on any exception. Raises Unavailable when busy, DiskFull when the disk is.
    """
    if name not in COMMITS:
        raise LookupError(f"commit {name!r} has no name in COMMITS")
    with _translated():
        try:
            db.conn.execute("BEGIN IMMEDIATE")  # may fail and yet leave a transaction open
            yield
            env.committing(name, "before")
            db.conn.execute("COMMIT")
        except BaseException:
            db.conn.rollback()
            raise
    _mark_head(db, env)
    env.committing(name, "after")


def _mark_head(db: Database, env: Env) -> None:
    """The head outside the database, after the commit and before anybody is told: a restored copy then knows itself."""
    row = db.execute("SELECT chain, seq, head FROM node_state").fetchone()
    if row is not None and row[1] > 0:
        env.keep_head((row[0], row[1], row[2]))


@contextmanager
def read(db: Database) -> Iterator[None]:
    """Several reads of one and the same state."""
    if db.conn.in_transaction:  # inside a write the state is one already
        yield
        return
    with _translated():
        try:
            db.conn.execute("BEGIN")
            yield
        finally:
            db.conn.rollback()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Unavailable("busy", retry_after_s=2) from error
        if code is not None and code & 0xFF == sqlite3.SQLITE_FULL:
            raise DiskFull("disk_full") from error
        raise
