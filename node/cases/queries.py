"""SQL of the case tables that are written when events come in: events, the folded case, facts, tallies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlite_utils import Database

from node.cases.tallies import Kept, Traits
from schemas.cases.measures import CASE_MEASURES, Fact, OpenSpan

ENDLESS: Final = "9999-12-31"  # the `until` of what lasts to this day
_COUNTS: Final = ", ".join(CASE_MEASURES)
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """One case event as it is kept: its header's fields, and its public payload as JSON."""

    event: str
    case_id: str
    n: int
    unit: str
    day: str
    rtime: int
    received_at: int
    public: str


def insert_event(db: Database, kept: KeptEvent) -> None:
    """Keeps one event."""
    db.execute(
        "INSERT INTO case_event (event, case_id, n, unit, day, rtime, received_at, public)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [kept.event, kept.case_id, kept.n, kept.unit, kept.day, kept.rtime, kept.received_at, kept.public],
    )


def events_of(db: Database, case_id: str) -> list[KeptEvent]:
    """All events of a case, in the order of their arrival here."""
    rows = db.execute(
        "SELECT event, case_id, n, unit, day, rtime, received_at, public FROM case_event WHERE case_id = ? ORDER BY n",
        [case_id],
    )
    return [KeptEvent(*row) for row in rows]


def all_cases(db: Database) -> list[str]:
    """The ids of all cases of which an event is held."""
    return [row[0] for row in db.execute("SELECT DISTINCT case_id FROM case_event ORDER BY case_id")]


# ---- the folded case

NOW_COLUMNS: Final = (
    "case_id", "event", "state", "open", "owner", "level", "term", "offered_to", "kind", "category", "source",
    "source_group", "complexity", "urgency", "scale", "amount_band", "found_by", "day", "confirmation", "started_at",
    "deadline_at", "follow_up", "audience",
)  # fmt: skip
_NOW: Final = ", ".join(NOW_COLUMNS)


@dataclass(frozen=True, slots=True)
class CaseNow:
    """A case as lists show it. `day` is the day of registration, `started_at` and `deadline_at` (unix ms) belong to
    the nearer limit of an open case, `follow_up` is the next day on which an agreement is to be followed up.
    """

    case_id: str
    event: str
    state: str
    open: int
    owner: str
    level: str
    term: int
    offered_to: str | None
    kind: str
    category: str
    source: str
    source_group: str
    complexity: str
    urgency: str
    scale: str
    amount_band: str
    found_by: str
    day: str
    confirmation: str | None
    started_at: int | None
    deadline_at: int | None
    follow_up: str | None
    audience: str

    @property
    def units(self) -> frozenset[str]:
        """The units that must hold the case."""
        return frozenset(self.audience.split(","))


def events_below(db: Database, unit: str) -> list[str]:
    """Every event held of the cases with which a unit or somebody below it has to do, in the order of arrival."""
    rows = db.execute(
        "SELECT e.event FROM case_scope s JOIN case_event e ON e.case_id = s.case_id WHERE s.unit = ? ORDER BY e.n",
        [unit],
    )
    return [row[0] for row in rows]


def cases_below(db: Database, unit: str) -> list[str]:
    """The cases with which a unit or somebody below it has to do."""
    return [row[0] for row in db.execute("SELECT case_id FROM case_scope WHERE unit = ?", [unit]).fetchall()]


def case_now(db: Database, case_id: str) -> CaseNow | None:
    """One folded case, or None."""
    row = db.execute(f"SELECT {_NOW} FROM case_now WHERE case_id = ?", [case_id]).fetchone()
    return CaseNow(*row) if row else None


@dataclass(frozen=True, slots=True)
class Closure:
    """Under which units a case is found. `scope`: those in whose subtree somebody has to do with it; `facts`:
    (unit, measure, day); `spans`: (unit, until, first day under it, first day of the span).
    """

    scope: tuple[str, ...]
    facts: tuple[tuple[str, str, str], ...]
    spans: tuple[tuple[str, str, str, str], ...]


def put_case(db: Database, now: CaseNow, kept: Kept, closure: Closure) -> None:
    """Keeps a folded case with what it counts for."""
    marks = ", ".join("?" * len(NOW_COLUMNS))
    db.execute(f"INSERT INTO case_now ({_NOW}) VALUES ({marks})", [getattr(now, name) for name in NOW_COLUMNS])
    case, insert = now.case_id, db.conn.executemany
    insert(
        "INSERT INTO case_fact (case_id, measure, unit, day, level, event) VALUES (?, ?, ?, ?, ?, ?)",
        [(case, one.measure, one.unit, one.day.isoformat(), one.level, one.event) for one in kept.facts],
    )
    insert(
        "INSERT INTO case_span (case_id, first, until, unit, level, deadline_at) VALUES (?, ?, ?, ?, ?, ?)",
        [(case, one.first.isoformat(), text_of(one.until), one.unit, one.level, one.deadline_ms) for one in kept.spans],
    )
    insert("INSERT INTO case_scope (unit, case_id) VALUES (?, ?)", [(unit, case) for unit in closure.scope])
    insert(
        "INSERT INTO case_fact_in (unit, measure, day, case_id) VALUES (?, ?, ?, ?)",
        [(*row, case) for row in closure.facts],
    )
    insert(
        "INSERT INTO case_span_in (unit, until, first, span, case_id) VALUES (?, ?, ?, ?, ?)",
        [(*row, case) for row in closure.spans],
    )


def drop_case(db: Database, case_id: str, closure: Closure) -> None:
    """Removes all that is kept of a case but its events; `closure` is the one that it was put with."""
    for table in ("case_now", "case_fact", "case_span"):
        db.execute(f"DELETE FROM {table} WHERE case_id = ?", [case_id])
    remove = db.conn.executemany
    remove("DELETE FROM case_scope WHERE unit = ? AND case_id = ?", [(unit, case_id) for unit in closure.scope])
    remove(
        "DELETE FROM case_fact_in WHERE unit = ? AND measure = ? AND day = ? AND case_id = ?",
        [(*row, case_id) for row in closure.facts],
    )
    remove(
        "DELETE FROM case_span_in WHERE unit = ? AND until = ? AND first = ? AND span = ? AND case_id = ?",
        [(*row, case_id) for row in closure.spans],
    )


def kept_of(db: Database, now: CaseNow) -> Kept:
    """What a case counted for when it was kept last."""
    facts = db.execute(
        "SELECT measure, unit, day, level, event FROM case_fact WHERE case_id = ? ORDER BY measure", [now.case_id]
    )
    spans = db.execute(
        "SELECT unit, level, first, until, deadline_at FROM case_span WHERE case_id = ? ORDER BY first", [now.case_id]
    )
    return Kept(
        Traits(now.kind, now.category, now.source, now.urgency),
        tuple(Fact(row[0], row[1], date.fromisoformat(row[2]), row[3], row[4]) for row in facts),
        tuple(OpenSpan(row[0], row[1], date.fromisoformat(row[2]), day_of(row[3]), row[4]) for row in spans),
    )


def text_of(until: date | None) -> str:
    """How the end of a span is kept."""
    return ENDLESS if until is None else until.isoformat()


def day_of(until: str) -> date | None:
    """The end of a span as it was kept."""
    return None if until == ENDLESS else date.fromisoformat(until)


# ---- for `verify`

# Where cases are found: the columns of each table, the case last.
FOUND_IN: Final = {
    "case_scope": "unit, case_id",
    "case_fact_in": "unit, measure, day, case_id",
    "case_span_in": "unit, until, first, span, case_id",
}


def all_found_in(db: Database, table: str) -> set[tuple[str, ...]]:
    """Every row of one of FOUND_IN, for `verify`."""
    return set(db.execute(f"SELECT {FOUND_IN[table]} FROM {table}").fetchall())


def clear_counted(db: Database) -> None:
    """Empties all that is made from the case events."""
    for table in (
        "case_now",
        "case_scope",
        "case_fact",
        "case_fact_in",
        "case_span",
        "case_span_in",
        "case_day",
        "case_month",
        "case_year",
        "case_standing",
        "case_todo",
        "case_review",
        "supervision",
    ):
        db.execute(f"DELETE FROM {table}")
