"""退回排查记录: a reviewer of a higher unit sends a daily check back with a reason, on a page of its own."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from node import queries
from node.daily import checks, duty_queries
from node.daily.campaigns import campaign_name
from node.guard import language, me, replica, wake
from node.pages.case_words import told, unit_name
from node.pages.evidence import evidence_url
from node.pages.frame import page, require_sure, typed
from node.scope import require_scope
from schemas.cases.fields import MAX_WORDS, words
from schemas.checks import Report
from schemas.errors import Forbidden, GridError, NotFound
from schemas.labels import label
from sync.database import read
from sync.replica import Replica

NAMES = {"reason": "page.report.reason"}


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/records/return", "check_return", check_return)
    routes.add_url_rule("/records/return", "send_check_back", send_check_back, methods=["POST"])


def check_return() -> Response:
    """The record with the form to send it back."""
    return _page(request.args.get("event", ""), {}, 200)


def send_check_back() -> Any:
    """Sends it back; the key in the form makes a double click harmless."""
    event, reason = typed("event"), request.form.get("reason", "").replace("\r\n", "\n")
    try:
        words(MAX_WORDS)(reason, "reason")
        require_sure()
        checks.send_back(replica(), me(), event, {"reason": reason}, typed("idem") or secrets.token_hex(16))
    except GridError as error:
        if error.field not in ("reason", "confirm"):
            raise
        return _page(event, {error.field: told(language(), error, NAMES)}, error.status, reason)
    wake()
    flash(label(language(), "page.check_return.done"))
    return redirect(url_for("pages.records", unit=_found(replica(), event).unit))


def _found(node: Replica, event: str) -> Report:
    """The check, if it is one of a unit below. Raises NotFound, Forbidden."""
    report = queries.report_by_event(node.db, event)
    if report is None:
        raise NotFound("unknown_event", field="event", value=event)
    require_scope(node, me(), report.unit)
    if report.unit == me().unit:
        raise Forbidden("return_not_above", field="event", value=event, unit=report.unit)
    return report


def _page(event: str, errors: dict[str, str], status: int, reason: str = "") -> Response:
    node = replica()
    with read(node.db):
        report = _found(node, event)
        row = queries.duty_row(node.db, (report.unit, report.date.isoformat(), report.occasion))
        returned = event in duty_queries.returns_of(node.db, [event])
    standing = row.event if row else event
    model = {
        "report": report,
        "unit": {"id": report.unit, "name": unit_name(node, report.unit)},
        "campaign": campaign_name(node.db, report.occasion),
        "evidence": evidence_url(event),
        "standing": url_for("pages.check_return", event=standing) if standing != event else None,
        "returned": returned,
        "errors": errors,
        "reason": reason,
        "idem": secrets.token_hex(16),
    }
    return page("check_return.html", "page.check_return.title", status, **model)
