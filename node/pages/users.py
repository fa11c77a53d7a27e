"""The accounts of the own subtree: list, add, new one-time code, disable and enable."""

from __future__ import annotations

from flask import Blueprint, Response, request

from node.guard import language, me, replica
from node.pages.frame import page, require_sure, typed
from node.people import accounts, accounts_admin, sessions
from node.people.accounts_admin import Listed
from schemas.clock import business_day
from schemas.errors import GridError
from schemas.labels import explain
from schemas.roles import HUB_ROLES, ROLES
from sync.directory import tree_of


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/users", "users_page", users_page)
    routes.add_url_rule("/users", "add_user", add_user, methods=["POST"])
    routes.add_url_rule("/users/one", "one_user", one_user)
    routes.add_url_rule("/users/code", "renew_code", renew_code, methods=["POST"])
    routes.add_url_rule("/users/disable", "disable_user", disable_user, methods=["POST"])
    routes.add_url_rule("/users/enable", "enable_user", enable_user, methods=["POST"])


def users_page() -> Response:
    """Everybody who signs in here."""
    return _users({}, {}, None)


def add_user() -> Response:
    """Adds an account and shows its one-time code, once."""
    values = {name: typed(name) for name in ("name", "role", "unit")}
    try:
        code = accounts.add(replica(), values["name"], values["role"], values["unit"] or me().unit)
    except GridError as error:
        return _users({error.field or "name": explain(language(), error)}, values, None, error.status)
    return _users({}, {}, {"name": values["name"], "code": code})


def one_user() -> Response:
    """One account: how it stands, and what can be done."""
    return _one(request.args.get("name", ""))


def renew_code() -> Response:
    """A new one-time code for somebody who forgot the password; shown once."""
    name = typed("name")
    accounts_admin.managed(replica(), me(), name)
    try:
        code = accounts_admin.renew_code(replica(), me(), name)
    except GridError as error:
        return _one(name, error)
    return _one(name, code=code)


def disable_user() -> Response:
    """Closes an account once that was confirmed."""
    name = typed("name")
    accounts_admin.managed(replica(), me(), name)
    try:
        require_sure()
        accounts_admin.disable(replica(), me(), name)
    except GridError as error:
        return _one(name, error)
    return _one(name, changed=True)


def enable_user() -> Response:
    """Opens an account again."""
    name = typed("name")
    accounts_admin.managed(replica(), me(), name)
    try:
        accounts_admin.enable(replica(), me(), name)
    except GridError as error:
        return _one(name, error)
    return _one(name, changed=True)


def _one(name: str, error: GridError | None = None, code: str | None = None, changed: bool = False) -> Response:
    node = replica()
    one = accounts_admin.managed(node, me(), name)
    return page(
        "user.html",
        "page.user.title",
        error.status if error else 200,
        one=_shown(one) | {"created_at": one.created_at},
        is_me=name == me().name,
        sessions=sessions.sessions_of(node, name, None),
        tokens=len(sessions.tokens_of(node, name)),
        code=code,
        changed=changed,
        error=explain(language(), error) if error else None,
    )


def _shown(one: Listed) -> dict[str, object]:
    node = replica()
    found = tree_of(node).nearest(one.account.unit, business_day(node.env.now_ms()))
    return {
        "name": one.account.name, "role": one.account.role, "unit_name": found.name if found else one.account.unit,
        "state": one.state, "last_seen_at": one.seen_at,
    }  # fmt: skip


def _users(
    errors: dict[str, str], values: dict[str, str], created: dict[str, str] | None, status_code: int = 200
) -> Response:
    node = replica()
    tree, today = tree_of(node), business_day(node.env.now_ms())
    users = [_shown(one) for one in accounts_admin.listed(node, me().unit)]
    own = tree.nearest(me().unit, today)
    units = [{"id": me().unit, "name": own.name if own else me().unit}]
    units += [{"id": one.id, "name": one.name} for one in tree.children(me().unit, today)]
    roles = [role for role in ROLES if node.identity.is_top or role not in HUB_ROLES]
    model = {"users": users, "roles": roles, "units": units, "created": created, "errors": errors, "values": values}
    return page("users.html", "nav.users", status_code, **model)
