"""How a bulletin says a figure: sentences with blanks, tables, and rates that are never printed without what they are
made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any, Final, TypeAlias

from schemas.bulletin_blocks import MASKED, Block, Cell, Figure, Span
from schemas.labels import catalogue, label
from schemas.measures import rate

Row: TypeAlias = Mapping[str, Any]

NONE: Final = "—"
# What stands between two sentences; Chinese ones bring their own room.
BETWEEN: Final = {"zh_CN": "", "en": " "}


def table(
    head: Sequence[str], rows: Sequence[Sequence[Cell]], foot: Sequence[Cell] | None, *, bar: int | None = None,
    words: Sequence[int] = (),
) -> Block:  # fmt: skip
    return {
        "t": "table", "head": list(head), "rows": [list(row) for row in rows],
        "foot": None if foot is None else list(foot), "bar": bar, "words": [0, *words],
    }  # fmt: skip


class Writer:
    """Says things of one rollup document in one language."""

    def __init__(self, total: Row, language: str) -> None:
        self._total, self._language = total, language

    def count(self, measure: str, row: Row | None = None) -> int | None:
        """The value of a measure; None when it is masked."""
        value = (row or self._total)["measures"].get(measure, 0)
        return value if isinstance(value, int) else None

    def _figure(self, measure: str, row: Row | None = None, **filters: str) -> Figure:
        value = (row or self._total)["measures"].get(measure, 0)
        masked = {} if isinstance(value, int) else {"x": str(getattr(value, "text", MASKED))}
        return {"n": self.count(measure, row), "m": measure, "f": filters, **masked}

    def _word(self, key: str) -> str:
        return label(self._language, key)

    def _say(self, key: str, /, **values: Cell) -> list[Span]:
        """A sentence of the catalogue with its blanks filled by texts and figures."""
        found: list[Span] = []
        for text, name, _, _ in Formatter().parse(catalogue(self._language)[key]):
            if text:
                found.append(text)
            if name:
                value = values[name]
                found += value if isinstance(value, list) else [value]
        return found

    def _paragraph(self, *sentences: list[Span]) -> Block:
        spans: list[Span] = []
        for sentence in sentences:
            spans += [BETWEEN[self._language], *sentence] if spans and BETWEEN[self._language] else sentence
        return {"t": "p", "spans": spans}

    def _percent(self, found: Row) -> list[Span]:
        """83.04%（666/802）: never without what it is made of."""
        if found["value"] is None:
            return [NONE]
        return [self._of(f"{found['value']}%", f"{found['numerator']:,}", f"{found['denominator']:,}")]

    def _of(self, percent: str, above: str, below: str) -> str:
        return label(self._language, "bulletin.of", percent=percent, above=above, below=below)

    def _rate(self, name: str, row: Row | None = None) -> list[Span]:
        return self._percent((row or self._total)["rates"][name])

    def _share(self, part: int | None, whole: int | None) -> list[Span]:
        return [NONE] if part is None or whole is None else self._percent(rate(part, whole))
