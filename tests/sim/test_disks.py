"""Whatever happens to disks, wires and the tree: once it stops, nothing held anywhere is lost, and all agree."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest
from disks import FAULTS, walk

SEEDS: Final = 200
AT_ONCE: Final = 25  # so that the runs spread over the cores


@pytest.mark.parametrize("first", range(1, SEEDS + 1, AT_ONCE))
def test_after_restores_copies_losses_and_moves_every_law_holds(first: int, capsys: pytest.CaptureFixture[str]) -> None:
    struck: Counter[str] = Counter()
    for seed in range(first, first + AT_ONCE):
        one, broken = walk(seed)
        assert not broken, "\n".join([*one.trace, f"seed {seed} broke:", *broken])
        struck.update(one.counts)
    with capsys.disabled():
        print(f"\nseeds {first} to {first + AT_ONCE - 1}: " + ", ".join(f"{struck[name]} {name}" for name in FAULTS))
    assert [name for name in FAULTS if not struck[name]] == []
