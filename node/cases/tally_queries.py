"""SQL of the tallies of cases as they are written and verified: by day, month and year, and what stands open in all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlite_utils import Database

from node.cases.tallies import PLACE, Slot
from schemas.cases.measures import CASE_MEASURES

_COUNTS: Final = ", ".join(CASE_MEASURES)
_OPEN: Final = PLACE["open"]
_OVERDUE: Final = PLACE["overdue"]
TABLES: Final = (("case_day", "day"), ("case_month", "month"), ("case_year", "year"))  # with their columns of time
Key = tuple[str, int, str, str]  # unit, own, dimension, key


def add_tallies(db: Database, table: str, column: str, rows: Mapping[Slot, Sequence[int]]) -> None:
    """Adds to rows of a tally; those that come to nothing go, so that a rebuild gives the same rows.

    `table` is case_day, case_month or case_year, `column` its column of time.
    """
    names = f"unit, own, dimension, {column}, key"
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in CASE_MEASURES)
    marks = ", ".join("?" * (5 + len(CASE_MEASURES)))
    db.conn.executemany(
        f"INSERT INTO {table} ({names}, {_COUNTS}) VALUES ({marks}) ON CONFLICT ({names}) DO UPDATE SET {sums}",
        [(*slot, *counts) for slot, counts in rows.items()],
    )
    nothing = " AND ".join(f"{name} = 0" for name in CASE_MEASURES)
    db.conn.executemany(
        f"DELETE FROM {table} WHERE unit = ? AND own = ? AND dimension = ? AND {column} = ? AND key = ? AND {nothing}",
        [tuple(slot) for slot in rows],
    )


def add_standing(db: Database, changes: Mapping[Slot, Sequence[int]]) -> None:
    """Adds the changes of open and overdue, whatever their time, to what stands in all; rows of nothing go."""
    sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for (unit, own, dimension, _, key), counts in changes.items():
        row = sums[unit, own, dimension, key]
        row[0] += counts[_OPEN]
        row[1] += counts[_OVERDUE]
    rows = [(*where, *counts) for where, counts in sums.items() if any(counts)]
    db.conn.executemany(
        "INSERT INTO case_standing (unit, own, dimension, key, open, overdue) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (unit, own, dimension, key) DO UPDATE SET open = case_standing.open + excluded.open,"
        " overdue = case_standing.overdue + excluded.overdue",
        rows,
    )
    db.conn.executemany(
        "DELETE FROM case_standing WHERE unit = ? AND own = ? AND dimension = ? AND key = ?"
        " AND open = 0 AND overdue = 0",
        [row[:4] for row in rows],
    )


def all_standing(db: Database) -> dict[Key, tuple[int, int]]:
    """Every row of what stands in all, for `verify`."""
    rows = db.execute("SELECT unit, own, dimension, key, open, overdue FROM case_standing")
    return {(row[0], row[1], row[2], row[3]): (row[4], row[5]) for row in rows}


def all_tallies(db: Database, table: str, column: str) -> dict[Slot, tuple[int, ...]]:
    """Every row of a tally table, for `verify`."""
    rows = db.execute(f"SELECT unit, own, dimension, {column}, key, {_COUNTS} FROM {table}")
    return {Slot(*row[:5]): tuple(row[5:]) for row in rows}
