"""What arrived after a log position and concerns a unit and period: why a figure is another one now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlite_utils import Database

from node import link_queries
from schemas.clock import iso_instant
from schemas.errors import Invalid, NotFound
from schemas.periods import Period, parse_period, read_day
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

# Kinds that change figures of a unit and a day; the directory, cadence and the like change them for everybody.
KINDS: Final = ("chk", "case", "return", "excuse", "cnf", "ret")
EVERYWHERE: Final = ("dir", "cadence", "campaign", "categories", "form", "cert", "rev")
BATCH: Final = 2_000


def position_at(db: Database, at_ms: int) -> int:
    """The log position of an instant (unix ms)."""
    row = db.execute("SELECT COALESCE(MAX(n), 0) FROM event WHERE received_at <= ?", [at_ms]).fetchone()
    return int(row[0])


def arrived(
    replica: Replica, unit: str, period: str, since: int, *, after: int | None = None, limit: int = 100
) -> dict[str, Any]:
    """A page of `{unit, period, since, position, items, next}` in the order of arrival.

    An item is `{event, kind, unit, date, received_at, position, amends}`. A case's act counts if the case has an act in
    the period, whatever its own date: it may move what was counted there. Raises NotFound and Invalid by field.
    """
    span = parse_period(period)
    with read(replica.db):
        if not tree_of(replica).exists(unit):
            raise NotFound("unknown_unit", field="unit", value=unit)
        position = link_queries.events_held(replica.db)
        if not 0 <= since <= position:
            raise Invalid("out_of_range", field="since", value=since, low=0, high=position)
        found = []
        for item in _items(replica, unit, span, since if after is None else max(after, since)):
            found.append(item)
            if len(found) > limit:
                break
    return {
        "unit": unit,
        "period": span.key,
        "since": since,
        "position": position,
        "items": found[:limit],
        "next": str(found[limit - 1]["position"]) if len(found) > limit else None,
    }


def _items(replica: Replica, unit: str, period: Period, start: int) -> Iterator[dict[str, Any]]:
    tree = tree_of(replica)
    below: dict[str, bool] = {}
    for n, event, kind, about, header, received_at in _events(replica.db, start):
        day = read_day(header.split("\t")[6])
        if kind in KINDS:
            if about not in below:
                below[about] = tree.ever_below(about, unit)
            in_period = day is not None and period.first <= day <= period.last
            if not below[about] or not (in_period or (kind == "case" and _case_in(replica.db, event, period))):
                continue
        row = replica.db.execute("SELECT amends FROM check_report WHERE event = ?", [event]).fetchone()
        yield {
            "event": event,
            "kind": kind,
            "unit": about,
            "date": day.isoformat() if day else None,
            "received_at": iso_instant(received_at),
            "position": n,
            "amends": row[0] if row else None,
        }


def _events(db: Database, start: int) -> Iterator[tuple[Any, ...]]:
    kinds = (*KINDS, *EVERYWHERE)
    asked = (
        "SELECT n, hash, kind, unit, header, received_at FROM event WHERE n > ? AND standing = 'ok'"
        f" AND kind IN ({', '.join('?' * len(kinds))}) ORDER BY n LIMIT ?"
    )
    while rows := db.execute(asked, [start, *kinds, BATCH]).fetchall():
        yield from rows
        start = rows[-1][0]


def _case_in(db: Database, event: str, period: Period) -> bool:
    asked = (
        "SELECT 1 FROM case_event o JOIN case_event e ON e.case_id = o.case_id"
        " WHERE o.event = ? AND e.day BETWEEN ? AND ? LIMIT 1"
    )
    span = [period.first.isoformat(), period.last.isoformat()]
    return db.execute(asked, [event, *span]).fetchone() is not None
