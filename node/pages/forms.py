"""统计报表: the forms that a unit owes, each filled in, corrected, and sent back by a higher unit with a reason."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, redirect, request, url_for

from node.access import EVIDENCE
from node.daily.calendars import calendar_of
from node.evidence.records import path_of
from node.guard import language, me, replica, wake
from node.pages.case_words import told, unit_name
from node.pages.evidence import evidence_url
from node.pages.form_words import as_values, errors_of, questions, rules_of, shown_values, typed_values
from node.pages.frame import page, require_sure, typed
from node.pages.records import steps
from node.reports import form_returns
from node.reports.forms import forms_of
from node.scope import hosts, require_scope, today_of
from schemas.cases.fields import MAX_WORDS, words
from schemas.confirmations import Owed
from schemas.errors import GridError, Invalid, NotFound
from schemas.forms import Form, Forms
from schemas.periods import Period, parse_period, period_of, shifted
from schemas.returns import owed_between
from schemas.roles import REVIEW
from schemas.units.tree import LEVELS, Unit
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

BACK: Final = timedelta(days=400)
PERIODS: Final = 3  # of each form that are listed, the newest first
OPEN: Final = ("returned", "due", "missing")  # in the order in which they are listed
NAMES: Final = {"reason": "page.form.reason"}


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/forms", "forms", forms_page)
    routes.add_url_rule("/forms/return", "form_return", form_return)
    routes.add_url_rule("/forms/return", "enter_form_return", enter_form_return, methods=["POST"])
    routes.add_url_rule("/forms/back", "send_form_back", send_form_back, methods=["POST"])


def forms_page() -> Response:
    """What a unit owes, open ones first, and the forms that units below it fill."""
    node, lang = replica(), language()
    unit = _unit(node, request.args.get("unit") or me().unit)
    today = today_of(node)
    with read(node.db):
        forms = forms_of(node.db)
        held = [one for form in forms.ids() if (one := forms.on(form, today)) is not None]
        opens = me().role in EVIDENCE  # else figures only: totals, no single return
        own = [row for one in held for row in _rows(node, forms, one, unit, lang)] if opens else []
    own.sort(key=lambda row: OPEN.index(row["state"]) if row["state"] in OPEN else len(OPEN))
    below = [
        {
            "title": one.title[lang],
            "levels": [level for level in one.levels if LEVELS.index(level) < LEVELS.index(unit.level) + (not opens)],
            "cadence": one.cadence,
            "href": url_for("pages.form_totals", form=one.id, unit=unit.id, period=newest(one.cadence, today).key),
        }
        for one in held
    ]
    return page(
        "forms.html", "nav.reports", unit={"id": unit.id, "name": unit.name, "level": unit.level}, own=own,
        below=[one for one in below if one["levels"]], any_form=bool(held), opens=opens, may=may_fill(node, unit.id),
    )  # fmt: skip


def newest(cadence: str, today: Any) -> Period:
    """The newest period of a cadence whose last day has come."""
    period = period_of(cadence, today)
    return period if period.last <= today else shifted(period, -1)


def _rows(node: Replica, forms: Forms, form: Form, unit: Unit, lang: str) -> list[dict[str, Any]]:
    """The newest periods of a form that a unit may fill by now."""
    today, now = today_of(node), node.env.now_ms()
    span = Period("", today - BACK, today)
    owed = [one for one in owed_between(forms, calendar_of(node.db), form.id, unit.level, span) if one.opens_ms <= now]
    found = []
    for one in reversed(owed[-PERIODS:]):
        state, sent = form_returns.duty_of(node, unit, form.id, one)
        found.append({
            "title": form.title[lang],
            "period": one.period,
            "state": state,
            "due_at": one.due_ms,
            "open": state in OPEN,
            "at": sent.first_recorded_at if sent else None,
            "href": url_for("pages.form_return", form=form.id, unit=unit.id, period=one.period.key),
        })  # fmt: skip
    return found


# ---- one return


def form_return() -> Response:
    """What was sent for a period, or the empty form."""
    return _page(_about(request.args), {}, {}, 200)


def enter_form_return() -> Any:
    """Takes the form in; nothing that was typed is lost, each refusal stands beside its field. The key in the form
    makes a double click harmless.
    """
    asked = _about(request.form)
    require_scope(replica(), me(), asked["unit"])
    form, _ = _owed(replica(), asked)
    texts = typed_values(form)
    values = as_values(form, texts)
    try:
        form_returns.submit(replica(), me(), {**asked, "values": values}, typed("idem") or secrets.token_hex(16))
    except Invalid as error:
        wrong = errors_of(form, values, language())
        if not wrong and error.field != "period":
            raise
        return _page(asked, texts, wrong or {"period": told(language(), error, {})}, error.status)
    wake()
    return redirect(_here(asked))


def send_form_back() -> Any:
    """Sends a return back with a reason."""
    asked, event = _about(request.form), typed("event")
    given = request.form.get("reason", "").replace("\r\n", "\n")
    require_scope(replica(), me(), asked["unit"])
    try:
        reason = words(MAX_WORDS)(given, "reason")
        require_sure()
        form_returns.send_back(replica(), me(), event, {"reason": reason}, typed("idem") or secrets.token_hex(16))
    except GridError as error:
        if error.field not in ("reason", "event", "confirm"):
            raise
        where = "confirm" if error.field == "confirm" else "reason"
        return _page(asked, {}, {where: told(language(), error, NAMES)}, error.status, given)
    wake()
    return redirect(_here(asked))


def _here(asked: Mapping[str, str]) -> str:
    return url_for("pages.form_return", form=asked["form"], unit=asked["unit"], period=asked["period"])


def _about(given: Mapping[str, str]) -> dict[str, str]:
    return {
        "form": given.get("form", ""), "unit": given.get("unit") or me().unit, "period": given.get("period", ""),
    }  # fmt: skip


def _owed(node: Replica, asked: Mapping[str, str]) -> tuple[Form, Owed]:
    period = parse_period(asked["period"])
    unit = tree_of(node).nearest(asked["unit"], period.last)
    if unit is None:
        raise NotFound("unknown_unit", field="unit", value=asked["unit"])
    return form_returns.require_owed(forms_of(node.db), calendar_of(node.db), asked["form"], unit, period)


def _page(
    asked: dict[str, str], texts: Mapping[str, Any], errors: Mapping[str, str], status: int, reason: str = ""
) -> Response:
    node, lang = replica(), language()
    with read(node.db):
        form, owed = _owed(node, asked)
        unit = tree_of(node).nearest(asked["unit"], owed.period.last)
        assert unit is not None
        state, sent = form_returns.duty_of(node, unit, form.id, owed)
        document = form_returns.documents(node, form.id, [sent])[0] if sent else None
        filled = forms_of(node.db).version(form.id, sent.version) if sent else None
    opened = node.env.now_ms() >= owed.opens_ms
    values = document["values"] if document else {}
    above = me().role in REVIEW and me().unit != unit.id and tree_of(node).ever_below(unit.id, me().unit)
    model = {
        "asked": asked,
        "unit": {"id": unit.id, "name": unit.name, "level": unit.level},
        "title": form.title[lang],
        "period": owed.period,
        "state": state,
        "due_at": owed.due_ms,
        "grace_ms": owed.grace_ms,
        "opened": opened,
        "document": document,
        "values": shown_values(filled, values, lang) if filled else [],
        "path": steps(path_of(node, sent.event), lang) if sent else [],
        "evidence": evidence_url(sent.event) if sent else None,
        "conflicts": [evidence_url(one) for one in document["conflicts"]] if document else [],
        "returned_by": unit_name(node, document["returned"]["by"]) if document and state == "returned" else None,
        "questions": questions(form, texts or values, lang),
        "rules": rules_of(form, lang),
        "errors": errors,
        "reason": reason,
        "may": may_fill(node, unit.id) and opened,
        "may_return": above and document is not None and state != "returned",
        "idem": secrets.token_hex(16),
    }
    return page("form_return.html", "page.form.title", status, **model)


def _unit(node: Replica, unit: str) -> Unit:
    found = tree_of(node).nearest(unit, today_of(node))
    if found is None:
        raise Invalid("unknown_unit", field="unit", value=unit)
    return found


def may_fill(node: Replica, unit: str) -> bool:
    """Whether the reader may fill forms of a unit here."""
    return me().role in REVIEW and hosts(node, unit)
