"""Case figures of one node at one instant: totals, rows of a dimension, days, the matrix. Reads tallies only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from types import MappingProxyType
from typing import Final

from sqlite_utils import Database

from node.cases import figure_queries as queries
from node.cases.figure_queries import Place
from node.cases.tallies import ALL, CELL
from schemas.cases.lists import CATEGORIES, SOURCE_GROUPS
from schemas.cases.matrix import TOTAL, Cell, MatrixRow
from schemas.cases.measures import CASE_MEASURES, DIMENSIONS, FACT_MEASURES
from schemas.clock import at_time, business_day
from schemas.periods import Period
from schemas.spans import pieces
from schemas.units.acts import LEVELS
from schemas.units.tree import Tree

# Which units are summed: (unit, 1 for what it did itself, else 0 for its subtree as it was).
Parts = Sequence[tuple[str, int]]
Span = tuple[date, date]
Counts = dict[str, int]
NONE: Final[Mapping[str, str]] = MappingProxyType({})
RESULTS: Final = ("mediated", "agreed")  # what the matrix shows
_NOTHING: Final = (0,) * len(CASE_MEASURES)
_ZERO: Final = dict.fromkeys(CASE_MEASURES, 0)
_TALLIED_AS: Final = {"category": CELL, "level": CELL, "source": "source", "source_group": "source"}


def no_counts() -> Counts:
    """Every case measure, 0."""
    return _ZERO.copy()


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

    def totals(self, parts: Parts, spans: Sequence[Span], end: date | None) -> Counts:
        """Every case measure over spans of days; open and overdue at the end of a day, 0 where there is none."""
        found = self._by_key(ALL, parts, spans, end)
        return found.get("", no_counts())

    def rows(self, dimension: str, parts: Parts, period: Period) -> dict[str, Counts]:
        """Every case measure for each row key of a dimension of DIMENSIONS; a later list's category adds its row."""
        tallied = _TALLIED_AS.get(dimension, dimension)
        keys = self._codes if dimension == "category" else DIMENSIONS[dimension]
        rows = {key: no_counts() for key in keys}
        for key, counts in self._by_key(tallied, parts, [(period.first, period.last)], period.last).items():
            at = _row_key(dimension, key)
            if at in rows or any(counts.values()):  # a code of which there is nothing yet has no row
                _add(rows.setdefault(at, no_counts()), counts)
        return rows

    def days(self, parts: Parts, period: Period) -> Iterator[tuple[date, Counts]]:
        """Every case measure of each day; open and overdue at the day's end, of days to come as they stand today."""
        before = period.first - timedelta(days=1)
        held = self._by_key(ALL, parts, (), min(before, self._today)).get("", no_counts())
        still_open, overdue = held["open"], held["overdue"]
        changed = self._each_day(parts, period)
        late, today = self._later_in(ALL, parts).get("", 0), self._today.isoformat()
        for day in period.each_day():
            text = day.isoformat()
            row = changed.get(text, _NOTHING)
            if text <= today:
                still_open += row[-2]
                overdue += row[-1]
            counts = dict(zip(CASE_MEASURES, row, strict=True))
            counts["open"], counts["overdue"] = still_open, overdue - (late if text >= today else 0)
            yield day, counts

    def matrix(self, parts: Parts, period: Period) -> list[MatrixRow]:
        """Category x handling level with mediated and agreed, subtotal, and the year up to the period's end."""
        spans = ((period.first, period.last), (period.last.replace(month=1, day=1), period.last))
        cells, year = (self._by_key(CELL, parts, [span], None, RESULTS) for span in spans)
        known = dict.fromkeys((*self._codes, *(key.split("/")[0] for key in (*cells, *year))))
        rows = [_matrix_row(key, (key,), cells, year) for key in known]
        return [*rows, _matrix_row(TOTAL, tuple(known), cells, year)]

    # ---- sums

    def _by_key(
        self, dimension: str, parts: Parts, spans: Sequence[Span], end: date | None,
        measures: Sequence[str] = FACT_MEASURES,
    ) -> dict[str, Counts]:  # fmt: skip
        sums: dict[str, list[int]] = {}
        found: dict[str, Counts] = {}
        for unit, own in parts:
            place = Place(unit, own, dimension)
            for piece in (one for first, last in spans for one in pieces(first, last)):
                for key, *counts in queries.sums(self._db, place, piece, measures):
                    _gather(sums, key, counts, piece.sign)
        for key, counts in sums.items():
            found[key] = {**_ZERO, **dict(zip(measures, counts, strict=True))}
        if end is not None:
            self._stand(found, dimension, parts, end)
        return self._as_they_became(found) if dimension == CELL and self._became else found

    def _stand(self, found: dict[str, Counts], dimension: str, parts: Parts, end: date) -> None:
        """Adds what is open and overdue at the end of a day: all that changed, less what changed since."""
        for unit, own in parts:
            place, since = Place(unit, own, dimension), min(end, self._today)
            for rows, sign in (
                (queries.standing(self._db, place), 1),
                (queries.changed_since(self._db, place, since), -1),
            ):
                for key, still_open, overdue in rows:
                    row = found.setdefault(key, no_counts())
                    row["open"] += sign * still_open
                    row["overdue"] += sign * overdue
        if end >= self._today:
            for key, count in self._later_in(dimension, parts).items():
                found.setdefault(key, no_counts())["overdue"] -= count

    def _as_they_became(self, cells: dict[str, Counts]) -> dict[str, Counts]:
        found: dict[str, Counts] = {}
        for key, counts in cells.items():
            code, level = key.split("/")
            _add(found.setdefault(f"{self._became.get(code, code)}/{level}", no_counts()), counts)
        return found

    def _each_day(self, parts: Parts, period: Period) -> dict[str, Sequence[int]]:
        sums: dict[str, Sequence[int]] = {}
        for unit, own in parts:
            for day, *counts in queries.each_day(self._db, unit, own, period.first, period.last):
                held = sums.get(day)
                sums[day] = counts if held is None else [one + more for one, more in zip(held, counts, strict=True)]
        return sums

    def _later_in(self, dimension: str, parts: Parts) -> dict[str, int]:
        counts: dict[str, int] = {}
        for above, (unit, level, kind, category, source, urgency) in self._due_later:
            key = {ALL: "", CELL: f"{category}/{level}", "source": source, "urgency": urgency, "kind": kind}[dimension]
            times = sum(1 for one, own in parts if (one == unit if own else one in above))
            counts[key] = counts.get(key, 0) + times
        return counts


def _gather(sums: dict[str, list[int]], key: str, counts: list[int], sign: int) -> None:
    row = sums.get(key)
    if row is None:
        sums[key] = counts if sign == 1 else [-count for count in counts]
    else:
        for place, count in enumerate(counts):
            row[place] += sign * count


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
