"""The wire that the system tests cut: once mended it carries again, whenever the cut came."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Final

import pytest
from gates import CHUNK, HOST, Gate

pytestmark = pytest.mark.system
CUTS: Final = 300
ANSWER_S: Final = 5


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what comes."""
    listener = socket.create_server((HOST, 0))

    def answer(near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            while chunk := near.recv(CHUNK):
                near.sendall(chunk)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def said(gate: Gate, word: bytes) -> bytes:
    """What comes back for a word through a gate, empty if the connection ends first."""
    port = int(gate.url.rpartition(":")[2])
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), ANSWER_S) as near:
        near.sendall(word)
        return near.recv(CHUNK)
    return b""


def test_a_gate_that_is_cut_while_connections_are_made_carries_again_when_it_is_mended(echo: int) -> None:
    gate = Gate(echo)
    done = threading.Event()

    def knock() -> None:
        while not done.is_set():
            said(gate, b"knock")

    knocking = [threading.Thread(target=knock) for _ in range(3)]
    for one in knocking:
        one.start()
    try:
        for _ in range(CUTS):
            gate.cut()
            gate.mend()
    finally:
        done.set()
        for one in knocking:
            one.join(ANSWER_S * 2)
    assert said(gate, b"still there") == b"still there"
    gate.cut()
    before = gate.turned_away
    assert said(gate, b"cut") == b""
    assert gate.turned_away == before + 1
    gate.close()
