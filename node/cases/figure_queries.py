"""SQL of case figures: sums over tallies, whose rows don't grow with the cases, and the records behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlite_utils import Database

from schemas.cases.measures import CASE_MEASURES, FACT_MEASURES
from schemas.spans import Piece, rest_of_year

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What is summed: a unit's subtree as it was, or with `own` only what the unit itself did, along a dimension."""

    unit: str
    own: int
    dimension: str


def sums(db: Database, place: Place, piece: Piece, measures: Sequence[str] = FACT_MEASURES) -> list[Row]:
    """(key, a sum for each of some measures) of one piece of a span, to be added or taken away as its sign says."""
    grain = piece.grain
    if piece.first == piece.last:  # one row a key, in the order of the table
        return db.execute(
            f"SELECT key, {', '.join(measures)} FROM case_{grain}"
            f" WHERE unit = ? AND own = ? AND dimension = ? AND {grain} = ?",
            [place.unit, place.own, place.dimension, piece.first],
        ).fetchall()
    added = ", ".join(f"SUM({name})" for name in measures)
    return db.execute(
        f"SELECT key, {added} FROM case_{grain} WHERE unit = ? AND own = ? AND dimension = ?"
        f" AND {grain} BETWEEN ? AND ? GROUP BY key",
        [place.unit, place.own, place.dimension, piece.first, piece.last],
    ).fetchall()


def standing(db: Database, place: Place) -> list[Row]:
    """(key, open, overdue) after every change there is, those of days to come too."""
    return db.execute(
        "SELECT key, open, overdue FROM case_standing WHERE unit = ? AND own = ? AND dimension = ?",
        [place.unit, place.own, place.dimension],
    ).fetchall()


def changed_since(db: Database, place: Place, day: date) -> list[Row]:
    """(key, open, overdue) of the changes after a day: in the rest of its year, and in later years."""
    whole = [place.unit, place.own, place.dimension]
    parts = [("year", "> ?", [f"{day.year:04}"], 1)]
    parts += [(one.grain, "BETWEEN ? AND ?", [one.first, one.last], one.sign) for one in rest_of_year(day)]
    asked = " UNION ALL ".join(
        f"SELECT key, {sign} * open AS open, {sign} * overdue AS overdue FROM case_{grain}"
        f" WHERE unit = ? AND own = ? AND dimension = ? AND {grain} {within}"
        for grain, within, _, sign in parts
    )
    params: list[object] = [value for _, _, keys, _ in parts for value in (*whole, *keys)]
    return db.execute(f"SELECT key, SUM(open), SUM(overdue) FROM ({asked}) GROUP BY key", params).fetchall()


def each_day(db: Database, unit: str, own: int, first: date, last: date) -> list[Row]:
    """(day, each of CASE_MEASURES) of the days that have any; of open and overdue the change of the day."""
    return db.execute(
        f"SELECT day, {', '.join(CASE_MEASURES)} FROM case_day"
        " WHERE unit = ? AND own = ? AND dimension = '' AND day BETWEEN ? AND ?",
        [unit, own, first.isoformat(), last.isoformat()],
    ).fetchall()


def due_later(db: Database, today: date, now_ms: int, end_ms: int) -> list[Row]:
    """(unit, level, kind, category, source, urgency) of cases open today whose limit ends between now and midnight."""
    return db.execute(
        "SELECT s.unit, s.level, c.kind, c.category, c.source, c.urgency FROM case_span s"
        " JOIN case_now c ON c.case_id = s.case_id"
        " WHERE s.deadline_at >= ? AND s.deadline_at < ? AND s.first <= ? AND s.until > ?",
        [now_ms, end_ms, today.isoformat(), today.isoformat()],
    ).fetchall()


# ---- the records behind a cell

# The columns of a record that a cell of a dimension picks out; the level is that of the act, or of the owner then.
FILTERS: Final = {
    "category": "c.category",
    "source": "c.source",
    "source_group": "c.source_group",
    "kind": "c.kind",
    "urgency": "c.urgency",
    "level": "f.level",
}
Chosen = Sequence[tuple[str, Sequence[str]]]  # (dimension, the keys that a record may have)
_RECORD: Final = "f.day, c.case_id, f.unit, f.level, f.event, c.kind, c.category, c.source, c.urgency, c.state"


def fact_records(
    db: Database, place: Place, measure: str, span: tuple[date, date], chosen: Chosen,
    after: tuple[str, str], limit: int,
) -> list[Row]:  # fmt: skip
    """Records that count in a measure, by (day, case)."""
    where, params = _chosen(chosen)
    own = " AND f.unit = i.unit" if place.own else ""
    return db.execute(
        f"SELECT {_RECORD} FROM case_fact_in i JOIN case_fact f ON f.case_id = i.case_id AND f.measure = i.measure"
        " JOIN case_now c ON c.case_id = i.case_id"
        f" WHERE i.unit = ? AND i.measure = ? AND i.day BETWEEN ? AND ? AND (i.day, i.case_id) > (?, ?){own}{where}"
        " ORDER BY i.day, i.case_id LIMIT ?",
        [place.unit, measure, span[0].isoformat(), span[1].isoformat(), *after, *params, limit],
    ).fetchall()


def standing_records(
    db: Database, place: Place, end: date, overdue_before_ms: int | None, chosen: Chosen,
    after: tuple[str, str], limit: int,
) -> list[Row]:  # fmt: skip
    """Records of cases open at the end of a day, by (day since which, case); only the overdue ones by an instant."""
    where, params = _chosen(chosen)
    own = " AND f.unit = i.unit" if place.own else ""
    overdue = ""
    if overdue_before_ms is not None:
        overdue, params = " AND f.deadline_at < ?" + where, [overdue_before_ms, *params]
        where = ""
    return db.execute(
        "SELECT f.first, c.case_id, f.unit, f.level, c.event, c.kind, c.category, c.source, c.urgency, c.state"
        " FROM case_span_in i JOIN case_span f ON f.case_id = i.case_id AND f.first = i.span"
        " JOIN case_now c ON c.case_id = i.case_id"
        f" WHERE i.unit = ? AND i.until > ? AND i.first <= ? AND (f.first, c.case_id) > (?, ?){own}{overdue}{where}"
        " ORDER BY f.first, c.case_id LIMIT ?",
        [place.unit, end.isoformat(), end.isoformat(), *after, *params, limit],
    ).fetchall()


def _chosen(chosen: Chosen) -> tuple[str, list[object]]:
    where = "".join(f" AND {FILTERS[name]} IN ({', '.join('?' * len(keys))})" for name, keys in chosen)
    return where, [key for _, keys in chosen for key in keys]
