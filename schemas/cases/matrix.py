"""The matrix: categories by the level that handled, with mediated and agreed (2-domain, Measures)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from schemas.cases.fold import Case
from schemas.cases.lists import CATEGORIES
from schemas.cases.measures import Inside, facts
from schemas.units.acts import LEVELS

TOTAL: Final = "total"
_MEASURES: Final = ("mediated", "agreed")


class Cell(NamedTuple):
    """Cases with a result, and of the cases those whose latest result is an agreement."""

    mediated: int
    agreed: int


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One category, or `total`: a cell per level, their sum, and the sum from 1 January of the last day's year."""

    key: str
    cells: Mapping[str, Cell]
    subtotal: Cell
    year_to_date: Cell


def matrix(cases: Iterable[Case], first: date, last: date, inside: Inside) -> list[MatrixRow]:
    """A row for every category, those of later lists behind the known ones, and `total` as the last row."""
    counts: dict[tuple[str, str, str], int] = {}
    year: dict[tuple[str, str], int] = {}
    rows = dict.fromkeys((*CATEGORIES, TOTAL))
    for case in cases:
        category = case.fact("category")
        for fact in facts(case):
            if fact.measure not in _MEASURES or not inside(fact.unit, fact.day):
                continue
            for key in (category, TOTAL):
                if first <= fact.day <= last:
                    rows.setdefault(category)
                    place = (key, fact.level, fact.measure)
                    counts[place] = counts.get(place, 0) + 1
                if last.replace(month=1, day=1) <= fact.day <= last:
                    rows.setdefault(category)
                    year[key, fact.measure] = year.get((key, fact.measure), 0) + 1
    del rows[TOTAL]
    return [_row(key, counts, year) for key in (*rows, TOTAL)]


def _row(key: str, counts: Mapping[tuple[str, str, str], int], year: Mapping[tuple[str, str], int]) -> MatrixRow:
    cells = {level: Cell(*(counts.get((key, level, measure), 0) for measure in _MEASURES)) for level in LEVELS}
    subtotal = Cell(sum(cell.mediated for cell in cells.values()), sum(cell.agreed for cell in cells.values()))
    return MatrixRow(key, cells, subtotal, Cell(*(year.get((key, measure), 0) for measure in _MEASURES)))
