"""Standing: whether an event counts, a pure function of the certificates, revocations and directory held (3-sync,
Store), and on whose side of this node its author stands. What was looked up is kept for one transaction.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from schemas.events import Event
from schemas.units.tree import LEVELS
from sync import clocks, directory, revocation
from sync.replica import Replica

OK: Final = "ok"
LATE_KEY: Final = "late_key"
BAD_SCOPE: Final = "bad_scope"
REVOKED: Final = "revoked"
PENDING: Final = "pending"
_ROOT_KINDS: Final = frozenset({"inc", "cert", "rev"})
_UNCERTIFIED: Final = ("", "")


class Judge:
    """Judges authors and events of one transaction. Call `forget` when a certificate or revocation of a node comes."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._me = replica.identity
        self._certified: dict[str, tuple[str, str]] = {}
        self._revocations: dict[str, list[revocation.Revocation]] = {}
        self._today: date | None = None

    def standing(self, event: Event) -> str:
        """ok, late_key (no certificate yet), bad_scope (the unit never was in the certified unit's subtree), or revoked
        (beyond the position up to which a revoked node is believed).
        """
        h = event.header
        if h.node == self._me.root_node:
            return OK if h.kind in _ROOT_KINDS else BAD_SCOPE
        certified = self.unit(h.node)
        if certified is None:
            return LATE_KEY
        if any(one.voids(h, event.hash) for one in self._revoked(h.node, certified)):
            return REVOKED
        if h.unit == certified:
            return OK
        tree = directory.tree_of(self._replica)
        if certified == self._me.city and not tree.exists(certified):  # a new hub, to which the directory comes back
            return OK
        return OK if tree.ever_below(h.unit, certified) else BAD_SCOPE

    def unit(self, node: str) -> str | None:
        """The unit for which a node is certified, or None."""
        return self._certificate(node)[0] or None

    def level(self, node: str) -> str | None:
        """The level for which a node is certified; None for the root, "" for one that is not."""
        return None if node == self._me.root_node else self._certificate(node)[1]

    def is_below(self, node: str) -> bool:
        """Whether a chain of this author comes up from below: of our own unit's earlier node, too, but for a hub's."""
        unit, level = self._certificate(node)
        if not unit:
            return node != self._me.root_node
        if unit == self._me.unit:
            return not self._me.is_top  # what is left of an earlier hub came in pieces, as it was sent down
        lower = LEVELS.index(level) < LEVELS.index(self._me.level)
        return lower and directory.tree_of(self._replica).ever_below(unit, self._me.unit)

    def is_below_now(self, node: str) -> bool:
        """Whether the city's mark for the node comes by way of us: a unit that moved away is another's care."""
        unit = self.unit(node)
        if unit is None:  # told apart when its certificate comes
            return True
        return directory.tree_of(self._replica).below(unit, self._me.unit, self.today())

    def today(self) -> date:
        """The business day, looked up once."""
        self._today = self._today or clocks.today(self._replica)
        return self._today

    def forget(self, node: str | None = None) -> None:
        """What was looked up of a node, or of all, counts no more."""
        if node is None:
            self._certified.clear()
            self._revocations.clear()
        else:
            self._certified.pop(node, None)
            self._revocations.pop(node, None)

    def _certificate(self, node: str) -> tuple[str, str]:
        if node not in self._certified:
            self._certified[node] = directory.unit_of(self._replica.db, node) or _UNCERTIFIED
        return self._certified[node]

    def _revoked(self, node: str, unit: str) -> list[revocation.Revocation]:
        if node not in self._revocations:
            self._revocations[node] = revocation.of_node(self._replica.db, node, unit)
        return self._revocations[node]
