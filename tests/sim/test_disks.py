"""Whatever happens to disks, wires, power, programs and the tree: once it stops, nothing held anywhere is lost, and all
agree.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest
import walks
from disks import COUNTED, NAME

SEEDS: Final = 200
AT_ONCE: Final = 50  # so that the runs spread over the cores
# Few of fifty walks come by these; all two hundred together do (`./grid sim` prints what never struck).
SELDOM: Final = ("crash", "status", "delayed_by_weeks", "clock_years", "file_twice", "unknown", "join", "weeks")


@pytest.mark.parametrize("first", range(1, SEEDS + 1, AT_ONCE))
def test_after_restores_copies_losses_and_moves_every_law_holds(first: int, capsys: pytest.CaptureFixture[str]) -> None:
    struck: Counter[str] = Counter()
    for seed in range(first, first + AT_ONCE):
        played = walks.play(walks.script_of(NAME, seed))
        assert not played.broken, walks.report(walks.shrunk(played.script))
        struck.update(played.counts)
    with capsys.disabled():
        print(f"\nseeds {first} to {first + AT_ONCE - 1}: " + ", ".join(f"{struck[name]} {name}" for name in COUNTED))
    assert [name for name in COUNTED if not struck[name] and not name.startswith(SELDOM)] == []
