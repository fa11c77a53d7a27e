"""Files that people carry in a walk: to the parent, past it, to the wrong place; at once, late, twice, half."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final

from builders import City, Node
from schemas.errors import GridError
from sync import carrier, receipts

STICKS: Final = ("file", "file_late", "file_twice", "file_half", "file_elsewhere", "receipt")
MAX_STICKS: Final = 40


class Sticks:
    """What lies about on sticks. `random` is that of the step."""

    def __init__(self, city: City, counts: Counter[str]) -> None:
        self._city, self._counts = city, counts
        self._files: list[bytes] = []
        self._brought: set[bytes] = set()
        self._receipts: list[tuple[str, bytes]] = []  # (node that it is for, receipt)

    def write(self, node: Node, random: Random) -> str:
        """Puts what a node exports onto sticks."""
        try:
            files = [one.content for one in carrier.export(node.replica, everything=random.random() < 0.5)]
        except GridError as refusal:
            return refusal.code
        self._files = (self._files + files)[-MAX_STICKS:]
        return f"{len(files)} files"

    def bring(self, node: Node, random: Random) -> str:
        """Some stick is brought to some node; a receipt may go back with it."""
        if self._receipts and random.random() < 0.4:
            return self._take_receipt(random)
        if not self._files:
            return "no stick"
        at = random.randrange(len(self._files))
        content = self._files[at]
        self._counts["file_late"] += at < len(self._files) - 1
        if random.random() < 0.15:
            content = content[: random.randrange(len(content))]
            self._counts["file_half"] += 1
        try:
            done = carrier.take_in(node.replica, content)
        except GridError as refusal:
            self._counts["file_elsewhere"] += refusal.code in ("file_own", "file_not_below")
            return refusal.code
        self._counts["file"] += 1
        self._counts["file_twice"] += content in self._brought
        self._brought.add(content)
        receipt = receipts.receipt(node.replica, done.node, done.log, done.chains)
        self._receipts = (self._receipts + [(done.node, receipt.content)])[-MAX_STICKS:]
        return f"{done.new} new, cursor {done.moved}"

    def _take_receipt(self, random: Random) -> str:
        """Back to the node that wrote the file, or to another one by mistake."""
        writer, content = random.choice(self._receipts)
        there = [one for one in self._city.nodes if one.replica.identity.node == writer]
        node = random.choice(there if there and random.random() < 0.8 else self._city.nodes)
        try:
            receipts.take_receipt(node.replica, content)
        except GridError as refusal:
            return refusal.code
        self._counts["receipt"] += 1
        return "receipt"
