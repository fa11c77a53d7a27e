"""报表: the periodic reports of a unit and of those right below, pre-filled; each is confirmed with remarks."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, request, url_for

from node.daily import returning
from node.daily.calendars import calendar_of
from node.guard import language, me, replica, wake
from node.pages.case_words import told, unit_name
from node.pages.frame import page, require_sure, typed
from node.reports import confirmation_queries, confirmations
from node.reports.confirmation_duties import OwedBy, judged
from node.scope import hosts, require_scope, today_of
from schemas.cases.fields import MAX_WORDS, words
from schemas.cases.measures import CASE_MEASURES
from schemas.confirmations import CONFIRMATION_MEASURES, MAX_REMARKS, last_owed, owed_between, rates_of
from schemas.errors import GridError, Invalid, NotFound
from schemas.labels import label
from schemas.measures import CHECK_MEASURES
from schemas.periods import Period, parse_period
from schemas.roles import REVIEW
from schemas.units.tree import LEVELS, Unit
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

PERIODS: Final = 6
BACK: Final = timedelta(days=3 * 366)
MAX_UNITS: Final = 200
PARTS: Final = {"checks": CHECK_MEASURES, "confirmations": CONFIRMATION_MEASURES, "cases": CASE_MEASURES}


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/reports", "reports", reports)
    routes.add_url_rule("/reports/period", "report", report)
    routes.add_url_rule("/reports/period", "enter_report", enter_report, methods=["POST"])
    routes.add_url_rule("/reports/period/return", "return_report", return_report, methods=["POST"])


def reports() -> Response:
    """The newest periods of a unit, and the newest one of each unit right below."""
    node = replica()
    unit = _unit(node, request.args.get("unit") or me().unit)
    with read(node.db):
        calendar, today, now = calendar_of(node.db), today_of(node), node.env.now_ms()
        opened = [one for one in owed_between(calendar, unit.level, today - BACK, today) if one.opens_ms <= now]
        own = judged(node, [(unit, one) for one in reversed(opened[-PERIODS:])])
        pairs = []
        for child in tree_of(node).children(unit.id, today)[:MAX_UNITS]:
            newest = last_owed(calendar, child.level, now, today)
            if newest is not None:
                pairs.append((child, newest))
        below = judged(node, pairs)
    model = {
        "unit": {"id": unit.id, "name": unit.name, "level": unit.level},
        "is_group": unit.level == LEVELS[0],
        "own": [_row(one) for one in own],
        "below": [_row(one) for one in below],
        "may": _may(node, unit.id),
    }
    return page("reports.html", "nav.reports", **model)


def report() -> Response:
    """One period: what was confirmed with what arrived after, or the figures as they are, ready to be confirmed."""
    return _report(request.args.get("unit") or me().unit, request.args.get("period", ""), "", {}, 200)


def enter_report() -> Any:
    """Confirms; the key in the form makes a double click harmless."""
    unit, period, remarks = typed("unit"), typed("period"), request.form.get("remarks", "").replace("\r\n", "\n")
    try:
        require_scope(replica(), me(), unit)
        body = {"unit": unit, "period": period, "remarks": remarks}
        confirmations.confirm(replica(), me(), body, typed("idem") or secrets.token_hex(16))
    except GridError as error:
        if error.field not in ("remarks", "period"):
            raise
        return _report(unit, period, remarks, {error.field: told(language(), error, {})}, error.status)
    wake()
    return redirect(url_for("pages.report", unit=unit, period=period))


def return_report() -> Any:
    """Sends a confirmation back with a reason; the key in the form makes a double click harmless."""
    unit, period, reason = typed("unit"), typed("period"), request.form.get("reason", "")
    try:
        words(MAX_WORDS)(reason, "reason")
        require_sure()
        confirmations.send_back(
            replica(), me(), typed("event"), {"reason": reason}, typed("idem") or secrets.token_hex(16)
        )
    except GridError as error:
        if error.field not in ("reason", "event", "confirm"):
            raise
        where = "confirm" if error.field == "confirm" else "reason"
        said = {where: told(language(), error, {"reason": "page.report.reason"})}
        return _report(unit, period, "", said, error.status, reason)
    wake()
    flash(label(language(), "page.report.sent_back"))
    return redirect(url_for("pages.report", unit=unit, period=period))


def _report(
    unit_id: str, key: str, typed_words: str, errors: dict[str, str], status: int, typed_reason: str = ""
) -> Response:
    node, period = replica(), parse_period(key)
    with read(node.db):
        unit = tree_of(node).nearest(unit_id, period.last)
        if unit is None:
            raise NotFound("unknown_unit", field="unit", value=unit_id)
        owed = confirmations.require_owed(calendar_of(node.db), unit, period)
        (duty,) = judged(node, [(unit, owed)])
        kept = confirmation_queries.duty(node.db, (unit.id, period.key))
        document = confirmations.document(node, kept) if kept else None
        now = node.env.now_ms()
        fresh = confirmations.figures(node, unit.id, period, now)
        measures = document["measures"] if document else fresh
        model = {
            "unit": {"id": unit.id, "name": unit.name, "level": unit.level},
            "period": period,
            "state": duty.state,
            "due_at": owed.due_ms,
            "grace_ms": owed.grace_ms,
            "over": now >= owed.opens_ms,
            "document": document,
            "parts": list(_parts(measures, document, unit.id, period)),
            "rates": document["rates"] if document else rates_of(measures),
            "remarks": typed_words or (document["remarks"] if document else ""),
            "max_remarks": MAX_REMARKS,
            "errors": errors,
            "may": _may(node, unit.id) and now >= owed.opens_ms,
            "may_return": _may_return(node, unit.id) and document is not None and not document["returned"],
            "returned_by": unit_name(node, document["returned"]["by"]) if document and document["returned"] else None,
            "reason": returning.reason_of(node.db, document["event"]) if document else None,
            "typed_reason": typed_reason,
            "idem": secrets.token_hex(16),
        }
    return page("report.html", "page.report.title", status, **model)


def _parts(measures: Any, document: Any, unit: str, period: Period) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The figures by subject; each opens to its records."""
    after = document["arrived_after"] if document else {}
    for part, names in PARTS.items():
        yield (
            part,
            [
                {
                    "measure": name,
                    "value": measures[name],
                    "difference": after[name]["difference"] if name in after else None,
                    "href": url_for("pages.rollup_records", unit=unit, period=period.key, measure=name),
                }
                for name in names
                if name in measures
            ],
        )


def _row(one: OwedBy) -> dict[str, Any]:
    return {
        "unit": one.unit.id,
        "name": one.unit.name,
        "period": one.owed.period,
        "state": one.state,
        "due_at": one.owed.due_ms,
        "at": one.given.first_recorded_at if one.given else None,
        "href": url_for("pages.report", unit=one.unit.id, period=one.owed.period.key),
        "reports": url_for("pages.reports", unit=one.unit.id),
    }


def _unit(node: Replica, unit: str) -> Unit:
    found = tree_of(node).nearest(unit, today_of(node))
    if found is None:
        raise Invalid("unknown_unit", field="unit", value=unit)
    return found


def _may_return(node: Replica, unit: str) -> bool:
    """Whether this user stands above the unit, and may send its reports back."""
    return me().role in REVIEW and unit != me().unit and tree_of(node).ever_below(unit, me().unit)


def _may(node: Replica, unit: str) -> bool:
    return me().role in REVIEW and hosts(node, unit)
