"""SQL of the case part of to-do lists: one unit's rows in one indexed query, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlite_utils import Database

from schemas.cases.todo import TodoRow

Key = tuple[int, str, str]  # due_at, kind, ref: what pages go on from
START: Final[Key] = (-1, "", "")


@dataclass(frozen=True, slots=True)
class CaseTodo:
    """A row with what lists show of its case; `act` is the public part of the act that it is about, as JSON."""

    due_at: int
    kind: str
    ref: str
    at: int
    yellow_at: int
    orange_at: int
    case_id: str
    event: str
    state: str
    owner: str
    level: str
    offered_to: str | None
    case_kind: str
    category: str
    complexity: str
    urgency: str
    found_by: str
    round_due: int | None
    act: str | None
    act_unit: str | None


def put(db: Database, case_id: str, rows: Iterable[TodoRow]) -> None:
    """Keeps the rows of a case in the place of its earlier ones."""
    drop(db, case_id)
    db.conn.executemany(
        "INSERT INTO case_todo (unit, due_at, kind, ref, case_id, from_at, at, yellow_at, orange_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (row.unit, row.due_at, row.kind, row.ref, case_id, row.from_at, row.at, row.yellow_at, row.orange_at)
            for row in rows
        ],
    )


def drop(db: Database, case_id: str) -> None:
    """Removes the rows of a case."""
    db.execute("DELETE FROM case_todo WHERE case_id = ?", [case_id])


# Void acts alone can be taken notice of; the others go when they are done.
_UNSEEN: Final = "(t.kind <> 'void' OR NOT EXISTS (SELECT 1 FROM todo_seen s WHERE s.ref = t.ref))"
PAGE: Final = (
    "SELECT t.due_at, t.kind, t.ref, t.at, t.yellow_at, t.orange_at, t.case_id, c.event, c.state, c.owner, c.level,"
    " c.offered_to, c.kind, c.category, c.complexity, c.urgency, c.found_by, c.deadline_at, e.public, e.unit"
    " FROM case_todo t JOIN case_now c ON c.case_id = t.case_id LEFT JOIN case_event e ON e.event = t.ref"
    " WHERE t.unit = :unit AND (t.due_at, t.kind, t.ref) > (:due_at, :kind, :ref) AND t.from_at <= :now"
    f" AND {_UNSEEN}"
)
_ORDER: Final = " ORDER BY t.due_at, t.kind, t.ref LIMIT :limit"


def page(
    db: Database, unit: str, now_ms: int, after: Key, limit: int, kinds: Sequence[str] = (), category: str | None = None
) -> list[CaseTodo]:
    """A unit's rows behind a key, the earliest end first; of some kinds, of one category, if named."""
    asked: dict[str, Any] = {
        "unit": unit, "due_at": after[0], "kind": after[1], "ref": after[2], "now": now_ms, "limit": limit,
    }  # fmt: skip
    where = PAGE
    if kinds:
        asked |= {f"kind{place}": kind for place, kind in enumerate(kinds)}
        where += f" AND t.kind IN ({', '.join(f':kind{place}' for place in range(len(kinds)))})"
    if category is not None:
        where += " AND c.category = :category"
        asked["category"] = category
    return [CaseTodo(*row) for row in db.execute(where + _ORDER, asked).fetchall()]


COUNTS: Final = (
    "SELECT kind, COUNT(*), SUM(due_at < :now), SUM(due_at >= :now AND orange_at <= :now AND orange_at < due_at),"
    " SUM(orange_at > :now AND yellow_at <= :now) FROM case_todo t WHERE unit = :unit AND from_at <= :now"
    f" AND {_UNSEEN} GROUP BY kind"
)
FEW: Final = (
    "SELECT COUNT(*) FROM (SELECT 1 FROM case_todo t WHERE unit = :unit AND from_at <= :now"
    f" AND {_UNSEEN} LIMIT :limit)"
)


def counts(db: Database, unit: str, now_ms: int) -> dict[str, tuple[int, int, int, int]]:
    """{kind: (all, red, orange, yellow)} of a unit's rows; a kind without rows is left out."""
    rows = db.execute(COUNTS, {"unit": unit, "now": now_ms})
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


def count_up_to(db: Database, unit: str, now_ms: int, limit: int) -> int:
    """How many rows a unit has, counted no further than `limit`: every page asks."""
    return int(db.execute(FEW, {"unit": unit, "now": now_ms, "limit": limit}).fetchone()[0])


def mark_seen(db: Database, ref: str, account: str, at_ms: int) -> None:
    """Somebody has taken notice of a void act: it leaves the list of this node."""
    db.execute(
        "INSERT INTO todo_seen (ref, account, at) VALUES (?, ?, ?) ON CONFLICT (ref) DO NOTHING", [ref, account, at_ms]
    )


def row_of(db: Database, ref: str, kind: str) -> tuple[str, str] | None:
    """(unit, case) of a row that is about an act."""
    row = db.execute("SELECT unit, case_id FROM case_todo WHERE ref = ? AND kind = ? LIMIT 1", [ref, kind]).fetchone()
    return (row[0], row[1]) if row else None


def waiting_since(db: Database, kind: str, before_ms: int, limit: int) -> list[tuple[str, str, str, int]]:
    """(unit, case, ref, since) of rows of a kind that wait since before an instant, the longest first."""
    rows = db.execute(
        "SELECT unit, case_id, ref, at FROM case_todo WHERE kind = ? AND at < ? ORDER BY at, ref LIMIT ?",
        [kind, before_ms, limit],
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows.fetchall()]
