"""A statement that fails, anywhere: nothing half stays, no transaction is left open, and the next try works."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from builders import E_GROUPS, EAST, City, Node
from sync.database import read, write
from sync.verify import verify

MOST_OPCODES = 60


def fails(node: Node, opcodes: int, deed: Callable[[], object]) -> bool:
    """Whether a deed fails when the database gives up after so many steps of its own."""
    node.db.conn.set_progress_handler(lambda: 1, opcodes)
    try:
        deed()
    except sqlite3.OperationalError:
        return True
    finally:
        node.db.conn.set_progress_handler(None, 0)
    return False


@pytest.mark.parametrize("opcodes", [1, 10, 50, 200])
@pytest.mark.parametrize("side", ["child", "parent"])
def test_an_exchange_that_fails_in_the_middle_leaves_nothing_half_and_is_made_good(opcodes: int, side: str) -> None:
    city = City()
    (east,) = city.line(EAST)
    sent = {east.check(one, "2026-11-20") for one in E_GROUPS}
    assert fails(east if side == "child" else city.hub, opcodes, east.sync)
    assert not any(node.db.conn.in_transaction for node in city.nodes)
    city.settle()
    assert sent <= {row[0] for row in city.hub.db.execute("SELECT hash FROM event")}
    assert verify(city.hub.replica).problems == []


@pytest.mark.parametrize("opcodes", range(1, MOST_OPCODES))
def test_a_transaction_that_fails_to_begin_is_not_left_open(opcodes: int) -> None:
    city = City()
    hub = city.hub

    def written() -> None:
        with write(hub.db, "check", hub.env):
            hub.db.execute("UPDATE node_state SET scrub = scrub + 1")

    def looked_at() -> None:
        with read(hub.db):
            hub.db.execute("SELECT COUNT(*) FROM event").fetchone()

    for deed in (written, looked_at) * 3:
        fails(hub, opcodes, deed)
        assert not hub.db.conn.in_transaction
