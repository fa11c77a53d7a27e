"""发现情况: one thing found, entered at the node itself; on a phone the same form fills its outbox."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, redirect, request, url_for

from node.guard import me, replica, wake
from node.pages.case_words import unit_name
from node.pages.casework import FACTS, PARTY, error_field, error_text
from node.pages.frame import page, typed
from node.pages.phone import kit
from node.phones import entries
from node.scope import require_scope
from schemas.entries import FORM
from schemas.errors import GridError
from schemas.periods import parse_day

PARTIES: Final = 2


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/today/case", "found_case", found_case)
    routes.add_url_rule("/today/case", "enter_found_case", enter_found_case, methods=["POST"])


def found_case() -> Response:
    """An empty form for one unit and day."""
    unit, day = request.args.get("unit") or me().unit, parse_day(request.args.get("date"), "date")
    require_scope(replica(), me(), unit)
    return _form(unit, day, {}, {}, 200)


def enter_found_case() -> Any:
    """Takes the form in; the key in it makes a double tap harmless."""
    node = replica()
    unit, day = typed("unit"), parse_day(typed("date"), "date")
    parties = [f"party_{at}_{part}" for at in range(PARTIES) for part in PARTY]
    values = {name: typed(name) for name in (*FACTS, "place", *parties)}
    values["narrative"] = request.form.get("narrative", "")
    body = {
        "form": FORM, "kind": "found", "unit": unit, "date": day.isoformat(), "made_at": node.env.now_ms(),
        "case": _case(values),
    }  # fmt: skip
    try:
        require_scope(node, me(), unit)
        entries.take(node, typed("idem") or secrets.token_hex(16), body, None)
    except GridError as error:
        return _form(unit, day, values, {error_field(error): error_text(error)}, error.status)
    wake()
    return redirect(url_for("pages.today", unit=unit))


def _case(values: dict[str, str]) -> dict[str, Any]:
    kind, _, category = values["category"].partition(".")
    facts = {name: values[name] or None for name in FACTS if name != "category"}
    facts["source"] = facts["source"] or "self_found"
    facts["complexity"] = facts["complexity"] or "ordinary"
    facts["urgency"] = facts["urgency"] or "yellow"
    parties = [{part: values[f"party_{at}_{part}"] or None for part in PARTY} for at in range(PARTIES)]
    private = {"parties": parties, "place": values["place"], "narrative": values["narrative"]}
    return {"kind": kind, "category": category, **facts, "private": private}


def _form(unit: str, day: date, values: dict[str, str], errors: dict[str, str], status: int) -> Response:
    shown = kit(me().name)
    model = {
        "unit": {"id": unit, "name": unit_name(replica(), unit)},
        "day": day,
        "values": {**shown["blank"], **{name: value for name, value in values.items() if value}},
        "errors": errors,
        "idem": secrets.token_hex(16),
    }
    return page("today_case.html", "page.found.title", status, **shown, **model)
