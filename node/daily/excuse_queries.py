"""SQL of excuses: the acts, the spans that excuse now, and how many group days are excused and not reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

from sqlite_utils import Database

from schemas.errors import GridError
from schemas.excuses import ExcuseAct, Span
from schemas.strict_json import loads

Row = tuple[Any, ...]
_ACT: Final = 'event, unit, "by", author, first, last, amends, cancelled, reason_code'


def put_act(db: Database, act: ExcuseAct) -> None:
    """Keeps one act."""
    db.execute(
        f"INSERT INTO excuse_act ({_ACT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [act.event, act.unit, act.by, act.author, act.first.isoformat(), act.last.isoformat(), act.amends]
        + [int(act.cancelled), act.reason_code],
    )


def acts_of(db: Database, unit: str) -> list[ExcuseAct]:
    """Every act on one unit, by hash."""
    rows = db.execute(f"SELECT {_ACT} FROM excuse_act WHERE unit = ? ORDER BY event", [unit])
    return [_act(row) for row in rows.fetchall()]


def act(db: Database, event: str) -> ExcuseAct | None:
    """One act, or None."""
    row = db.execute(f"SELECT {_ACT} FROM excuse_act WHERE event = ?", [event]).fetchone()
    return _act(row) if row else None


def units_with_acts(db: Database) -> list[str]:
    """The units that somebody ever excused."""
    return [row[0] for row in db.execute("SELECT DISTINCT unit FROM excuse_act ORDER BY unit")]


def _act(row: Row) -> ExcuseAct:
    event, unit, by, author, first, last, amends, cancelled, reason_code = row
    return ExcuseAct(
        event, unit, by, author, date.fromisoformat(first), date.fromisoformat(last), amends, bool(cancelled),
        reason_code,
    )  # fmt: skip


# ---- what excuses now


def put_standing(db: Database, unit: str, acts: Iterable[ExcuseAct]) -> None:
    """The acts that excuse a unit now, in the place of those that did."""
    db.execute("DELETE FROM excused WHERE unit = ?", [unit])
    db.conn.executemany(
        "INSERT INTO excused (unit, last, first, event) VALUES (?, ?, ?, ?)",
        [(unit, act.last.isoformat(), act.first.isoformat(), act.event) for act in acts],
    )


def standing_of(db: Database, units: Sequence[str], first: date, last: date) -> list[tuple[str, str, Span]]:
    """(unit, event, days) of what excuses any of some units (at most 500) on any of these days, the latest first."""
    rows = db.execute(
        "SELECT unit, event, first, last FROM excused"
        f" WHERE unit IN ({','.join('?' * len(units))}) AND last >= ? AND first <= ? ORDER BY first DESC, event",
        [*units, first.isoformat(), last.isoformat()],
    )
    return [(row[0], row[1], (date.fromisoformat(row[2]), date.fromisoformat(row[3]))) for row in rows]


def units_on(db: Database, day: date) -> frozenset[str]:
    """The units that an excuse names for a day."""
    rows = db.execute("SELECT unit FROM excused WHERE last >= ?1 AND first <= ?1", [day.isoformat()])
    return frozenset(row[0] for row in rows)


def spans_between(db: Database, first: date, last: date) -> dict[str, list[Span]]:
    """What excuses anybody on any of these days, by the unit that it names."""
    found: dict[str, list[Span]] = {}
    rows = db.execute(
        "SELECT unit, first, last FROM excused WHERE last >= ? AND first <= ?", [first.isoformat(), last.isoformat()]
    )
    for unit, begin, end in rows:
        found.setdefault(unit, []).append((date.fromisoformat(begin), date.fromisoformat(end)))
    return found


def nothing_excused(db: Database) -> bool:
    """Whether no excuse stands at all."""
    return db.execute("SELECT 1 FROM excused LIMIT 1").fetchone() is None


def standing_between(db: Database, first: date, last: date, after: tuple[str, str]) -> Iterator[ExcuseAct]:
    """What excuses anybody on any of these days, the latest first day in front; `after` (first day, event) goes on."""
    names = ", ".join(f"a.{name.strip()}" for name in _ACT.split(","))
    rows = db.execute(
        f"SELECT {names} FROM excused x JOIN excuse_act a ON a.event = x.event"
        " WHERE x.last >= ? AND x.first <= ? AND (x.first, x.event) < (?, ?) ORDER BY x.first DESC, x.event DESC",
        [first.isoformat(), last.isoformat(), *after],
    )
    return (_act(row) for row in rows)


# ---- tallies


def excused_on(db: Database, day: date, units: Sequence[str]) -> dict[str, int]:
    """The tally of one day of each unit that has one."""
    rows = db.execute(
        f"SELECT unit, n FROM excused_day WHERE day = ? AND unit IN ({','.join('?' * len(units))})",
        [day.isoformat(), *units],
    )
    return dict(rows.fetchall())


def each_day(db: Database, unit: str, first: date, last: date) -> dict[str, int]:
    """{day: a unit's tally} of the days that have one."""
    asked = "SELECT day, n FROM excused_day WHERE unit = ? AND day BETWEEN ? AND ?"
    return dict(db.execute(asked, [unit, first.isoformat(), last.isoformat()]).fetchall())


def sum_days(db: Database, unit: str, first: date, last: date) -> int:
    """A unit's tally over days."""
    asked = "SELECT COALESCE(SUM(n), 0) FROM excused_day WHERE unit = ? AND day BETWEEN ? AND ?"
    return int(db.execute(asked, [unit, first.isoformat(), last.isoformat()]).fetchone()[0])


def sum_months(db: Database, unit: str, first: str, last: str) -> int:
    """A unit's tally over whole months, as `2026-11`."""
    asked = "SELECT COALESCE(SUM(n), 0) FROM excused_month WHERE unit = ? AND month BETWEEN ? AND ?"
    return int(db.execute(asked, [unit, first, last]).fetchone()[0])


def add_tallies(db: Database, table: str, column: str, changes: Iterable[tuple[str, str, int]]) -> None:
    """Adds to (unit, day or month) tallies; rows that come to nothing go, so that a rebuild gives the same rows."""
    listed = list(changes)
    db.conn.executemany(
        f"INSERT INTO {table} (unit, {column}, n) VALUES (?, ?, ?)"
        f" ON CONFLICT (unit, {column}) DO UPDATE SET n = n + excluded.n",
        listed,
    )
    db.conn.executemany(
        f"DELETE FROM {table} WHERE unit = ? AND {column} = ? AND n = 0", [(one[0], one[1]) for one in listed]
    )


def all_tallies(db: Database, table: str, column: str) -> dict[tuple[str, str], int]:
    """Every row of a tally table, for `verify`."""
    return {(row[0], row[1]): row[2] for row in db.execute(f"SELECT unit, {column}, n FROM {table}")}


def clear(db: Database) -> None:
    """Empties all that is worked out from the acts."""
    for table in ("excused", "excused_day", "excused_month"):
        db.execute(f"DELETE FROM {table}")


# ---- words


def words_of(db: Database, event: str, name: str) -> str:
    """One field of an event's private words; empty where they are not held here, or were erased."""
    row = db.execute(
        "SELECT p.text FROM event e JOIN part p ON p.event = e.n AND p.name = 'per' WHERE e.hash = ?", [event]
    ).fetchone()
    try:
        value = loads(row[0]) if row and row[0] is not None else {}
    except GridError:  # went bad on this disk: `verify` names it
        return ""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
