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

from schemas.labels import catalogue, label
from schemas.periods import Period, cadence_of

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


def period_words(period: Period, language: str) -> str:
    """A period as bulletins write it: 2021年3月1日至2022年4月29日, 2026年第四季度."""
    key, first, last = cadence_of(period) or "span", period.first, period.last
    numbers = {
        "year": first.year, "month": first.month, "day": first.day, "year2": last.year, "month2": last.month,
        "day2": last.day, "week": first.isocalendar().week, "week_year": first.isocalendar().year,
        "no": _part_of_year(key, period, language),
    }  # fmt: skip
    return catalogue(language)[f"bulletin.period.{key}"].format(**numbers)


def _part_of_year(cadence: str, period: Period, language: str) -> str:
    if cadence == "quarter":
        number = (period.first.month - 1) // 3
        return ORDINALS[number] if language == "zh_CN" else str(number + 1)
    if cadence == "half-year":
        return label(language, "bulletin.half.1" if period.first.month == 1 else "bulletin.half.2")
    if cadence == "half-month":
        return label(language, "bulletin.half_month.1" if period.first.day == 1 else "bulletin.half_month.2")
    return ""
