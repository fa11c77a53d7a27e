"""The own chain's head: going on, catching up with what comes back, and beginning anew when another disk went on."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

from sync import chains
from sync.database import write
from sync.replica import Replica

MAX_STEPS: Final = 1_000_000


def notice_restored_copy(replica: Replica) -> bool:
    """At the start of a process: whether the marker outside the database is ahead of it. Then this is a restored copy;
    it waits for its head to come back from the parent, and begins a new chain if it has to write before. A copy, and a
    database without its marker, may still hold what was erased since: its private texts are covered.
    """
    marker = replica.env.kept_head()  # read first: the database may only go ahead of it meanwhile
    row = replica.db.execute("SELECT chain, seq, awaited FROM node_state").fetchone()
    if row is None or row[1] == 0 or row[2] is not None:
        return row is not None and row[2] is not None
    ahead = marker is not None and _is_ahead(replica.db, marker[0], marker[1], (row[0], row[1]))
    if not ahead and marker is not None:
        return False
    with write(replica.db, "sync_state", replica.env):
        replica.db.execute("UPDATE node_state SET covered = 1, awaited = ?", [marker[2] if ahead and marker else None])
        if ahead and marker is not None and marker[0][:26] != row[0][:26] and replica.keys(marker[0][:26]) is not None:
            # Older than the last renewal: the earlier key is ended, the present one is here. Its chain comes back.
            replica.db.execute(
                "UPDATE node_state SET node = ?, chain = ?, seq = 0, head = '-'", [marker[0][:26], marker[0]]
            )
    return ahead


def _is_ahead(db: Database, chain: str, seq: int, own: tuple[str, int]) -> bool:
    if chain == own[0]:
        return seq > own[1]
    return db.execute("SELECT 1 FROM chain WHERE chain = ?", [chain]).fetchone() is None


def is_awaited(db: Database) -> bool:
    """Whether the own head is known to be ahead of this database."""
    row = db.execute("SELECT awaited FROM node_state").fetchone()
    return row is not None and row[0] is not None


def is_covered(db: Database) -> bool:
    """Whether private texts are not shown: this database was restored, and has not caught up with erasures yet."""
    row = db.execute("SELECT covered FROM node_state").fetchone()
    return row is not None and bool(row[0])


def uncover(db: Database) -> None:
    """Private texts may be shown again; called inside a transaction."""
    db.execute("UPDATE node_state SET covered = 0 WHERE covered = 1")


def catch_up(db: Database, is_top: bool) -> None:
    """Moves the head over events of the own chain that came back, as far as they simply follow it.

    The top waits for nobody: what its children hold may lack its last word.
    """
    chain, seq, head, awaited = db.execute("SELECT chain, seq, head, awaited FROM node_state").fetchone()
    for _ in range(MAX_STEPS):
        following = db.execute("SELECT hash FROM event WHERE prev = ? AND chain = ? LIMIT 2", [head, chain]).fetchall()
        if len(following) != 1:
            break
        seq, head = seq + 1, following[0][0]
        if head == awaited and not is_top:
            awaited = None
    db.execute("UPDATE node_state SET seq = ?, head = ?, awaited = ?", [seq, head, awaited])


def went_on_elsewhere(db: Database) -> bool:
    """Whether an event of the own chain is held that is no ancestor of its head: another disk signs with this key."""
    row = db.execute("SELECT s.head, c.tips FROM node_state s JOIN chain c ON c.chain = s.chain").fetchone()
    return row is not None and row[0] != row[1]


def begin_anew(replica: Replica) -> list[object] | None:
    """A chain with a fresh random incarnation takes the place of the own one. Returns the head that it follows."""
    db = replica.db
    chain, seq, head = db.execute("SELECT chain, seq, head FROM node_state").fetchone()
    fresh = chains.new_chain(replica.signer.node, replica.env.random_bytes)
    db.execute("UPDATE node_state SET chain = ?, seq = 0, head = '-', awaited = NULL", [fresh])
    return [chain, seq, head] if seq else None
