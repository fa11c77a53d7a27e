"""目录: the dated tree on any date, a unit with its history, and changing it with a preview."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, request, url_for

from hub import unit_changes
from node.guard import language, me, replica
from node.pages.choosing import crumbs
from node.pages.frame import Link, page, typed
from node.scope import require_scope
from schemas.clock import business_day
from schemas.errors import GridError, Invalid, NotFound
from schemas.labels import explain, label
from schemas.periods import parse_day
from schemas.roles import ADMIN
from schemas.units.acts import KINDS, LEVELS, level_above
from schemas.units.forms import named_successors, verbs_for
from schemas.units.tree import Tree, Unit
from sync import directory

MAX_CHILDREN: Final = 1_000
MAX_CHOICES: Final = 300
FIELDS: Final = ("code", "name", "kind", "parent", "successors")


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/directory", "directory", directory_page)
    routes.add_url_rule("/directory/change", "change_unit", change_page)
    routes.add_url_rule("/directory/change", "sign_change", sign_change, methods=["POST"])


def _asked() -> tuple[Tree, str, date]:
    """(tree, unit, day) that a request is about: the reader's own unit and today when it says nothing."""
    node = replica()
    tree, today = directory.tree_of(node), business_day(node.env.now_ms())
    unit = request.values.get("unit") or me().unit
    if not tree.exists(unit):
        raise NotFound("unknown_unit", field="unit", value=unit)
    given = request.values.get("at")
    return tree, unit, parse_day(given, "at") if given else today


def may_change() -> bool:
    """The directory is the city's: an administrator of a unit below looks at it."""
    return me().role in ADMIN and me().unit == replica().identity.unit


def directory_page() -> Response:
    """A unit on a date: what is below it, its versions, and where it came from and went to."""
    node = replica()
    tree, unit, day = _asked()
    known = tree.nearest(unit, day)
    assert known is not None
    certified = directory.certified_units(node.db)
    below = tree.children(unit, day)
    found = {
        "unit": _shown(known, tree, day, certified),
        "crumbs": crumbs(node, unit, day),
        "at": day.isoformat(),
        "is_open": tree.at(unit, day) is not None,
        "children": [_shown(one, tree, day, certified) for one in below[:MAX_CHILDREN]],
        "count": len(below),
        "versions": [_version(one, tree) for one in tree.versions(unit)],
        "before": [_named(tree, one, day) for one in tree.predecessors(unit)],
        "after": [_named(tree, one, day) for one in tree.successors(unit)],
        "host": _named(tree, host, day) if (host := directory.host_of(tree, certified, unit, day)) else None,
        "verbs": verbs_for(known.level) if may_change() and tree.at(unit, day) else [],
        "may_change": may_change(),
    }
    return page("directory.html", "nav.directory", **found)


def _shown(one: Unit, tree: Tree, day: date, certified: frozenset[str]) -> dict[str, Any]:
    return {
        "id": one.id, "name": one.name, "code": one.code, "level": one.level, "kind": one.kind,
        "groups": tree.group_count(one.id, day), "has_node": one.id in certified, "valid_from": one.valid_from,
        "valid_to": one.valid_to,
    }  # fmt: skip


def _named(tree: Tree, unit: str, day: date) -> dict[str, str]:
    found = tree.nearest(unit, day)
    return {"id": unit, "name": found.name if found else unit}


def _version(one: Unit, tree: Tree) -> dict[str, Any]:
    parent = tree.nearest(one.parent_id, one.valid_from) if one.parent_id else None
    return {
        "from": one.valid_from, "to": one.valid_to, "name": one.name, "code": one.code,
        "parent": parent.name if parent else one.parent_id or "",
    }  # fmt: skip


# ---- one change


def change_page() -> Response:
    """The form of one change."""
    require_scope(replica(), me(), replica().identity.unit)
    return _form({}, {}, None, None)


def _form(
    values: dict[str, str], assigned: dict[str, str], trial: unit_changes.Trial | None, error: GridError | None
) -> Response:
    tree, unit, day = _asked()
    verb = request.values.get("act", "")
    known = tree.nearest(unit, day)
    assert known is not None
    if verb not in verbs_for(known.level):
        raise Invalid("unknown_act", field="act", value=verb, allowed=", ".join(verbs_for(known.level)))
    level = LEVELS[LEVELS.index(known.level) - 1] if verb == "open" else known.level
    found = {
        "unit": {"id": unit, "name": known.name, "code": known.code, "level": known.level},
        "verb": verb, "at": day.isoformat(), "level": level, "kinds": KINDS, "values": values,
        "choices": _choices(tree, verb, known, day), "parts": _parts(tree, verb, known, day, values, assigned),
        "changes": trial.changes if trial else None,
        "past": day <= business_day(replica().env.now_ms()),
        "error": {"field": error.field, "text": explain(language(), error)} if error else None,
    }  # fmt: skip
    return page("directory_change.html", "nav.directory", error.status if error else 200, **found)


def _choices(tree: Tree, verb: str, known: Unit, day: date) -> list[dict[str, str]]:
    """Units that a move may lead to, or a merge: so many as a list is of use."""
    wanted = {"move": level_above(known.level), "merge": known.level}.get(verb)
    top = tree.root
    if wanted is None or top is None:
        return []
    found = [one for one in tree.subtree(top, day) if one.level == wanted and one.id not in (known.id, known.parent_id)]
    return [{"code": one.code, "name": one.name} for one in found[:MAX_CHOICES]]


def _parts(
    tree: Tree, verb: str, known: Unit, day: date, values: dict[str, str], assigned: dict[str, str]
) -> dict[str, Any] | None:
    """Of a split: the successors, and to which of them each unit right below goes."""
    if verb != "split" or not values.get("successors"):
        return None
    try:
        successors = named_successors(known.id, day, values["successors"], tree)
    except Invalid:
        return None
    below = [{"id": one.id, "name": one.name, "to": assigned.get(one.id, "")} for one in tree.children(known.id, day)]
    return {"successors": successors, "below": below}


def sign_change() -> Any:
    """Shows what a change would change; with the confirmation it is signed."""
    node = replica()
    require_scope(node, me(), node.identity.unit)
    _, unit, day = _asked()
    values = {name: typed(name) if name != "successors" else request.form.get(name, "")[:4_000] for name in FIELDS}
    assigned = {name.removeprefix("to."): value for name, value in request.form.items() if name.startswith("to.")}
    try:
        trial = unit_changes.tried(node, typed("act"), unit, day, values, assigned)
        if request.form.get("confirm") != "yes":
            return _form(values, assigned, trial, None)
        count = unit_changes.signed(node, trial)
    except Invalid as error:
        return _form(values, assigned, None, error)
    flash(label(language(), "page.directory.signed", n=count), "ok")
    after = directory.tree_of(node)
    shown: Link = {"unit": unit if after.exists(unit) else me().unit, "at": day.isoformat()}
    return redirect(url_for("city.directory", **shown))
