"""One signed event: header in words, what proves it checked now, its way, and where it counts."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, url_for

from node import queries
from node.access import EVIDENCE
from node.daily.checks import duty_state_of
from node.evidence import proof_queries
from node.evidence.proof import Check, Proof, prove
from node.guard import language, me, replica
from node.pages.choosing import above
from node.pages.evidence_words import facts, header_rows
from node.pages.frame import may_open, page
from node.pages.records import steps
from node.scope import in_scope, require_scope
from schemas.clock import business_day
from schemas.encoding import b64
from schemas.events import plain_line
from schemas.labels import label
from schemas.units.tree import LEVELS
from sync import erasure, log
from sync.database import read
from sync.directory import tree_of
from sync.erase import PARTS
from sync.replica import Replica

LINE_TYPE: Final = "application/gsync+ndjson"
MAX_NEXT: Final = 10
_MEASURE: Final = {"zero": "checks_zero", "found": "checks_found"}


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/events/<event>", "evidence", evidence)
    routes.add_url_rule("/events/<event>/line", "evidence_line", evidence_line)
    routes.add_url_rule("/events/<event>/trail", "evidence_trail", evidence_trail)


def evidence(event: str) -> Response:
    """The event with everything that speaks for it or against it, checked at this moment."""
    node = replica()
    with read(node.db):
        found = _found(node, event)
        model = {
            "event": event,
            "unit": {"id": found.raw.unit, "name": unit_name(node, found.raw.unit)},
            "crumbs": _crumbs(node, found),
            "now": node.env.now_ms(),
            "standing": found.raw.standing,
            "verdict": _verdict(found),
            "checks": [_check(node, one) for one in found.checks],
            "header": header_rows(node, found.raw),
            "signature": b64(found.raw.signature),
            "facts": facts(node, found.raw, found.parts),
            "withheld": [part.name for part in found.parts if part.name != "pub"],
            "erased": erasure.state(node, event),
            "before": _link(node, found.before),
            "after": [_link(node, one) for one in found.after[:MAX_NEXT]],
            "steps": steps(found.path, language()),
            "stations": _stations(node, found),
            "saved": {
                "unit": unit_name(node, found.path.hops[0].unit),
                "at": found.path.hops[0].at,
                "n": found.raw.seq,
            },
            "trail": [_certificate(node, one) for one in found.trail],
            "root": found.root,
            "refusals": [
                {"by": unit_name(node, by), "why": label(language(), f"refused.{code}"), "at": at}
                for by, code, at in found.refusals
            ],
            "counts_in": _counted(node, found),
            "case_url": _case_url(node, found),
            "erase_url": _erase_url(node, found),
        }
    return page("evidence.html", "page.evidence.title", **model)


def _erase_url(node: Replica, found: Proof) -> str | None:
    """Where an administrator of the unit erases the private part, if there is one that is not gone."""
    private = any(part.name in PARTS for part in found.parts)
    if (
        not private
        or erasure.state(node, found.raw.hash)
        or not may_open("pages.erase_page", me().role)
        or not in_scope(node, me(), found.raw.unit)
    ):
        return None
    return url_for("pages.erase_page", event=found.raw.hash)


def evidence_line(event: str) -> Response:
    """The event's line as it travels, for checking it elsewhere; private texts are withheld."""
    node = replica()
    return _file(event, [_found(node, event).line()])


def evidence_trail(event: str) -> Response:
    """The lines that lead from the root's key to the writer's, then the event's: all that a stranger needs."""
    node = replica()
    with read(node.db):
        found = _found(node, event)
        rows = [proof_queries.root_event(node.db), *(one.event for one in reversed(found.trail))]
        stored = [log.load(node.db, one) for one in rows if one is not None]
    return _file(event, [*(plain_line(one.event) for one in stored if one is not None), found.line()])


def _found(node: Replica, event: str) -> Proof:
    """The event, where the reader may see it. Raises NotFound or Forbidden."""
    found = prove(node, event)
    if me().unit != node.identity.unit:
        require_scope(node, me(), found.raw.unit)
    return found


def _file(event: str, lines: list[str]) -> Response:
    name = f"event-{event[:12]}{'-trail' if len(lines) > 1 else ''}.ndjson"
    return Response(
        "".join(f"{line}\n" for line in lines), content_type=LINE_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def unit_name(node: Replica, unit: str | None) -> str:
    """The unit's present name; its id while the directory has not come, the city's root where there is none."""
    if unit is None:
        return label(language(), "evidence.root")
    named = tree_of(node).nearest(unit, business_day(node.env.now_ms()))
    return named.name if named else unit


def _crumbs(node: Replica, found: Proof) -> list[dict[str, str]]:
    today = business_day(node.env.now_ms())
    listed = [*above(node, found.raw.unit, today)]
    named = tree_of(node).nearest(found.raw.unit, today)
    if named is not None:
        listed.append(named)
    return [{"name": one.name, "href": url_for("pages.rollup_page", unit=one.id)} for one in listed]


def _verdict(found: Proof) -> dict[str, Any]:
    """ok, open (something can't be said yet) or bad, with how many checks say so."""
    bad = [one for one in found.checks if one.ok is False]
    unsaid = [one for one in found.checks if one.ok is None]
    kind = "bad" if bad else "open" if unsaid else "ok"
    return {"kind": kind, "n": len(found.checks), "bad": len(bad), "open": len(unsaid)}


def _check(node: Replica, one: Check) -> dict[str, Any]:
    params = dict(one.params)
    if "unit" in params:
        params["unit"] = unit_name(node, str(params["unit"]))
    text = label(language(), f"evidence.{one.outcome}", **params)
    return {"name": label(language(), f"evidence.{one.name}"), "ok": one.ok, "text": text}


def _link(node: Replica, neighbour: Any) -> dict[str, Any] | None:
    if neighbour is None:
        return None
    opened = me().unit == node.identity.unit or in_scope(node, me(), neighbour.unit)
    href = url_for("pages.evidence", event=neighbour.hash) if opened else None
    return {"seq": neighbour.seq, "hash": neighbour.hash, "href": href}


def _stations(node: Replica, found: Proof) -> list[dict[str, Any]]:
    """The levels above, the city first: signed, or still to come."""
    signed = {one.unit: one for one in found.stations}
    rows = []
    for hop in reversed(found.path.hops[1:]):
        mark = signed.get(hop.unit or "")
        rows.append(
            {
                "level": label(language(), f"level_short.{hop.level}"),
                "unit": unit_name(node, hop.unit),
                "at": hop.at,
                "below": hop.at is None and LEVELS.index(hop.level) < LEVELS.index(node.identity.level),
                "mark": {"holds": mark.holds, "sig": b64(mark.signature)[:10], "node": mark.node[:8]} if mark else None,
            }
        )
    return rows


def _saved(node: Replica, found: Proof) -> dict[str, Any]:
    """Where the record was made, when by the writer's clock, and which of its chain it is."""
    first = found.path.hops[0]
    return {"unit": unit_name(node, first.unit), "at": first.at, "n": found.raw.seq}


def _certificate(node: Replica, one: Any) -> dict[str, Any]:
    return {
        "unit": unit_name(node, one.unit),
        "level": label(language(), f"level.{one.level}"),
        "node": one.node,
        "issuer": one.issuer,
        "at": one.received_at,
        "ok": one.intact and one.standing == "ok",
        "href": url_for("pages.evidence", event=one.event) if me().unit == node.identity.unit else None,
    }


def _counted(node: Replica, found: Proof) -> dict[str, Any] | None:
    """Where a check counts: the unit's day and the month of each unit above; or the report that counts instead."""
    report = queries.report_by_event(node.db, found.raw.hash)
    if report is None:
        return None
    row = queries.duty_row(node.db, (report.unit, report.date.isoformat(), report.occasion))
    if row is None or row.event != found.raw.hash:
        return {"instead": url_for("pages.evidence", event=row.event) if row else None, "rows": [], "state": None}
    day, measure = report.date, _MEASURE[report.result]
    listed = [(report.unit, day.isoformat())]
    listed += [(one.id, f"{day:%Y-%m}") for one in reversed(above(node, report.unit, day)) if one.level != LEVELS[0]]
    rows = [
        {
            "unit": unit_name(node, unit),
            "period": period,
            "what": label(language(), f"measure.{measure}"),
            "href": url_for("pages.rollup_records", unit=unit, period=period, measure=measure),
        }
        for unit, period in listed
    ]
    return {"instead": None, "rows": rows, "state": duty_state_of(node, report.unit, day, row)}


def _case_url(node: Replica, found: Proof) -> str | None:
    if found.raw.kind != "case" or not may_open("pages.case", me().role):
        return None
    case_id = proof_queries.case_of(node.db, found.raw.hash)
    return url_for("pages.case", case_id=case_id) if case_id else None


def evidence_url(event: str | None) -> str | None:
    """Where an event's page is; None for who may see figures only."""
    return url_for("pages.evidence", event=event) if event and me().role in EVIDENCE else None
