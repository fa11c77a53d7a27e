"""Questions to a node's read tables. Each names its order and its limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any, Final

from sqlite_utils import Database

from schemas.checks import Report

Key = tuple[str, str, str]  # unit, day, occasion
Row = tuple[Any, ...]
_REPORT: Final = "event, unit, day, occasion, result, disputes, hazards, amends, recorded_at, received_at"


@dataclass(frozen=True, slots=True)
class Tally:
    """Reports of regular group days: zero and found with the late ones in, and those without a duty."""

    zero: int = 0
    found: int = 0
    late: int = 0
    extra: int = 0

    def __add__(self, other: Tally) -> Tally:
        # Field by field: `astuple` copies deeply, and this runs for every ancestor of every check.
        return Tally(self.zero + other.zero, self.found + other.found, self.late + other.late, self.extra + other.extra)

    def __neg__(self) -> Tally:
        return Tally(-self.zero, -self.found, -self.late, -self.extra)

    @property
    def reported(self) -> int:
        """Group days with a report."""
        return self.zero + self.found


@dataclass(frozen=True, slots=True)
class DutyRow:
    """The effective check of one key. `counted`: zero, found, extra or none."""

    event: str
    result: str
    first_recorded_at: int
    counted: str
    late: bool
    conflicts: int


# ---- checks


def reports_of(db: Database, key: Key) -> list[Report]:
    """Every report of one unit, day and occasion."""
    rows = db.execute(
        f"SELECT {_REPORT} FROM check_report WHERE unit = ? AND day = ? AND occasion = ? ORDER BY event", list(key)
    )
    return [_report(row) for row in rows]


def report_events(db: Database, unit: str) -> list[str]:
    """The hashes of every report of one unit, in the order of their arrival."""
    rows = db.execute(
        "SELECT r.event FROM check_report r JOIN event e ON e.hash = r.event WHERE r.unit = ? ORDER BY e.n", [unit]
    )
    return [row[0] for row in rows]


def report_by_event(db: Database, event: str) -> Report | None:
    """One report, or None."""
    row = db.execute(f"SELECT {_REPORT} FROM check_report WHERE event = ?", [event]).fetchone()
    return _report(row) if row else None


def reports_between(
    db: Database, units: Sequence[str] | None, first: date, last: date, after: tuple[str, str, str] | None, limit: int
) -> list[Report]:
    """Reports by (day, unit, event), newest day first; `units` None means all, `after` continues a page."""
    where, params = ["day BETWEEN ? AND ?"], [first.isoformat(), last.isoformat()]
    if units is not None:
        where.append(f"unit IN ({','.join('?' * len(units))})")
        params += units
    if after is not None:
        where.append("(day < ? OR (day = ? AND (unit > ? OR (unit = ? AND event > ?))))")
        params += [after[0], after[0], after[1], after[1], after[2]]
    rows = db.execute(
        f"SELECT {_REPORT} FROM check_report WHERE {' AND '.join(where)} ORDER BY day DESC, unit, event LIMIT ?",
        [*params, limit],
    )
    return [_report(row) for row in rows]


def _report(row: Row) -> Report:
    event, unit, day, occasion, result, disputes, hazards, amends, recorded_at, received_at = row
    return Report(
        event=event, unit=unit, date=date.fromisoformat(day), occasion=occasion, result=result, disputes=disputes,
        hazards=hazards, amends=amends, recorded_ms=recorded_at, received_ms=received_at,
    )  # fmt: skip


def insert_report(db: Database, report: Report) -> None:
    """Keeps one report."""
    db.execute(
        f"INSERT INTO check_report ({_REPORT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [report.event, report.unit, report.date.isoformat(), report.occasion, report.result, report.disputes]
        + [report.hazards, report.amends, report.recorded_ms, report.received_ms],
    )


def duty_row(db: Database, key: Key) -> DutyRow | None:
    """The effective check of a key, or None."""
    row = db.execute(
        "SELECT event, result, first_recorded_at, counted, late, conflicts FROM check_duty"
        " WHERE unit = ? AND day = ? AND occasion = ?",
        list(key),
    ).fetchone()
    return _duty(row) if row else None


def all_duties(db: Database) -> dict[Key, DutyRow]:
    """Every effective check, for `verify`."""
    rows = db.execute(
        "SELECT unit, day, occasion, event, result, first_recorded_at, counted, late, conflicts FROM check_duty"
    )
    return {(row[0], row[1], row[2]): _duty(row[3:]) for row in rows}


def duty_rows(db: Database, day: date, units: Sequence[str]) -> dict[str, DutyRow]:
    """The effective regular checks of one day by unit; at most 500 units a call."""
    rows = db.execute(
        "SELECT unit, event, result, first_recorded_at, counted, late, conflicts FROM check_duty"
        f" WHERE day = ? AND occasion = 'regular' AND unit IN ({','.join('?' * len(units))})",
        [day.isoformat(), *units],
    )
    return {row[0]: _duty(row[1:]) for row in rows}


def duty_days(db: Database, unit: str, first: date, last: date) -> dict[date, DutyRow]:
    """The effective regular checks of one unit by day."""
    rows = db.execute(
        "SELECT day, event, result, first_recorded_at, counted, late, conflicts FROM check_duty"
        " WHERE unit = ? AND occasion = 'regular' AND day BETWEEN ? AND ?",
        [unit, first.isoformat(), last.isoformat()],
    )
    return {date.fromisoformat(row[0]): _duty(row[1:]) for row in rows}


def _duty(row: Row) -> DutyRow:
    event, result, first_recorded_at, counted, late, conflicts = row
    return DutyRow(event, result, first_recorded_at, counted, bool(late), conflicts)


def put_duty(db: Database, key: Key, row: DutyRow) -> None:
    """Keeps the effective check of a key."""
    db.execute(
        "INSERT INTO check_duty (unit, day, occasion, event, result, first_recorded_at, counted, late, conflicts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (unit, day, occasion) DO UPDATE SET event = excluded.event,"
        " result = excluded.result, first_recorded_at = excluded.first_recorded_at, counted = excluded.counted,"
        " late = excluded.late, conflicts = excluded.conflicts",
        [*key, row.event, row.result, row.first_recorded_at, row.counted, int(row.late), row.conflicts],
    )


# ---- tallies


def add_tallies(db: Database, table: str, column: str, changes: Iterable[tuple[str, str, Tally]]) -> None:
    """Adds to (unit, day or month) tallies; rows that come to nothing go, so that a rebuild gives the same rows."""
    db.conn.executemany(
        f"INSERT INTO {table} (unit, {column}, zero, found, late, extra) VALUES (?, ?, ?, ?, ?, ?)"
        f" ON CONFLICT (unit, {column}) DO UPDATE SET zero = zero + excluded.zero, found = found + excluded.found,"
        " late = late + excluded.late, extra = extra + excluded.extra",
        [(unit, at, *astuple(tally)) for unit, at, tally in changes],
    )


def drop_empty_tallies(db: Database, table: str, column: str, keys: Iterable[tuple[str, str]]) -> None:
    """Removes rows that count nothing."""
    db.conn.executemany(
        f"DELETE FROM {table} WHERE unit = ? AND {column} = ? AND zero = 0 AND found = 0 AND late = 0 AND extra = 0",
        list(keys),
    )


def sum_days(db: Database, unit: str, first: date, last: date) -> Tally:
    """A unit's tally over days, the unit's subtree as it was included."""
    row = db.execute(
        "SELECT COALESCE(SUM(zero), 0), COALESCE(SUM(found), 0), COALESCE(SUM(late), 0), COALESCE(SUM(extra), 0)"
        " FROM check_day WHERE unit = ? AND day BETWEEN ? AND ?",
        [unit, first.isoformat(), last.isoformat()],
    ).fetchone()
    return Tally(*row)


def each_day(db: Database, unit: str, first: date, last: date) -> dict[str, Tally]:
    """{day: a unit's tally} of the days that have one, the unit's subtree as it was included."""
    rows = db.execute(
        "SELECT day, zero, found, late, extra FROM check_day WHERE unit = ? AND day BETWEEN ? AND ?",
        [unit, first.isoformat(), last.isoformat()],
    )
    return {row[0]: Tally(*row[1:]) for row in rows}


def own_extra_days(db: Database, unit: str, first: date, last: date) -> dict[str, int]:
    """{day: reports without a duty that the unit itself made}."""
    rows = db.execute(
        "SELECT day, COUNT(*) FROM check_duty WHERE unit = ? AND day BETWEEN ? AND ? AND counted = 'extra'"
        " GROUP BY day",
        [unit, first.isoformat(), last.isoformat()],
    )
    return dict(rows.fetchall())


def sum_months(db: Database, unit: str, first: str, last: str) -> Tally:
    """A unit's tally over whole months, as `2026-11`."""
    row = db.execute(
        "SELECT COALESCE(SUM(zero), 0), COALESCE(SUM(found), 0), COALESCE(SUM(late), 0), COALESCE(SUM(extra), 0)"
        " FROM check_month WHERE unit = ? AND month BETWEEN ? AND ?",
        [unit, first, last],
    ).fetchone()
    return Tally(*row)


def sum_own_extra(db: Database, unit: str, first: date, last: date) -> Tally:
    """Reports without a duty that the unit itself made."""
    row = db.execute(
        "SELECT COUNT(*) FROM check_duty WHERE unit = ? AND day BETWEEN ? AND ? AND counted = 'extra'",
        [unit, first.isoformat(), last.isoformat()],
    ).fetchone()
    return Tally(extra=row[0])


def all_tallies(db: Database, table: str, column: str) -> dict[tuple[str, str], Tally]:
    """Every row of a tally table, for `verify`."""
    rows = db.execute(f"SELECT unit, {column}, zero, found, late, extra FROM {table}")
    return {(row[0], row[1]): Tally(*row[2:]) for row in rows}


# ---- cadence


def cadence_entries(db: Database) -> list[tuple[date, tuple[int, str], str]]:
    """(valid from, order, profile as JSON) of every published cadence."""
    rows = db.execute("SELECT day, no, event, profile FROM cadence_entry ORDER BY day, no, event")
    return [(date.fromisoformat(day), (no, event), profile) for day, no, event, profile in rows]
