"""A terminal beside a hub and a county's node on disk, joined by a network in memory."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builders import WEST, Network, answer, unit_list
from hub.cli import main as hub_main
from node.cli import main as node_main
from node.folder import DATABASE
from node.home import Home
from schemas.clock import business_day
from sync.env import SystemEnv
from sync.transport import HttpTransport

HUB_URL = "http://hub.test"
Main = Callable[[list[str] | None], int]


@dataclass(frozen=True)
class Said:
    """What a command left on the terminal."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Desk:
    """A terminal beside a hub, and a county's node below it, all on disk, joined by a network in memory."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], network: Network) -> None:
        self.folder, self.network, self._capsys = folder, network, capsys
        self.hub, self.county = folder / "hub", folder / "county"
        self.units = folder / "units.csv"
        self.units.write_text(unit_list(), encoding="utf-8")
        self.today = business_day(SystemEnv(folder, HttpTransport()).now_ms())

    def run(self, main: Main, *arguments: object) -> Said:
        """Runs a command; argparse's own exits count as exit codes."""
        self._capsys.readouterr()
        try:
            code = main([str(one) for one in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = self._capsys.readouterr()
        return Said(code, printed.out, printed.err)

    def at_hub(self, *arguments: object) -> Said:
        """A command of grid-hub on the hub's folder."""
        return self.run(hub_main, *arguments, "--data", self.hub)

    def at_county(self, *arguments: object) -> Said:
        """A command of grid-node on the county's folder."""
        return self.run(node_main, *arguments, "--data", self.county)

    def ready(self) -> Desk:
        """Lays both out."""
        assert self.at_hub("init", "--units", self.units).code == 0
        home = Home(self.hub)
        self.network.hosts["hub.test"] = lambda sent: answer(home.replica(), home.secret, sent)
        code = self.at_hub("invite", WEST).out.strip()
        assert self.at_county("init", "--unit", WEST, "--parent", HUB_URL, "--code", code).code == 0
        return self


def image(folder: Path) -> dict[str, str]:
    """Every file of a folder by its content, the database by its rows."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name == DATABASE:
            with closing(sqlite3.connect(path)) as conn:
                found[path.name] = hashlib.sha256("\n".join(conn.iterdump()).encode()).hexdigest()
        elif path.is_file() and not path.name.startswith(DATABASE) and not path.name.endswith(".lock"):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def assert_refused(said: Said) -> None:
    """Exit 2, nothing on stdout, the reason on stderr."""
    assert (said.code, said.out) == (2, ""), said
    assert said.err.strip()
    assert "Traceback" not in said.err


def desk_in(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Nothing laid out yet; whoever opens a transport gets the network in memory."""
    network = Network()
    for module in ("node.console.setup", "node.home", "hub.directory"):
        monkeypatch.setattr(f"{module}.HttpTransport", lambda *_: network)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return Desk(folder, capsys, network)
