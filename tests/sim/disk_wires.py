"""What wires, proxies and sticks do to requests, replies and files in a walk of disks."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final
from urllib.parse import urlsplit

from builders import City, Node, Sent
from schemas.errors import GridError
from sync import carrier
from sync.env import Reply, TransportError

WIRES: Final = (
    "lost_request", "lost_reply", "portal", "status", "cut_reply", "flipped_request", "flipped_reply", "twice",
    "replayed",
)  # fmt: skip
STICKS: Final = ("file", "file_late", "file_half", "file_elsewhere", "receipt")
OFTEN: Final = {"lost_request": 0.08, "lost_reply": 0.08}
SELDOM: Final = 0.02
STATUSES: Final = (413, 429, 500, 503, 507)
MAX_STICKS: Final = 40


class Wires:
    """Faults of the network, struck by the seed and counted."""

    def __init__(self, city: City, random: Random, kinds: frozenset[str], counts: Counter[str]) -> None:
        self._city, self._random, self._kinds, self._counts = city, random, kinds, counts
        self._quiet = False

    def before(self, sent: Sent) -> Reply | None:
        """On the way there: lost, spoilt, answered by somebody else, or overtaken by an old request."""
        if self._quiet:
            return None
        if self._strikes("lost_request"):
            raise TransportError("lost")
        if self._strikes("portal"):
            return Reply(200, {"content-type": "text/html"}, b"<!doctype html><title>login</title>")
        if self._strikes("status"):
            return Reply(self._random.choice(STATUSES), {"retry-after": "30"}, b'{"code":"busy"}')
        if self._city.network.log[:-1] and self._strikes("replayed"):
            self._deliver(self._random.choice(self._city.network.log[:-1]))
        if sent.body and self._strikes("flipped_request"):
            sent.body = self._flipped(sent.body)
        return None

    def after(self, sent: Sent, reply: Reply) -> Reply:
        """On the way back."""
        if self._quiet:
            return reply
        if self._strikes("twice"):
            self._deliver(sent)
        if self._strikes("lost_reply"):
            raise TransportError("lost")
        if reply.body and self._strikes("cut_reply"):
            return Reply(reply.status, reply.headers, reply.body[: self._random.randrange(len(reply.body))])
        if reply.body and self._strikes("flipped_reply"):
            return Reply(reply.status, reply.headers, self._flipped(reply.body))
        return reply

    def _deliver(self, sent: Sent) -> None:
        """Nobody waits for this reply."""
        handler = self._city.network.hosts.get(urlsplit(sent.url).netloc)
        self._quiet = True
        if handler is not None:
            handler(Sent(sent.method, sent.url, dict(sent.headers), sent.body))
        self._quiet = False

    def _flipped(self, body: bytes) -> bytes:
        changed = bytearray(body)
        changed[self._random.randrange(len(body))] ^= 1 << self._random.randrange(8)
        return bytes(changed)

    def _strikes(self, fault: str) -> bool:
        struck = fault in self._kinds and self._random.random() < OFTEN.get(fault, SELDOM)
        self._counts[fault] += struck
        return struck


class Sticks:
    """Files that people carry: to the parent, past it, to the wrong place; at once, late, twice, half."""

    def __init__(self, city: City, random: Random, counts: Counter[str]) -> None:
        self._city, self._random, self._counts = city, random, counts
        self._files: list[bytes] = []
        self._receipts: list[tuple[str, bytes]] = []  # (node that it is for, receipt)

    def write(self, node: Node) -> str:
        """Puts what a node exports onto sticks."""
        try:
            files = [one.content for one in carrier.export(node.replica, everything=self._random.random() < 0.5)]
        except GridError as refusal:
            return refusal.code
        self._files = (self._files + files)[-MAX_STICKS:]
        return f"{len(files)} files"

    def bring(self, node: Node) -> str:
        """Some stick is brought to some node; a receipt may go back with it."""
        if self._receipts and self._random.random() < 0.4:
            return self._take_receipt()
        if not self._files:
            return "no stick"
        at = self._random.randrange(len(self._files))
        content = self._files[at]
        self._counts["file_late"] += at < len(self._files) - 1
        if self._random.random() < 0.15:
            content = content[: self._random.randrange(len(content))]
            self._counts["file_half"] += 1
        try:
            done = carrier.take_in(node.replica, content)
        except GridError as refusal:
            self._counts["file_elsewhere"] += refusal.code in ("file_own", "file_not_below")
            return refusal.code
        self._counts["file"] += 1
        receipt = carrier.receipt(node.replica, done.node, done.log, done.chains)
        self._receipts = (self._receipts + [(done.node, receipt.content)])[-MAX_STICKS:]
        return f"{done.new} new, cursor {done.moved}"

    def _take_receipt(self) -> str:
        """Back to the node that wrote the file, or to another one by mistake."""
        writer, content = self._random.choice(self._receipts)
        there = [one for one in self._city.nodes if one.replica.identity.node == writer]
        node = self._random.choice(there if there and self._random.random() < 0.8 else self._city.nodes)
        try:
            carrier.take_receipt(node.replica, content)
        except GridError as refusal:
            return refusal.code
        self._counts["receipt"] += 1
        return "receipt"
