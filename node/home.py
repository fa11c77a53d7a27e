"""The folder of one node: database, keys, config. Everything that must be kept or carried away stands in it."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import stat
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from node.application import NodeApplication
from node.cases.disclosing import KEEP_DAYS
from node.migrations import NODE
from node.terminal import language, progress
from node.upgrade import bring_up_to_date, is_stale, stamp
from node.waits import DEFAULT_WAITS, Waits
from schemas.encoding import NODE_ID_CHARS
from schemas.errors import Conflict, Invalid, NotFound
from schemas.labels import label
from sync.client import Client
from sync.database import open_database
from sync.env import SystemEnv
from sync.heads import notice_restored_copy
from sync.keys import SEED_BYTES, Signer
from sync.migrations import SYNC
from sync.replica import TERMINAL, Actor, Replica, Shared
from sync.retry import Pace
from sync.transport import HttpTransport

DATABASE: Final = "grid.db"
CONFIG: Final = "config.toml"
KEYS: Final = "keys"
NODE_KEY: Final = "keys/node.key"
RENEWED_KEY: Final = "keys/{node}.key"
NODE_ID: Final = re.compile(rf"[a-z2-7]{{{NODE_ID_CHARS}}}")
SECRET_KEY: Final = "keys/secret.key"  # noqa: S105 - a file name
PENDING_KEY: Final = "enrol.pending"
CA_FILE: Final = "ca.crt"
SERVE_LOCK: Final = "serve.lock"
SYNC_LOCK: Final = "sync.lock"
UPGRADE_LOCK: Final = "upgrade.lock"
OWNER_ONLY: Final = 0o700
MAX_KEEP_DAYS: Final = 36_500
DEFAULT_BIND: Final = "127.0.0.1:8080"
DEFAULT_PACE: Final = Pace()


@dataclass(frozen=True, slots=True)
class Config:
    """What IT staff may change in config.toml. Times in seconds, but for `keep_days` and `waits`."""

    parent: str | None = None
    bind: str = DEFAULT_BIND
    ca_file: str | None = None
    address: str | None = None
    pace: Pace = DEFAULT_PACE
    keep_days: int = KEEP_DAYS
    waits: Waits = DEFAULT_WAITS


class Home:
    """An initialised node folder. Hands each thread a replica of its own on the same database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / DATABASE).is_file() or (folder / PENDING_KEY).is_file():  # or its init was cut short
            raise NotFound("no_node_here", field="--data", value=folder)
        self.config = read_config(folder)
        self.signer = Signer(_key(folder / NODE_KEY))
        self._signers = {self.signer.node: self.signer}
        self.secret = _key(folder / SECRET_KEY)
        self.env = SystemEnv(folder, HttpTransport(self.config.ca_file))
        self._shared = Shared()
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: list[Database] = []
        self._app = NodeApplication(self.config.keep_days, self.config.waits)

    def replica(self) -> Replica:
        """This thread's replica, opened on first use."""
        replica: Replica | None = getattr(self._local, "replica", None)
        if replica is None:
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


def make_private(folder: Path) -> None:
    """Makes the folder if it is missing, and lets nobody but its owner in: names and narratives stand in the database.
    A disk that knows no owners, or somebody else's folder, is told on the terminal, and by `doctor`.
    """
    folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    if not is_private(folder):
        try:
            folder.chmod(OWNER_ONLY)
        except PermissionError:
            progress(label(language(), "cli.folder_open", folder=folder))


def is_private(path: Path) -> bool:
    """Whether only its owner gets at it."""
    return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def require_empty(folder: Path) -> None:
    """Raises Conflict unless the folder is missing, empty, or of an enrolment that was cut short: its key is kept."""
    if folder.exists() and not folder.is_dir():
        raise Conflict("not_a_folder", field="--data", value=folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PENDING_KEY).is_file():
        raise Conflict("folder_not_empty", field="--data", value=folder)


def config_text(parent: str | None, *, own_ca: bool = False) -> str:
    """A first config.toml; with `own_ca` the parent is known by the CA whose certificate is in the folder."""
    lines = ["# 本文件可以修改，改后重启 serve 生效。This file may be changed; restart serve afterwards."]
    if parent is not None:
        lines += ["[sync]", f'parent = "{parent}"', "interval_s = 60", "first_retry_s = 120"]
        lines += [f'ca_file = "{CA_FILE}"'] if own_ca else []
    lines += ["", "[serve]", 'bind = "127.0.0.1:8080"', ""]
    lines += ["# 待办：几天没有接收、没有同步算静默；截止前几小时提示未报。"]
    lines += ["# When silence is an alarm, in days; how many hours before a deadline to-do lists name it."]
    lines += ["[todo]", *(f"{name} = {value}" for name, value in asdict(DEFAULT_WAITS).items()), ""]
    return "\n".join(lines)


def read_config(folder: Path) -> Config:
    """The folder's config. Raises Invalid naming the key that can't be read."""
    try:
        tables = tomllib.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, FileNotFoundError) as error:
        raise Invalid("bad_config", field=CONFIG, value=error) from error
    sync, serve, todo = (tables.get(name, {}) for name in ("sync", "serve", "todo"))
    pace = Pace(
        interval_s=_seconds(sync, "interval_s", DEFAULT_PACE.interval_s),
        first_retry_s=_seconds(sync, "first_retry_s", DEFAULT_PACE.first_retry_s),
        retry_cap_s=_seconds(sync, "retry_cap_s", DEFAULT_PACE.retry_cap_s),
    )
    return Config(
        parent=_text(sync, "parent"),
        bind=_text(serve, "bind") or DEFAULT_BIND,
        address=_text(serve, "address"),
        ca_file=None if (ca := _text(sync, "ca_file")) is None else str(folder / ca),
        pace=pace,
        keep_days=_days(tables.get("private", {}), "keep_days", KEEP_DAYS),
        waits=Waits(
            offer_days=_days(todo, "offer_days", DEFAULT_WAITS.offer_days),
            child_days=_days(todo, "child_days", DEFAULT_WAITS.child_days),
            due_hours=_days(todo, "due_hours", DEFAULT_WAITS.due_hours),
        ),
    )


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds an exclusive lock on a file. Raises Conflict when somebody else has it and `wait` is off."""
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Conflict("locked", field="--data", value=path.parent) from error
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, and has it on the disk before it returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_signer(path: Path) -> Signer | None:
    """The key in a file; None where there is none, or it is no key."""
    seed = path.read_bytes() if path.is_file() else b""
    return Signer(seed) if len(seed) == SEED_BYTES else None


def _key(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("key_missing", field="--data", value=path) from error
    if len(content) != SEED_BYTES:
        raise Invalid("key_broken", field="--data", value=path)
    return content


def _text(table: dict[str, object], name: str) -> str | None:
    value = table.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid("bad_config", field=f"{CONFIG}: {name}", value=value)
    return value or None


def _days(table: dict[str, object], name: str, default: int) -> int:
    value = table.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_KEEP_DAYS:
        raise Invalid("bad_config", field=f"{CONFIG}: {name}", value=value)
    return value


def _seconds(table: dict[str, object], name: str, default: float) -> float:
    value = table.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.05 <= value <= 86_400:
        raise Invalid("bad_config", field=f"{CONFIG}: {name}", value=value)
    return float(value)
