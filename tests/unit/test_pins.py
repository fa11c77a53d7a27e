"""constraints.txt: what setup.cfg asks for is pinned to one release."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"([A-Za-z0-9._-]+)==[0-9][A-Za-z0-9.]*")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> list[str]:
    lines = (PROJECT / "constraints.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_every_pin_names_one_release_and_every_package_once() -> None:
    assert [line for line in pinned() if not PIN.fullmatch(line)] == []
    names = [canonical(line.split("==")[0]) for line in pinned()]
    assert [name for name in names if names.count(name) > 1] == []


def test_everything_that_is_asked_for_has_a_pin() -> None:
    config = configparser.ConfigParser()
    config.read(PROJECT / "setup.cfg", "utf-8")
    asked = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    names = {canonical(re.split(r"[<>=~!;\[ ]", line)[0]) for block in asked for line in block.split("\n") if line}
    assert names - {canonical(line.split("==")[0]) for line in pinned()} == set()
