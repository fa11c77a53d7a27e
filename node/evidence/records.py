"""Single records and how far each has come: saved, hop by hop, up to the city, or refused by whom and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from node import queries
from node.daily import duty_queries
from node.daily.checks import duty_state_of, state_of
from schemas.checks import Report
from schemas.clock import business_day, iso_instant
from schemas.encoding import b64
from schemas.errors import GridError, NotFound
from schemas.events import FIELD_COUNT
from schemas.strict_json import Json, loads
from schemas.units.tree import LEVELS
from sync import directory, erasure, heads, marks
from sync.certificates import intact
from sync.refusals import LOST
from sync.replica import Replica


@dataclass(frozen=True, slots=True)
class Hop:
    """One station of a record: `hop` is saved, a unit id or city; `at` (unix ms) is None until it was marked there."""

    hop: str
    unit: str | None
    level: str
    at: int | None


@dataclass(frozen=True, slots=True)
class Path:
    """A record's way, and who set it aside, if anybody did and has not taken it since: (unit, code, instant)."""

    hops: tuple[Hop, ...]
    refused: tuple[str, str, int] | None


def path_of(replica: Replica, event: str) -> Path:
    """The way of one held event from the node that wrote it to the city."""
    db = replica.db
    row = db.execute("SELECT chain, seq, node, header, received_at FROM event WHERE hash = ?", [event]).fetchone()
    if row is None:
        raise NotFound("unknown_event", field="event", value=event)
    chain, seq, node, header, _ = row
    stated = _fields(header)[7]
    saved_at = int(stated) if stated.isascii() and stated.isdigit() else row[4]
    refusals = db.execute(
        "SELECT COALESCE(c.unit, r.by), r.code, r.at FROM refused r LEFT JOIN node_cert c ON c.node = r.by"
        " WHERE r.hash = ? UNION ALL SELECT by, code, at FROM refusal WHERE hash = ? ORDER BY 3",
        [event, event],
    ).fetchall()
    reached = marks.reached(db, chain, seq, event, bool(refusals))
    writer = directory.unit_of(db, node)
    hops = [Hop("saved", writer[0] if writer else None, writer[1] if writer else "group", saved_at)]
    held = {directory.unit_of(db, by): at for by, at in reached.items()}
    by_unit = {found[0]: at for found, at in held.items() if found is not None}
    for unit, level in _stations(replica, writer[0] if writer else replica.identity.unit):
        at = by_unit.get(unit)
        if unit == replica.identity.unit and at is None:  # held here, and this node signs no mark for itself
            at = db.execute("SELECT received_at FROM event WHERE hash = ?", [event]).fetchone()[0]
        hops.append(Hop("city" if level == LEVELS[-1] else unit, unit, level, at))
    return Path(tuple(hops), _refused(refusals, by_unit, replica.identity.unit))


def _refused(
    refusals: Sequence[tuple[str, str, int]], by_unit: dict[str, int], here: str
) -> tuple[str, str, int] | None:
    """The first refusal whose level has not marked the event since."""
    mine = (one for one in refusals if one[0] not in by_unit and one[0] != here)
    return next((one for one in mine if one[1] != LOST), None)


def _stations(replica: Replica, writer: str) -> list[tuple[str, str]]:
    """(unit, level) of the nodes above the writer's, nearest first. A level known to have no node is no station."""
    tree = directory.tree_of(replica)
    today = business_day(replica.env.now_ms())
    certified = directory.certified_units(replica.db)
    above = tree.ancestors(writer, today)[1:]
    return [(unit, tree.level(unit) or LEVELS[-1]) for unit in above if unit in certified]


def check_items(replica: Replica, reports: Sequence[Report]) -> list[dict[str, Any]]:
    """The items of `GET /api/v1/checks`."""
    items = []
    returned = duty_queries.returns_of(replica.db, [report.event for report in reports])
    for report in reports:
        row = queries.duty_row(replica.db, (report.unit, report.date.isoformat(), report.occasion))
        found = {"disputes": report.disputes, "hazards": report.hazards} if report.result == "found" else None
        items.append(
            {
                "id": report.event,
                "event": report.event,
                "unit": report.unit,
                "date": report.date.isoformat(),
                "occasion": report.occasion,
                "result": report.result,
                "found": found,
                "amends": report.amends,
                "effective": row is not None and row.event == report.event,
                "state": state_of(replica, report.unit, report.date, report.occasion),
                "recorded_at": iso_instant(report.recorded_ms),
                "received_at": iso_instant(report.received_ms),
                "returned": returned_json(replica, returned.get(report.event)),
                **path_json(replica, report.event),
            }
        )
    return items


def returned_json(replica: Replica, found: duty_queries.Return | None) -> dict[str, Any] | None:
    """Who sent a report back, when and why; `reason` and `text` are None where the words are not held here: only who
    wrote them and whom they are for holds them, and nobody reads them while a restored database catches up.
    """
    if found is None:
        return None
    said = _read(None if heads.is_covered(replica.db) else found.words)
    words = said if isinstance(said, dict) else {}
    return {
        "by": found.by,
        "at": iso_instant(found.at),
        "reason_code": found.reason_code,
        "reason": words.get("reason"),
        "text": words.get("text"),
    }


def path_json(replica: Replica, event: str) -> dict[str, Any]:
    """`{sync, refused}` of one event: each hop with its instant, and who set it aside with which code."""
    path = path_of(replica, event)
    hops = [{"hop": hop.hop, "unit": hop.unit, "at": iso_instant(hop.at)} for hop in path.hops]
    return {"sync": hops, "refused": _refused_json(path)}


def _refused_json(path: Path) -> dict[str, Any] | None:
    if path.refused is None:
        return None
    by, code, at = path.refused
    return {"by": by, "code": code, "at": iso_instant(at)}


_EVIDENCE: Final = (
    "SELECT e.header, e.sig, e.chain, e.seq, e.prev, e.node, e.kind, e.unit, e.standing, e.received_at, p.text"
    " FROM event e LEFT JOIN part p ON p.event = e.n AND p.name = 'pub' WHERE e.hash = ?"
)


def evidence(replica: Replica, event: str) -> dict[str, Any]:
    """One signed event with what proves it, verified now. Raises NotFound when it is not held."""
    row = replica.db.execute(_EVIDENCE, [event]).fetchone()
    if row is None:
        raise NotFound("unknown_event", field="event", value=event)
    line, signature, chain, seq, prev, node, kind, unit, standing, received_at, public = row
    path = path_of(replica, event)
    return {
        "event": event,
        "header": line,
        "signature": b64(signature),
        "chain": chain,
        "seq": seq,
        "prev": prev,
        "node": node,
        "kind": kind,
        "unit": unit,
        "date": _fields(line)[6],
        "standing": standing,
        "public": _read(public),
        "verified": intact(replica.db, event),
        "erased": erasure.state(replica, event),
        "received_at": iso_instant(received_at),
        "marks": [{"hop": hop.hop, "unit": hop.unit, "at": iso_instant(hop.at)} for hop in path.hops],
        "refused": _refused_json(path),
    }


def _fields(header: str) -> list[str]:
    """The fields of a stored header; empty ones for bytes that went bad, so that people can still look at them."""
    fields = header.split("\t")
    return fields if len(fields) == FIELD_COUNT else [""] * FIELD_COUNT


def _read(text: str | None) -> Json:
    try:
        return None if text is None else loads(text)
    except GridError:
        return text  # went bad: shown as it is; `verified` is false then


def days_missing(replica: Replica, unit: str, first: date, last: date) -> list[date]:
    """Days of a group that a report was owed for and none came, oldest first."""
    reported = queries.duty_days(replica.db, unit, first, last)
    day, missing = first, []
    while day <= last:
        if day not in reported and duty_state_of(replica, unit, day, None) == "missing":
            missing.append(day)
        day = date.fromordinal(day.toordinal() + 1)
    return missing
