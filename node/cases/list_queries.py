"""SQL of the lists of cases: each page is one indexed query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlite_utils import Database

from node.cases.queries import NOW_COLUMNS, CaseNow
from schemas.cases.limits import DEFAULT_RULES


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases. `scope` is the unit in whose subtree somebody has to do with them; None leaves a field open.

    `states` are any of STATES, `due_before` an instant (unix ms) before which the nearer limit ends; `signal` red,
    orange or yellow as of `now_ms`.
    """

    scope: str
    states: tuple[str, ...] = ()
    owner: str | None = None
    due_before: int | None = None
    category: str | None = None
    kind: str | None = None
    level: str | None = None
    source: str | None = None
    signal: str | None = None
    now_ms: int = 0


# As `schemas.cases.limits.signal`: past the end; a fifth of the time left, or half of it.
_PART = "100 * (c.deadline_at - ?) {sign} {percent} * (c.deadline_at - c.started_at)"
_ORANGE = _PART.format(sign="<=", percent=DEFAULT_RULES.orange_left)
_SIGNALS: Final = {
    "red": "c.deadline_at < ?",
    "orange": f"c.deadline_at >= ? AND {_ORANGE}",
    "yellow": f"{_ORANGE.replace('<=', '>')} AND {_PART.format(sign='<=', percent=DEFAULT_RULES.yellow_left)}",
}
SIGNALS: Final = tuple(_SIGNALS)
_COLUMNS = ", ".join(f"c.{name}" for name in NOW_COLUMNS)


def cases(db: Database, wanted: Filter, after: str | None, limit: int) -> list[CaseNow]:
    """The cases, newest id first: ids begin with the instant of registration. `after` continues a page."""
    where, params = _where(wanted)
    if after is not None:
        where += " AND s.case_id < ?"
        params.append(after)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM case_scope s JOIN case_now c ON c.case_id = s.case_id WHERE {where}"
        " ORDER BY s.case_id DESC LIMIT ?",
        [*params, limit],
    )
    return [CaseNow(*row) for row in rows]


def count_by_state(db: Database, scope: str) -> dict[str, int]:
    """How many cases of a scope are in each state; a state without cases is left out."""
    rows = db.execute(
        "SELECT c.state, COUNT(*) FROM case_scope s JOIN case_now c ON c.case_id = s.case_id WHERE s.unit = ?"
        " GROUP BY c.state",
        [scope],
    )
    return {row[0]: row[1] for row in rows}


def _where(wanted: Filter) -> tuple[str, list[object]]:
    where: list[str] = ["s.unit = ?"]
    params: list[object] = [wanted.scope]
    if wanted.states:
        where.append(f"c.state IN ({', '.join('?' * len(wanted.states))})")
        params += wanted.states
    for column in ("owner", "category", "kind", "level", "source"):
        value = getattr(wanted, column)
        if value is not None:
            where.append(f"c.{column} = ?")
            params.append(value)
    if wanted.due_before is not None:
        where.append("c.deadline_at < ?")
        params.append(wanted.due_before)
    if wanted.signal is not None:
        where.append(_SIGNALS[wanted.signal])
        params += [wanted.now_ms] * _SIGNALS[wanted.signal].count("?")
    return " AND ".join(where), params


def categories_of(db: Database, cases: Sequence[str]) -> dict[str, str]:
    """The category of each of some cases, at most a page of them."""
    rows = db.execute(
        f"SELECT case_id, category FROM case_now WHERE case_id IN ({','.join('?' * len(cases))})", list(cases)
    )
    return {row[0]: row[1] for row in rows.fetchall()}
