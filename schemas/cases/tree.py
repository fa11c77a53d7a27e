"""All events of a case as a tree by `after`, with the situation that each one's own path leads to, and who wins.

An event names one predecessor, so what is true on its own path depends on nothing that arrives later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.cases.events import CaseEvent
from schemas.cases.limits import LimitRules
from schemas.cases.steps import Ancestor, Progress, begin, step
from schemas.cases.table import OWNING


@dataclass(frozen=True, slots=True)
class Node:
    """One event in the tree: `now` is the situation after it on its own path, `why` why it is void there."""

    event: CaseEvent
    parent: Node | None
    depth: int
    now: Progress
    why: str | None

    @property
    def order(self) -> tuple[int, str]:
        """Where acts stand among each other that no path orders."""
        return self.depth, self.event.hash

    @property
    def owns(self) -> bool:
        """Whether the event validly made its unit the owner."""
        return self.why is None and self.event.action in OWNING

    def path(self) -> list[Node]:
        """The nodes from the registration to this one."""
        nodes: list[Node] = []
        node: Node | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


class CaseTree:
    """The tree of a set of events: the same for every order, and however often an event is given.

    `nodes` are those connected to a registration, by hash; `waiting` the hashes of those whose predecessor is not
    held; `rootless` those that name no predecessor and are no registration that can be read.
    """

    def __init__(self, events: Iterable[CaseEvent], ancestor: Ancestor, rules: LimitRules) -> None:
        self.events: Final = {event.hash: event for event in events}
        self.nodes: Final[dict[str, Node]] = {}
        self._children: dict[str, list[CaseEvent]] = {}
        roots: list[Node] = []
        rootless: list[str] = []
        for event in self.events.values():
            if event.after is not None:
                self._children.setdefault(event.after, []).append(event)
                continue
            start = begin(event)
            if start is None:
                rootless.append(event.hash)
            else:
                roots.append(Node(event, None, 0, start, None))
        self._grow(roots, ancestor, rules)
        self.rootless: Final = tuple(sorted(rootless))
        self.waiting: Final = tuple(sorted(self.events.keys() - self.nodes.keys() - set(rootless)))

    def _grow(self, heads: list[Node], ancestor: Ancestor, rules: LimitRules) -> None:
        while heads:
            node = heads.pop()
            self.nodes[node.event.hash] = node
            for event in self._children.get(node.event.hash, ()):
                now, why = step(node.now, event, ancestor, rules)
                heads.append(Node(event, node, node.depth + 1, now, why))

    def winner(self) -> Node | None:
        """The registration, take or seize that decides who owns the case; None if no registration is held.

        The greatest of (term, level, length of the history, hash): of two takes of one term the higher level's stands.
        Registrations of one case id are held against each other by the same rule.
        """
        owning = (node for node in self.nodes.values() if node.owns)
        return max(owning, key=_claim, default=None)

    def below(self, node: Node) -> list[Node]:
        """The nodes that follow a node, directly or not, in their order."""
        found: list[Node] = []
        heads = [node.event.hash]
        while heads:
            for event in self._children.get(heads.pop(), ()):
                found.append(self.nodes[event.hash])
                heads.append(event.hash)
        return sorted(found, key=lambda one: one.order)


def _claim(node: Node) -> tuple[int, int, int, str]:
    return node.event.term, node.event.level, node.depth, node.event.hash
