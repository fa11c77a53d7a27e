"""The folder of one node: database, keys, config. Everything that must be kept or carried away stands in it."""

from __future__ import annotations

import os
import pwd
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from node.application import NodeApplication
from node.config import read_config
from node.console.terminal import language, progress
from node.folder import (
    CA_FILE,
    CONFIG,
    DATABASE,
    KEYS,
    NODE_KEY,
    OWNER_ONLY,
    PENDING_KEY,
    RENEWED_KEY,
    SECRET_KEY,
    SYNC_LOCK,
    UPGRADE_LOCK,
    locked,
    make_private,
    read_key,
    read_signer,
    require_empty,
    write_private,
)  # fmt: skip
from node.keeping import ballast
from node.keeping.upgrade import bring_up_to_date, is_stale, stamp
from node.migrations import NODE
from schemas.encoding import NODE_ID_CHARS
from schemas.errors import NotFound
from schemas.labels import label
from sync.client import Client
from sync.database import open_database
from sync.env import SystemEnv
from sync.heads import notice_restored_copy
from sync.keys import SEED_BYTES, Signer
from sync.migrations import SYNC
from sync.replica import TERMINAL, Actor, Replica, Shared
from sync.transport import HttpTransport

NODE_ID: Final = re.compile(rf"[a-z2-7]{{{NODE_ID_CHARS}}}")


class Home:
    """An initialised node folder. Hands each thread a replica of its own on the same database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / DATABASE).is_file() or (folder / PENDING_KEY).is_file():  # or its init was cut short
            raise NotFound("no_node_here", field="--data", value=folder)
        self.config = read_config(folder)
        self.signer = Signer(read_key(folder / NODE_KEY))
        self._signers = {self.signer.node: self.signer}
        self.secret = read_key(folder / SECRET_KEY)
        self.env = SystemEnv(folder, HttpTransport(self.config.ca_file))
        self._shared = Shared()
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: list[Database] = []
        self._app = NodeApplication(self.config.keep_days, self.config.waits, self.config.copies)

    def replica(self) -> Replica:
        """This thread's replica, opened on first use."""
        replica: Replica | None = getattr(self._local, "replica", None)
        if replica is None:
            self.make_room()
            database = open_database(self.folder / DATABASE, SYNC, NODE)
            replica = Replica(database, self.env, self.signer, self._app, self._shared, at_terminal(), self.key_of)
            if not self._opened:  # once a process
                if is_stale(database):
                    with locked(self.folder / UPGRADE_LOCK):
                        bring_up_to_date(replica, _say_upgrading)
                notice_restored_copy(replica)
            self._local.replica = replica
            with self._lock:
                self._opened.append(database)
        return replica

    @property
    def ca_files(self) -> tuple[Path, ...]:
        """Where the certificate of the city's own CA may stand: as config.toml says, or in the folder."""
        stated = (Path(self.config.ca_file),) if self.config.ca_file else ()
        return (*stated, self.folder / CA_FILE, self.folder / "ca" / CA_FILE)

    def key_of(self, node: str) -> Signer | None:
        """A key of this folder by the node id that it gives; None where there is none, or its file is spoilt."""
        if node not in self._signers and NODE_ID.fullmatch(node):
            signer = read_signer(self.folder / RENEWED_KEY.format(node=node))
            if signer is not None and signer.node == node:
                self._signers[node] = signer
        return self._signers.get(node)

    def new_key(self) -> Signer:
        """A new key, on the disk before it is used; the earlier ones stay, to open what was sealed to them."""
        seed = self.env.random_bytes(SEED_BYTES)
        signer = Signer(seed)
        write_private(self.folder / RENEWED_KEY.format(node=signer.node), seed)
        return signer

    def drop_key(self, unused: Signer) -> None:
        """Lets a new key go that was not taken into use."""
        (self.folder / RENEWED_KEY.format(node=unused.node)).unlink()

    def client(self) -> Client | None:
        """The way to the parent; None at the top."""
        parent = self.config.parent
        return None if parent is None else Client(self.replica(), parent, self.config.address)

    def make_room(self) -> None:
        """Gives the ballast up when next to no room is left on the disk; costs a system call."""
        ballast.give_up(self.folder, self.env.free_bytes())

    def close(self) -> None:
        """Closes this thread's connection."""
        replica: Replica | None = getattr(self._local, "replica", None)
        if replica is not None:
            replica.db.conn.close()
            self._local.replica = None

    def close_all(self) -> None:
        """Closes the connections of every thread; the last one out leaves a single plain file."""
        with self._lock:
            for database in self._opened:
                database.conn.close()
            self._opened.clear()

    @contextmanager
    def sync_turn(self) -> Iterator[None]:
        """The loop of `serve` and a `sync` beside it take turns."""
        with locked(self.folder / SYNC_LOCK):
            yield


def _say_upgrading() -> None:
    progress(label(language(), "cli.upgrading"))


def at_terminal() -> Actor:
    """Who works on the machine itself: `@` and the name of its user."""
    try:
        return Actor(TERMINAL.name + pwd.getpwuid(os.geteuid()).pw_name, TERMINAL.role)
    except KeyError:  # a user without a name, as in a container
        return Actor(f"{TERMINAL.name}{os.geteuid()}", TERMINAL.role)


def create(folder: Path, signer_seed: bytes, secret: bytes, config: str) -> Database:
    """Lays out a new folder and returns its empty database. What an `init` that was cut short left there is made anew.

    Raises Conflict when it holds something.
    """
    require_empty(folder)
    make_private(folder)
    for leftover in folder.glob(f"{DATABASE}*"):
        leftover.unlink()
    (folder / KEYS).mkdir(mode=OWNER_ONLY, exist_ok=True)
    write_private(folder / NODE_KEY, signer_seed)
    write_private(folder / SECRET_KEY, secret)
    (folder / CONFIG).write_text(config, encoding="utf-8")
    database = open_database(folder / DATABASE, SYNC, NODE)
    stamp(database)
    return database
