"""SQL of reminders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlite_utils import Database

from schemas.periods import parse_period
from schemas.reminders import Reminder

_COLUMNS: Final = 'r.event, r.unit, r."by", r.author, r.period, r.at'


def put(db: Database, reminder: Reminder, n: int) -> None:
    """Keeps one; `n` is its place in the log."""
    period = reminder.period
    db.execute(
        'INSERT INTO reminder (event, n, unit, "by", author, period, first, last, at)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [reminder.event, n, reminder.unit, reminder.by, reminder.author, period.key]
        + [period.first.isoformat(), period.last.isoformat(), reminder.at],
    )


def sent_by(db: Database, by: str, before: int, limit: int) -> list[tuple[int, Reminder]]:
    """(place in the log, reminder) of those that a unit sent, the latest first, in front of a place."""
    rows = db.execute(
        f'SELECT r.n, {_COLUMNS} FROM reminder r WHERE r."by" = ? AND r.n < ? ORDER BY r.n DESC LIMIT ?',
        [by, before, limit],
    )
    return [(row[0], _read(row[1:])) for row in rows.fetchall()]


def received(db: Database, units: Sequence[str], since: str, limit: int) -> list[Reminder]:
    """The latest reminder of each of some units (at most 500) and period that ends on a day or later, if there is no
    regular check of the unit for a period of one day; the oldest period first.
    """
    rows = db.execute(
        f"SELECT {_COLUMNS}, MAX(r.n) FROM reminder r WHERE r.unit IN ({','.join('?' * len(units))}) AND r.last >= ?"
        " AND NOT EXISTS (SELECT 1 FROM check_duty d WHERE d.unit = r.unit AND d.day = r.first AND r.first = r.last"
        " AND d.occasion = 'regular') GROUP BY r.unit, r.period ORDER BY r.first, r.unit LIMIT ?",
        [*units, since, limit],
    )
    return [_read(row[:-1]) for row in rows.fetchall()]


def last_sent(db: Database, by: str, units: Sequence[str], period: str) -> dict[str, int]:
    """{unit: when (unix ms) it was last reminded of a period by a unit}; at most 500 units."""
    rows = db.execute(
        f'SELECT unit, MAX(at) FROM reminder WHERE "by" = ? AND period = ? AND unit IN ({",".join("?" * len(units))})'
        " GROUP BY unit",
        [by, period, *units],
    )
    return dict(rows.fetchall())


def _read(row: tuple[Any, ...]) -> Reminder:
    event, unit, by, author, period, at = row
    return Reminder(event, unit, by, author, parse_period(period), at)
