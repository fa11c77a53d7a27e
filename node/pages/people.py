"""Signing in and out, first password, language, users."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, session, url_for

from node import accounts
from node.guard import LANGUAGE_COOKIE, SESSION_COOKIE, language, me, replica
from node.pages.frame import local_path, page, typed
from schemas.clock import business_day
from schemas.errors import GridError, Unauthorised
from schemas.labels import LANGUAGES, explain
from schemas.roles import HUB_ROLES, ROLES
from sync.directory import tree_of

FIRST = "first_password"
LANGUAGE_LIFE_S = 400 * 86_400


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/sign-in", "sign_in", sign_in, methods=["GET", "POST"])
    routes.add_url_rule("/set-password", "first_password", first_password, methods=["GET", "POST"])
    routes.add_url_rule("/sign-out", "sign_out", sign_out, methods=["POST"])
    routes.add_url_rule("/language/<chosen>", "language", choose_language)
    routes.add_url_rule("/users", "users_page", users_page)
    routes.add_url_rule("/users", "add_user", add_user, methods=["POST"])


def sign_in() -> Any:
    """Name and password, or the one-time code the first time."""
    following = local_path(request.values.get("next"))
    if request.method == "GET":
        return page("sign_in.html", "page.sign_in.title", name="", error=None, next=following)
    name = typed("name")
    try:
        done = accounts.sign_in(replica(), name, request.form.get("secret", "").strip())
    except GridError as error:
        return page(
            "sign_in.html",
            "page.sign_in.title",
            error.status,
            name=name,
            error=explain(language(), error),
            next=following,
        )
    if done.must_set_password:
        session[FIRST] = [name, following]
        return redirect(url_for("pages.first_password"))
    return _welcome(name, following)


def first_password() -> Any:
    """After the one-time code: a password of one's own."""
    waiting = session.get(FIRST)
    if not waiting:
        raise Unauthorised("sign_in_needed")
    name, following = waiting
    model: dict[str, Any] = {"name": name, "error": None, "min_length": accounts.MIN_PASSWORD}
    if request.method == "GET":
        return page("set_password.html", "page.set_password.title", **model)
    password, again = request.form.get("password", ""), request.form.get("again", "")
    try:
        if password != again:
            raise Unauthorised("passwords_differ", field="again")
        accounts.set_password(replica(), name, password)
    except GridError as error:
        model["error"] = explain(language(), error)
        return page("set_password.html", "page.set_password.title", 422, **model)
    session.pop(FIRST)
    return _welcome(name, following)


def sign_out() -> Any:
    """Ends this session."""
    secret = request.cookies.get(SESSION_COOKIE)
    if secret:
        accounts.close_session(replica(), secret)
    response = redirect(url_for("pages.sign_in"))
    response.delete_cookie(SESSION_COOKIE)
    return response


def choose_language(chosen: str) -> Any:
    """Keeps the reader's language and goes back."""
    response = redirect(local_path(request.args.get("next")))
    if chosen in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=LANGUAGE_LIFE_S, samesite="Lax", httponly=True)
    return response


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


def _users(
    errors: dict[str, str], values: dict[str, str], created: dict[str, str] | None, status_code: int = 200
) -> Response:
    node = replica()
    tree, today = tree_of(node), business_day(node.env.now_ms())

    def name_of(unit: str) -> str:
        found = tree.nearest(unit, today)
        return found.name if found else unit

    users = [
        {
            "name": one.name, "role": one.role, "unit_name": name_of(one.unit), "active": True, "last_seen_at": seen,
        }
        for one, _has_password, seen in accounts.listed(node, me().unit)
    ]  # fmt: skip
    own = tree.nearest(me().unit, today)
    units = [{"id": me().unit, "name": own.name if own else me().unit}]
    units += [{"id": one.id, "name": one.name} for one in tree.children(me().unit, today)]
    roles = [role for role in ROLES if node.identity.is_top or role not in HUB_ROLES]
    model = {"users": users, "roles": roles, "units": units, "created": created, "errors": errors, "values": values}
    return page("users.html", "nav.users", status_code, **model)


def _welcome(name: str, following: str) -> Any:
    response = redirect(following)
    secret = accounts.open_session(replica(), name)
    response.set_cookie(
        SESSION_COOKIE, secret, max_age=accounts.SESSION_LIFE_MS // 1000, httponly=True, samesite="Lax",
        secure=request.is_secure,
    )  # fmt: skip
    return response
