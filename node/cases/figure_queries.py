"""SQL of case figures: sums over tallies, whose rows don't grow with the cases, and the records behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlite_utils import Database

from schemas.case_measures import FACT_MEASURES

_SUMS: Final = ", ".join(f"COALESCE(SUM({name}), 0)" for name in FACT_MEASURES)
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What is summed: a unit's subtree as it was, or with `own` only what the unit itself did, along a dimension."""

    unit: str
    own: int
    dimension: str


def days(db: Database, place: Place, first: date, last: date) -> list[Row]:
    """(key, a sum for each of FACT_MEASURES) over days."""
    return db.execute(
        f"SELECT key, {_SUMS} FROM case_day WHERE unit = ? AND own = ? AND dimension = ? AND day BETWEEN ? AND ?"
        " GROUP BY key",
        [place.unit, place.own, place.dimension, first.isoformat(), last.isoformat()],
    ).fetchall()


def months(db: Database, place: Place, first: str, last: str) -> list[Row]:
    """(key, a sum for each of FACT_MEASURES) over whole months, as `2026-11`."""
    return db.execute(
        f"SELECT key, {_SUMS} FROM case_month WHERE unit = ? AND own = ? AND dimension = ? AND month BETWEEN ? AND ?"
        " GROUP BY key",
        [place.unit, place.own, place.dimension, first, last],
    ).fetchall()


def standing(db: Database, place: Place, end: date) -> list[Row]:
    """(key, open, overdue) at the end of a day: the changes of all whole months before, and of the days since."""
    day, where = end.isoformat(), "WHERE unit = ? AND own = ? AND dimension = ?"
    whole = [place.unit, place.own, place.dimension]
    return db.execute(
        "SELECT key, SUM(open), SUM(overdue) FROM ("
        f"SELECT key, open, overdue FROM case_month {where} AND month < ?"
        f" UNION ALL SELECT key, open, overdue FROM case_day {where} AND day BETWEEN ? AND ?) GROUP BY key",
        [*whole, day[:7], *whole, f"{day[:7]}-01", day],
    ).fetchall()


def each_day(db: Database, place: Place, first: date, last: date) -> list[Row]:
    """(day, a sum for each of FACT_MEASURES, change of open, change of overdue) of the days that have any."""
    return db.execute(
        f"SELECT day, {_SUMS}, SUM(open), SUM(overdue) FROM case_day"
        " WHERE unit = ? AND own = ? AND dimension = ? AND day BETWEEN ? AND ? GROUP BY day",
        [place.unit, place.own, place.dimension, first.isoformat(), last.isoformat()],
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
