"""On what a walk goes: how many units there are, and which of them have a computer of their own, by the seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from random import Random
from typing import Final

from builders import CITY

SIZES: Final = ((90, 5, 9), (9, 10, 24), (1, 25, 60))  # (how often in a hundred, fewest computers, most computers)
# (of how many seeds one, fewest, most): they take as long as many small ones.
LARGE: Final = ((500, 161, 400), (250, 61, 160))
DEPTH_BIAS: Final = (0, 2, 3, 4, 3)  # how readily a county, township, village, group gets a computer
LEVELS: Final = ("city", "county", "township", "village", "group")
DIRECT: Final = 0.1  # how often a computer is put below a unit without one
Shape = tuple[int, int, int, int]  # counties, townships of each, villages of each, groups of each


@dataclass(frozen=True)
class Ground:
    """A whole tree of units of this shape, and the units with computers, the higher ones first."""

    shape: Shape
    nodes: tuple[str, ...]

    @cached_property
    def units(self) -> list[tuple[str, str, str | None]]:
        """(unit, level, parent) from the city down."""
        counties, townships, villages, groups = self.shape
        found: list[tuple[str, str, str | None]] = [(CITY, "city", None)]
        for c in range(1, counties + 1):
            found.append((code(c), "county", CITY))
        for c, t in _numbers(counties, townships):
            found.append((code(c, t), "township", code(c)))
        for c, t, v in _numbers(counties, townships, villages):
            found.append((code(c, t, v), "village", code(c, t)))
        for c, t, v, g in _numbers(counties, townships, villages, groups):
            found.append((code(c, t, v, g), "group", code(c, t, v)))
        return found

    @cached_property
    def parents(self) -> dict[str, str]:
        """The unit above each one, as founded."""
        return {unit: parent for unit, _level, parent in self.units if parent is not None}

    def of(self, level: str) -> list[str]:
        """All units of a level."""
        return [unit for unit, one, _parent in self.units if one == level]

    def unit_list(self) -> str:
        """The list that `grid-hub init` takes."""
        rows = ["code,name,level,parent_code"]
        rows += [f"{unit},{level}{unit},{level},{parent or ''}" for unit, level, parent in self.units]
        return "\n".join(rows) + "\n"

    def host_above(self, unit: str) -> str:
        """The nearest unit above that has a computer."""
        above = self.parents[unit]
        return above if above == CITY or above in self.nodes else self.host_above(above)


def code(county: int, township: int = 0, village: int = 0, group: int = 0) -> str:
    """A unit's code as the lists have it."""
    return f"421{county:03d}{township:03d}{village:03d}" + (f"{group:03d}" if group else "")


def drawn(seed: int, random: Random) -> Ground:
    """A ground of 5 to 400 computers, the large ones seldom."""
    _, fewest, most = next(
        (size for size in LARGE if seed % size[0] == 0), random.choices(SIZES, [often for often, _, _ in SIZES])[0]
    )
    count = random.randint(fewest, most)
    shape = _shape_for(random, count)
    whole = Ground(shape, ())
    bias = {unit: DEPTH_BIAS[LEVELS.index(level)] for unit, level, _ in whole.units}
    waiting, with_node = [unit for unit, _, parent in whole.units if parent], {CITY}
    for _ in range(count - 1):
        fitting = [one for one in waiting if whole.parents[one] in with_node or random.random() < DIRECT]
        unit = random.choices(fitting, [bias[one] for one in fitting])[0]
        waiting.remove(unit)
        with_node.add(unit)
    return Ground(shape, tuple(unit for unit, _, parent in whole.units if parent and unit in with_node))


def _shape_for(random: Random, count: int) -> Shape:
    """The smallest of some shapes in which so many computers find a unit each, and a few units have none."""
    shapes: list[Shape] = [(2, 1, 1, 3), (2, 2, 1, 3), (3, 2, 2, 2), (3, 3, 3, 3), (4, 4, 3, 4), (5, 5, 4, 5)]
    return next(one for one in shapes if _size(one) > count * random.uniform(1.3, 1.8) or one is shapes[-1])


def _size(shape: Shape) -> int:
    counties, townships, villages, groups = shape
    return counties * (1 + townships * (1 + villages * (1 + groups)))


def _numbers(*counts: int) -> list[tuple[int, ...]]:
    return list(product(*(range(1, count + 1) for count in counts)))
