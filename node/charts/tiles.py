"""A tile for each unit, about where it lies: no boundary is drawn and none is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from node.charts.markup import Paper, element, joined
from node.charts.paper import drawing

COLUMNS: Final = 5
ROWS: Final = 12
_GAP: Final = 4


@dataclass(frozen=True, slots=True)
class Tile:
    """A unit with its figure: `tone` q1 to q4 or None, `place` (column, row) from 1 on, None to take the next free."""

    name: str
    figure: str
    tone: str | None
    href: str | None = None
    place: tuple[int, int] | None = None


def tile_map(tiles: Sequence[Tile], title: str, paper: Paper | None = None) -> Markup:
    """The tiles on their grid of five columns, in the given order for readers; with `paper` as one drawing."""
    if paper is not None:
        return _on_paper(tiles, title, paper)
    drawn = []
    for one in tiles:
        where = f"x{one.place[0]} y{one.place[1]}" if one.place else ""
        classes = " ".join(filter(None, (where, one.tone or "off")))
        words = [element("span", one.name), element("b", one.figure)]
        drawn.append(element("a" if one.href else "div", *words, class_=classes, href=one.href))
    return element("div", joined(drawn), class_="tmap", role="group", aria_label=title)


def placed(tiles: Sequence[Tile]) -> list[tuple[int, int]]:
    """The (column, row) of each tile: its own, or the first free one row by row."""
    taken = {one.place for one in tiles if one.place is not None}
    free = ((x, y) for y in range(1, len(tiles) + ROWS) for x in range(1, COLUMNS + 1) if (x, y) not in taken)
    return [one.place or next(free) for one in tiles]


def _on_paper(tiles: Sequence[Tile], title: str, paper: Paper) -> Markup:
    places = placed(tiles)
    rows = max((y for _, y in places), default=1)
    width, height = paper.width / COLUMNS, paper.height / rows
    drawn = []
    for one, (x, y) in zip(tiles, places, strict=True):
        left, top = (x - 1) * width, (y - 1) * height
        middle = left + (width - _GAP) / 2
        tone = one.tone or "off"
        drawn += [
            element("rect", class_=tone, x=left, y=top, width=width - _GAP, height=height - _GAP, rx=4),
            element("text", one.name, class_=f"tx {tone}-on", x=middle, y=top + height / 2 - 6, text_anchor="middle"),
            element("text", one.figure, class_=f"tx {tone}-on", x=middle, y=top + height / 2 + 10,
                    text_anchor="middle"),
        ]  # fmt: skip
    return drawing(joined(drawn), paper, title)
