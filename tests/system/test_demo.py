"""The demonstration, whole: five processes, two days, and totals that have to agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 300


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "hub.demo", *words]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(
    "words", [("--days", "0"), ("--days", "61"), ("--days", "x"), ("--port", "70000"), ("--nosuch",)]
)
def test_wrong_use_is_refused_in_one_line(words: tuple[str, ...]) -> None:
    done = demo("--once", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip()


def test_the_hubs_totals_equal_what_was_entered(tmp_path: Path) -> None:
    done = demo("--once", "--days", "2", "--data", str(tmp_path / "demo"))
    assert done.returncode == 0, done.stderr
    assert "totals equal" in done.stdout + done.stderr
