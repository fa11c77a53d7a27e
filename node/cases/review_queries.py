"""SQL of what the quality review looks at in cases: kept rows, their sums by unit and day, and the rows themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from sqlite_utils import Database

from schemas.cases.review import FOLLOW_UP, RECORD, ReviewRow

CHUNK: Final = 500
# What a list holds: the kind of its rows, and which of them.
LISTS: Final = {
    "follow_ups_due": (FOLLOW_UP, "1"),
    "follow_ups_missed": (FOLLOW_UP, "done_on IS NULL"),
    "follow_ups_late": (FOLLOW_UP, "in_time = 0"),
    "records_judged": (RECORD, "1"),
    "records_incomplete": (RECORD, "lacking <> ''"),
}
_JUDGED: Final = "kind = ? AND day BETWEEN ? AND ? AND (done_on IS NOT NULL OR day < ?)"


class Reviewed(NamedTuple):
    """One row: `lacking` are names of PARTS."""

    day: str
    unit: str
    case_id: str
    done_on: str | None
    lacking: str


def put(db: Database, case_id: str, rows: Iterable[ReviewRow]) -> None:
    """Keeps the rows of a case in the place of its earlier ones."""
    drop(db, case_id)
    db.conn.executemany(
        "INSERT INTO case_review (kind, day, unit, case_id, done_on, in_time, lacking) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (row.kind, row.day.isoformat(), row.unit, case_id, row.done_on.isoformat() if row.done_on else None)
            + (int(row.in_time), ",".join(row.lacking))
            for row in rows
        ],
    )


def drop(db: Database, case_id: str) -> None:
    """Removes the rows of a case."""
    db.execute("DELETE FROM case_review WHERE case_id = ?", [case_id])


def worded(db: Database, events: Sequence[str]) -> frozenset[str]:
    """Those of some events that came with a private part, whether its text is held here or not."""
    found: set[str] = set()
    for start in range(0, len(events), CHUNK):
        chunk = events[start : start + CHUNK]
        rows = db.execute(
            "SELECT e.hash FROM event e JOIN part p ON p.event = e.n AND p.name = 'per'"
            f" WHERE e.hash IN ({','.join('?' * len(chunk))})",
            list(chunk),
        )
        found.update(row[0] for row in rows)
    return frozenset(found)


def sums(db: Database, kind: str, first: date, last: date, before: date) -> list[tuple[str, str, int, int, int, int]]:
    """(unit, day, rows, done, in time, complete) of a span; what was not done counts if it was planned before a day."""
    return db.execute(
        "SELECT unit, day, COUNT(*), COUNT(done_on), SUM(in_time), SUM(lacking = '') FROM case_review"
        f" WHERE {_JUDGED} GROUP BY unit, day",
        [kind, first.isoformat(), last.isoformat(), before.isoformat()],
    ).fetchall()


def listed(
    db: Database, name: str, first: date, last: date, before: date, after: tuple[str, str, str], limit: int
) -> list[Reviewed]:
    """The rows of one of LISTS behind a key (day, unit, case), in that order."""
    kind, which = LISTS[name]
    rows = db.execute(
        f"SELECT day, unit, case_id, done_on, lacking FROM case_review WHERE {_JUDGED} AND {which}"
        " AND (day, unit, case_id) > (?, ?, ?) ORDER BY day, unit, case_id LIMIT ?",
        [kind, first.isoformat(), last.isoformat(), before.isoformat(), *after, limit],
    )
    return [Reviewed(*row) for row in rows.fetchall()]
