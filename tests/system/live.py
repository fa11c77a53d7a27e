"""Real nodes for system tests: their own folder, port and process group; commands as people type them; HTTP as it is.

hub = nodes.hub()                       # laid out and serving
county = nodes.below(hub, EAST)         # enrolled with a one-time code, and serving
county.api("POST", "/api/v1/checks", body, key="k1")
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import requests
from fakes import CITY, unit_list
from ports import HOST, free_port

from schemas.clock import business_day

ROOT: Final = Path(__file__).resolve().parents[2]
# How long something may take before it is taken for broken: generous, for a busy machine is slow and not wrong.
COMMAND_S: Final = 300
START_S: Final = 120
STOP_S: Final = 120
REQUEST_S: Final = 60
ARRIVES_S: Final = 180
POLL_S: Final = 0.02
PACE: Final = {"interval_s": 0.2, "first_retry_s": 0.1, "retry_cap_s": 0.5}
QUICK: Final = PACE | {"retry_cap_s": 0.05}  # of a node that is to fail often


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    document: Any
    text: str


class Live:
    """One node: its folder, its commands, its `serve`."""

    def __init__(self, folder: Path, unit: str) -> None:
        self.folder = folder
        self.unit = unit
        self.program = "hub.cli" if unit == CITY else "node.cli"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.options: tuple[str, ...] = ()  # of serve
        self.ca: Path | None = None  # set: it serves https, known by this CA
        self._token = ""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'http' if self.ca is None else 'https'}://{HOST}:{self.port}"

    @property
    def verify(self) -> bool | str:
        """What requests checks its certificate with."""
        return True if self.ca is None else str(self.ca)

    @property
    def log(self) -> str:
        """All that its `serve` ever printed."""
        return self._log_file.read_text("utf-8", "replace") if self._log_file.exists() else ""

    @property
    def _log_file(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.log"

    # ---- commands

    def command(self, *words: str, code: int = 0, timeout_s: float = COMMAND_S) -> subprocess.CompletedProcess[str]:
        """Runs one command on the folder; its exit code has to be `code`."""
        line = [sys.executable, "-m", self.program, *words, "--data", str(self.folder)]
        done = subprocess.run(
            line, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL
        )
        assert done.returncode == code, f"{line}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        """The one document that a command prints with --json."""
        return json.loads(self.command(*words, "--json", code=code).stdout)

    def configure(self, parent: Live | None, pace: Mapping[str, float] = PACE) -> None:
        """Sets address and pace in config.toml, as IT staff would by hand."""
        path = self.folder / "config.toml"
        text = re.sub(r'bind = "[^"]*"', f'bind = "{HOST}:{self.port}"', path.read_text("utf-8"))
        text = re.sub(r"(?m)^\w+_s = .*\n", "", text)
        if parent is not None:
            lines = "".join(f"{name} = {value}\n" for name, value in pace.items())
            text = text.replace("[sync]\n", f"[sync]\n{lines}")
        path.write_text(text, "utf-8")

    # ---- the process

    def start(self) -> None:
        """Starts `serve` and waits until it answers."""
        self.spawn()
        self.ready()

    def spawn(self) -> None:
        """Starts `serve` and goes on at once."""
        assert self.process is None
        with self._log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.program, "serve", "--data", str(self.folder), *self.options],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
            )  # fmt: skip

    def ready(self) -> None:
        """Waits until it answers."""
        wait_for(self._answers, START_S, lambda: f"{self.folder.name} does not answer: {self.log[-2000:]}")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"{self.folder.name} ended: {self.log[-2000:]}"
        try:
            reply = requests.get(f"{self.url}/healthz", timeout=5, headers={"Connection": "close"}, verify=self.verify)
            return reply.status_code == 200
        except requests.RequestException:
            return False

    def stop(self, within_s: float = STOP_S) -> int:
        """Asks it to end; returns its exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(within_s)
        self.process = None
        return code

    def kill(self) -> None:
        """SIGKILL to the whole process group: nothing gets a chance to tidy up."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    # ---- HTTP

    def api(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """One request as the admin. Raises requests.RequestException when nobody answers."""
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        reply = requests.request(
            method, self.url + path, json=body, headers=headers, timeout=REQUEST_S, verify=self.verify
        )
        is_json = "json" in reply.headers.get("Content-Type", "")
        return Answer(reply.status_code, reply.json() if is_json else None, reply.text)

    @property
    def token(self) -> str:
        """The admin's bearer token, made at first use."""
        if not self._token:
            self._token = self.command("token", "admin").stdout.strip()
        return self._token

    def check(self, unit: str, day: date, key: str, result: str = "zero") -> str:
        """Enters a check over HTTP; returns its event."""
        body = {"unit": unit, "date": day.isoformat(), "result": result}
        if result == "found":
            body["found"] = {"disputes": 1, "hazards": 0}
        answer = self.api("POST", "/api/v1/checks", body, key=key)
        assert answer.status in (200, 201), answer
        return str(answer.document["event"])

    def pages(self) -> requests.Session:
        """A signed-in browser: the admin with the password `grid-password`."""
        session = requests.Session()
        session.headers["Accept-Language"] = "zh-CN"
        self._sign_in(session)
        return session

    def _sign_in(self, session: requests.Session) -> None:
        name = f"looker{random.randrange(10**6)}"
        code = self.command("user", "add", name, "--role", "admin").stdout.strip()
        first = session.get(f"{self.url}/sign-in", timeout=REQUEST_S)
        form = {"name": name, "secret": code, "csrf_token": csrf_token(first.text)}
        second = session.post(f"{self.url}/sign-in", data=form, timeout=REQUEST_S)
        fields = {"csrf_token": csrf_token(second.text), "password": "grid-password", "again": "grid-password"}
        done = session.post(second.url, data=fields, timeout=REQUEST_S)
        assert done.status_code == 200, done.text
        assert "/set-password" not in done.url, done.text

    # ---- the database, as another program sees it

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """The database file, opened by somebody else's hand."""
        with closing(sqlite3.connect(self.folder / "grid.db", timeout=10, isolation_level=None)) as conn:
            yield conn

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the database file."""
        with self.database() as conn:
            return conn.execute(question, values).fetchall()

    def checks_held(self) -> list[str]:
        """The events of all checks in its log, sorted."""
        return [row[0] for row in self.rows("SELECT hash FROM event WHERE kind = 'chk' ORDER BY hash")]


class Nodes:
    """The nodes of one test; `close` leaves no process behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.all: list[Live] = []

    def hub(self, units: Path | None = None) -> Live:
        """The hub of the tiny city, or of the one in a unit list, serving."""
        if units is None:
            units = self._folder / "units.csv"
            units.write_text(unit_list(), "utf-8")
        hub = self._new(CITY)
        hub.command("init", "--units", str(units))
        hub.configure(None)
        hub.start()
        return hub

    def below(self, parent: Live, unit: str, url: str | None = None, pace: Mapping[str, float] = PACE) -> Live:
        """A node enrolled at its parent, serving; `url` is the way to the parent if it is not the plain one."""
        node = self._new(unit)
        code = parent.command("invite", unit).stdout.strip()
        by = () if parent.ca is None else ("--ca", str(parent.ca))
        node.command("init", "--unit", unit, "--parent", url or parent.url, "--code", code, *by)
        node.configure(parent, pace)
        node.start()
        return node

    def chain(self, *units: str) -> list[Live]:
        """The hub and one node under the other, the hub first."""
        nodes = [self.hub()]
        for unit in units:
            nodes.append(self.below(nodes[-1], unit))
        return nodes

    def _new(self, unit: str) -> Live:
        node = Live(self._folder / f"u{unit}", unit)
        self.all.append(node)
        return node

    def close(self) -> None:
        """Kills what still runs."""
        for node in reversed(self.all):
            node.kill()


def wait_for(come: Callable[[], object], limit_s: float, why: Callable[[], object] = lambda: "it did not come") -> None:
    """Asks until the answer is true; fails with `why` after the limit."""
    deadline = time.monotonic() + limit_s
    while not come():
        assert time.monotonic() < deadline, why()
        time.sleep(POLL_S)


def csrf_token(page: str) -> str:
    """The hidden field of the page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page[:2000]
    return found[1]


def today() -> date:
    """The business day by this machine's clock."""
    return business_day(time.time_ns() // 1_000_000)
