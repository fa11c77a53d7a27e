"""SQL of supervisions (督办): by who gave them, and by who owns the case now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlite_utils import Database

from schemas.cases.supervision import Supervision

Side = Literal["given", "received"]
STATES: Final = ("waiting", "silent", "answered")
Key = tuple[str, str]  # due, event: what pages go on from
_SIDE: Final[dict[Side, str]] = {"given": 's."by"', "received": "s.owner"}
# `silent`: not answered though its day is over.
_STATE: Final = {
    "waiting": "s.answered_on IS NULL AND s.due >= :today",
    "silent": "s.answered_on IS NULL AND s.due < :today",
    "answered": "s.answered_on IS NOT NULL",
}


@dataclass(frozen=True, slots=True)
class KeptSupervision:
    """A supervision with what lists show of its case. Days as `YYYY-MM-DD`; `answer` is the first one's hash."""

    event: str
    case_id: str
    by: str
    owner: str
    day: str
    due: str
    answered_on: str | None
    answer: str | None
    state: str
    kind: str
    category: str
    found_by: str


def put(db: Database, case_id: str, owner: str, found: Iterable[Supervision]) -> None:
    """Keeps the supervisions of a case in the place of its earlier ones."""
    drop(db, case_id)
    db.conn.executemany(
        'INSERT INTO supervision (event, case_id, "by", owner, day, due, answered_on, answer)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (one.event, case_id, one.unit, owner, one.day.isoformat(), one.due.isoformat())
            + (one.answered_on.isoformat() if one.answered_on else None, one.answers[0] if one.answers else None)
            for one in found
        ],
    )


def drop(db: Database, case_id: str) -> None:
    """Removes the supervisions of a case."""
    db.execute("DELETE FROM supervision WHERE case_id = ?", [case_id])


def page(
    db: Database, side: Side, unit: str, state: str | None, today: str, after: Key, limit: int
) -> list[KeptSupervision]:
    """Supervisions that a unit gave, or that the owner of a case received, the one due first in front."""
    where = f"{_SIDE[side]} = :unit AND (s.due, s.event) > (:due, :event)"
    if state is not None:
        where += f" AND {_STATE[state]}"
    asked: dict[str, Any] = {"unit": unit, "today": today, "due": after[0], "event": after[1], "limit": limit}
    rows = db.execute(
        'SELECT s.event, s.case_id, s."by", s.owner, s.day, s.due, s.answered_on, s.answer, c.state, c.kind,'
        f" c.category, c.found_by FROM supervision s JOIN case_now c ON c.case_id = s.case_id WHERE {where}"
        " ORDER BY s.due, s.event LIMIT :limit",
        asked,
    )
    return [KeptSupervision(*row) for row in rows.fetchall()]


def counts(db: Database, side: Side, unit: str, today: str) -> dict[str, int]:
    """{state: n} of one side of a unit, every state of STATES."""
    sums = ", ".join(f"COALESCE(SUM({_STATE[state]}), 0)" for state in STATES)
    row = db.execute(
        f"SELECT {sums} FROM supervision s WHERE {_SIDE[side]} = :unit", {"unit": unit, "today": today}
    ).fetchone()
    return dict(zip(STATES, row, strict=True))


def silent_of(db: Database, unit: str, today: str) -> tuple[int, str | None]:
    """(how many that a unit gave were not answered in time, the earliest day on which an answer was due)."""
    row = db.execute(
        f'SELECT COUNT(*), MIN(s.due) FROM supervision s WHERE s."by" = :unit AND {_STATE["silent"]}',
        {"unit": unit, "today": today},
    ).fetchone()
    return row[0], row[1]
