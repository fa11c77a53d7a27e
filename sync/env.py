"""The seams to the outside: clock, random, transport. The simulator hands in its own; nothing else in the core may
read a clock, draw a random number or open a connection.
"""

from __future__ import annotations

import random
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Moment = Literal["before", "after"]


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

    def committing(self, name: str, moment: Moment) -> None:
        """Called around every named commit; the simulator dies here."""


@dataclass
class SystemEnv:
    """The real surroundings of a node whose files stand in `folder`."""

    folder: Path
    transport: Transport
    on_commit: Callable[[str, Moment], None] = field(default=lambda _name, _moment: None)

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

    def committing(self, name: str, moment: Moment) -> None:
        """A seam for tests; does nothing by itself."""
        self.on_commit(name, moment)
