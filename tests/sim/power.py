"""Power cuts at named commits and statements that a database refuses, by the seed and the step; and starting again."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, Final

from surroundings import SimCrash

from builders import City, FakeEnv, Node, Sent
from node.keeping.unprojected import project_again
from sync.env import Moment, Reply, TransportError
from sync.heads import notice_restored_copy
from sync.replica import Replica

POWER: Final = ("crash", "database_error")
FREQUENT: Final = frozenset({"apply", "case", "check", "exchange", "sync_state"})
RATE_FREQUENT: Final = 0.01
RATE_RARE: Final = 0.2
RATE_STATEMENT: Final = 0.06  # of the steps
MOST_STATEMENTS: Final = 400
MOST_STARTS: Final = 50


class GuardedCity(City):
    """A city whose nodes may die in the middle of an answer or of a deed; whoever died is started again."""

    def __init__(self, *, seed: int, units: str) -> None:
        self.at_commit: Callable[[FakeEnv, str, Moment], None] = lambda *_: None
        super().__init__(seed=seed, units=units)
        self.guard(self.hub)

    def _env(self) -> FakeEnv:
        env = super()._env()
        env.on_commit = lambda name, moment: self.at_commit(env, name, moment)
        return env

    def join(self, parent: Node, unit: str, *, sync: bool = True) -> Node:
        """As everywhere, and guarded."""
        node = super().join(parent, unit, sync=sync)
        self.guard(node)
        return node

    def replace(self, lost: Node, parent: Node, *, sync: bool = True) -> Node:
        """As everywhere, and guarded."""
        node = super().replace(lost, parent, sync=sync)
        self.guard(node)
        return node

    def clone(self, node: Node) -> Node:
        """As everywhere; the copied one stays guarded."""
        twin = super().clone(node)
        self.guard(node)
        return twin

    def guard(self, node: Node) -> None:
        """Its answers are those of a process that may die or fail."""
        self.network.hosts[node.host] = partial(self._answer, node)

    def _answer(self, node: Node, sent: Sent) -> Reply:
        try:
            return node.answer(sent)
        except SimCrash as crash:
            start_again(node)
            raise TransportError("the parent died") from crash
        except sqlite3.OperationalError:
            return Reply(500, {"content-type": "text/html"}, b"<h1>500</h1>")


def start_again(node: Node) -> None:
    """The process begins anew on what was committed, as `serve` does; it may die over that too."""
    for _ in range(MOST_STARTS):
        try:
            return _start(node)
        except SimCrash:
            continue
    raise AssertionError("it never comes up")


def _start(node: Node) -> None:
    assert not node.db.conn.in_transaction, "a crash left a transaction open"
    old = node.replica
    node.replica = Replica(old.db, node.env, old.signer, old.app)
    node.forget_process()
    notice_restored_copy(node.replica)
    project_again(node.replica)


class Power:
    """Strikes at commits and statements of one walk. `begin` before each step, `end` after it."""

    def __init__(self, city: GuardedCity, faults: frozenset[str], counts: Counter[str]) -> None:
        self._city, self._faults, self._counts = city, faults, counts
        self._random = Random(0)
        self._failing: Failing | None = None
        self.on = False
        self.died: FakeEnv | None = None
        city.at_commit = self._at_commit

    def begin(self, random: Random) -> None:
        """From now on this step's source decides."""
        self._random, self.on, self.died = random, True, None
        if "database_error" in self._faults and random.random() < RATE_STATEMENT:
            nth = int(MOST_STATEMENTS ** random.random())
            self._failing = Failing(random.choice(self._city.nodes).replica, nth, self._fails)

    def end(self) -> None:
        """Nothing strikes until the next step."""
        self.on = False
        if self._failing is not None:
            self._failing.mend()
            self._failing = None

    def _fails(self) -> bool:
        self._counts["database_error"] += self.on
        return self.on

    def _at_commit(self, env: FakeEnv, name: str, moment: Moment) -> None:
        if not self.on or "crash" not in self._faults:
            return
        if self._random.random() < (RATE_FREQUENT if name in FREQUENT else RATE_RARE):
            self._counts[f"crash {name} {moment}"] += 1
            self.died = env
            raise SimCrash(name, moment)


class Failing:
    """A database whose n-th statement of a write fails."""

    def __init__(self, replica: Replica, nth: int, fails: Callable[[], bool]) -> None:
        self._db, self._conn = replica.db, replica.db.conn
        self._left, self._fails = nth, fails
        self._db.conn = self  # type: ignore[assignment]

    def mend(self) -> None:
        """It works again."""
        self._db.conn = self._conn

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """One statement."""
        self._count()
        return self._conn.execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        """One statement, many times."""
        self._count()
        return self._conn.executemany(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    def _count(self) -> None:
        if not self._conn.in_transaction:
            return
        self._left -= 1
        if self._left == 0 and self._fails():
            raise sqlite3.OperationalError("disk I/O error")
