"""The ports of the system tests: no two tests are given the same one, not even by two processes at the same moment."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import ports
import pytest
from live import COMMAND_S
from ports import free_port

pytestmark = pytest.mark.system
DRAWN: Final = 300
RANGE: Final = (30_000, 31_000)  # so narrow that drawing alone would meet a port twice


@pytest.fixture(autouse=True)
def returned(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The ports that these tests take are free again afterwards."""
    with contextlib.ExitStack() as held:
        taken: list[socket.socket] = []
        monkeypatch.setattr(ports, "_taken", taken)
        monkeypatch.setattr(ports, "PORTS", RANGE)
        yield
        for one in taken:
            held.enter_context(one)


def test_a_port_is_given_once_though_nobody_listens_on_it_yet() -> None:
    drawn = [free_port() for _ in range(DRAWN)]
    assert len(set(drawn)) == DRAWN


def test_ports_in_a_row_are_all_kept() -> None:
    rows = [free_port(5) for _ in range(DRAWN // 10)]
    assert len({port for first in rows for port in range(first, first + 5)}) == 5 * len(rows)


def test_another_process_is_not_given_it_either() -> None:
    port = free_port()
    ask = f"import ports; print(ports._claim({port}), ports._claim({port + 2000}) is not None)"
    line = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); {ask}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=COMMAND_S, check=True)
    assert done.stdout.split() == ["None", "True"]
