"""SQL of confirmations: what was confirmed, the one that counts for each unit and period, and the tallies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any, Final

from sqlite_utils import Database

Row = tuple[Any, ...]
Key = tuple[str, str]  # unit, period
CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Given:
    """What a confirmation says of itself, beside its figures and words: those are read from the log."""

    event: str
    unit: str
    day: str
    period: str
    result: str
    amends: str | None
    recorded_ms: int


@dataclass(frozen=True, slots=True)
class Duty:
    """The confirmation that counts for a unit and period. `counted`: whether the unit owed it."""

    unit: str
    day: str
    period: str
    level: str
    event: str
    result: str
    first_recorded_at: int
    counted: bool
    late: bool
    conflicts: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Confirmations of one level whose period ends on a day."""

    day: str
    level: str
    done: int
    late: int


_DUTY: Final = "unit, day, period, level, event, result, first_recorded_at, counted, late, conflicts"


_GIVEN: Final = "event, unit, day, period, result, amends, recorded_at"


def insert(db: Database, one: Given) -> None:
    """Keeps one confirmation."""
    db.execute(f"INSERT INTO confirmation ({_GIVEN}) VALUES (?, ?, ?, ?, ?, ?, ?)", list(astuple(one)))


def given_for(db: Database, key: Key) -> list[Given]:
    """Every confirmation of one unit and period, by event."""
    rows = db.execute(f"SELECT {_GIVEN} FROM confirmation WHERE unit = ? AND period = ? ORDER BY event", list(key))
    return [Given(*row) for row in rows.fetchall()]


def event_key(db: Database, event: str) -> Key | None:
    """The unit and period of a confirmation, or None."""
    row = db.execute("SELECT unit, period FROM confirmation WHERE event = ?", [event]).fetchone()
    return (row[0], row[1]) if row else None


def all_keys(db: Database) -> list[Key]:
    """Every unit and period that was confirmed."""
    return [(row[0], row[1]) for row in db.execute("SELECT DISTINCT unit, period FROM confirmation").fetchall()]


def events_of_unit(db: Database, unit: str) -> list[str]:
    """Every confirmation of a unit, in the order of arrival."""
    rows = db.execute(
        "SELECT c.event FROM confirmation c JOIN event e ON e.hash = c.event WHERE c.unit = ? ORDER BY e.n", [unit]
    )
    return [row[0] for row in rows.fetchall()]


def duty(db: Database, key: Key) -> Duty | None:
    """The confirmation that counts for a unit and period, or None."""
    row = db.execute(f"SELECT {_DUTY} FROM confirmation_duty WHERE unit = ? AND period = ?", list(key)).fetchone()
    return _duty(row) if row else None


def duties_of(db: Database, unit: str, last: date, after: str | None, limit: int) -> list[Duty]:
    """What counts for a unit's periods that end up to a day, the newest first; `after` is `DAY PERIOD` of the one
    before.
    """
    day, _, period = (after or f"{last.isoformat()}~ ").partition(" ")
    rows = db.execute(
        f"SELECT {_DUTY} FROM confirmation_duty WHERE unit = ? AND day <= ? AND (day < ? OR (day = ? AND period > ?))"
        " ORDER BY day DESC, period LIMIT ?",
        [unit, last.isoformat(), day, day, period, limit],
    )
    return [_duty(row) for row in rows.fetchall()]


def duties_on(db: Database, day: date, period: str, units: Sequence[str]) -> dict[str, Duty]:
    """What counts for a period that ends on a day, by unit."""
    found: dict[str, Duty] = {}
    for start in range(0, len(units), CHUNK):
        chunk = units[start : start + CHUNK]
        rows = db.execute(
            f"SELECT {_DUTY} FROM confirmation_duty WHERE day = ? AND period = ?"
            f" AND unit IN ({','.join('?' * len(chunk))})",
            [day.isoformat(), period, *chunk],
        )
        found |= {row[0]: _duty(row) for row in rows.fetchall()}
    return found


def counted_between(
    db: Database, span: tuple[date, date], after: tuple[str, str], limit: int, *, late: bool
) -> list[Row]:
    """(day, unit, event, period, result) of confirmations that answer a duty, only the late ones if asked."""
    return db.execute(
        "SELECT day, unit, event, period, result FROM confirmation_duty WHERE counted = 1 AND late >= ?"
        " AND day BETWEEN ? AND ? AND (day, unit) > (?, ?) ORDER BY day, unit LIMIT ?",
        [int(late), span[0].isoformat(), span[1].isoformat(), *after, limit],
    ).fetchall()


def confirmed_on(db: Database, day: date) -> frozenset[str]:
    """Units with a confirmation that answers a duty of a period that ends on a day."""
    rows = db.execute("SELECT unit FROM confirmation_duty WHERE day = ? AND counted = 1", [day.isoformat()])
    return frozenset(row[0] for row in rows.fetchall())


def put_duty(db: Database, duty: Duty) -> None:
    """Keeps what counts for a unit and period."""
    db.execute(
        f"INSERT INTO confirmation_duty ({_DUTY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (unit, period) DO UPDATE SET event = excluded.event, result = excluded.result,"
        " first_recorded_at = excluded.first_recorded_at, counted = excluded.counted, late = excluded.late,"
        " level = excluded.level, conflicts = excluded.conflicts",
        [duty.unit, duty.day, duty.period, duty.level, duty.event, duty.result, duty.first_recorded_at]
        + [int(duty.counted), int(duty.late), duty.conflicts],
    )


def _duty(row: Row) -> Duty:
    unit, day, period, level, event, result, first_recorded_at, counted, late, conflicts = row
    return Duty(unit, day, period, level, event, result, first_recorded_at, bool(counted), bool(late), conflicts)


# ---- tallies


def add(db: Database, changes: Iterable[tuple[str, str, str, int, int]]) -> None:
    """Adds (unit, day, level, done, late); rows that come to nothing go, so that a rebuild gives the same rows."""
    rows = list(changes)
    db.conn.executemany(
        "INSERT INTO confirmation_day (unit, day, level, done, late) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (unit, day, level) DO UPDATE SET done = done + excluded.done, late = late + excluded.late",
        rows,
    )
    db.conn.executemany(
        "DELETE FROM confirmation_day WHERE unit = ? AND day = ? AND level = ? AND done = 0 AND late = 0",
        [row[:3] for row in rows],
    )


def clear(db: Database) -> None:
    """Empties what is counted again."""
    db.execute("DELETE FROM confirmation_day")
    db.execute("DELETE FROM confirmation_duty")


def sums(db: Database, unit: str, first: date, last: date) -> list[Sum]:
    """The tallies of a unit, its subtree as it was included."""
    rows = db.execute(
        "SELECT day, level, done, late FROM confirmation_day WHERE unit = ? AND day BETWEEN ? AND ?",
        [unit, first.isoformat(), last.isoformat()],
    )
    return [Sum(*row) for row in rows.fetchall()]


def own_sums(db: Database, unit: str, first: date, last: date) -> list[Sum]:
    """What the unit itself confirmed."""
    rows = db.execute(
        "SELECT day, level, counted, late FROM confirmation_duty WHERE unit = ? AND day BETWEEN ? AND ?"
        " AND counted = 1",
        [unit, first.isoformat(), last.isoformat()],
    )
    return [Sum(*row) for row in rows.fetchall()]


def all_sums(db: Database) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Every tally, for `verify`: {(unit, day, level): (done, late)}."""
    rows = db.execute("SELECT unit, day, level, done, late FROM confirmation_day")
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows.fetchall()}
