"""What happens in a walk, as data: it can be shortened, kept as a regression, and played again.

Each step draws from a source of its own, made of the seed and the step's place: what is left does the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final, Self

from ground import Ground, drawn

REGRESSIONS: Final = Path(__file__).resolve().parent / "regressions"


@dataclass(frozen=True)
class Script:
    """`steps`: (place, deed); `faults`: which kinds may strike."""

    walk: str
    seed: int
    faults: frozenset[str]
    steps: tuple[tuple[int, str], ...]
    ground: Ground

    def random(self, *of: object) -> Random:
        """A source of its own for each purpose."""
        return Random(" ".join(map(str, (self.seed, *of))))

    def without(self, *, fault: str | None = None, steps: Collection[tuple[int, str]] = ()) -> Self:
        """The same with less in it."""
        return replace(self, faults=self.faults - {fault}, steps=tuple(one for one in self.steps if one not in steps))

    def to_json(self, found: list[str]) -> str:
        """As it is kept, with what it broke."""
        kept: dict[str, Any] = {
            "walk": self.walk, "seed": self.seed, "found": found, "shape": self.ground.shape,
            "nodes": self.ground.nodes, "faults": sorted(self.faults), "steps": self.steps,
        }  # fmt: skip
        lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in kept.items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """What was kept."""
        kept = json.loads(path.read_text(encoding="utf-8"))
        counties, townships, villages, groups = kept["shape"]
        return cls(
            kept["walk"], kept["seed"], frozenset(kept["faults"]), tuple((at, deed) for at, deed in kept["steps"]),
            Ground((counties, townships, villages, groups), tuple(kept["nodes"])),
        )  # fmt: skip


def of_seed(
    walk: str, seed: int, faults: frozenset[str], weights: dict[str, float], steps: int, ground: Ground | None = None
) -> Script:
    """The whole script of a seed."""
    names, often = list(weights), list(weights.values())
    deeds = [(at, Random(f"{seed} {walk} deed {at}").choices(names, often)[0]) for at in range(steps)]
    ground = drawn(seed, Random(f"{seed} {walk} ground")) if ground is None else ground
    return Script(walk, seed, faults, tuple(deeds), ground)


def keep(script: Script, found: list[str], folder: Path = REGRESSIONS) -> Path:
    """Writes a regression down; a test plays every one of them again."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{script.walk}-{script.seed}.json"
    path.write_text(script.to_json(found), encoding="utf-8")
    return path
