"""免报: what is lifted for whom, with the form that lifts it and the way to take it back."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, Response, redirect, request, url_for

from node.daily import excuse_queries, excuses
from node.guard import language, me, replica, wake
from node.pages.case_words import told, unit_name
from node.pages.frame import page, typed
from node.scope import hosts, require_scope, today_of
from schemas.errors import GridError, Invalid, NotFound
from schemas.excuses import REASON_CODES
from schemas.roles import REVIEW
from sync.database import read
from sync.directory import tree_of
from sync.heads import is_covered
from sync.replica import Replica

ROUND: Final = timedelta(days=62)  # what is listed: excuses of these days before and after today
A_PAGE: Final = 50
MAX_UNITS: Final = 500
FIELDS: Final = ("unit", "from", "to", "reason_code", "reason", "amends")
NAMES: Final = {
    "unit": "page.unit", "from": "page.excuses.from", "to": "page.excuses.to", "reason": "page.excuses.reason",
    "reason_code": "page.excuses.reason_code", "amends": "page.excuses.amends",
}  # fmt: skip


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/excuses", "excuses", listed)
    routes.add_url_rule("/excuses", "enter_excuse", enter, methods=["POST"])
    routes.add_url_rule("/excuses/cancel", "cancel_excuse", cancel, methods=["POST"])


def listed() -> Response:
    """What is lifted in a subtree, and an empty form, or one that corrects what `amends` names."""
    node = replica()
    day = (today_of(node) + timedelta(days=1)).isoformat()
    values = {"unit": request.args.get("unit") or "", "from": day, "to": day, "reason_code": REASON_CODES[0]}
    named = request.args.get("amends")
    if named:
        kept = excuse_queries.act(node.db, named)
        if kept is None:
            raise NotFound("unknown_event", field="amends", value=named)
        require_scope(node, me(), kept.unit)
        values |= {"unit": kept.unit, "from": kept.first.isoformat(), "to": kept.last.isoformat(), "amends": named}
        values |= {"reason_code": kept.reason_code, "reason": _words(node, named)}
    return _page(values, {}, 200)


def enter() -> Any:
    """Takes the form in; the key in it makes a double click harmless."""
    values = {name: typed(name) for name in FIELDS}
    body = {name: value for name, value in values.items() if value}
    try:
        excuses.give(replica(), me(), body, typed("idem") or secrets.token_hex(16))
    except GridError as error:
        return _page(values, {error.field or "unit": told(language(), error, NAMES)}, error.status)
    wake()
    return redirect(url_for("pages.excuses", unit=values["unit"]))


def cancel() -> Any:
    """Takes one back, with its reason."""
    event = typed("event")
    try:
        excuses.take_back(replica(), me(), event, {"reason": typed("reason")}, typed("idem") or secrets.token_hex(16))
    except GridError as error:
        if error.code == "unknown_event":
            raise
        return _page({}, {event: told(language(), error, NAMES)}, error.status)
    wake()
    return redirect(url_for("pages.excuses", unit=request.form.get("unit")))


def _page(values: dict[str, str], errors: dict[str, str], status: int) -> Response:
    node = replica()
    today, unit = today_of(node), me().unit
    asked = request.args.get("unit") or unit
    may = me().role in REVIEW and hosts(node, unit)
    with read(node.db):
        shown = excuses.listed(node, asked, today - ROUND, today + ROUND, _after(request.args.get("after")), A_PAGE)
        more = url_for("pages.excuses", unit=asked, after=shown["next"]) if shown["next"] else None
        model = {
            "unit": {"id": asked, "name": unit_name(node, asked)},
            "items": [_shown(node, one, today, may=may) for one in shown["items"]],
            "next_url": more,
            "values": values,
            "errors": errors,
            "units": _units(node, values.get("unit", "")) if may else [],
            "codes": REASON_CODES,
            "idem": secrets.token_hex(16),
        }
    return page("excuses.html", "page.excuses.title", status, **model)


def _shown(node: Replica, one: dict[str, Any], today: date, *, may: bool) -> dict[str, Any]:
    tree, own = tree_of(node), me().unit
    above = one["unit"] != own and tree.ever_below(one["unit"], own)
    first, last = (date.fromisoformat(one[name]) for name in ("from", "to"))
    return {
        **one,
        "by_name": unit_name(node, one["by"]),
        "days": (last - first).days + 1,
        "when": "over" if last < today else "ahead" if first > today else "now",
        "words": _words(node, one["event"]),
        "may_cancel": may and above and tree.ever_below(one["by"], own),
    }


def _words(node: Replica, event: str) -> str:
    """The reason in words, where it is held: at the unit that gave it, and at the one that it is for."""
    return "" if is_covered(node.db) else excuse_queries.words_of(node.db, event, "reason")


def _units(node: Replica, chosen: str) -> list[tuple[str, str]]:
    """The units below that may be excused: two levels, and the chosen one."""
    tree, today, own = tree_of(node), today_of(node), me().unit
    found: list[tuple[str, str]] = []
    for child in tree.children(own, today):
        below = tree.children(child.id, today)
        found += [(child.id, child.name), *((one.id, f"\u3000{one.name}") for one in below)]
        if len(found) >= MAX_UNITS:
            break
    if chosen and chosen != own and all(unit != chosen for unit, _ in found):
        found.insert(0, (chosen, unit_name(node, chosen)))
    return found[:MAX_UNITS]


def _after(text: str | None) -> tuple[str, str] | None:
    if not text:
        return None
    day, _, event = text.partition(" ")
    if not event:
        raise Invalid("bad_after", field="after", value=text)
    return day, event
