"""SQL of forms and returns: versions of forms, every return held, the one that counts, and its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any, Final

from sqlite_utils import Database

Row = tuple[Any, ...]
Key = tuple[str, str, str]  # form, unit, period
CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Held:
    """One return as it came; `content` is the JSON of its values, judged by its form."""

    event: str
    form: str
    version: int
    unit: str
    period: str
    day: str
    amends: str | None
    recorded_ms: int
    content: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The return that counts for a form, unit and period. `day` is the period's last."""

    form: str
    unit: str
    period: str
    day: str
    event: str
    version: int
    first_recorded_at: int
    conflicts: int


_HELD: Final = "event, form, version, unit, period, day, amends, recorded_at, content"
_SENT: Final = "form, unit, period, day, event, version, first_recorded_at, conflicts"


# ---- forms


def versions(db: Database) -> list[tuple[int, str]]:
    """(number of the publication, JSON) of every version; of one published twice the last stands last."""
    rows = db.execute("SELECT no, payload FROM form_version ORDER BY form, version, no, event").fetchall()
    return [(row[0], row[1]) for row in rows]


def put_version(db: Database, event: str, form: str, version: int, no: int, payload: str) -> None:
    """Keeps one publication."""
    db.execute(
        "INSERT INTO form_version (event, form, version, no, payload) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (event) DO NOTHING",
        [event, form, version, no, payload],
    )


def next_number(db: Database) -> int:
    """The number of the next publication."""
    return int(db.execute("SELECT COUNT(*) + 1 FROM form_version").fetchone()[0])


# ---- what was returned


def insert(db: Database, one: Held) -> None:
    """Keeps one return."""
    db.execute(
        f"INSERT INTO form_return ({_HELD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event) DO NOTHING",
        list(astuple(one)),
    )


def held_for(db: Database, key: Key) -> list[Held]:
    """Every return of one form, unit and period, by event."""
    rows = db.execute(
        f"SELECT {_HELD} FROM form_return WHERE form = ? AND unit = ? AND period = ? ORDER BY event", list(key)
    )
    return [Held(*row) for row in rows.fetchall()]


def one_held(db: Database, event: str) -> Held | None:
    """One return, or None."""
    row = db.execute(f"SELECT {_HELD} FROM form_return WHERE event = ?", [event]).fetchone()
    return Held(*row) if row else None


def keys_of_form(db: Database, form: str) -> list[Key]:
    """Every unit and period of which a return of a form is held."""
    rows = db.execute("SELECT DISTINCT form, unit, period FROM form_return WHERE form = ?", [form]).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def events_of_unit(db: Database, unit: str) -> list[str]:
    """Every return of a unit, in the order of arrival."""
    rows = db.execute(
        "SELECT r.event FROM form_return r JOIN event e ON e.hash = r.event WHERE r.unit = ? ORDER BY e.n", [unit]
    )
    return [row[0] for row in rows.fetchall()]


# ---- the one that counts


def put_sent(db: Database, one: Sent, numbers: dict[str, int]) -> None:
    """Keeps what counts for a key, with its numbers in 1/10,000."""
    drop_sent(db, (one.form, one.unit, one.period))
    db.execute(f"INSERT INTO form_sent ({_SENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", list(astuple(one)))
    db.conn.executemany(
        "INSERT INTO form_number (form, unit, period, day, field, amount) VALUES (?, ?, ?, ?, ?, ?)",
        [(one.form, one.unit, one.period, one.day, field, amount) for field, amount in numbers.items()],
    )


def drop_sent(db: Database, key: Key) -> None:
    """Nothing counts for a key."""
    for table in ("form_sent", "form_number"):
        db.execute(f"DELETE FROM {table} WHERE form = ? AND unit = ? AND period = ?", list(key))


def sent(db: Database, key: Key) -> Sent | None:
    """What counts for a key, or None."""
    row = db.execute(f"SELECT {_SENT} FROM form_sent WHERE form = ? AND unit = ? AND period = ?", list(key)).fetchone()
    return Sent(*row) if row else None


def sent_between(db: Database, form: str, first: date, last: date, units: Sequence[str] | None = None) -> list[Sent]:
    """What counts of a form for periods that end from a day to another, by (day, unit); of some units if given."""
    span = [form, first.isoformat(), last.isoformat()]
    if units is None:
        rows = db.execute(
            f"SELECT {_SENT} FROM form_sent WHERE form = ? AND day BETWEEN ? AND ? ORDER BY day, unit, period", span
        ).fetchall()
        return [Sent(*row) for row in rows]
    found: list[Sent] = []
    for start in range(0, len(units), CHUNK):
        chunk = units[start : start + CHUNK]
        rows = db.execute(
            f"SELECT {_SENT} FROM form_sent WHERE form = ? AND day BETWEEN ? AND ?"
            f" AND unit IN ({','.join('?' * len(chunk))}) ORDER BY day, unit, period",
            [*span, *chunk],
        ).fetchall()
        found += [Sent(*row) for row in rows]
    return found


def numbers_between(db: Database, form: str, first: date, last: date) -> Iterable[tuple[str, str, str, int]]:
    """(unit, period, field, amount in 1/10,000) of what counts for periods that end from a day to another."""
    rows = db.execute(
        "SELECT unit, period, field, amount FROM form_number WHERE form = ? AND day BETWEEN ? AND ?",
        [form, first.isoformat(), last.isoformat()],
    ).fetchall()
    return ((row[0], row[1], row[2], row[3]) for row in rows)


def sent_back(db: Database, unit: str, since_ms: int, limit: int) -> list[tuple[str, str, str, int, str, int]]:
    """(return, form, period, version, returned by, at) of a unit's returns that count and were sent back since an
    instant, the latest first.
    """
    rows = db.execute(
        "SELECT s.event, s.form, s.period, s.version, r.by, MAX(r.at) FROM check_return r"
        " JOIN form_return h ON h.event = r.report JOIN form_sent s ON s.event = h.event"
        " AND s.form = h.form AND s.unit = h.unit AND s.period = h.period"
        " WHERE r.at >= ? AND s.unit = ? GROUP BY s.event ORDER BY 6 DESC, 1 LIMIT ?",
        [since_ms, unit, limit],
    )
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows.fetchall()]


def all_sent(db: Database) -> dict[Key, tuple[str, int, int, dict[str, int]]]:
    """Everything that counts, for `verify`: {key: (event, first recorded, conflicts, {field: amount})}."""
    rows = db.execute("SELECT form, unit, period, event, first_recorded_at, conflicts FROM form_sent").fetchall()
    found: dict[Key, tuple[str, int, int, dict[str, int]]] = {
        (row[0], row[1], row[2]): (row[3], row[4], row[5], {}) for row in rows
    }
    for row in db.execute("SELECT form, unit, period, field, amount FROM form_number").fetchall():
        key = (row[0], row[1], row[2])
        found.setdefault(key, ("", 0, 0, {}))[3][row[3]] = row[4]
    return found
