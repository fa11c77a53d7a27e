"""Twenty simulated cities: whatever fails, once the faults stop every law holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from run import told
from simulate import SEEDS, simulate
from surroundings import FAULTS

from sync.database import COMMITS

HERE: Final = Path(__file__).resolve().parent
# Commits of what does not happen in this city: the walks of disks die there (disks.py).
ELSEWHERE: Final = {"adopt", "audit", "excuse", "import", "remind", "revoke", "todo"}
CRASHES: Final = {f"crash {name} {moment}" for name in COMMITS - ELSEWHERE for moment in ("before", "after")}


def test_whatever_fails_every_law_holds_when_the_faults_are_over(capsys: pytest.CaptureFixture[str]) -> None:
    struck: Counter[str] = Counter()
    for seed in SEEDS:
        run = simulate(seed)
        assert not run.breaches, run.report()
        struck.update(run.world.faults.counts)
    with capsys.disabled():
        print(f"\nfaults that struck in {len(SEEDS)} simulated cities:\n{told(struck)}")
    assert sorted(name for name in {*FAULTS, *CRASHES} if not struck[name]) == []


def test_a_seed_does_the_same_in_every_process() -> None:
    assert _told_by_a_process("0") == _told_by_a_process("1")


def _told_by_a_process(hash_seed: str) -> str:
    """What two seeds did, without the time that it took."""
    done = subprocess.run(
        [sys.executable, str(HERE / "run.py"), "--seeds", "2", "--steps", "60"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True, timeout=900,
    )  # fmt: skip
    assert "seed 2: no breaches" in done.stdout
    return re.sub(r"[0-9.]+ s(;|\n)", "", done.stdout)
