"""Questions about the duties of one day, asked for many units at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from sqlite_utils import Database

from node.queries import DutyRow, Tally, duty_rows

CHUNK: Final = 500  # units or events in one question
# Above this many units it is cheaper to read the whole day than to name them.
FEW: Final = 2_000


@dataclass(frozen=True, slots=True)
class NodeHeard:
    """A node and its last signs of life here, in unix ms: the last exchange of a direct child, when its newest record
    arrived, and when it wrote that one (by its own clock).
    """

    unit: str
    node: str
    seen_at: int | None
    arrived_at: int | None
    written_at: int | None


def rows_on(db: Database, day: date, units: Sequence[str]) -> dict[str, DutyRow]:
    """The effective regular checks of one day by unit; among many units, others of that day may be there too."""
    if len(units) <= FEW:
        return {unit: row for chunk in _chunks(units) for unit, row in duty_rows(db, day, chunk).items()}
    rows = db.execute(
        "SELECT unit, event, result, first_recorded_at, counted, late, conflicts FROM check_duty"
        " WHERE day = ? AND occasion = 'regular'",
        [day.isoformat()],
    )
    return {row[0]: DutyRow(row[1], row[2], row[3], row[4], bool(row[5]), row[6]) for row in rows}


def reported_on(db: Database, day: date, units: Sequence[str]) -> set[str]:
    """Units that have a regular report for a day, from the index alone; among many units, others may be there too."""
    question = "SELECT unit FROM check_duty WHERE day = ? AND occasion = 'regular'"
    if len(units) > FEW:
        return {row[0] for row in db.execute(question, [day.isoformat()])}
    found: set[str] = set()
    for chunk in _chunks(units):
        named = f"{question} AND unit IN ({','.join('?' * len(chunk))})"
        found.update(row[0] for row in db.execute(named, [day.isoformat(), *chunk]))
    return found


def arrived_at(db: Database, events: Iterable[str]) -> dict[str, int]:
    """{event: the instant at which it arrived here} of reports of whatever kind that are held."""
    found: dict[str, int] = {}
    for chunk in _chunks(list(events)):
        rows = db.execute(f"SELECT hash, received_at FROM event WHERE hash IN ({','.join('?' * len(chunk))})", chunk)
        found |= {row[0]: row[1] for row in rows}
    return found


def returned_on(db: Database, day: date) -> dict[str, str]:
    """{report: unit} of the standing regular reports of a day that were returned."""
    rows = db.execute(
        "SELECT d.event, d.unit FROM check_duty d JOIN check_return r ON r.report = d.event"
        " WHERE d.day = ? AND d.occasion = 'regular'",
        [day.isoformat()],
    )
    return {row[0]: row[1] for row in rows}


def returned_among(db: Database, events: Sequence[str]) -> frozenset[str]:
    """Those of some reports, of whatever kind, that were returned."""
    found: set[str] = set()
    for chunk in _chunks(events):
        asked = f"SELECT report FROM check_return WHERE report IN ({','.join('?' * len(chunk))})"
        found.update(row[0] for row in db.execute(asked, list(chunk)))
    return frozenset(found)


def tallies_on(db: Database, day: date, units: Sequence[str]) -> dict[str, Tally]:
    """The tally of one day of each unit that has one, the unit's subtree as it was included."""
    found: dict[str, Tally] = {}
    for chunk in _chunks(units):
        rows = db.execute(
            "SELECT unit, zero, found, late, extra FROM check_day"
            f" WHERE day = ? AND unit IN ({','.join('?' * len(chunk))})",
            [day.isoformat(), *chunk],
        )
        found |= {row[0]: Tally(*row[1:]) for row in rows}
    return found


def nodes_heard(db: Database) -> list[NodeHeard]:
    """Every certified node, by unit and node, with its last signs of life."""
    seen = dict(db.execute("SELECT node, MAX(last_seen_at) FROM link WHERE side = 'child' GROUP BY node").fetchall())
    newest: dict[str, tuple[int, int]] = {}
    tips = db.execute(
        "SELECT h.node, e.received_at, e.header FROM chain h JOIN event e ON e.chain = h.chain AND e.seq = h.top"
        " WHERE h.side <> 'above'"
    )
    for node, arrived, header in tips:
        newest[node] = max(newest.get(node, (0, 0)), (arrived, _written(header, arrived)))
    rows = db.execute("SELECT DISTINCT unit, node FROM node_cert ORDER BY unit, node").fetchall()
    return [NodeHeard(unit, node, seen.get(node), *newest.get(node, (None, None))) for unit, node in rows]


def _written(header: str, arrived_at: int) -> int:
    """The writer's instant in a stored header; the arrival where bytes went bad, or its clock is ahead."""
    fields = header.split("\t")
    stated = fields[7] if len(fields) > 7 else ""
    return min(int(stated), arrived_at) if stated.isascii() and stated.isdigit() else arrived_at


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


class Return(NamedTuple):
    """A report was sent back: by which unit, at which instant (unix ms), why as a code, and in words if held."""

    by: str
    at: int
    reason_code: str | None
    words: str | None


def returns_of(db: Database, events: Sequence[str]) -> dict[str, Return]:
    """The latest return of each report; the words are a JSON object with `reason` and `text`."""
    rows = db.execute(
        "SELECT r.report, r.by, r.at, r.reason, p.text FROM check_return r JOIN event e ON e.hash = r.event"
        " LEFT JOIN part p ON p.event = e.n AND p.name = 'per'"
        f" WHERE r.report IN ({','.join('?' * len(events))}) ORDER BY r.at, r.event",
        list(events),
    )
    return {row[0]: Return(*row[1:]) for row in rows}
