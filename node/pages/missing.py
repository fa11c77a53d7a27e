"""应报未报: who has not reported for a day; kept apart are reports that may lie on a node that is not heard of."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node import queries
from node.access import rule_for
from node.daily import duties, duty_queries
from node.guard import language, me, replica
from node.pages.frame import page
from node.pages.missing_lists import Asked, places, silent_nodes, state_rows, unit_name, units_below
from node.projections import calendar_of
from node.scope import hosts
from schemas.clock import business_day
from schemas.duties import last_closed_day
from schemas.errors import Invalid
from schemas.labels import label
from schemas.periods import FIRST_DAY, LAST_DAY, parse_day
from schemas.roles import REVIEW
from schemas.units.tree import LEVELS, Unit
from sync import directory
from sync.database import read
from sync.replica import Replica

STATES: Final = ("missing", "due", "returned", "excused", "all")
OWN_DAYS: Final = 30
ONE_DAY: Final = timedelta(days=1)


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/missing", "missing", missing)


def missing() -> Response:
    """Who has not reported for a day below a unit; the own days of a group."""
    node = replica()
    with read(node.db):
        unit = request.args.get("unit") or me().unit
        day, state = _day(node), _state()
        judged = duties.duty_day(node, day)
        state = state or ("missing" if judged.closed else "due")
        known = directory.tree_of(node).nearest(unit, day)
        asked = Asked(node, unit, judged, duties.groups_due(node, unit, day), state)
        model = _frame(asked, known.name if known else unit)
        if known is not None and known.level == LEVELS[0]:
            return page("missing.html", "nav.missing", **model, **_own_days(asked, known))
        return page("missing.html", "nav.missing", **model, own_days=None, **_below(asked))


def _day(node: Replica) -> date:
    """The day asked for, else the last one whose grace is over."""
    given = request.args.get("date")
    return parse_day(given, "date") if given else last_closed_day(calendar_of(node.db), node.env.now_ms())


def _state() -> str | None:
    given = request.args.get("state") or None
    if given is not None and given not in STATES:
        raise Invalid("bad_shape", field="state", value=given, why=" | ".join(STATES))
    return given


def _frame(asked: Asked, name: str) -> dict[str, Any]:
    day, node = asked.day, asked.node
    today = business_day(node.env.now_ms())
    return {
        "unit": {"id": asked.unit, "name": name},
        "crumbs": _crumbs(node, asked.unit, day),
        "day": day,
        "judged": asked.judged,
        "state": asked.state,
        "prev_url": asked.url(date=day - ONE_DAY) if day > FIRST_DAY else None,
        "next_url": asked.url(date=day + ONE_DAY) if day < min(today, LAST_DAY) else None,
    }


def _crumbs(node: Replica, unit: str, day: date) -> list[dict[str, str]]:
    """The way from the reader's own unit down to this one."""
    tree = directory.tree_of(node)
    above = [one for one in tree.ancestors(unit, day)[1:] if tree.ever_below(one, me().unit)]
    return [{"id": one, "name": unit_name(node, one, day)} for one in reversed(above)]


# ---- a unit above the group


def _below(asked: Asked) -> dict[str, Any]:
    node, day, judged = asked.node, asked.day, asked.judged
    reported = duty_queries.reported_on(node.db, day, [one.id for one in asked.groups])
    absentees = [one for one in asked.groups if one.id not in reported]
    excused = [one for one in absentees if judged.excused.has(one.id)]
    lacking = [one for one in absentees if not judged.excused.has(one.id)]
    returned = _returned(asked)
    absent = judged.absent  # missing, due or not_due
    servers = duties.servers_of(node, lacking, day) if absent == "missing" else None
    silent: list[Unit] = []
    plain: list[Unit] = []
    for one in lacking:
        why = duties.why_of(judged, servers, one.id, absent)[0] if servers else None
        (silent if why == "silent" else plain).append(one)
    figures = {
        "due": len(asked.groups),
        "reported": len(asked.groups) - len(absentees),
        "lacking": len(lacking),
        "excused": len(excused),
        "silent": len(silent),
        "plain": len(plain),
        "returned": len(returned),
    }
    listed: dict[str, Any] = {"nodes": [], "nodes_next": None, "places": [], "rows": [], "next": None}
    if asked.state in ("returned", "excused", "all"):
        listed |= state_rows(asked, {"returned": returned, "excused": excused}.get(asked.state, asked.groups))
    elif asked.state == absent:
        listed |= places(asked, plain)
        if servers is not None:
            listed |= silent_nodes(asked, silent, servers)
    empty = _empty(asked, absent, figures)
    table = units_below(asked, silent) if asked.groups else []
    groups_below = any(one.parent_id == asked.unit for one in asked.groups)
    may_remind = me().role in REVIEW and hosts(node, me().unit) and absent != "not_due"
    listed |= {"may_remind": may_remind, "idem": secrets.token_hex(16)}
    shown = {"absent": absent, "figures": figures, "chips": _chips(asked, absent, figures), "empty": empty}
    return {**shown, "units": table, "groups_below": groups_below, **listed}


def _returned(asked: Asked) -> list[Unit]:
    """Groups whose standing report was returned."""
    units = set(asked.judged.returned.values())
    return [one for one in asked.groups if one.id in units]


def _chips(asked: Asked, absent: str, figures: dict[str, int]) -> list[dict[str, Any]]:
    counts = {
        "missing": 0,
        "due": 0,
        "returned": figures["returned"],
        "excused": figures["excused"],
        "all": figures["due"],
    }
    if absent in counts:
        counts[absent] = figures["lacking"]
    words = {one: label(language(), f"duty.{one}") for one in STATES[:4]}
    words["all"] = label(language(), "page.missing.all")
    return [
        {"label": words[one], "count": counts[one], "href": asked.url(state=one), "current": one == asked.state}
        for one in STATES
    ]


def _empty(asked: Asked, absent: str, figures: dict[str, int]) -> str | None:
    """Why nothing is listed, or None: future, no_cadence, no_groups, all_reported, none_missing_yet, none_due,
    none_returned, none_excused.
    """
    if absent == "not_due" and not figures["reported"]:
        return "future"
    if not asked.judged.owed:
        return "no_cadence"
    if not figures["due"]:
        return "no_groups"
    if asked.state == "returned":
        return None if figures["returned"] else "none_returned"
    if asked.state == "excused":
        return None if figures["excused"] else "none_excused"
    if asked.state == "all":
        return None
    if not figures["lacking"]:
        return "all_reported"
    if asked.state == absent:
        return None
    return "none_missing_yet" if asked.state == "missing" else "none_due"


# ---- a group


def _own_days(asked: Asked, unit: Unit) -> dict[str, Any]:
    """The days of one group up to the day of the page, newest first."""
    node, tree = asked.node, directory.tree_of(asked.node)
    last = min(asked.day, business_day(node.env.now_ms()))
    first = max(last - timedelta(days=OWN_DAYS - 1), FIRST_DAY)
    held = queries.duty_days(node.db, unit.id, first, last)
    servers = duties.servers_of(node, [unit], last)
    shown = []
    for back in range((last - first).days + 1):
        day = last - timedelta(days=back)
        judged, row = duties.duty_day(node, day), held.get(day)
        if row is None and (not judged.owed or tree.at(unit.id, day) is None):
            continue
        state = judged.state(unit.id, row)
        why, since = duties.why_of(judged, servers, unit.id, state)
        at = row.first_recorded_at if row else None
        shown.append({"day": day, "state": state, "why": why, "since": since, "at": at})
    hosted = servers.hosts[unit.id] == node.identity.unit
    rule = rule_for("pages.today", "GET")
    may_report = hosted and rule is not None and me().role in rule.roles
    return {
        "own_days": shown,
        "direct": servers.hosts[unit.id] in servers.direct,
        "report_url": url_for("pages.today", unit=unit.id) if may_report else None,
        "future": asked.day > last,
    }
