"""今日排查: one tap for a zero-report, found disputes and hazards, what is to be made up, and how far records came."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, redirect, request, url_for

from node import queries
from node.daily import checks
from node.daily.campaigns import campaign_name
from node.daily.checks import duty_state_of
from node.daily.duties import duty_day, groups_due
from node.evidence.records import days_missing
from node.guard import language, me, replica, wake
from node.pages.frame import may_open, page, rooms, typed
from node.pages.phone import kit
from node.pages.records import RECORD_DAYS, recent
from node.pages.reminding import reminded
from node.phones.phone import stats, units_of
from node.projections import calendar_of
from node.scope import require_scope
from schemas.clock import business_day
from schemas.errors import GridError, Invalid
from schemas.labels import explain, label
from schemas.periods import parse_day
from schemas.units.tree import LEVELS, Unit
from sync import directory
from sync.replica import Replica

MADE_UP_DAYS: Final = 7
ROWS: Final = 200


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/", "home", home)
    routes.add_url_rule("/today", "today", today)
    routes.add_url_rule("/today/found", "found", found)
    routes.add_url_rule("/today/check", "enter_check", enter_check, methods=["POST"])


def home() -> Any:
    """The first page of a role: the application's own, entry where people enter, figures else."""
    first = rooms().home
    if first is not None and may_open(first, me().role):
        return redirect(url_for(first))
    return redirect(url_for("pages.rollup_page" if me().role in ("viewer", "analyst") else "pages.today"))


def today() -> Any:
    """The day of one group, or of the units below."""
    node = replica()
    mine = units_of(node, me())
    first = mine[0].id if mine and me().role == "worker" else me().unit
    unit = request.args.get("unit") or first
    require_scope(node, me(), unit)
    known = directory.tree_of(node).nearest(unit, _today(node))
    if known is None:
        return page("today_units.html", "nav.today", **_nothing_yet(unit))
    if known.level == LEVELS[0]:
        return page("today.html", "nav.today", **_group(node, known), **kit(me().name), mine=mine)
    return page("today_units.html", "nav.today", **_units(node, known))


def found() -> Any:
    """The form for what was found, and for the correction of an earlier report."""
    node = replica()
    unit, day = request.args.get("unit", me().unit), parse_day(request.args.get("date"), "date")
    named = directory.tree_of(node).nearest(unit, day)
    row = queries.duty_row(node.db, (unit, day.isoformat(), _occasion(request.args.get("amends"), unit)))
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
        body |= {"amends": typed("amends"), "occasion": _occasion(typed("amends"), unit)}
    try:
        if result == "found":
            body["found"] = {"disputes": _number("disputes"), "hazards": _number("hazards")}
            if typed("places_visited"):
                body["places_visited"] = _number("places_visited")
        elif result != "zero":
            raise Invalid("bad_shape", field="result", value=result, why="zero | found")
        checks.submit(node, me().name, body, typed("idem") or secrets.token_hex(16))
        wake()
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


def _occasion(event: str | None, unit: str) -> str:
    """What the report that is to be amended belongs to: a campaign, or the regular checks."""
    amended = queries.report_by_event(replica().db, event) if event else None
    return amended.occasion if amended and amended.unit == unit else checks.REGULAR


# ---- models


def _group(node: Replica, unit: Unit) -> dict[str, Any]:
    day = _today(node)
    row = queries.duty_row(node.db, (unit.id, day.isoformat(), checks.REGULAR))
    report = queries.report_by_event(node.db, row.event) if row else None
    host = directory.host_of(directory.tree_of(node), directory.certified_units(node.db), unit.id, day)
    lately = days_missing(node, unit.id, day - timedelta(days=MADE_UP_DAYS), day - timedelta(days=1))
    reported = queries.duty_days(node.db, unit.id, day - timedelta(days=1), day)
    yesterday = day - timedelta(days=1)
    made_up = [{"day": one, "state": "missing"} for one in reversed(lately)]
    if yesterday not in lately and duty_state_of(node, unit.id, yesterday, None) == "due" and yesterday not in reported:
        made_up.insert(0, {"day": yesterday, "state": "due"})
    return {
        "unit": unit,
        "day": day,
        "duty": {"state": duty_state_of(node, unit.id, day, row), "saved_at": report.recorded_ms if report else None},
        "deadline": label(language(), "page.today.deadline", at=f"{calendar_of(node.db).on(day).due_time:%H:%M}"),
        "can_report": host == node.identity.unit,
        "made_up": made_up,
        "records": recent(node, [unit.id], day - timedelta(days=RECORD_DAYS), day),
        "stats30": stats(node, unit.id, day),
        "idem": secrets.token_hex(16),
        "reminded": reminded(node, list(dict.fromkeys((me().unit, unit.id)))),
    }


def _units(node: Replica, unit: Unit) -> dict[str, Any]:
    day = _today(node)
    tree = directory.tree_of(node)
    certified = directory.certified_units(node.db)
    groups, judged = groups_due(node, unit.id, day), duty_day(node, day)
    states: dict[str, str] = {}
    for start in range(0, len(groups), ROWS):
        chunk = [one.id for one in groups[start : start + ROWS]]
        rows = queries.duty_rows(node.db, day, chunk)
        states |= {one: judged.state(one, rows.get(one)) for one in chunk}
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
        "reminded": reminded(node, list(dict.fromkeys((me().unit, unit.id)))),
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


def _found_form(
    unit: str, name: str, day: date, values: dict[str, Any], errors: dict[str, str], amends: str | None, code: int
) -> Any:
    model = {
        "unit": {"id": unit, "name": name}, "day": day, "values": values, "errors": errors, "amends": amends,
        "campaign": campaign_name(replica().db, _occasion(amends, unit)),
    }  # fmt: skip
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


def _today(node: Replica) -> date:
    return business_day(node.env.now_ms())
