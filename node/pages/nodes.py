"""下级节点: the nodes below, their one-time codes, what ends or replaces one; a grave step is typed out first."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node import node_queries as queries
from node.guard import language, me, replica
from node.pages.frame import page, typed
from schemas.clock import business_day
from schemas.errors import GridError, Invalid, NotFound
from schemas.labels import explain
from schemas.units.tree import LEVELS
from sync import directory, enrol
from sync.replica import Replica

SILENT_MS: Final = 2 * 86_400_000
DAY_MS: Final = 86_400_000
MAX_HOSTED: Final = 300


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/nodes", "nodes_page", nodes_page)
    routes.add_url_rule("/nodes/invite", "add_node", add_node, methods=["POST"])
    routes.add_url_rule("/nodes/one", "one_node", one_node)
    routes.add_url_rule("/nodes/replace", "replace_node", replace_node, methods=["POST"])
    routes.add_url_rule("/nodes/revoke", "revoke_node", revoke_node, methods=["POST"])
    routes.add_url_rule("/nodes/readmit", "readmit_node", readmit_node, methods=["POST"])


def nodes_page() -> Response:
    """Nodes below, and the units that may get one."""
    return _nodes(None, None)


def add_node() -> Response:
    """A one-time code for a unit below, shown once."""
    node, unit = replica(), typed("unit")
    try:
        made = enrol.invite(node, unit)
    except GridError as error:
        return _nodes(None, explain(language(), error), error.status)
    created = {"id": unit, "unit": _name(node, unit), "code": made.code, "expires_at": made.expires_at}
    return _nodes(created, None)


def _nodes(created: dict[str, Any] | None, error: str | None, status_code: int = 200) -> Response:
    node = replica()
    return page(
        "nodes.html",
        "nav.nodes",
        status_code,
        children=children_shown(node, linked=True),
        hosted=_hosted(node),
        created=created,
        error=error,
    )


def one_node() -> Response:
    """The node of a unit below: how it stands, what came from it, and what can be done."""
    return _one(request.args.get("unit", ""))


def replace_node() -> Response:
    """A one-time code for a new machine in the place of the unit's node, which is revoked when the code is used."""
    unit = typed("unit")

    def deed(node: Replica) -> dict[str, Any]:
        made = enrol.invite(node, unit)
        return {"created": {"id": unit, "unit": _name(node, unit), "code": made.code, "expires_at": made.expires_at}}

    return _done(unit, deed)


def revoke_node() -> Response:
    """Ends the right of the unit's node to write; cannot be taken back."""
    unit = typed("unit")

    def deed(node: Replica) -> dict[str, Any]:
        enrol.revoke(node, unit)
        return {"done": "revoked"}

    return _done(unit, deed)


def readmit_node() -> Response:
    """Certifies a node again whose issuer was revoked."""
    unit = typed("unit")

    def deed(node: Replica) -> dict[str, Any]:
        enrol.readmit(node, unit, typed("node") or None)
        return {"done": "readmitted"}

    return _done(unit, deed)


def _done(unit: str, deed: Callable[[Replica], dict[str, Any]]) -> Response:
    """Does it once the unit's name or code was typed out."""
    node = replica()
    _require_known(node, unit)
    try:
        require_typed(_name(node, unit), unit)
        model = deed(node)
    except GridError as error:
        return _one(unit, error)
    return _one(unit, **model)


def require_typed(*expected: str) -> None:
    """Raises Invalid unless the form's `typed` is one of these, whatever width its signs have."""
    given = typed("typed")
    if given not in [unicodedata.normalize("NFKC", one).strip() for one in expected]:
        raise Invalid("confirm_typed", field="typed", value=given, expected=expected[0])


def _require_known(node: Replica, unit: str) -> None:
    if unit == node.identity.unit or not directory.tree_of(node).exists(unit):
        raise NotFound("unknown_unit", field="unit", value=unit)


def _one(
    unit: str, error: GridError | None = None, *, created: dict[str, Any] | None = None, done: str | None = None
) -> Response:
    node = replica()
    _require_known(node, unit)
    now, named = node.env.now_ms(), directory.tree_of(node).nearest(unit, business_day(node.env.now_ms()))
    machines = [
        {"id": row[0], "since": row[1], "events": row[2], "last_at": row[3], "state": "revoked" if row[4] else "ok"}
        for row in queries.nodes_of(node.db, unit)
    ]
    hosted = any(one["id"] == unit for one in _hosted(node))
    return page(
        "node.html",
        "page.node.title",
        error.status if error else 200,
        one={"id": unit, "name": _name(node, unit), "level": named.level if named else None},
        state=_shown(node, unit, now),
        machines=machines,
        live=any(one["state"] == "ok" for one in machines),
        waiting=sorted(enrol.waiting_for(node, unit)),
        may_replace=bool(machines) and (hosted or _is_child(node, unit)),
        below=[_name(node, one) for one in _nodes_under(node, unit)],
        created=created,
        done=done,
        error=explain(language(), error) if error else None,
    )


def _nodes_under(node: Replica, unit: str) -> list[str]:
    """Units below this one whose nodes sync to its node."""
    today = business_day(node.env.now_ms())
    tree, certified = directory.tree_of(node), directory.certified_units(node.db)
    found = (one for one in certified if one != unit and tree.below(one, unit, today))
    return sorted(one for one in found if directory.parent_host(tree, certified | {unit}, one, today) == unit)


def _is_child(node: Replica, unit: str) -> bool:
    """Whether the unit's node syncs to this one, or would if it had one."""
    today = business_day(node.env.now_ms())
    tree, certified = directory.tree_of(node), directory.certified_units(node.db)
    return directory.parent_host(tree, certified | {unit}, unit, today) == node.identity.unit


def children_shown(node: Replica, *, linked: bool = False) -> list[dict[str, Any]]:
    """The units below whose nodes sync here, with the state of each; `linked`: with the address of its page."""
    now = node.env.now_ms()
    units = [unit for unit in queries.units_below(node.db, node.identity.unit) if _is_child(node, unit)]
    seen = me().unit
    tree = directory.tree_of(node)
    return [
        _shown(node, unit, now)
        | ({"href": url_for("pages.one_node", unit=unit)} if linked and tree.ever_below(unit, seen) else {})
        for unit in units
    ]


def _shown(node: Replica, unit: str, now: int) -> dict[str, Any]:
    seen, received, offset, refused = queries.link_with(node.db, node.link_to(unit))
    silent = now - seen if seen is not None else None
    state = "new" if silent is None else "silent" if silent > SILENT_MS else "ok"
    return {
        "id": unit,
        "name": _name(node, unit),
        "state": state if directory.live_nodes(node.db, unit) else "ended",
        "silent_days": (silent or 0) // DAY_MS,
        "last_seen_at": seen,
        "received": received or 0,
        "refused": refused,
        "offset_s": round(offset / 1000) if offset is not None else None,
    }


def _hosted(node: Replica) -> list[dict[str, str]]:
    """Units directly below that this node serves itself, level by level, as far as a list is of use."""
    today = business_day(node.env.now_ms())
    tree, certified = directory.tree_of(node), directory.certified_units(node.db)
    waiting = [one.id for one in tree.children(node.identity.unit, today) if one.id not in certified]
    found = []
    for unit in waiting:
        named = tree.nearest(unit, today)
        if named is not None:
            found.append({"id": unit, "name": named.name, "level": named.level})
        if named is not None and named.level not in LEVELS[:2]:
            waiting += [one.id for one in tree.children(unit, today) if one.id not in certified]
        if len(found) >= MAX_HOSTED:
            break
    return found


def _name(node: Replica, unit: str) -> str:
    named = directory.tree_of(node).nearest(unit, business_day(node.env.now_ms()))
    return named.name if named else unit
