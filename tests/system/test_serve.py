"""`serve` and the commands beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from live import CITY, COUNTY, ROOT, Site, answer, command

pytestmark = pytest.mark.system


def test_commands_work_beside_serve_and_a_clean_stop_leaves_plain_files(site: Site) -> None:
    hub = site.hub
    second = command("grid-hub", "serve", "--data", hub.folder, "--bind", "127.0.0.1:1", check=False)
    assert (second.returncode, second.stderr.strip().count("\n")) == (2, 1)  # what it set out to do, and the refusal
    assert command("grid-hub", "rebuild", "--data", hub.folder, check=False).returncode == 2
    assert answer("grid-hub", "invite", COUNTY, "--data", hub.folder)["parent"] == CITY
    assert answer("grid-hub", "user", "add", "李某", "--role", "viewer", "--data", hub.folder)["unit"] == CITY
    assert set(answer("grid-hub", "token", "李某", "--data", hub.folder)) == {"token"}
    assert answer("grid-hub", "status", "--data", hub.folder)["level"] == "city"
    assert answer("grid-hub", "verify", "--data", hub.folder)["ok"]
    assert answer("grid-hub", "doctor", "--data", hub.folder)["ok"]
    lines = hub.log_file.read_text().count("/healthz")
    hub.get("/units")
    assert hub.log_file.read_text().count('"GET /api/v1/units HTTP/1.1" 200') == 1
    assert lines >= 1
    assert hub.stop() == 0
    left = {path.name for path in hub.folder.iterdir() if path.is_file()}
    assert left == {"config.toml", "grid.db", "root-recovery.key", "serve.lock"}
    assert answer("grid-hub", "rebuild", "--data", hub.folder)["ok"]
    assert command("grid-hub", "sync", "--once", "--data", hub.folder, check=False).returncode == 2


def test_sync_beside_serve_takes_turns_with_the_loop(site: Site) -> None:
    child = site.join(COUNTY, CITY)
    for _ in range(3):
        done = answer("grid-node", "sync", "--once", "--data", child.folder)
        assert (done["ok"], done["refused"]) == (True, [])
    site.hub.stop()
    failed = answer("grid-node", "sync", "--once", "--data", child.folder, code=1)
    assert (failed["ok"], failed["problem"]) == (False, "unreachable")


def test_the_demo_runs_and_its_totals_are_equal(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub.demo", "--once", "--days", "2", "--data", str(tmp_path / "demo")],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "totals equal" in done.stdout + done.stderr
