"""Signing in and out, first password, quick change of user on a shared PC, language."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, current_app, redirect, request, session, url_for
from werkzeug.exceptions import HTTPException

from node.access import rule_for
from node.guard import LANGUAGE_COOKIE, language, replica
from node.pages.frame import local_path, page, typed
from node.pages.signing import FIRST, first_password, forget, leave, people, secret_typed, welcome
from node.people import accounts
from node.people.accounts import Account
from node.scope import require_scope
from schemas.errors import Conflict, GridError, Invalid, Unauthorised
from schemas.labels import LANGUAGES, explain

LANGUAGE_LIFE_S = 400 * 86_400


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/sign-in", "sign_in", sign_in, methods=["GET", "POST"])
    routes.add_url_rule("/set-password", "first_password", set_password, methods=["GET", "POST"])
    routes.add_url_rule("/sign-out", "sign_out", leave, methods=["POST"])
    routes.add_url_rule("/switch", "switch", switch, methods=["GET", "POST"])
    routes.add_url_rule("/switch/forget", "forget", forget_one, methods=["POST"])
    routes.add_url_rule("/language/<chosen>", "language", choose_language)


def sign_in() -> Any:
    """Name and password, or the one-time code the first time."""
    following = local_path(request.values.get("next"))
    if request.method == "GET":
        return _sign_in_page(following)
    name = typed("name")
    try:
        done = accounts.sign_in(replica(), name, secret_typed("secret"))
    except GridError as error:
        return _sign_in_page(following, name, error)
    return first_password(done, following) if done.must_set_password else welcome(name, following)


def _sign_in_page(following: str, name: str = "", error: GridError | None = None) -> Response:
    return page(
        "sign_in.html",
        "page.sign_in.title",
        error.status if error else 200,
        name=name,
        error=explain(language(), error) if error else None,
        next=following,
        known=bool(people()),
    )


def set_password() -> Any:
    """After the one-time code: a password of one's own."""
    waiting = session.get(FIRST)
    if not waiting or len(waiting) != 3:
        raise Unauthorised("sign_in_needed")
    name, ticket, following = waiting
    model: dict[str, Any] = {"name": name, "error": None, "min_length": accounts.MIN_PASSWORD}
    if request.method == "GET":
        return page("set_password.html", "page.set_password.title", **model)
    password, again = secret_typed("password"), secret_typed("again")
    try:
        if password != again:
            raise Invalid("passwords_differ", field="again")
        accounts.choose_password(replica(), name, ticket, password)
    except Invalid as error:
        model["error"] = explain(language(), error)
        return page("set_password.html", "page.set_password.title", error.status, **model)
    return welcome(name, following)


def switch() -> Any:
    """Who signed in with this browser lately; the one that is chosen gives the password, and the session changes."""
    following = local_path(request.values.get("next"))
    if request.method == "GET":
        name = request.args.get("name", "")
        return _switch_page(following, name if any(one.name == name for one in people()) else None)
    name = typed("name")
    try:
        if all(one.name != name for one in people()):
            raise Conflict("not_on_this_pc", field="name", value=name)
        done = accounts.sign_in(replica(), name, secret_typed("secret"))
    except GridError as error:
        return _switch_page(following, name, error)
    following = following if may_open(done.account, following) else "/"
    return first_password(done, following) if done.must_set_password else welcome(name, following)


def _switch_page(following: str, chosen: str | None, error: GridError | None = None) -> Response:
    if isinstance(error, Conflict):
        chosen = None
    return page(
        "switch.html",
        "page.switch.title",
        error.status if error else 200,
        people=people(),
        chosen=chosen,
        error=explain(language(), error) if error else None,
        next=following,
    )


def forget_one() -> Any:
    """Shows a name no longer on this PC."""
    response = redirect(url_for("pages.switch", next=local_path(request.form.get("next"))))
    forget(response, typed("name"))  # type: ignore[arg-type]
    return response


def may_open(account: Account, path: str) -> bool:
    """Whether a page is one that the account may see. A page about one thing that is no unit counts as one they may
    not see: whose it is is known to the page alone.
    """
    where, _, query = path.partition("?")
    try:
        endpoint, about = current_app.url_map.bind("").match(where, "GET")
    except HTTPException:  # no such page, or another method's
        return False
    rule = rule_for(endpoint, "GET")
    if rule is None or about or not endpoint.startswith("pages.") or account.role not in rule.roles:
        return False
    unit = dict(parse_qsl(query)).get("unit")
    if rule.unit_in != "query":
        return not query
    if not unit:
        return True
    try:
        require_scope(replica(), account, unit)
    except GridError:
        return False
    return True


def choose_language(chosen: str) -> Any:
    """Keeps the reader's language and goes back."""
    response = redirect(local_path(request.args.get("next")))
    if chosen in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=LANGUAGE_LIFE_S, samesite="Lax", httponly=True)
    return response
