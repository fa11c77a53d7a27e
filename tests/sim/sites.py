"""One simulated computer: a database that outlives the process, and the real node or hub code running on it."""

from __future__ import annotations

from collections.abc import Callable

from network import SCHEME
from sqlite_utils import Database
from surroundings import SimCrash, SimEnv

from hub.directory import found_city
from node.application import NodeApplication
from node.console.setup import found
from node.migrations import NODE
from schemas.cadence import DEFAULT_PROFILE
from schemas.errors import GridError
from schemas.units.tree import Act
from sync.client import Client
from sync.database import MEMORY, open_database
from sync.enrol import ask
from sync.env import TransportError
from sync.keys import SEED_BYTES, Signer
from sync.log import new_log_id
from sync.migrations import SYNC
from sync.replica import Replica


class Site:
    """A node's computer. What stands in `db` and the key are durable; `replica` and `client` die with the process."""

    def __init__(self, unit: str, env: SimEnv, parent: str | None) -> None:
        self.unit = unit
        self.parent = parent
        self.env = env
        self.db: Database = open_database(MEMORY, SYNC, NODE)
        self.secret = env.random_bytes(SEED_BYTES)
        self._seed: bytes | None = None
        self.replica: Replica
        self.client: Client | None = None
        self.is_up = True
        self.is_founded = False
        self.restarts = 0

    @property
    def url_up(self) -> str:
        """Where the parent answers."""
        assert self.parent is not None
        return SCHEME + self.parent

    def restart(self) -> None:
        """The process begins anew from what was committed."""
        assert not self.db.conn.in_transaction, "a crash left a transaction open"
        self.restarts += 1
        self.open()

    def open(self) -> None:
        """A process on this computer's database."""
        assert self._seed is not None
        self.replica = Replica(self.db, self.env, Signer(self._seed), NodeApplication())
        self.is_founded = self.replica.db.execute("SELECT COUNT(*) FROM node_state").fetchone()[0] == 1
        if self.is_founded and self.parent is not None:
            self.client = Client(self.replica, self.url_up)

    def attempt(self, act: Callable[[], object]) -> SimCrash | None:
        """Runs something on this computer; when the power goes the process is started again, and the crash returned."""
        try:
            act()
        except SimCrash as crash:
            self.restart()
            return crash
        return None

    def found_city(self, acts: list[Act]) -> None:
        """Lays the hub out, as often as the power goes before it is done."""
        while not self.is_founded:
            self._seed = self.env.random_bytes(SEED_BYTES)
            self.open()
            root = Signer(self.env.random_bytes(SEED_BYTES))
            self.attempt(lambda root=root: found_city(self.replica, root, self.unit, acts, DEFAULT_PROFILE))  # type: ignore[misc]
            self.open()

    def enrol(self, code: str, *, replace: bool = False) -> GridError | None:
        """One try of `init` against the parent. As `init` does, it keeps the key unless the very first try is refused.

        Returns the refusal, or None: then it worked or it is worth trying again.
        """
        made_now = self._seed is None
        self._seed = self._seed or self.env.random_bytes(SEED_BYTES)
        self.open()
        try:
            enrolment = ask(self.env, self.url_up, self.unit, code, self.replica.signer, replace=replace)
        except TransportError:
            return None
        except GridError as refusal:
            if made_now:
                self._seed = None
            return refusal
        self.attempt(lambda: found(self.replica, enrolment))
        self.open()
        return None

    def renew_logs(self) -> None:
        """New log ids and back to the first line, both ways, as after a rebase: everything is offered once more."""
        conn = self.db.conn
        conn.execute("BEGIN IMMEDIATE")
        conn.execute("UPDATE node_state SET up_log = ?", (new_log_id(self.env),))
        conn.execute("UPDATE link SET hint = 0, down_log = ? WHERE side = 'parent'", (new_log_id(self.env),))
        conn.execute("COMMIT")
        self.open()

    def tables(self, *, leave_out: frozenset[str] = frozenset()) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table, in a fixed order."""
        names = self.db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
        wanted = [name for (name,) in names if name not in leave_out]
        return {name: sorted(self.db.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in wanted}
