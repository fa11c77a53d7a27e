"""The five nodes of the demonstration as real processes: hub, county, township, village, group, one below the other."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from node.folder import CONFIG
from node.home import Home
from schemas.errors import Conflict, Invalid
from sync import enrol
from sync.env import TransportError
from sync.transport import HttpTransport

ROOT: Final = Path(__file__).resolve().parents[2]
UNIT_LIST: Final = Path(__file__).resolve().parents[1] / "data" / "jingzhou-units.csv"
# 荆州市 > 洪湖市 > 乌林镇 > 乌林村 > its first group; the folder of each is named after its level.
CHAIN: Final = (
    ("hub", "421000000000"),
    ("county", "421083000000"),
    ("township", "421083101000"),
    ("village", "421083101219"),
    ("group", "421083101219001"),
)
GROUPS_PER_VILLAGE: Final = 5
HOST: Final = "127.0.0.1"
FIRST_PORT: Final = 8400
LAST_PORT: Final = 8899
MAX_PORT: Final = 65_535
INTERVAL_S: Final = 5  # a record is seen to climb while one watches
COMMAND_LIMIT_S: Final = 120
START_LIMIT_S: Final = 60
STOP_LIMIT_S: Final = 120  # longer than a node takes that still ends a request, an exchange and a copy
POLL_S: Final = 0.05
TAIL_LINES: Final = 20
_PR_SET_PDEATHSIG: Final = 1


class DemoFailed(Exception):
    """The demonstration can't go on; `key` is the label that says why, in words for people."""

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


@dataclass(frozen=True, slots=True)
class Place:
    """One node: its name (folder and level), unit, folder and port."""

    name: str
    unit: str
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://{HOST}:{self.port}"

    @property
    def program(self) -> str:
        """The module of its command line."""
        return "hub.cli" if self.name == "hub" else "node.cli"

    @property
    def log_file(self) -> Path:
        """What its `serve` printed."""
        return self.folder.parent / f"{self.name}.log"


def places(folder: Path, port: int) -> tuple[Place, ...]:
    """The five nodes, the hub first, on ports that follow each other."""
    return tuple(Place(name, unit, folder / name, port + at) for at, (name, unit) in enumerate(CHAIN))


def choose_port(port: int | None) -> int:
    """The first of five free ports; the given one, or from 8400 on. Raises Invalid or Conflict naming the port."""
    if port is None:
        for first in range(FIRST_PORT, LAST_PORT, len(CHAIN)):
            if all(_is_free(first + at) for at in range(len(CHAIN))):
                return first
        raise Conflict("ports_in_use", field="--port", value=FIRST_PORT, last=LAST_PORT)
    if not 1024 <= port <= MAX_PORT + 1 - len(CHAIN):
        raise Invalid("out_of_range", field="--port", value=port, low=1024, high=MAX_PORT + 1 - len(CHAIN))
    for at in range(len(CHAIN)):
        if not _is_free(port + at):
            raise Conflict("port_in_use", field="--port", value=port + at)
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does: a port in TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class Servers:
    """The `serve` processes. Leaving the context stops them all, lowest level first, whatever happened."""

    def __init__(self) -> None:
        self._running: list[tuple[Place, subprocess.Popen[bytes]]] = []
        self._transport = HttpTransport()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a second Ctrl-C must not cut the stopping short
            signal.signal(number, signal.SIG_IGN)
        self.stop()

    def start(self, place: Place) -> None:
        """Starts a node's `serve` and waits until it answers. Raises DemoFailed with the end of its log."""
        line = [sys.executable, "-m", place.program, "serve", "--data", str(place.folder)]
        with place.log_file.open("ab") as log:
            # A process group of its own: Ctrl-C goes to the demonstration alone, which stops them in order.
            child = subprocess.Popen(  # noqa: S603 - our own module, our own arguments
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                process_group=0,
                preexec_fn=_dying_with(os.getpid()),
            )
        self._running.append((place, child))
        deadline = time.monotonic() + START_LIMIT_S
        while not self._answers(place):
            if child.poll() is not None or time.monotonic() > deadline:
                raise _ended(place, child)
            time.sleep(POLL_S)

    def check(self) -> None:
        """Raises DemoFailed when one of them has ended by itself."""
        for place, child in self._running:
            if child.poll() is not None:
                raise _ended(place, child)

    def stop(self) -> None:
        """Ends all of them: asked first, killed with all their group after two minutes."""
        for _, child in reversed(self._running):
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
        deadline = time.monotonic() + STOP_LIMIT_S
        for _, child in reversed(self._running):
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        self._running.clear()

    def _answers(self, place: Place) -> bool:
        try:
            return self._transport.request("GET", f"{place.url}/healthz", {}, b"").status == 200
        except TransportError:
            return False


def found_all(chain: Sequence[Place], seed: int, servers: Servers, on_step: Callable[[Place], None]) -> None:
    """Lays out and starts the hub, then enrols and starts each node below with a one-time code of its parent."""
    for at, place in enumerate(chain):
        on_step(place)
        if at == 0:
            groups = ["--groups-per-village", str(GROUPS_PER_VILLAGE), "--seed", str(seed)]
            _command(place, ["init", "--units", str(UNIT_LIST), *groups])
        else:
            parent = chain[at - 1]
            home = Home(parent.folder)
            code = enrol.invite(home.replica(), place.unit).code
            home.close()
            _command(place, ["init", "--unit", place.unit, "--parent", parent.url, "--code", code])
        configure(chain, at)
        servers.start(place)


def configure(chain: Sequence[Place], at: int) -> None:
    """Writes a node's config.toml for the present ports: they may differ from one start to the next."""
    lines = ["[serve]", f'bind = "{HOST}:{chain[at].port}"', ""]
    if at:
        pace = [f"interval_s = {INTERVAL_S}", f"first_retry_s = {INTERVAL_S}", f"retry_cap_s = {4 * INTERVAL_S}"]
        lines = ["[sync]", f'parent = "{chain[at - 1].url}"', *pace, "", *lines]
    (chain[at].folder / CONFIG).write_text("\n".join(lines), encoding="utf-8")


def clear(chain: Sequence[Place]) -> None:
    """Removes what an interrupted set-up left behind: the five folders and their logs, nothing else."""
    for place in chain:
        if place.folder.is_dir():
            shutil.rmtree(place.folder)
        place.log_file.unlink(missing_ok=True)


def _command(place: Place, rest: Sequence[str]) -> None:
    """Runs one command of the node's program to its end. Raises DemoFailed with what it said."""
    line = [sys.executable, "-m", place.program, *rest, "--data", str(place.folder)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, our own arguments
            line, capture_output=True, text=True, cwd=ROOT, timeout=COMMAND_LIMIT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise DemoFailed("demo.command_failed", name=place.name, why=f"> {error.timeout:.0f} s") from error
    if done.returncode != 0:
        raise DemoFailed("demo.command_failed", name=place.name, why=(done.stderr or done.stdout).strip())


def _dying_with(parent: int) -> Callable[[], None] | None:
    """Asks Linux to stop the child when this process dies, by SIGKILL even; elsewhere `stop` alone has to do."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def _ended(place: Place, child: subprocess.Popen[bytes]) -> DemoFailed:
    """What to say of a `serve` that does not answer: its exit code, if it has one, and the end of its log."""
    tail = "\n".join(place.log_file.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:])
    return DemoFailed("demo.serve_failed", name=place.name, status=child.poll(), tail=tail)
