"""审计: every administrative act and every reading of private text, written in the transaction of the act itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database

from node.evidence import audit_queries as queries
from node.migrations import NODE
from schemas.audit import ACTS, MAX_WORDS, Entry, broken
from schemas.clock import iso_instant
from schemas.encoding import b64
from schemas.errors import Invalid
from sync.database import open_database, read, write
from sync.directory import tree_of
from sync.migrations import SYNC
from sync.replica import Actor, Replica

MAX_PASSED_OVER: Final = 100_000  # entries of other units that a page looks past


def note(replica: Replica, act: str, *, unit: str | None = None, subject: str = "", purpose: str = "") -> None:
    """Adds an entry inside the caller's transaction; who acts is known from the replica."""
    who = replica.actor
    queries.append(
        replica.db, replica.env.now_ms(), who.name, who.role, act, unit or replica.identity.unit, subject,
        purpose[:MAX_WORDS],
    )  # fmt: skip


def problems(db: Database) -> list[str]:
    """What is wrong with the log: entries that were altered or are missing."""
    return list(broken(queries.entries(db), queries.last_given(db)))


def count(replica: Replica) -> int:
    """How many entries there are."""
    return queries.head(replica.db)[0]


def checked(replica: Replica) -> dict[str, Any]:
    """The whole chain worked out again: how many entries, the last hash, and what is wrong."""
    with read(replica.db):
        n, last = queries.head(replica.db)
        return {"entries": n, "head": b64(last), "problems": problems(replica.db)}


def scope_of(replica: Replica, unit: str) -> Callable[[Entry], bool]:
    """Which entries somebody of this unit sees: all, at the node's own unit, else those about the own subtree."""
    if unit == replica.identity.unit:
        return lambda _entry: True
    within = set(tree_of(replica).ever_within(unit))
    return lambda entry: entry.unit in within


def listed(
    replica: Replica, unit: str, *, before: int | None = None, account: str | None = None, about: str | None = None,
    limit: int,
) -> list[Entry]:  # fmt: skip
    """The latest entries, newest first. `about` is a key of ACTS. Raises Invalid for another."""
    if about is not None and about not in ACTS:
        raise Invalid("not_one_of", field="about", value=about, allowed=", ".join(ACTS))
    acts = () if about is None else ACTS[about]
    seen = scope_of(replica, unit)
    found = islice(queries.latest(replica.db, before, account, acts), MAX_PASSED_OVER)
    return list(islice((entry for entry in found if seen(entry)), limit))


def document(entry: Entry) -> dict[str, Any]:
    """An entry as it is exported."""
    return {**entry._asdict(), "at": iso_instant(entry.at)}


def exported(replica: Replica, unit: str) -> Iterator[dict[str, Any]]:
    """All entries that somebody of the unit sees, oldest first, each with its hash and the one before."""
    seen, before = scope_of(replica, unit), queries.hash_at(replica.db, 0) or b""
    for entry, kept in queries.entries(replica.db):
        if seen(entry):
            yield {**document(entry), "at_ms": entry.at, "prev": b64(before), "hash": b64(kept)}
        before = kept


def note_settings(replica: Replica, digest: str) -> None:
    """Notes that config.toml is another than when it was noted last; called when `serve` starts."""
    last = queries.last_of(replica.db, "settings_changed")
    if last is None or last.subject != digest:
        with write(replica.db, "audit", replica.env):
            note(replica, "settings_changed", subject=digest)


# ---- a restored database


def carry_over(database: Path, replaced: Path, who: Actor, now_ms: int, words: str) -> None:
    """Into a backup that takes the place of a database: the entries that this one has more, where both logs go the same
    way, then that it was restored. Where they don't, or the replaced file can't be read, the entry says so.
    """
    with closing(open_database(database, SYNC, NODE).conn) as conn:
        db = Database(conn, execute_plugins=False)
        conn.execute("BEGIN IMMEDIATE")
        (unit,) = db.execute("SELECT unit FROM node_state").fetchone()
        more = _more(db, replaced)
        for entry, kept in more or ():
            queries.put(db, entry, kept)
        outcome = "log: not carried over" if more is None else f"log: {len(more)} carried over"
        queries.append(db, now_ms, who.name, who.role, "restored", unit, words[:MAX_WORDS], outcome)
        conn.execute("COMMIT")


def _more(db: Database, replaced: Path) -> list[tuple[Entry, bytes]] | None:
    """Entries of the replaced database behind the backup's last one; None if they do not follow it."""
    if not replaced.is_file():
        return []
    n, last = queries.head(db)
    try:
        with closing(sqlite3.connect(f"file:{replaced}?mode=ro", uri=True)) as conn:
            old = Database(conn, execute_plugins=False)
            if queries.hash_at(old, n) != last:
                return None
            return list(queries.entries(old, n))
    except sqlite3.DatabaseError:  # damaged, or of a version before this log: the reason for restoring, perhaps
        return None
