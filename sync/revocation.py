"""Revocation by position (3-sync, Trust): which events of a lost or stolen node still count."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from schemas.encoding import DIGEST_BYTES, unb64
from schemas.errors import Corrupt
from schemas.events import CHAIN, FIRST, Header, payload
from schemas.events import Event as SignedEvent
from schemas.strict_json import Json, dumps, loads

KIND = "rev"
SCHEMA = "rev/1"


@dataclass(frozen=True, slots=True)
class Revocation:
    """`positions`: the last good (seq, hash) of each chain; `void`: events held that are no ancestors of those."""

    positions: dict[str, tuple[int, str]]
    void: frozenset[str]

    def voids(self, h: Header, event_hash: str) -> bool:
        """Whether an event of the node lies beyond what is still good."""
        good = self.positions.get(h.chain)
        if good is None or h.seq > good[0] or event_hash in self.void:
            return True
        return h.seq == good[0] and event_hash != good[1]


def read(event: SignedEvent) -> tuple[str, Revocation] | None:
    """(node, revocation) that a `rev` event states, or None when it makes no sense."""
    try:
        value = payload(event)
        node, rows, void = value.get("node"), value.get("positions"), value.get("void", [])
        if not isinstance(node, str) or not isinstance(rows, list) or not isinstance(void, list):
            return None
        positions = dict(_position(row, node) for row in rows)
        return node, Revocation(positions, frozenset(_digest(one) for one in void))
    except (Corrupt, ValueError):
        return None


def keep(db: Database, event: SignedEvent) -> str | None:
    """Writes down what a `rev` event states; returns the node that it revokes."""
    stated = read(event)
    if stated is None:
        return None
    node, revocation = stated
    positions = dumps({chain: list(good) for chain, good in revocation.positions.items()})
    db.execute(
        "INSERT INTO revocation (event, node, unit, positions, void) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [event.hash, node, event.header.unit, positions, dumps(sorted(revocation.void))],
    )
    return node


def of_node(db: Database, node: str, unit: str) -> list[Revocation]:
    """All revocations of a node that name the unit for which it is certified."""
    found = []
    for positions, void in db.execute(
        "SELECT positions, void FROM revocation WHERE node = ? AND unit = ?", [node, unit]
    ).fetchall():
        rows, hashes = loads(positions), loads(void)
        assert isinstance(rows, dict)
        assert isinstance(hashes, list)
        places = {chain: _pair(pair) for chain, pair in rows.items()}
        found.append(Revocation(places, frozenset(str(one) for one in hashes)))
    return found


def events_about(db: Database, node: str) -> list[tuple[str, int]]:
    """(hash, place in the log) of what revokes a node."""
    rows = db.execute(
        "SELECT r.event, e.n FROM revocation r JOIN event e ON e.hash = r.event WHERE r.node = ? ORDER BY e.n", [node]
    )
    return [(row[0], row[1]) for row in rows.fetchall()]


def position_now(db: Database, node: str, end: str | None = None) -> dict[str, object]:
    """The payload that voids what the node writes from now on: all that is held stays good, but for side branches.
    `end`: the event with which its chain ends, whatever else of that chain is held.
    """
    positions, void = [], []
    (ends_in,) = db.execute("SELECT MAX(chain) FROM event WHERE hash = ?", [end]).fetchone()
    for chain, tips in db.execute("SELECT chain, tips FROM chain WHERE node = ? ORDER BY chain", [node]).fetchall():
        named = [end] if end and chain == ends_in else tips.split(",")
        seq, last = max(
            db.execute("SELECT seq, hash FROM event WHERE hash = ?", [tip]).fetchone() for tip in named
        )  # fmt: skip
        positions.append([chain, seq, last])
        void += _not_below(db, chain, last)
    return {"node": node, "positions": positions, "void": void}


def _not_below(db: Database, chain: str, last: str) -> list[str]:
    """Held events of a chain that are not ancestors of its last good one. Where events between are lost, the newest one
    before the gap is taken for an ancestor: what is lost must not take its effect from all that came before it.
    """
    rows = db.execute("SELECT seq, hash, prev FROM event WHERE chain = ? ORDER BY seq DESC, hash DESC", [chain])
    held = {event_hash: (seq, prev) for seq, event_hash, prev in rows.fetchall()}
    line: set[str] = set()
    floor = held[last][0] + 2
    for start in (last, *held):
        at = start if held[start][0] <= floor - 2 else FIRST
        while at in held and at not in line:
            line.add(at)
            floor, at = held[at]
        if at == FIRST and floor == 1:
            break
    return sorted(set(held) - line, key=lambda one: (held[one][0], one))


def _position(row: Json, node: str) -> tuple[str, tuple[int, str]]:
    match row:
        case [str(chain), int(seq), last] if CHAIN.fullmatch(chain) and chain.startswith(node + "."):
            return chain, (seq, _digest(last))
        case _:
            raise ValueError(row)


def _pair(value: Json) -> tuple[int, str]:
    match value:
        case [int(seq), str(last)]:
            return seq, last
        case _:
            raise ValueError(value)


def _digest(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    unb64(value, DIGEST_BYTES)
    return value
