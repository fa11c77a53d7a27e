"""今日排查: one tap for a zero-report, found disputes and hazards, what is to be made up, and how far records came."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, redirect, request, url_for

from node import checks, queries
from node.checks import duty_state_of
from node.duties import groups_due
from node.guard import language, me, replica
from node.pages.frame import page, time_text, typed
from node.records import Path, days_missing, path_of
from node.scope import require_scope
from schemas.checks import Report
from schemas.clock import business_day
from schemas.errors import GridError, Invalid
from schemas.labels import explain, label
from schemas.periods import parse_day
from schemas.units import LEVELS, Unit
from sync import directory
from sync.replica import Replica

MADE_UP_DAYS: Final = 7
RECORD_DAYS: Final = 14
STATS_DAYS: Final = 30
ROWS: Final = 200
RECORDS: Final = 100


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/", "home", home)
    routes.add_url_rule("/today", "today", today)
    routes.add_url_rule("/today/found", "found", found)
    routes.add_url_rule("/today/check", "enter_check", enter_check, methods=["POST"])
    routes.add_url_rule("/records", "records", records)


def home() -> Any:
    """The first page of a role: entry where people enter, figures else."""
    return redirect(url_for("pages.rollup_page" if me().role in ("viewer", "analyst") else "pages.today"))


def today() -> Any:
    """The day of one group, or of the units below."""
    node = replica()
    unit = request.args.get("unit") or me().unit
    require_scope(node, me(), unit)
    known = directory.tree_of(node).nearest(unit, _today(node))
    if known is None:
        return page("today_units.html", "nav.today", **_nothing_yet(unit))
    if known.level == LEVELS[0]:
        return page("today.html", "nav.today", **_group(node, known))
    return page("today_units.html", "nav.today", **_units(node, known))


def found() -> Any:
    """The form for what was found, and for the correction of an earlier report."""
    node = replica()
    unit, day = request.args.get("unit", me().unit), parse_day(request.args.get("date"), "date")
    named = directory.tree_of(node).nearest(unit, day)
    row = queries.duty_row(node.db, (unit, day.isoformat(), checks.REGULAR))
    report = queries.report_by_event(node.db, row.event) if row else None
    values: dict[str, Any] = {"disputes": None, "hazards": None, "places_visited": None}
    if report is not None and report.result == "found":
        values |= {"disputes": report.disputes, "hazards": report.hazards}
    return _found_form(unit, named.name if named else unit, day, values, {}, row.event if row else None, 200)


def enter_check() -> Any:
    """Takes a form in; the key in it makes a double tap harmless."""
    node = replica()
    unit, day = typed("unit"), parse_day(typed("date"), "date")
    result = typed("result")
    body: dict[str, Any] = {"unit": unit, "date": day.isoformat(), "result": result}
    if typed("amends"):
        body["amends"] = typed("amends")
    try:
        if result == "found":
            body["found"] = {"disputes": _number("disputes"), "hazards": _number("hazards")}
            if typed("places_visited"):
                body["places_visited"] = _number("places_visited")
        elif result != "zero":
            raise Invalid("bad_shape", field="result", value=result, why="zero | found")
        checks.submit(node, me().name, body, typed("idem") or secrets.token_hex(16))
    except GridError as error:
        if result != "found":
            raise
        values = {name: typed(name) for name in ("disputes", "hazards", "places_visited")}
        field = (error.field or "disputes").removeprefix("found.").replace("found", "disputes")
        errors = {field: explain(language(), error)}
        named = directory.tree_of(node).nearest(unit, day)
        name = named.name if named else unit
        return _found_form(unit, name, day, values, errors, typed("amends") or None, error.status)
    return redirect(url_for("pages.today", unit=unit))


def records() -> Any:
    """Everything that was entered for a unit, newest first."""
    node = replica()
    unit = request.args.get("unit") or me().unit
    known = directory.tree_of(node).nearest(unit, _today(node))
    today_now = _today(node)
    model = _nothing_yet(unit) | {"records": _records(node, [unit], today_now - timedelta(days=400), today_now)}
    if known is not None and known.level == LEVELS[0]:
        return page("records.html", "nav.records", **(model | {"unit": known}))
    below = [one.id for one in directory.tree_of(node).subtree(unit, today_now)][:500] if known else [unit]
    model["records"] = _records(node, below, today_now - timedelta(days=RECORD_DAYS), today_now)
    return page("records.html", "nav.records", **(model | {"unit": known or {"id": unit, "name": unit}}))


# ---- models


def _group(node: Replica, unit: Unit) -> dict[str, Any]:
    day = _today(node)
    row = queries.duty_row(node.db, (unit.id, day.isoformat(), checks.REGULAR))
    report = queries.report_by_event(node.db, row.event) if row else None
    host = directory.host_of(directory.tree_of(node), directory.certified_units(node.db), unit.id, day)
    missing = days_missing(node, unit.id, day - timedelta(days=STATS_DAYS), day - timedelta(days=1))
    reported = queries.duty_days(node.db, unit.id, day - timedelta(days=STATS_DAYS - 1), day)
    owed = len(missing) + len(reported)
    recent = [one for one in missing if one >= day - timedelta(days=MADE_UP_DAYS)]
    yesterday = day - timedelta(days=1)
    made_up = [{"day": one, "state": "missing"} for one in reversed(recent)]
    if yesterday not in recent and duty_state_of(node, yesterday, None) == "due" and yesterday not in reported:
        made_up.insert(0, {"day": yesterday, "state": "due"})
    return {
        "unit": unit,
        "day": day,
        "duty": {"state": duty_state_of(node, day, row), "saved_at": report.recorded_ms if report else None},
        "deadline": label(language(), "page.today.deadline"),
        "can_report": host == node.identity.unit,
        "made_up": made_up,
        "records": _records(node, [unit.id], day - timedelta(days=RECORD_DAYS), day),
        "stats30": {"due": owed, "reported": len(reported)},
        "idem": secrets.token_hex(16),
    }


def _units(node: Replica, unit: Unit) -> dict[str, Any]:
    day = _today(node)
    tree = directory.tree_of(node)
    certified = directory.certified_units(node.db)
    groups = groups_due(node, unit.id, day)
    states: dict[str, str] = {}
    for start in range(0, len(groups), ROWS):
        chunk = [one.id for one in groups[start : start + ROWS]]
        rows = queries.duty_rows(node.db, day, chunk)
        states |= {one: duty_state_of(node, day, rows.get(one)) for one in chunk}
    below: dict[str, list[str]] = {}
    for group in groups:
        for ancestor in tree.ancestors(group.id, day):
            below.setdefault(ancestor, []).append(states[group.id])
    rows_shown = []
    for child in tree.children(unit.id, day):
        counts = _counts(below.get(child.id, []))
        own = child.id in certified
        state = states.get(child.id)
        rows_shown.append(
            {"id": child.id, "name": child.name, "level": child.level, "state": state, "own_node": own, **counts}
        )
    return {
        "unit": unit,
        "day": day,
        "crumbs": _crumbs(node, unit.id),
        "counts": _counts(below.get(unit.id, [])),
        "rows": rows_shown,
        "next": None,
    }


def _counts(states: list[str]) -> dict[str, int]:
    return {
        "due": len(states),
        "zero": sum(state in ("zero", "late_zero") for state in states),
        "found": sum(state in ("found", "late_found", "returned") for state in states),
        "excused": states.count("excused"),
        "open": states.count("due"),
        "missing": states.count("missing"),
    }


def _crumbs(node: Replica, unit: str) -> list[dict[str, str]]:
    """The way from the user's own unit down to this one."""
    tree, today_now = directory.tree_of(node), _today(node)
    crumbs = []
    for one in tree.ancestors(unit, today_now)[1:]:
        named = tree.nearest(one, today_now)
        if named is None or not tree.ever_below(one, me().unit):
            break
        crumbs.append({"id": one, "name": named.name})
    return list(reversed(crumbs))


def _records(node: Replica, units: list[str], first: date, last: date) -> list[dict[str, Any]]:
    reports = queries.reports_between(node.db, units, first, last, None, RECORDS)
    amended = {report.amends: report.event for report in reports if report.amends}
    returned = queries.returns_of(node.db, [report.event for report in reports]) if reports else {}
    return [_record(node, report, amended.get(report.event), returned.get(report.event)) for report in reports]


def _record(
    node: Replica, report: Report, amended_by: str | None, returned: tuple[str, int, str | None] | None
) -> dict[str, Any]:
    lang = language()
    row = queries.duty_row(node.db, (report.unit, report.date.isoformat(), report.occasion))
    way = path_of(node, report.event)
    state: str = report.result
    if row is not None and row.event == report.event:
        state = duty_state_of(node, report.date, row)
    refused = None
    if way.refused is not None:
        by, code, _at = way.refused
        refused = {"by": _name(node, by), "code": code, "reason": label(lang, f"refused.{code}")}
    sent_back = None
    if returned is not None:
        sent_back = {
            "by": _name(node, returned[0]),
            "at": returned[1],
            "reason": label(lang, "page.today.returned_why"),
        }
    return {
        "day": report.date,
        "unit": _name(node, report.unit),
        "unit_id": report.unit,
        "state": state,
        "found": {"disputes": report.disputes, "hazards": report.hazards} if report.result == "found" else None,
        "event": report.event,
        "steps": steps(way, lang),
        "amended_by": amended_by,
        "late_arrival": report.received_ms - report.recorded_ms > 2 * 86_400_000,
        "refused": refused,
        "returned": sent_back,
    }


def steps(way: Path, lang: str) -> list[dict[str, Any]]:
    """Always five: saved, village, township, county, city. A level without a node is passed with the one above it."""
    saved = way.hops[0]
    hops = {hop.level: hop.at for hop in way.hops[1:]}
    instants: dict[str, int | None] = {}
    above: int | None = None
    for level in reversed(LEVELS[1:]):
        below_writer = LEVELS.index(level) <= LEVELS.index(saved.level)
        above = saved.at if below_writer else hops.get(level, above)
        instants[level] = above
    shown = [{"key": "saved", "label": label(lang, "path.saved"), "state": "done", "text": time_text(saved.at)}]
    stopped = False
    for level in LEVELS[1:]:
        at = instants[level]
        if at is not None:
            state, text = "done", time_text(at)
        elif stopped:
            state, text = "wait", label(lang, "path.not_yet")
        else:
            refused = way.refused is not None
            state, text = ("fail", label(lang, "path.refused")) if refused else ("now", label(lang, "path.queued"))
            stopped = True
        shown.append({"key": level, "label": label(lang, f"level_short.{level}"), "state": state, "text": text})
    return shown


def _found_form(
    unit: str, name: str, day: date, values: dict[str, Any], errors: dict[str, str], amends: str | None, code: int
) -> Any:
    model = {"unit": {"id": unit, "name": name}, "day": day, "values": values, "errors": errors, "amends": amends}
    return page("found.html", "page.found.title", code, **model, idem=secrets.token_hex(16))


def _nothing_yet(unit: str) -> dict[str, Any]:
    node = replica()
    counts = _counts([])
    model = {"unit": {"id": unit, "name": unit, "level": node.identity.level}, "day": _today(node), "crumbs": []}
    return model | {"counts": counts, "rows": [], "next": None}


def _number(name: str) -> int:
    text = typed(name) or "0"
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise Invalid("bad_number", field=name, value=text)
    return int(text)


def _name(node: Replica, unit: str) -> str:
    named = directory.tree_of(node).nearest(unit, _today(node))
    return named.name if named else unit


def _today(node: Replica) -> date:
    return business_day(node.env.now_ms())
