"""SQL of evidence: one event as stored, its neighbours, certificates, marks and refusals."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlite_utils import Database

from schemas.events import Part

Row = tuple[Any, ...]


class Raw(NamedTuple):
    """An event as it lies in the database, whatever became of its bytes."""

    n: int
    hash: str
    header: str
    signature: bytes
    chain: str
    seq: int
    prev: str
    node: str
    kind: str
    unit: str
    standing: str
    received_at: int


class Neighbour(NamedTuple):
    """An event beside another one in a chain."""

    hash: str
    seq: int
    unit: str


_EVENT = "n, hash, header, sig, chain, seq, prev, node, kind, unit, standing, received_at"


def raw(db: Database, event: str) -> Raw | None:
    """The stored event, or None."""
    row = db.execute(f"SELECT {_EVENT} FROM event WHERE hash = ?", [event]).fetchone()
    return Raw(*row) if row else None


def parts(db: Database, n: int) -> tuple[Part, ...]:
    """The parts of a stored event in order."""
    rows = db.execute("SELECT name, salt, text, hash FROM part WHERE event = ? ORDER BY place", [n])
    return tuple(Part(*row) for row in rows)


def before(db: Database, prev: str) -> Neighbour | None:
    """The event that another one follows, when it is held."""
    row = db.execute("SELECT hash, seq, unit FROM event WHERE hash = ?", [prev]).fetchone()
    return Neighbour(*row) if row else None


def after(db: Database, chain: str, seq: int, event: str) -> list[Neighbour]:
    """The events of a chain that follow one; several when the chain forked behind it."""
    rows = db.execute(
        "SELECT hash, seq, unit FROM event WHERE chain = ? AND seq = ? AND prev = ? ORDER BY hash",
        [chain, seq + 1, event],
    )
    return [Neighbour(*row) for row in rows]


def beside(db: Database, chain: str, seq: int) -> int:
    """How many events of a chain have this place: more than one is a fork."""
    return int(db.execute("SELECT COUNT(*) FROM event WHERE chain = ? AND seq = ?", [chain, seq]).fetchone()[0])


def certificate_of(db: Database, node: str) -> Row | None:
    """(event, unit, level, issuer, standing, received_at) of a node's certificate, one that has effect if there is."""
    row: Row | None = db.execute(
        "SELECT c.event, c.unit, c.level, c.issuer, e.standing, e.received_at FROM node_cert c"
        " JOIN event e ON e.hash = c.event WHERE c.node = ? ORDER BY e.standing <> 'ok', e.n DESC LIMIT 1",
        [node],
    ).fetchone()
    return row


def mark_at(db: Database, chain: str, by: str, at: int) -> tuple[str, bytes] | None:
    """(line, signature) of one mark."""
    row = db.execute("SELECT line, sig FROM mark WHERE chain = ? AND by = ? AND at = ?", [chain, by, at]).fetchone()
    return (row[0], row[1]) if row else None


def refusals_of(db: Database, event: str) -> list[tuple[str, str, int]]:
    """(unit, code, instant) of everybody who set an event aside, oldest first."""
    rows = db.execute(
        "SELECT COALESCE(c.unit, r.by), r.code, r.at FROM refused r LEFT JOIN node_cert c ON c.node = r.by"
        " WHERE r.hash = ? UNION SELECT by, code, at FROM refusal WHERE hash = ? ORDER BY 3",
        [event, event],
    ).fetchall()
    return [(by, code, at) for by, code, at in rows]


def root_event(db: Database) -> str | None:
    """The root's first event, which brings its key; None at a node whose certificates never came."""
    row = db.execute("SELECT event FROM own_certificate WHERE place = 0").fetchone()
    return row[0] if row else None


def case_of(db: Database, event: str) -> str | None:
    """The case that an event is of."""
    row = db.execute("SELECT case_id FROM case_event WHERE event = ?", [event]).fetchone()
    return row[0] if row else None
