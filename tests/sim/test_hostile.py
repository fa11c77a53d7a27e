"""A hostile middle level: what it made up does not count, what it kept back is noticed, a stick past it brings it."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest
import walks
from hostile import COUNTED, NAME

SEEDS: Final = 40


def test_what_a_hostile_level_makes_up_has_no_effect_and_what_it_keeps_back_is_noticed_and_carried_past_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    struck: Counter[str] = Counter()
    for seed in range(1, SEEDS + 1):
        played = walks.play(walks.script_of(NAME, seed))
        assert not played.broken, walks.report(walks.shrunk(played.script))
        struck.update(played.counts)
    with capsys.disabled():
        print(f"\n{SEEDS} hostile levels: " + ", ".join(f"{struck[name]} {name}" for name in COUNTED))
    assert [name for name in COUNTED if not struck[name]] == []
