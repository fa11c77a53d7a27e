"""Blocks: what a bulletin says, apart from how it looks.

A block is plain JSON, so that an issued bulletin is kept in its event: `{"t": "h", "text"}`, `{"t": "p", "spans"}`,
`{"t": "table", "head", "rows", "foot", "bar", "words"}` (`bar`: the column that is drawn too, `words`: columns of
words, the others hold figures), `{"t": "words", "text"}` for what a person wrote. A span or cell is a text or a figure
`{"n": 802, "m": "accepted", "f": {"source_group": "self"}}`: its value and its cell in the rollup. Of a masked one `n`
is None and `x` what is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

Figure: TypeAlias = dict[str, Any]
Span: TypeAlias = "str | Figure"
Cell: TypeAlias = "str | Figure | list[Span]"
Block: TypeAlias = dict[str, Any]

MASKED: Final = "<5"
ORDINALS: Final = "一二三四五六七八九十"


def figures_of(listed: Sequence[Block]) -> list[Figure]:
    """Every figure that blocks print, in reading order."""
    found: list[Figure] = []
    for block in listed:
        spans = list(block.get("spans", ()))
        for row in [*block.get("rows", ()), *([block["foot"]] if block.get("foot") else [])]:
            for cell in row:
                spans += cell if isinstance(cell, list) else [cell]
        found += [span for span in spans if isinstance(span, dict)]
    return found


def shown(span: Span) -> str:
    """A span as a text."""
    if isinstance(span, str):
        return span
    return span.get("x", MASKED) if span["n"] is None else f"{span['n']:,}"


def cell_text(cell: Cell) -> str:
    """A cell as a text."""
    return "".join(map(shown, cell)) if isinstance(cell, list) else shown(cell)
