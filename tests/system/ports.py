"""Ports for the nodes of system tests, each given to one test alone."""

from __future__ import annotations

import random
import socket
from typing import Final

HOST: Final = "127.0.0.1"
# Below the range of outgoing connections, so that a stopped node's port stays free for it.
PORTS: Final = (20_000, 32_000)
_taken: Final[list[socket.socket]] = []  # held until this process ends


def free_port(count: int = 1) -> int:
    """The first of so many ports in a row that nobody listens on now, and that no other test is given meanwhile."""
    while True:
        first = random.SystemRandom().randrange(*PORTS)
        ports = range(first, first + count)
        held = [one for one in map(_claim, ports) if one is not None]
        if len(held) == count and all(map(_is_free, ports)):
            _taken.extend(held)
            return first
        for one in held:
            one.close()


def _claim(port: int) -> socket.socket | None:
    """A name that stands for the port on this machine; None when it is held already.

    A test's node is stopped and started: meanwhile its port is as free as any other, to whoever tries to bind it. The
    name stays with the test's process, goes with it, and leaves nothing on the disk.
    """
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0fivegrid test port {port}")
    except OSError:
        claim.close()
        return None
    return claim


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
