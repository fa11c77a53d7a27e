"""One node's copy of the world, opened: database, keys, surroundings, and the application that gives events meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlite_utils import Database

from schemas.encoding import node_id
from schemas.events import Event
from schemas.units.tree import Tree
from sync.env import Env
from sync.keys import Signer

CITY: Final = "city"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this node is. `parent` is the unit that it syncs to, None at the city."""

    node: str
    unit: str
    level: str
    city: str
    root_node: str
    parent: str | None
    parent_node: str | None
    up_log: str

    @property
    def is_top(self) -> bool:
        """Whether this node is the city's own."""
        return self.level == CITY


@dataclass(frozen=True, slots=True)
class Actor:
    """Who has this node do something: an account, or `@` and a user of the machine at the terminal."""

    name: str
    role: str


NOBODY: Final = Actor("-", "-")
TERMINAL: Final = Actor("@", "admin")


@dataclass(frozen=True, slots=True)
class Stored:
    """An event together with its place in this node's log and the instant (unix ms) at which it arrived here."""

    n: int
    event: Event
    received_at: int


@dataclass(frozen=True, slots=True)
class Deed:
    """An event that the application has this node write in its own name; `sealed` is ciphertext."""

    kind: str
    schema: str
    public: dict[str, object]
    sealed: str | None = None


class Projection(Protocol):
    """What the application keeps up to date inside the transaction that stores events."""

    def project(self, stored: Stored) -> None:
        """Takes in one event whose standing is ok. Each event comes once."""

    def directory_changed(self) -> None:
        """The dated tree has new acts; what depends on it is worked out again."""

    def finish(self) -> None:
        """Called once before the commit: writes what was gathered."""

    def certified(self, unit: str) -> None:
        """A node was certified for this unit."""

    def erased(self, hashes: Iterable[str]) -> None:
        """The private parts of these events are erased."""

    def put_off(self) -> None:
        """This database is known to be behind: deeds wait until it has caught up."""

    def deeds(self, now_ms: int) -> Iterable[Deed]:
        """After `finish`: events that this node has to write because of what came in, each once."""

    def addressed(self) -> Iterable[tuple[str, frozenset[str]]]:
        """After `finish`: events by hash, each with the units whose nodes have to hold it (3-sync, Store, 4)."""


class Application(Protocol):
    """The meaning of payloads, handed in by the layer above."""

    def projection(self, replica: Replica) -> Projection:
        """A projection for one write transaction."""

    def clear(self, db: Database) -> None:
        """Empties every derived table of the application."""

    def addressed_below(self, replica: Replica, unit: str) -> Iterable[str]:
        """The hashes of all events held that nodes of the unit or below it have to hold, in the order of arrival."""

    def history_below(self, replica: Replica, unit: str) -> Iterable[str]:
        """The hashes of what was reported for the unit and those below it, for a node that serves them from now on."""

    def verify(self, replica: Replica) -> tuple[int, list[tuple[str, str]]]:
        """How many tallies were compared with a recount, and (code, text) of each difference and of what is wrong in
        the node's own records.
        """

    def note(self, replica: Replica, act: str, *, unit: str, subject: str, purpose: str = "") -> None:
        """Logs an administrative act inside the transaction that does it."""


@dataclass
class Shared:
    """What threads of one process share: the dated tree of one directory version. Replaced whole, never changed."""

    version: str | None = None
    tree: Tree = field(default_factory=lambda: Tree([]))


@dataclass
class Replica:
    """An open node. Used by one thread at a time; threads of one process share only `shared`. `keys` gives the other
    keys that this node has, by node id: a renewal leaves the earlier ones, to open what was sealed to them.
    """

    db: Database
    env: Env
    key: Signer
    app: Application
    shared: Shared = field(default_factory=Shared)
    actor: Actor = TERMINAL
    keys: Callable[[str], Signer | None] = lambda _node: None

    @property
    def signer(self) -> Signer:
        """The key of who this node is now: a renewal, perhaps by another process, changes it."""
        row = self.db.execute("SELECT node FROM node_state").fetchone()
        if row is not None and row[0] != self.key.node:
            self.key = self.keys(row[0]) or self.key
        return self.key

    def holder_of(self, public: bytes) -> Signer | None:
        """The private half of a public key, if it is, or ever was, this node's."""
        node = node_id(public)
        return self.key if node == self.key.node else self.keys(node)

    @property
    def identity(self) -> Identity:
        """Who this node is now: a move or a rebase, perhaps of another process, changes parent and log."""
        row = self.db.execute(
            "SELECT node, unit, level, city, root_node, parent, parent_node, up_log FROM node_state"
        ).fetchone()
        return Identity(*row)

    def link_to(self, child_unit: str) -> str:
        """The name of the link from this node's unit down to a child's."""
        return f"{self.identity.unit}>{child_unit}"

    @property
    def link_up(self) -> str:
        """The name of the link to the parent."""
        me = self.identity
        return f"{me.parent}>{me.unit}"
