"""The seams to the outside: clock, random, transport. The simulator hands in its own; nothing else in the core may
read a clock, draw a random number or open a connection.
"""

from __future__ import annotations

import fcntl
import os
import random
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from schemas.errors import DiskFull

Moment = Literal["before", "after"]
Head = tuple[str, int, str]
MARKER: Final = "head"
MAX_MARKER_BYTES: Final = 1_000
DISK_RESERVE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over a transport; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportError(Exception):
    """The request may or may not have arrived; nothing certain came back."""


class Transport(Protocol):
    """Carries one request to a parent."""

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply. Raises TransportError on refused connections, time-outs, cut or oversized replies."""


def require_room(env: Env) -> None:
    """Raises DiskFull when only the reserve is left, which is kept for the node's own records."""
    if env.free_bytes() < DISK_RESERVE_BYTES:
        raise DiskFull("disk_full")


class Env(Protocol):
    """Everything that a node takes from its surroundings."""

    @property
    def transport(self) -> Transport:
        """The way to the parent."""

    def now_ms(self) -> int:
        """The device's wall clock, unix ms."""

    def random_bytes(self, count: int) -> bytes:
        """Bytes fit for keys and salts."""

    def uniform(self) -> float:
        """A number in [0, 1), for jitter only."""

    def free_bytes(self) -> int:
        """Room left on the disk that holds the database."""

    def copies(self) -> Sequence[Path]:
        """Earlier databases that are kept in the data folder."""

    def committing(self, name: str, moment: Moment) -> None:
        """Called around every named commit; the simulator dies here."""

    def keep_head(self, head: Head) -> None:
        """Has (chain, seq, hash) of the own head on the disk, outside the database, before it returns."""

    def kept_head(self) -> Head | None:
        """The head that was kept last; None if none ever was, or it can't be read."""


@dataclass
class SystemEnv:
    """The real surroundings of a node whose files stand in `folder`."""

    folder: Path
    transport: Transport
    on_commit: Callable[[str, Moment], None] = field(default=lambda _name, _moment: None)
    _last_head: Head | None = None

    def now_ms(self) -> int:
        """The device's wall clock, unix ms."""
        return time.time_ns() // 1_000_000

    def random_bytes(self, count: int) -> bytes:
        """Bytes from the operating system."""
        return secrets.token_bytes(count)

    def uniform(self) -> float:
        """A number in [0, 1), for jitter only."""
        return random.random()  # noqa: S311 - jitter, not a secret

    def free_bytes(self) -> int:
        """Room left on the disk that holds the database."""
        return shutil.disk_usage(self.folder).free

    def copies(self) -> Sequence[Path]:
        """Earlier databases that are kept in the data folder, however deep."""
        return sorted(path for path in self.folder.rglob("*.db") if path.parent != self.folder)

    def committing(self, name: str, moment: Moment) -> None:
        """A seam for tests; does nothing by itself."""
        self.on_commit(name, moment)

    def keep_head(self, head: Head) -> None:
        """Writes the marker file anew, unless it says so already; never back on the same chain."""
        if head == self._last_head:
            return
        with (self.folder / (MARKER + ".lock")).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a command beside serve may have gone further meanwhile
            kept = self.kept_head()
            if kept is None or kept[0] != head[0] or kept[1] < head[1]:
                part = self.folder / (MARKER + ".part")
                with part.open("w", encoding="ascii") as file:
                    file.write("\t".join(map(str, head)) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(self.folder / MARKER)
                flush(self.folder)
        self._last_head = head

    def kept_head(self) -> Head | None:
        """What the marker file says."""
        try:
            with (self.folder / MARKER).open(encoding="ascii", errors="replace") as file:
                fields = file.read(MAX_MARKER_BYTES).rstrip("\n").split("\t")
        except FileNotFoundError:
            return None
        if len(fields) != 3 or not fields[1].isascii() or not fields[1].isdigit():
            return None
        return fields[0], int(fields[1]), fields[2]


def flush(path: Path) -> None:
    """Has a file, or a folder's list of names, on the disk before it returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
