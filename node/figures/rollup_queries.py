"""SQL of the records behind the cells of check measures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlite_utils import Database

Row = tuple[Any, ...]
MAX_UNITS: Final = 20_000  # SQLite takes 32,766 values


def effective_checks(
    db: Database, measure: str, units: Sequence[str] | None, span: tuple[date, date], after: tuple[str, str], limit: int
) -> list[Row]:
    """(day, unit, event, result) of the effective regular checks that count in a measure, by (day, unit).

    `measure` is checks_zero, checks_found, checks_late or checks_extra; `units` None means all.
    """
    counted = {"checks_late": "late = 1"}.get(measure, "counted = ?")
    params: list[object] = [] if measure == "checks_late" else [measure.removeprefix("checks_")]
    where = ""
    if units is not None:
        where = f" AND unit IN ({', '.join('?' * len(units))})"
    return db.execute(
        f"SELECT day, unit, event, result FROM check_duty WHERE occasion = 'regular' AND {counted}"
        f" AND day BETWEEN ? AND ? AND (day, unit) > (?, ?){where} ORDER BY day, unit LIMIT ?",
        [*params, span[0].isoformat(), span[1].isoformat(), *after, *(units or ()), limit],
    ).fetchall()


def reported_units(db: Database, day: date) -> frozenset[str]:
    """Units with a regular check for a day that answers a duty."""
    rows = db.execute(
        "SELECT unit FROM check_duty WHERE day = ? AND occasion = 'regular' AND counted IN ('zero', 'found')",
        [day.isoformat()],
    )
    return frozenset(row[0] for row in rows)
