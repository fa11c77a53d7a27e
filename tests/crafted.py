"""Requests and damage made by hand: what no honest child sends, and what no honest disk holds."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes import Sent

from builders import Node
from schemas.strict_json import dumps, loads
from sync import auth
from sync.client import Client
from sync.env import Reply
from sync.keys import Signer
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
        batch = client._batch()
        down_log, down = client._down_cursor()
        self.manifest = dict(client._manifest(batch, down_log, down, 0)) | self.manifest
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
