"""What stands between the application and its process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from node.config import DEFAULT_PACE
from sync.replica import Replica
from sync.retry import Pace


class Grid:
    """What the application needs of its process: replicas, and a bell for the sync loop."""

    def __init__(
        self,
        replica: Callable[[], Replica],
        secret: bytes,
        wake: Callable[[], bool],
        pace: Pace = DEFAULT_PACE,
        address: str | None = None,
        ca_files: Sequence[Path] = (),
        make_room: Callable[[], None] = lambda: None,
    ) -> None:
        self.replica = replica
        self.secret = secret
        self.wake = wake
        self.pace = pace
        self.address = address  # where others reach this node, if config.toml says so
        self.ca_files = ca_files  # the first of these that is there is the city's own CA
        self.make_room = make_room  # called before anything is entered
