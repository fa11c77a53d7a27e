"""A walk that breaks a law is made shorter and kept, and what was kept is played again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import rules
import run
import walks
from disks import NAME, script_of
from script import REGRESSIONS, Script, keep
from shrink import shrink

MAX_SEEDS: Final = 60
MAX_TRIES: Final = 40


def broken_by_a_planted_fault() -> Script:
    """The first of the seeds that the fault breaks."""
    scripts = (script_of(seed) for seed in range(1, MAX_SEEDS + 1))
    return next(script for script in scripts if walks.play(script).broken)


def test_a_walk_that_breaks_a_law_is_made_shorter_kept_and_breaks_it_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as planted:
        rules.dedupe_by_seq(planted)
        script = broken_by_a_planted_fault()
        short = shrink(script, lambda shorter: walks.play(shorter).broken, MAX_TRIES)
        played = walks.play(short)
        assert played.broken
        assert len(short.steps) <= len(script.steps) // 2
        assert set(short.steps) <= set(script.steps)
        path = keep(short, played.broken, tmp_path)
        assert Script.read(path) == short
        assert run.main(["--replay", str(path)]) == 1
        assert played.broken[0] in capsys.readouterr().out
    assert run.main(["--replay", str(path)]) == 0


def test_what_is_left_of_a_script_does_the_same_as_before() -> None:
    script = script_of(1)
    checks = [step for step in script.steps if step[1] == "check"]
    whole, alone = (walks.play(one).trace for one in (script, script.without(steps=set(script.steps) - set(checks))))
    kept = [line for line in whole if " check at " in line]
    assert kept
    assert set(kept) <= set(alone)  # one that was refused where more had happened is not refused now


@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*.json")), ids=lambda path: path.stem)
def test_a_regression_that_was_kept_holds_every_law(path: Path) -> None:
    played = walks.play(Script.read(path))
    assert played.broken == []


def test_every_kept_regression_is_of_a_walk_that_exists() -> None:
    paths = sorted(REGRESSIONS.glob("*.json"))
    assert paths
    assert {Script.read(path).walk for path in paths} <= {NAME, *walks.WALKS}
