"""应报未报 of periodic reports: which units of a level have not confirmed a period; kept apart are those whose report
may lie on a node that is not heard of.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node.daily import duties
from node.daily.calendars import calendar_of
from node.daily.duties import Servers
from node.desk import reminder_queries
from node.guard import me, replica
from node.pages.case_words import unit_name
from node.pages.frame import page
from node.pages.missing_forms import form_rows
from node.reports.confirmation_duties import OwedBy, owed_by
from node.scope import hosts, today_of
from schemas.confirmations import OWING, last_owed, owed_on
from schemas.duties import why_missing
from schemas.errors import Invalid
from schemas.periods import Period, parse_period, shifted
from schemas.reminders import MAX_AT_ONCE
from schemas.roles import REVIEW
from schemas.units.tree import LEVELS
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

# One state is listed at a time; the first two are one list, split by whether the node is heard of.
STATES: Final = ("missing", "due", "returned", "excused", "done")
_DONE: Final = ("zero", "found", "late_zero", "late_found")


@dataclass(frozen=True, slots=True)
class Listed:
    """A unit with its period: why it is missing, and since when its node is silent (unix ms; None: it never synced)."""

    one: OwedBy
    why: str | None
    since: int | None
    direct: bool


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/missing/reports", "missing_reports", missing_reports)


def missing_reports() -> Response:
    """The units of one level below a unit, it included, by what they owe for one period."""
    node = replica()
    with read(node.db):
        unit = request.args.get("unit") or me().unit
        level = _level(node, unit)
        period = _period(node, level) if level else None
        model: dict[str, Any] = {
            "unit": {"id": unit, "name": unit_name(node, unit)},
            "level": level,
            "levels": _levels(node, unit),
            "period": period,
            "forms": form_rows(node, unit),
        }
        if level and period:
            model |= _model(node, unit, level, period)
        return page("missing_reports.html", "nav.missing", **model)


def _levels(node: Replica, unit: str) -> list[str]:
    """The levels that owe confirmations in the subtree, the one right below first."""
    own = tree_of(node).level(unit)
    inside = [one for one in OWING if own and LEVELS.index(one) <= LEVELS.index(own)]
    return [one for one in reversed(inside) if one != own] + [one for one in inside if one == own]


def _level(node: Replica, unit: str) -> str | None:
    levels, given = _levels(node, unit), request.args.get("level")
    if given and given not in levels:
        raise Invalid("not_one_of", field="level", value=given, allowed=", ".join(levels))
    return given or (levels[0] if levels else None)


def _period(node: Replica, level: str) -> Period | None:
    """The period asked for, else the newest one that has ended. Raises Invalid for one that the level does not owe."""
    calendar, given = calendar_of(node.db), request.args.get("period")
    if not given:
        newest = last_owed(calendar, level, node.env.now_ms(), today_of(node))
        return newest.period if newest else None
    period = parse_period(given)
    owed = owed_on(calendar, level, period.last)
    if owed is None or owed.period.key != period.key:
        cadence = calendar.on(period.last).cadences[level]
        raise Invalid("bad_shape", field="period", value=given, why=cadence)
    return period


def _model(node: Replica, unit: str, level: str, period: Period) -> dict[str, Any]:
    found = _found(node, owed_by(node, unit, period.last, level), period)
    by_state = {state: [one for one in found if _state(one) == state] for state in STATES}
    asked = {"unit": unit, "level": level, "period": period.key}
    state = request.args.get("state") or next((one for one in STATES[:2] if by_state[one]), "missing")
    if state not in STATES:
        raise Invalid("not_one_of", field="state", value=state, allowed=", ".join(STATES))
    silent = [one for one in by_state["missing"] if one.why == "silent"]
    plain = [one for one in by_state[state] if one.why != "silent"]
    after = request.args.get("after", "")
    shown = [one for one in plain if one.one.unit.id > after][: MAX_AT_ONCE + 1]
    over = today_of(node) > shifted(period, 1).last
    ids = [one.one.unit.id for one in shown]
    sent = reminder_queries.last_sent(node.db, me().unit, ids, period.key) if ids else {}
    more = url_for("pages.missing_reports", **asked, state=state, after=ids[-2]) if len(shown) > MAX_AT_ONCE else None  # type: ignore[arg-type]
    return {
        "state": state,
        "due_at": found[0].one.owed.due_ms if found else None,
        "grace_ms": found[0].one.owed.grace_ms if found else None,
        "figures": {
            "all": len(found), "silent": len(silent), "no_report": len(by_state["missing"]) - len(silent),
            **{name: len(rows) for name, rows in by_state.items()},
        },
        "silent": [_row(node, one, None) for one in silent] if state == "missing" else [],
        "rows": [_row(node, one, sent.get(one.one.unit.id)) for one in shown[:MAX_AT_ONCE]],
        "next_url": more,
        "may_remind": me().role in REVIEW and hosts(node, me().unit) and state in ("missing", "due", "returned"),
        "prev": url_for("pages.missing_reports", **{**asked, "period": shifted(period, -1).key}),  # type: ignore[arg-type]
        "following": url_for("pages.missing_reports", **{**asked, "period": shifted(period, 1).key}) if over else None,  # type: ignore[arg-type]
        "idem": secrets.token_hex(16),
    }  # fmt: skip


def _found(node: Replica, owing: Sequence[OwedBy], period: Period) -> list[Listed]:
    servers: Servers = duties.servers_of(node, [one.unit for one in owing], period.last)
    found = []
    for one in owing:
        host = servers.hosts[one.unit.id]
        since = servers.known_to.get(host)
        why = why_missing(one.state, one.owed.grace_ms, since)
        found.append(Listed(one, why, since if why == "silent" else None, host in servers.direct))
    return found


def _state(one: Listed) -> str:
    """The list that a duty stands in; what is not due yet is with those that are."""
    state = one.one.state
    return "done" if state in _DONE else "due" if state == "not_due" else state


def _row(node: Replica, listed: Listed, reminded_at: int | None) -> dict[str, Any]:
    one = listed.one
    return {
        "id": one.unit.id,
        "name": one.unit.name,
        "above": unit_name(node, one.unit.parent_id) if one.unit.parent_id else "",
        "state": one.state,
        "since": listed.since,
        "direct": listed.direct,
        "at": one.given.first_recorded_at if one.given else None,
        "href": url_for("pages.report", unit=one.unit.id, period=one.owed.period.key),
        "may_tick": one.unit.id != me().unit,
        "reminded_at": reminded_at,
    }
