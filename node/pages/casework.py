"""案件: the list with its filters, and the form that registers a case."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, redirect, request, url_for

from node.access import PRIVATE
from node.api.cases import states_of
from node.cases import acts, list_queries
from node.cases.documents import listed
from node.cases.list_queries import Filter
from node.cases.searching import search
from node.figures.category_lists import choices
from node.guard import language, me, replica, wake
from node.pages.case_words import shown, told, unit_name
from node.pages.frame import Link, page, typed
from node.scope import hosts, require_scope, today_of
from schemas.cases.events import check_case_id
from schemas.cases.lists import (
    AMOUNT_BANDS,
    COMPLEXITIES,
    PARTY_ROLES,
    SCALES,
    SOURCES,
    URGENCIES,
)
from schemas.cases.table import OPEN, STATES
from schemas.errors import GridError
from schemas.labels import label
from schemas.units.acts import LEVELS
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

CASES: Final = 50
PARTIES: Final = 3
SOON_DAYS: Final = 3
MAX_UNITS: Final = 500
MAX_OWNERS: Final = 200
FILTERS: Final = ("state", "category", "source", "level", "owner", "limit")
SEARCH: Final = {"text": "page.case_search.text", "purpose": "page.case_search.purpose"}
LIMITS: Final = ("overdue", "orange", "yellow", "soon")
FACTS: Final = ("category", "source", "complexity", "urgency", "scale", "amount_band")
PARTY: Final = ("role", "name", "phone")
DAY_MS: Final = 86_400_000
# How the form names the fields of the API.
NAMES: Final = {
    **{name: f"page.case_form.{name}" for name in ("date", "source", "complexity", "urgency", "scale", "amount_band")},
    "unit": "page.case.found_by", "kind": "page.cases.category", "category": "page.cases.category",
    "private.place": "page.case.place", "private.narrative": "page.case.narrative",
}  # fmt: skip


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/cases", "cases", cases)
    routes.add_url_rule("/cases/search", "search_cases", search_cases, methods=["GET", "POST"])
    routes.add_url_rule("/cases/new", "new_case", new_case)
    routes.add_url_rule("/cases/new", "register_case", register_case, methods=["POST"])


def cases() -> Response:
    """Cases that a unit of the subtree found, owns or was offered, newest first."""
    node, lang = replica(), language()
    unit = request.args.get("unit") or me().unit
    chosen = {name: request.args.get(name, "") for name in FILTERS}
    after = request.args.get("after")
    if after:
        check_case_id(after, "after")
    now = node.env.now_ms()
    due = now + SOON_DAYS * DAY_MS if chosen["limit"] == "soon" else None
    signal = {"overdue": "red", "orange": "orange", "yellow": "yellow"}.get(chosen["limit"])
    wanted = Filter(
        scope=unit, states=states_of(chosen["state"] or None), due_before=due, category=chosen["category"] or None,
        source=chosen["source"] or None, level=chosen["level"] or None, owner=chosen["owner"] or None,
        signal=signal, now_ms=now,
    )  # fmt: skip
    with read(node.db):
        found = listed(node, wanted, after, CASES)
        counts = list_queries.count_by_state(node.db, unit)
    asked: Link = {name: value for name, value in chosen.items() if value}
    model = {
        "unit": {"id": unit, "name": unit_name(node, unit)},
        "items": [shown(node, item, lang) for item in found["items"]],
        "counts": [(state, counts[state]) for state in STATES if counts.get(state)],
        "total": sum(counts.values()),
        "open": sum(counts.get(state, 0) for state in OPEN),
        "chosen": chosen,
        "filtered": bool(asked),
        "categories": [one for _, codes in choices(node.db, today_of(node), lang) for one in codes],
        "sources": SOURCES,
        "levels": LEVELS,
        "limits": LIMITS,
        "owners": _owners(node, unit, chosen["owner"]),
        "next_url": url_for("pages.cases", unit=unit, **asked, after=found["next"]) if found["next"] else None,
        "may_register": True,
        "may_search": me().role in PRIVATE,
    }
    return page("cases.html", "nav.cases", **model)


def search_cases() -> Response:
    """Cases of the own unit by a word of their private text; what was typed stands in no address."""
    node, lang = replica(), language()
    values = {name: typed(name) for name in SEARCH}
    found, errors, status = None, dict[str, str](), 200
    if request.method == "POST":
        try:
            found = search(node, me(), values["text"], values["purpose"])
        except GridError as refusal:
            errors, status = {str(refusal.field): told(lang, refusal, SEARCH)}, refusal.status
    model = {
        "unit": {"id": me().unit, "name": unit_name(node, me().unit)},
        "values": values,
        "errors": errors,
        "items": [shown(node, one, lang) for one in found["items"]] if found else [],
        "looked": found["looked"] if found else None,
        "more": bool(found and found["more"]),
    }
    return page("case_search.html", "page.case_search.title", status, **model)


def _owners(node: Replica, unit: str, chosen: str) -> list[tuple[str, str]]:
    """Who may be responsible: the unit, those right below, those above, and the chosen one."""
    tree, today = tree_of(node), today_of(node)
    named = [unit, *(one.id for one in tree.children(unit, today)[:MAX_OWNERS]), *tree.ancestors(unit, today)[1:]]
    return [(one, unit_name(node, one)) for one in dict.fromkeys([*named, *([chosen] if chosen else [])])]


# ---- registering


def new_case() -> Response:
    """An empty form."""
    node = replica()
    unit = request.args.get("unit") or me().unit
    values = {"unit": unit, "date": today_of(node).isoformat(), "kind": "dispute", "complexity": "ordinary",
              "urgency": "yellow", "source": "self_found"}  # fmt: skip
    return _form(values, {}, 200)


def register_case() -> Any:
    """Takes the form in; the key in it makes a double click harmless."""
    node = replica()
    names = ("unit", "date", *FACTS, "place", *(f"party_{at}_{part}" for at in range(PARTIES) for part in PARTY))
    values = {name: typed(name) for name in names} | {"narrative": request.form.get("narrative", "")}
    kind, _, category = values["category"].partition(".")
    body: dict[str, Any] = {
        "unit": values["unit"], "date": values["date"], "kind": kind, "category": category,
        **{name: values[name] or None for name in FACTS if name != "category"},
        "private": {"parties": _parties(values), "place": values["place"], "narrative": values["narrative"]},
    }  # fmt: skip
    try:
        require_scope(node, me(), values["unit"])
        answer = acts.register(node, me(), body, typed("idem") or secrets.token_hex(16))
    except GridError as error:
        return _form(values, {error_field(error): error_text(error)}, error.status)
    wake()
    return redirect(url_for("pages.case", case_id=answer.document["id"]))


def _parties(values: dict[str, str]) -> list[dict[str, str | None]]:
    return [{part: values[f"party_{at}_{part}"] or None for part in PARTY} for at in range(PARTIES)]


def error_field(error: GridError) -> str:
    """The field of the form that an error is about."""
    name = error.field or "unit"
    if name.startswith("private.parties."):
        return "_".join(("party", *name.split(".")[2:4]))
    return name.removeprefix("private.")


def error_text(error: GridError) -> str:
    """The refusal in the words of the form: the party by its number, the field by its name."""
    lang, name = language(), error.field or ""
    if name.startswith("private.parties."):
        at, _, part = name.removeprefix("private.parties.").partition(".")
        whose = label(lang, "page.case_form.party", n=int(at) + 1) if at.isdigit() else ""
        return f"{whose} {told(lang, error, {name: f'page.case_form.{part}'} if part in PARTY else {})}".strip()
    return told(lang, error, NAMES)


def _form(values: dict[str, str], errors: dict[str, str], status: int) -> Response:
    node, unit = replica(), values.get("unit", "")
    model = {
        "values": values,
        "errors": errors,
        "units": _units(node, unit),
        "groups": [
            (kind, [(f"{kind}.{code}", word) for code, word in codes])
            for kind, codes in choices(node.db, today_of(node), language())
        ],
        "sources": SOURCES,
        "complexities": COMPLEXITIES,
        "urgencies": URGENCIES,
        "scales": SCALES,
        "amount_bands": AMOUNT_BANDS,
        "party_roles": PARTY_ROLES,
        "party_rows": range(PARTIES),
        "last_day": (today_of(node) + timedelta(days=1)).isoformat(),
        "idem": secrets.token_hex(16),
    }
    return page("case_form.html", "page.case_form.title", status, **model)


def _units(node: Replica, chosen: str) -> list[dict[str, str]]:
    """The units that a user may register for here: the subtree's that this node serves, the chosen one at least."""
    tree, today = tree_of(node), today_of(node)
    found: list[dict[str, str]] = []
    for one in tree.subtree(me().unit, today):
        if len(found) >= MAX_UNITS:
            break
        if hosts(node, one.id):
            indent = "\u3000" * (LEVELS.index(tree.level(me().unit) or LEVELS[-1]) - LEVELS.index(one.level))
            found.append({"id": one.id, "name": f"{indent}{one.name}"})
    if chosen and all(one["id"] != chosen for one in found):
        found.insert(0, {"id": chosen, "name": unit_name(node, chosen)})
    return found
