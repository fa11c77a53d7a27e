"""The state of this node at an earlier instant, made again from the part of the log that was there then."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlite_utils import Database

from node.link_queries import events_held
from schemas.clock import iso_instant, parse_instant
from schemas.errors import Invalid, NotFound
from sync.directory import tree_of
from sync.log import last_received_at
from sync.rebuild import rebuild
from sync.replica import Replica

# About 4,000 events a second on an old PC, all of them in memory: at most some minutes, at most a gigabyte.
MAX_REPLAYED: Final = 400_000


@contextmanager
def as_of(replica: Replica, at_ms: int) -> Iterator[Replica]:
    """A replica in memory that holds what had arrived here by `at_ms` (unix ms), everything derived made again.

    The real database is only read. Raises Invalid for an instant that has not come yet.
    """
    if at_ms > present(replica):
        raise Invalid("as_of_future", field="as_of", value=iso_instant(at_ms))
    held = events_held(replica.db)
    if held > MAX_REPLAYED:
        raise Invalid("as_of_too_large", field="as_of", value=iso_instant(at_ms), held=held, limit=MAX_REPLAYED)
    conn = sqlite3.connect(":memory:", isolation_level=None)
    try:
        replica.db.conn.backup(conn)
        (position,) = conn.execute("SELECT COALESCE(MAX(n), 0) FROM event WHERE received_at <= ?", [at_ms]).fetchone()
        for table in ("uplog", "downlog"):
            conn.execute(f"DELETE FROM {table} WHERE event > ?", [position])
        conn.execute("DELETE FROM part WHERE event > ?", [position])
        conn.execute("DELETE FROM event WHERE n > ?", [position])
        earlier = Replica(Database(conn, execute_plugins=False), replica.env, replica.signer, replica.app)
        rebuild(earlier)
        yield earlier
    finally:
        conn.close()


def instant_of(text: str) -> int:
    """The instant (unix ms) that `as_of` names. Raises Invalid naming the field."""
    return parse_instant(int(text) if text.isascii() and text.isdigit() else text, "as_of")


def present(node: Replica) -> int:
    """The instant (unix ms) of an answer that is given now: the clock's, or the newest event's where the clock was set
    back. So the instant that an answer prints names the position that it prints (decision 0006).
    """
    return max(node.env.now_ms(), last_received_at(node.db))


@contextmanager
def known_at(node: Replica, instant: str | None) -> Iterator[tuple[Replica, int]]:
    """The node with the present instant, or what it knew at an earlier one.

    Raises: Invalid naming `as_of`; NotFound("unit_not_known_then") for a unit that became known here later.
    """
    if instant is None:
        yield node, present(node)
        return
    at_ms = instant_of(instant)
    with as_of(node, at_ms) as earlier:
        try:
            yield earlier, at_ms
        except NotFound as error:
            if error.code != "unknown_unit" or not tree_of(node).exists(str(error.value)):
                raise
            then = iso_instant(at_ms)
            raise NotFound("unit_not_known_then", field=error.field, value=error.value, as_of=then) from error
