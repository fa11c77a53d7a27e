"""A small city in one process: the real node and hub code on databases of their own, with a clock, random bytes and a
network that the test holds in its hands.

    city = City()                                 # the hub, its tree published
    county = city.join(city.hub, EAST)            # enrolled with a one-time code, first sync done
    county.check(E_GROUPS[0], "2026-11-20")       # a zero-report, entered as the API enters it
    county.sync()
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlite_utils import Database

from hub.app import create_hub_app
from hub.directory import found_city
from hub.publishing import publish
from node.app import create_app
from node.application import NodeApplication
from node.config import config_text
from node.console.setup import found
from node.daily import checks
from node.grid import Grid
from node.home import create
from node.migrations import DERIVED as NODE_DERIVED
from node.migrations import NODE
from node.people import accounts
from schemas.cadence import DEFAULT_PROFILE, Profile
from schemas.units.listing import read_unit_list
from schemas.units.tree import Act
from sync import enrol, server
from sync.client import Client
from sync.database import MEMORY, open_database, write
from sync.env import Reply
from sync.heads import notice_restored_copy
from sync.intake import Intake
from sync.keys import SEED_BYTES, Signer
from sync.loop import Drained, drain
from sync.migrations import SYNC
from sync.rebuild import DERIVED as SYNC_DERIVED
from sync.replica import Replica

# isort: off
from fakes import (
    CITY, DAY_MS, E_GROUPS, E_TOWN, E_VILLAGE, EAST, GROUPS, HOUR_MS, NOW_MS, TODAY, UNITS, W_GROUPS, W_TOWN, W_VILLAGE,
    WEST, Clock, FakeEnv, Network, Sent, told, unit_list,
)  # fmt: skip
# isort: on

__all__ = [
    "CITY", "DAY_MS", "EAST", "E_GROUPS", "E_TOWN", "E_VILLAGE", "GROUPS", "HOUR_MS", "NOW_MS", "TODAY", "UNITS",
    "WEST", "W_GROUPS", "W_TOWN", "W_VILLAGE", "City", "Clock", "FakeEnv", "Network", "Node", "Sent", "check_body",
    "dump", "many_checks", "told", "unit_list",
]  # fmt: skip


def answer(replica: Replica, secret: bytes, sent: Sent) -> Reply:
    """What a node's handlers say to a request, byte in, byte out, as the routes do."""
    path = urlsplit(sent.url).path
    if path == server.HELLO_PATH:
        wire = server.hello(replica, secret)
    elif path == server.EXCHANGE_PATH:
        wire = server.exchange(replica, secret, sent.headers, sent.body)
    elif path == server.REBASE_PATH:
        wire = server.rebase(replica, secret, sent.headers, sent.body)
    elif path == enrol.PATH:
        wire = enrol.enrol(replica, secret, sent.body)
    else:
        return Reply(404, {}, b"")
    return Reply(wire.status, {name.lower(): value for name, value in wire.headers.items()}, wire.body)


class Node:
    """One node of the city: its replica, its surroundings, its web application and its link up."""

    def __init__(self, replica: Replica, env: FakeEnv, secret: bytes, folder: Path | None, parent: Node | None) -> None:
        self.replica = replica
        self.env = env
        self.secret = secret
        self.folder = folder
        self.parent = parent
        self.woken = 0
        self._client: Client | None = None
        self._app: Flask | None = None
        env.network.hosts[self.host] = self.answer

    @property
    def db(self) -> Database:
        """The node's database."""
        return self.replica.db

    @property
    def unit(self) -> str:
        """The node's unit."""
        return self.replica.identity.unit

    @property
    def host(self) -> str:
        """The name under which it listens."""
        return f"u{self.unit}.test"

    @property
    def url(self) -> str:
        """Its address on the fake network."""
        return f"http://{self.host}"

    # ---- the network

    def answer(self, sent: Sent) -> Reply:
        """What this node's handlers say to a request."""
        return answer(self.replica, self.secret, sent)

    @property
    def client(self) -> Client:
        """The child's half of the link up; the same object every time, so that it keeps its batch size."""
        if self._client is None:
            assert self.parent is not None
            self._client = Client(self.replica, self.parent.url)
        return self._client

    def sync(self) -> Drained:
        """Drains the link up, both ways."""
        return drain(self.client)

    # ---- work

    def check(
        self,
        unit: str,
        day: str | date = TODAY,
        disputes: int = 0,
        hazards: int = 0,
        *,
        key: str | None = None,
        **more: object,
    ) -> str:
        """Enters one check, zero without figures, as the API does; returns the event's hash."""
        return str(
            checks.submit(self.replica, "worker", check_body(unit, day, disputes, hazards, **more), key).document["id"]
        )

    def check_all(self, bodies: Iterable[Mapping[str, Any]]) -> list[str]:
        """Enters many checks in one transaction; returns the hashes."""
        with write(self.db, "check", self.env):
            intake = Intake(self.replica, self.env.now_ms())
            events = [checks.enter(intake, body)[0] for body in bodies]
            intake.finish()
        return events

    def publish(self, *entries: Mapping[str, Any]) -> dict[str, int]:
        """Publishes at the hub: `{"type": "unit", "act": …}` or `{"type": "cadence", …}`."""
        return publish(self.replica, [dict(entry) for entry in entries])

    # ---- the web

    @property
    def app(self) -> Flask:
        """The web application; the hub's with its own rooms."""
        if self._app is None:
            make = create_hub_app if self.replica.identity.is_top else create_app
            self._app = make(Grid(lambda: self.replica, self.secret, self._wake))
            self._app.testing = True
        return self._app

    def _wake(self) -> bool:
        self.woken += 1
        return self.parent is not None

    def browser(self) -> FlaskClient:
        """A browser with cookies of its own."""
        return self.app.test_client()

    def user(self, name: str, role: str, unit: str | None = None) -> dict[str, str]:
        """Adds an account; returns the headers that act with its token."""
        accounts.add(self.replica, name, role, unit)
        return {"Authorization": f"Bearer {accounts.new_token(self.replica, name)}"}

    # ---- disks

    def snapshot(self) -> bytes:
        """A backup of the database."""
        return self.db.conn.serialize()

    def restore(self, backup: bytes, *, marker: bool = True) -> None:
        """Puts an older database in the place of this one, and starts the process again."""
        if not marker:
            self.env.marker = None
        self.replica = _reopened(self.replica, backup, self.env)
        self.forget_process()
        notice_restored_copy(self.replica)

    def forget_process(self) -> None:
        """What a process keeps in memory only is made anew."""
        self._client = self._app = None

    # ---- what it holds

    def count(self, table: str = "event", where: str = "1") -> int:
        """How many rows a table has."""
        (number,) = self.db.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()
        return int(number)

    def derived(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every derived table with its rows, as `rebuild` has to leave them."""
        return dump(self.db, (*NODE_DERIVED, *SYNC_DERIVED, "directory_state"))


class City:
    """A hub with the tiny tree, and the nodes that joined. `folder` puts databases on disk, one folder a node."""

    def __init__(
        self,
        *,
        seed: int = 1,
        folder: Path | None = None,
        units: str | None = None,
        profile: Profile = DEFAULT_PROFILE,
        extra_acts: Sequence[Act] = (),
    ) -> None:
        self.clock = Clock()
        self.network = Network()
        self.folder = folder
        self.random = random.Random(seed)
        self.root = Signer(self.random.randbytes(SEED_BYTES))
        acts = [*read_unit_list(unit_list() if units is None else units), *extra_acts]
        self.city = next(act["unit"] for act in acts if act["level"] == "city")
        self.nodes: list[Node] = []
        env, signer_seed = self._env(), self.random.randbytes(SEED_BYTES)
        replica, secret, home = self._open(self.city, env, signer_seed, None)
        found_city(replica, self.root, self.city, acts, profile)
        self.hub = Node(replica, env, secret, home, None)
        self.nodes.append(self.hub)

    def join(self, parent: Node, unit: str, *, sync: bool = True) -> Node:
        """A node for a unit that the parent hosts: invited, enrolled, laid out, and drained once."""
        env, signer_seed = self._env(), self.random.randbytes(SEED_BYTES)
        code = enrol.invite(parent.replica, unit).code
        enrolment = enrol.ask(env, parent.url, unit, code, Signer(signer_seed))
        replica, secret, home = self._open(unit, env, signer_seed, parent.url)
        found(replica, enrolment)
        node = Node(replica, env, secret, home, parent)
        self.nodes.append(node)
        if sync:
            node.sync()
        return node

    def clone(self, node: Node) -> Node:
        """A second computer that runs on a copy of this one's disk; nobody can call it."""
        env = self._env()
        env.marker = node.env.marker
        twin = Node(_reopened(node.replica, node.snapshot(), env), env, node.secret, None, node.parent)
        self.network.hosts[node.host] = node.answer
        self.nodes.append(twin)
        return twin

    def replace(self, lost: Node, parent: Node, *, sync: bool = True) -> Node:
        """A new computer, with nothing on it, in the place of a lost one."""
        env, signer_seed = self._env(), self.random.randbytes(SEED_BYTES)
        code = enrol.invite(parent.replica, lost.unit).code
        enrolment = enrol.ask(env, parent.url, lost.unit, code, Signer(signer_seed), replace=True)
        replica, secret, home = self._open(lost.unit, env, signer_seed, parent.url)
        found(replica, enrolment)
        node = Node(replica, env, secret, home, parent)
        self.nodes[self.nodes.index(lost)] = node
        for one in self.nodes:
            if one.parent is lost:
                one.parent = node
        if sync:
            node.sync()
        return node

    def line(self, *units: str) -> list[Node]:
        """Nodes joined one below the other, the hub's child first; all know of each other afterwards."""
        parent, joined = self.hub, []
        for unit in units:
            parent = self.join(parent, unit)
            joined.append(parent)
        self.settle()
        return joined

    def settle_but(self, out: Node) -> None:
        """`settle` with one node switched off."""
        self.nodes.remove(out)
        self.settle()

    def settle(self, rounds: int = 12) -> None:
        """Drains every link, lowest levels first, until a whole round moves no line and no mark. Raises AssertionError
        when a link fails, or there is no end.
        """
        for _ in range(rounds):
            marks = self._marks()
            moved = [node.sync() for node in reversed(self.nodes) if node.parent is not None]
            failed = [one.last.problem for one in moved if one.last.kind != "ok"]
            assert not failed, failed
            if not any(one.pushed or one.pulled for one in moved) and self._marks() == marks:
                return
        raise AssertionError(f"not at rest after {rounds} rounds")

    def _marks(self) -> int:
        return sum(node.count("mark") for node in self.nodes)

    def _env(self) -> FakeEnv:
        return FakeEnv(self.clock, self.network, random.Random(self.random.getrandbits(64)))

    def _open(
        self, unit: str, env: FakeEnv, signer_seed: bytes, parent_url: str | None
    ) -> tuple[Replica, bytes, Path | None]:
        secret = self.random.randbytes(SEED_BYTES)
        home = self.folder / unit if self.folder is not None else None
        if home is None:
            database = open_database(MEMORY, SYNC, NODE)
        else:
            database = create(home, signer_seed, secret, config_text(parent_url))
        signer = Signer(signer_seed)
        return Replica(database, env, signer, NodeApplication(), keys={signer.node: signer}.get), secret, home


def _reopened(replica: Replica, backup: bytes, env: FakeEnv) -> Replica:
    database = open_database(MEMORY)
    database.conn.deserialize(backup)
    return Replica(database, env, replica.key, NodeApplication(), keys=replica.keys)


def check_body(
    unit: str, day: str | date = TODAY, disputes: int = 0, hazards: int = 0, **more: object
) -> dict[str, Any]:
    """The body of `POST /api/v1/checks`: zero without figures, found with them."""
    body: dict[str, Any] = {"unit": unit, "date": str(day), "result": "zero", **more}
    if disputes or hazards:
        body |= {"result": "found", "found": {"disputes": disputes, "hazards": hazards}}
    return body


def dump(db: Database, tables: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of tables, sorted, for comparison to the byte."""
    return {table: sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in tables}


def many_checks(groups: Sequence[str], first: date, count: int) -> Iterator[dict[str, Any]]:
    """Bodies of zero-reports, a group after the other, day by day from `first` on."""
    for number in range(count):
        day = date.fromordinal(first.toordinal() + number // len(groups))
        yield check_body(groups[number % len(groups)], day)
