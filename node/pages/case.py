"""One case: what it is, what may be done now, its timeline, its private part, and the form of each act."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, redirect, request, url_for

from node.application import NodeApplication
from node.cases import acts, queries
from node.cases.acts import Allowed, require_case
from node.cases.disclosing import KEEP_DAYS
from node.cases.documents import facts, timeline
from node.cases.forms import GRAVE, MAIN, Widget, body_of, ordered, widgets
from node.cases.private import may_read, outline, own_copy, read_private, read_words, readings, words_held
from node.guard import language, me, replica, wake
from node.pages.case_words import code_word, limits, parties, shown, step, told, unit_name
from node.pages.frame import may_open, page, typed
from node.scope import today_of
from schemas.cases.fold import Case
from schemas.cases.table import ACTIONS
from schemas.errors import Conflict, Forbidden, GridError, NotFound
from schemas.labels import label
from schemas.roles import CASEWORK, REVIEW
from schemas.units.acts import LEVELS
from schemas.units.tree import Tree
from sync.directory import tree_of
from sync.heads import is_covered
from sync.replica import Replica

MAX_PURPOSE: Final = 200
MAX_WIDE: Final = 300


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/cases/<case_id>", "case", case)
    routes.add_url_rule("/cases/<case_id>/private", "case_private", case_private, methods=["POST"])
    routes.add_url_rule("/cases/<case_id>/agreement", "agreement", agreement, methods=["POST"])
    routes.add_url_rule("/cases/<case_id>/<action>", "act", act)
    routes.add_url_rule("/cases/<case_id>/<action>", "enter_act", enter_act, methods=["POST"])


def case(case_id: str) -> Response:
    """The case with its private part covered."""
    node = replica()
    return _case(node, require_case(node, me(), case_id), None, {})


def case_private(case_id: str) -> Response:
    """The case with its private part, or the words addressed to us, open: that is logged first."""
    node = replica()
    found = require_case(node, me(), case_id)
    purpose = typed("purpose")[:MAX_PURPOSE]
    private = read_private(node, me(), found, purpose)
    words = read_words(node, me(), found, purpose) if private is None else private["words"]
    if private is None and not words and me().role not in CASEWORK:  # nothing here was ever for them
        raise Forbidden("role_not_allowed", field="role", value=me().role)
    return _case(node, found, private, words)


def agreement(case_id: str) -> Response:
    """The agreement on a sheet to be printed and signed: a reading of the private part, logged as such."""
    node, lang = replica(), language()
    found = require_case(node, me(), case_id)
    row = queries.case_now(node.db, found.id)
    agreed = row is not None and found.now.agreed_on is not None
    private = read_private(node, me(), found, label(lang, "page.agreement.purpose")) if agreed else None
    if private is None or row is None or found.now.agreed_on is None:
        raise NotFound("no_such_route", field="route", value=request.path)
    due = found.now.performance_due
    model = {
        "case": shown(node, facts(node, me(), found, row), lang),
        "parties": parties(private, lang),
        "place": private["place"],
        "agreement": private["agreement"],
        "agreed_on": found.now.agreed_on.isoformat(),
        "performance_due": due.isoformat() if due else None,
        "unit_name": unit_name(node, found.owner),
        "today": today_of(node).isoformat(),
    }
    return page("agreement.html", "page.agreement.title", **model)


def _case(node: Replica, found: Case, private: dict[str, Any] | None, words: dict[str, Any]) -> Response:
    row = queries.case_now(node.db, found.id)
    assert row is not None  # whatever folds is kept
    lang = language()
    document = facts(node, me(), found, row)
    steps = [step(node, one, lang) for one in reversed(timeline(node, found, words))]
    allowed = [one for one in document["allowed"] if _has_targets(node, found, one)]
    readable = may_read(node, me(), found)
    model = {
        "case": shown(node, document, lang),
        "allowed": ordered(found.state, allowed),
        "main": MAIN.get(found.state),
        "grave": GRAVE,
        "owners": [{**one, "name": unit_name(node, one["unit"])} for one in document["owners"]],
        "supervisions": [{**one, "name": unit_name(node, one["unit"])} for one in document["supervisions"]],
        "limits": limits(node, document, lang),
        "steps": steps,
        "arrived": sum(1 for one in steps if one["arrived"]),
        "readable": readable,
        "restored": is_covered(node.db),
        "covered_words": 0 if readable or words else len(words_held(node, me(), found)),
        "private": {**private, "parties": parties(private, lang)} if private else None,
        "outline": outline(node, found) if readable else None,
        "copy": own_copy(node, found, _keep_days(node)),
        "erase_url": url_for("pages.erase_page", case=found.id) if may_open("pages.erase_page", me().role) else None,
        "readings": readings(node, found.id) if readable and me().role in REVIEW else None,
    }
    return page("case.html", "page.case.title", **model)


def _keep_days(node: Replica) -> int:
    return node.app.keep_days if isinstance(node.app, NodeApplication) else KEEP_DAYS


# ---- acts


def act(case_id: str, action: str) -> Response:
    """The form of one act."""
    node = replica()
    found = require_case(node, me(), case_id)
    if action not in Allowed.now(node, me(), found).units:
        told = Allowed.now(node, me(), found).told(found)
        raise _in_words(Conflict("case_not_now", field="action", value=action, **told))
    return _form(node, found, action, {}, {}, 200)


def enter_act(case_id: str, action: str) -> Any:
    """Takes the form in. What happened in between is shown, and nothing is lost that was typed."""
    node = replica()
    names = [one.name for one in widgets(action, today_of(node))] if action in ACTIONS else []
    values = {name: request.form.get(name, "").strip() if name in _LONG else typed(name) for name in names}
    values["date"] = typed("date")
    body: dict[str, Any] = {"action": action, "after": typed("after"), **body_of(action, values)} if names else {}
    body |= {"action": action, "after": typed("after"), "date": values["date"] or None}
    try:
        acts.act_on(node, me(), case_id, body, typed("idem") or secrets.token_hex(16))
    except GridError as error:
        if error.code == "unknown_case":
            raise
        field = (error.field or "").removeprefix("private.")
        behind = error.params.get("since")
        if error.code in ("case_moved_on", "case_not_now"):
            error, field = _in_words(error), ""
        problem = {field: told(language(), error, _names(action))}
        found = require_case(node, me(), case_id)
        return _form(node, found, action, values, problem, error.status, _behind(node, behind))
    wake()
    return redirect(url_for("pages.case", case_id=case_id))


_LONG: Final = frozenset({"text", "reason", "reply", "narrative", "agreement"})


def _names(action: str) -> dict[str, str]:
    """Label keys of the fields of an act's form, by the names that the API has for them."""
    asked = [one.name for one in widgets(action, date.min)] if action in ACTIONS else []
    return {
        "date": "page.act.date",
        **{prefix + name: f"page.act.field.{name}" for name in asked for prefix in ("", "private.")},
    }


def _in_words(error: GridError) -> Conflict:
    """The refusal with words for the codes in it."""
    allowed = error.params["allowed"]
    names = [_act_word(one) for one in allowed] if isinstance(allowed, list) else []
    told = {
        "state": label(language(), f"state.{error.params['state']}"),
        "allowed": names or [label(language(), "page.act.nothing")],
        "event": error.params["event"],
    }
    return Conflict(error.code, field=error.field, value=_act_word(str(error.value)), **told)


def _act_word(action: str) -> str:
    return code_word(language(), "action.", action) or action


def _behind(node: Replica, since: object) -> list[dict[str, Any]]:
    """What somebody else did in between, in words: which act, of which unit, when."""
    acts_since = since if isinstance(since, list) else []
    return [
        {"act": _act_word(one["action"]), "unit": unit_name(node, one["unit"]), "at": one["recorded_at"]}
        for one in acts_since
    ]


def _form(
    node: Replica,
    found: Case,
    action: str,
    values: dict[str, str],
    errors: dict[str, str],
    status: int,
    behind: list[dict[str, Any]] | None = None,
) -> Response:
    row = queries.case_now(node.db, found.id)
    assert row is not None
    if action not in ACTIONS or action == "register":
        raise NotFound("no_such_route", field="route", value=request.path)
    today = today_of(node)
    questions = [_question(node, found, one, values) for one in widgets(action, today)]
    model = {
        "case": shown(node, facts(node, me(), found, row), language()),
        "action": action,
        "questions": questions,
        "grave": action in GRAVE,
        "date": values.get("date") or today.isoformat(),
        "after": found.event,
        "errors": errors,
        "behind": behind or [],
        "idem": secrets.token_hex(16),
    }
    return page("case_act.html", f"action.{action}", status, **model)


def _question(node: Replica, found: Case, one: Widget, values: dict[str, str]) -> dict[str, Any]:
    options = [(value, label(language(), key)) for value, key in one.options]
    if one.kind == "unit":
        action = request.view_args["action"] if request.view_args else ""
        options = [(unit, name) for unit, name in targets(node, found, str(action))]
    return {
        "name": one.name, "kind": one.kind, "needed": one.needed, "options": options,
        "value": values.get(one.name, one.value), "long": one.name in ("narrative", "agreement"),
    }  # fmt: skip


def _has_targets(node: Replica, found: Case, action: str) -> bool:
    return not action.startswith("hand_") or bool(targets(node, found, action))


def targets(node: Replica, found: Case, action: str) -> list[tuple[str, str]]:
    """(unit, name) of the units that a case may be handed to: those above, below, or beside the owner today."""
    tree, today = tree_of(node), today_of(node)
    above = tree.ancestors(found.owner, today)[1:]
    if action == "hand_up":
        return [(unit, unit_name(node, unit)) for unit in above]
    if action == "hand_down":
        return _below(tree, found.owner, today)
    beside = [one for one in tree.children(above[0], today) if one.id != found.owner] if above else []
    return [(one.id, one.name) for one in beside[:MAX_WIDE]]


def _below(tree: Tree, unit: str, day: date) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    base = LEVELS.index(tree.level(unit) or LEVELS[0])
    for one in tree.subtree(unit, day):
        if one.id != unit:
            indent = "\u3000" * max(0, base - LEVELS.index(one.level) - 1)
            found.append((one.id, f"{indent}{one.name}"))
        if len(found) >= MAX_WIDE:
            break
    return found
