"""Requests and damage made by hand: what no honest child sends, and what no honest disk holds."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes import Sent

from builders import Node
from schemas.events import Event
from schemas.strict_json import dumps, loads
from sync import auth, log
from sync.client import Client
from sync.database import MEMORY, open_database, write
from sync.env import Reply
from sync.intake import Intake, Source
from sync.keys import Signer
from sync.replica import Replica
from sync.server import EXCHANGE_PATH, HELLO_PATH
from sync.wire import CONTENT_TYPE, encode, inflate, split


@dataclass
class Crafted:
    """An exchange request of a node, still to be spoilt. `lines` are what its up log has for the parent now."""

    node: Node
    manifest: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    nonce: str | None = None
    signer: Signer | None = None

    def __post_init__(self) -> None:
        client = Client(self.node.replica, "http://nowhere.test")
        down = client._down_cursor()
        batch = client._batch(down[0])
        up_log = self.node.replica.identity.up_log
        self.manifest = dict(client._manifest(batch, up_log, down, [], 0)) | self.manifest
        self.lines = self.lines or list(batch.lines)

    def sent(self) -> Sent:
        """The request as it goes over the line, signed."""
        parent = self.node.parent
        assert parent is not None
        body = encode(self.manifest, self.lines) if self.body is None else self.body
        nonce = hello(parent) if self.nonce is None else self.nonce
        headers = auth.sign_request(self.signer or self.node.replica.signer, "POST", EXCHANGE_PATH, body, nonce)
        headers |= {"content-type": CONTENT_TYPE, "content-encoding": "gzip"} | self.headers
        return Sent("POST", parent.url + EXCHANGE_PATH, headers, body)

    def send(self) -> Reply:
        """The parent's reply."""
        assert self.node.parent is not None
        return self.node.parent.answer(self.sent())


def hello(parent: Node) -> str:
    """A nonce of a node."""
    return parent.answer(Sent("GET", parent.url + HELLO_PATH, {}, b"")).headers[auth.NONCE_HEADER]


def code(reply: Reply) -> tuple[int, str]:
    """(status, code) of a refusal."""
    return reply.status, str(said(reply).get("code", ""))


def said(reply: Reply) -> dict[str, Any]:
    """The first line of a reply, or the whole of a refusal."""
    if reply.status == 200:
        return dict(split(inflate(reply.body))[0])
    value = loads(reply.body)
    assert isinstance(value, dict)
    return dict(value)


def packed(manifest: Mapping[str, object], lines: Sequence[str], filler: int = 0) -> bytes:
    """A body with as many blank bytes more behind its lines."""
    return gzip.compress(("\n".join([dumps(manifest), *lines]) + "\n" + " " * filler).encode(), mtime=0)


def copied(node: Node) -> Replica:
    """The node's disk as it is now, opened as a replica of its own."""
    memory = open_database(MEMORY)
    node.db.conn.backup(memory.conn)
    return Replica(memory, node.env, node.replica.signer, node.replica.app)


def events_of(replica: Replica, where: str = "1") -> list[Event]:
    """Events that a replica holds, in the order of arrival."""
    return [stored.event for stored in log.events(replica.db, where)]


def take(replica: Replica, events: Iterable[Event], source: Source = "up") -> None:
    """Stores events as an exchange does, in one transaction."""
    with write(replica.db, "exchange", replica.env):
        intake = Intake(replica, replica.env.now_ms())
        for event in events:
            intake.add(event, source)
        intake.finish()


def signed(node: Node, **fields: Any) -> Event:
    """The next event of a node's own chain with whatever it says: what no rule of entry would let pass."""
    with write(node.db, "check", node.env):
        intake = Intake(node.replica, node.env.now_ms())
        event = intake.author(**fields)
        intake.finish()
    return event


def alter(node: Node, event: str, table: str, column: str, value: object) -> None:
    """Damages one stored column of an event, as a bad disk or a hostile level would."""
    where = "hash = ?" if table == "event" else "event = (SELECT n FROM event WHERE hash = ?)"
    changed = node.db.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", [value, event]).rowcount
    assert changed == 1, f"{table}.{column} of {event}: {changed} rows"


def column(node: Node, event: str, table: str, name: str) -> Any:
    """One stored column of an event."""
    where = "hash = ?" if table == "event" else "event = (SELECT n FROM event WHERE hash = ?)"
    (value,) = node.db.execute(f"SELECT {name} FROM {table} WHERE {where}", [event]).fetchone()
    return value
