"""Case figures of one node at one instant: totals, rows of a dimension, days, the matrix. Reads tallies only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlite_utils import Database

from node.cases import figure_queries as queries
from node.cases.figure_queries import Place
from node.cases.tallies import ALL, CELL
from schemas.case_lists import CATEGORIES, SOURCE_GROUPS
from schemas.case_matrix import TOTAL, Cell, MatrixRow
from schemas.case_measures import CASE_MEASURES, DIMENSIONS, FACT_MEASURES
from schemas.clock import at_time, business_day
from schemas.periods import Period, months_inside
from schemas.unit_acts import LEVELS
from schemas.units import Tree

# Which units are summed: (unit, 1 for what it did itself, else 0 for its subtree as it was).
Parts = Sequence[tuple[str, int]]
Span = tuple[date, date]
Counts = dict[str, int]
NONE: Final[Mapping[str, str]] = MappingProxyType({})
_TALLIED_AS: Final = {"category": CELL, "level": CELL, "source": "source", "source_group": "source"}


def no_counts() -> Counts:
    """Every case measure, 0."""
    return dict.fromkeys(CASE_MEASURES, 0)


class CaseFigures:
    """Sums as judged at `now_ms`. Call inside `sync.database.read`.

    `codes` are the categories that always have a row; one that `became` another counts in the row of that one.
    """

    def __init__(
        self, db: Database, tree: Tree, now_ms: int, codes: Sequence[str] = CATEGORIES, became: Mapping[str, str] = NONE
    ) -> None:
        self._db, self._tree = db, tree
        self._codes, self._became = codes, became
        self._today = business_day(now_ms)
        midnight = at_time(self._today + timedelta(days=1), time())
        # Counted as overdue from today on, though the limit ends only later today.
        self._due_later = [
            (tree.ancestors(row[0], self._today) or (row[0],), row)
            for row in queries.due_later(db, self._today, now_ms, midnight)
        ]

    def totals(self, parts: Parts, spans: Iterable[Span], end: date | None) -> Counts:
        """Every case measure over spans of days; open and overdue at the end of a day, 0 where there is none."""
        found = self._by_key(ALL, parts, spans, end)
        return found.get("", no_counts())

    def rows(self, dimension: str, parts: Parts, period: Period) -> dict[str, Counts]:
        """Every case measure for each row key of a dimension of DIMENSIONS; a later list's category adds its row."""
        tallied = _TALLIED_AS.get(dimension, dimension)
        keys = self._codes if dimension == "category" else DIMENSIONS[dimension]
        rows = {key: no_counts() for key in keys}
        for key, counts in self._by_key(tallied, parts, [(period.first, period.last)], period.last).items():
            _add(rows.setdefault(_row_key(dimension, key), no_counts()), counts)
        return rows

    def days(self, parts: Parts, period: Period) -> Iterator[tuple[date, Counts]]:
        """Every case measure of each day; open and overdue at the day's end, of days to come as they stand today."""
        before = period.first - timedelta(days=1)
        standing = self._by_key(ALL, parts, (), min(before, self._today)).get("", no_counts())
        by_day = [self._each_day(unit, own, period) for unit, own in parts]
        held = {"open": standing["open"], "overdue": standing["overdue"]}
        late = self._later_in(ALL, parts).get("", 0)
        for day in period.each_day():
            counts = no_counts()
            for found in by_day:
                row = found.get(day.isoformat())
                if row is not None:
                    counts.update({name: counts[name] + row[at] for at, name in enumerate(FACT_MEASURES)})
                    if day <= self._today:
                        held["open"] += row[-2]
                        held["overdue"] += row[-1]
            counts |= {"open": held["open"], "overdue": held["overdue"] - (late if day >= self._today else 0)}
            yield day, counts

    def matrix(self, parts: Parts, period: Period) -> list[MatrixRow]:
        """Category x handling level with mediated and agreed, subtotal, and the year up to the period's end."""
        cells = self._by_key(CELL, parts, [(period.first, period.last)], None)
        year = self._by_key(CELL, parts, [(period.last.replace(month=1, day=1), period.last)], None)
        known = dict.fromkeys((*self._codes, *(key.split("/")[0] for key in (*cells, *year))))
        rows = [_matrix_row(key, (key,), cells, year) for key in known]
        return [*rows, _matrix_row(TOTAL, tuple(known), cells, year)]

    # ---- sums

    def _by_key(self, dimension: str, parts: Parts, spans: Iterable[Span], end: date | None) -> dict[str, Counts]:
        found: dict[str, Counts] = {}
        listed = list(spans)
        for unit, own in parts:
            place = Place(unit, own, dimension)
            for first, last in listed:
                for key, *sums in self._facts(place, first, last):
                    row = found.setdefault(key, no_counts())
                    _add(row, dict(zip(FACT_MEASURES, sums, strict=True)))
            if end is not None:
                for key, still_open, overdue in queries.standing(self._db, place, min(end, self._today)):
                    _add(found.setdefault(key, no_counts()), {"open": still_open, "overdue": overdue})
        if end is not None and end >= self._today:
            for key, count in self._later_in(dimension, parts).items():
                _add(found.setdefault(key, no_counts()), {"overdue": -count})
        return self._as_they_became(found) if dimension == CELL and self._became else found

    def _as_they_became(self, cells: dict[str, Counts]) -> dict[str, Counts]:
        found: dict[str, Counts] = {}
        for key, counts in cells.items():
            code, level = key.split("/")
            _add(found.setdefault(f"{self._became.get(code, code)}/{level}", no_counts()), counts)
        return found

    def _facts(self, place: Place, first: date, last: date) -> Iterator[tuple[Any, ...]]:
        whole, edges = months_inside(Period("", first, last))
        for start, stop in edges:
            yield from queries.days(self._db, place, start, stop)
        if whole:
            yield from queries.months(self._db, place, whole[0], whole[-1])

    def _each_day(self, unit: str, own: int, period: Period) -> dict[str, tuple[int, ...]]:
        rows = queries.each_day(self._db, Place(unit, own, ALL), period.first, period.last)
        return {row[0]: tuple(row[1:]) for row in rows}

    def _later_in(self, dimension: str, parts: Parts) -> dict[str, int]:
        counts: dict[str, int] = {}
        for above, (unit, level, kind, category, source, urgency) in self._due_later:
            key = {ALL: "", CELL: f"{category}/{level}", "source": source, "urgency": urgency, "kind": kind}[dimension]
            times = sum(1 for one, own in parts if (one == unit if own else one in above))
            counts[key] = counts.get(key, 0) + times
        return counts


def _add(row: Counts, counts: Counts) -> None:
    for name, value in counts.items():
        row[name] += value


def _row_key(dimension: str, key: str) -> str:
    if dimension == "source_group":
        return SOURCE_GROUPS[key]
    if dimension in ("category", "level"):
        return key.split("/")[dimension == "level"]
    return key


def _matrix_row(key: str, categories: Sequence[str], cells: dict[str, Counts], year: dict[str, Counts]) -> MatrixRow:
    def cell(found: dict[str, Counts], levels: Sequence[str]) -> Cell:
        counted = [found[at] for one in categories for level in levels if (at := f"{one}/{level}") in found]
        return Cell(sum(one["mediated"] for one in counted), sum(one["agreed"] for one in counted))

    by_level = {level: cell(cells, (level,)) for level in LEVELS}
    return MatrixRow(key, by_level, cell(cells, LEVELS), cell(year, LEVELS))
