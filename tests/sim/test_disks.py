"""Whatever happens to disks, wires and the tree: once it stops, nothing held anywhere is lost, and all agree."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest
from disks import FAULTS, walk

SEEDS: Final = range(1, 41)


def test_after_restores_copies_losses_and_moves_every_law_holds(capsys: pytest.CaptureFixture[str]) -> None:
    struck: Counter[str] = Counter()
    for seed in SEEDS:
        one, broken = walk(seed)
        assert not broken, "\n".join([*one.trace, f"seed {seed} broke:", *broken])
        struck.update(one.counts)
    with capsys.disabled():
        print("\n" + "\n".join(f"{struck[name]:7d}  {name}" for name in FAULTS))
    assert [name for name in FAULTS if not struck[name]] == []
