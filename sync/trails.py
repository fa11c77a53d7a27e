"""Certificate trails: the events that lead from the city's root key down to one node, and checking them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlite_utils import Database

from schemas.errors import Corrupt
from schemas.events import Event, plain_line
from schemas.strict_json import Json
from sync import log
from sync.certificates import certificate, keys_in, signed_by_its_node
from sync.replica import Identity
from sync.wire import parse_line

MAX_CERTIFICATES: Final = 12
Claim = tuple[str, str, str, bytes]


@dataclass(frozen=True, slots=True)
class Trail:
    """Events from the root's first one on, and what each certificate says: (node, unit, level, key), the last one's
    last.
    """

    events: tuple[Event, ...]
    root: str
    claims: tuple[Claim, ...]


def own_lines(db: Database) -> list[str]:
    """The lines that prove this node's place, the root's first event first."""
    rows = db.execute("SELECT event FROM own_certificate ORDER BY place").fetchall()
    stored = [log.load(db, row[0]) for row in rows]
    return [plain_line(one.event) for one in stored if one is not None]


def renew_own(db: Database, me: Identity) -> None:
    """After a new certificate for this node: it presents the trail that has effect now, if that is whole."""
    trail: list[str] = []
    node: str = me.node
    for _ in range(MAX_CERTIFICATES):
        row = db.execute(
            "SELECT c.event, c.issuer FROM node_cert c JOIN event e ON e.hash = c.event WHERE c.node = ?"
            " ORDER BY e.standing <> 'ok', e.n DESC LIMIT 1",
            [node],
        ).fetchone()
        if row is None:
            return
        trail.append(row[0])
        node = row[1]
        if node == me.root_node:
            first = db.execute("SELECT event FROM own_certificate WHERE place = 0").fetchone()
            if first is not None:
                db.execute("DELETE FROM own_certificate WHERE place > 0")
                rows = list(enumerate(reversed(trail), 1))
                db.conn.executemany("INSERT INTO own_certificate (place, event) VALUES (?, ?)", rows)
            return


def read_trail(lines: Json | Sequence[str]) -> Trail:
    """A trail whose every signature and every issuer fits. Raises Corrupt with what does not."""
    if not isinstance(lines, list) or not 2 <= len(lines) <= MAX_CERTIFICATES:
        raise Corrupt("unreadable", field="certs", value=None, why="no certificates")
    events: list[Event] = []
    keys: dict[str, bytes] = {}
    for line in lines:
        event = parse_line(str(line))
        if not events:
            keys |= keys_in(event)
        if not signed_by_its_node(event, keys.get(event.node)):
            raise Corrupt("unreadable", field="certs", value=event.hash, why="a certificate does not verify")
        keys |= keys_in(event)
        events.append(event)
    claims = [claim for claim in map(certificate, events[1:]) if claim is not None]
    issuers = [event.node for event in events[1:]]
    if len(claims) != len(issuers) or issuers != [events[0].node, *(claim[0] for claim in claims[:-1])]:
        raise Corrupt("unreadable", field="certs", value=None, why="the certificates do not lead to one node")
    return Trail(tuple(events), events[0].node, tuple(claims))
