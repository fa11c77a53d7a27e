"""The own account: password, open sessions, tokens."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for

from node.guard import SESSION_COOKIE, language, me, replica
from node.pages.frame import page, typed
from node.pages.signing import leave, secret_typed
from node.people import accounts, sessions
from schemas.clock import business_day
from schemas.errors import GridError, Invalid
from schemas.labels import explain, label
from sync.directory import tree_of

OTHERS = "others"
ALL = "all"


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/account", "account", account)
    routes.add_url_rule("/account/password", "change_password", change_password, methods=["POST"])
    routes.add_url_rule("/account/sessions", "end_sessions", end_sessions, methods=["POST"])
    routes.add_url_rule("/account/tokens", "end_token", end_token, methods=["POST"])


def account() -> Response:
    """Who I am here, where I am signed in, and my tokens."""
    return _page()


def change_password() -> Any:
    """Another password; the old one is asked for."""
    old, password = secret_typed("old"), secret_typed("password")
    try:
        if password != secret_typed("again"):
            raise Invalid("passwords_differ", field="again")
        accounts.change_password(
            replica(), me().name, old, password, session=_secret(), end_tokens=request.form.get("end_tokens") == "yes"
        )
    except GridError as error:
        if error.status == 401:
            raise
        return _page({error.field or "old": explain(language(), error)}, None, error.status)
    return _done(label(language(), "page.account.changed"))


def end_sessions() -> Any:
    """Ends one session by its id, all others, or all: then this browser is signed out as well."""
    which, node, name = typed("which"), replica(), me().name
    open_now = sessions.sessions_of(node, name, _secret())
    try:
        if which == ALL:
            sessions.end_sessions(node, name)
        elif which == OTHERS:
            sessions.end_sessions(node, name, _secret())
        else:
            sessions.end_session(node, name, which)
    except GridError as error:
        return _page({}, explain(language(), error), error.status)
    if which == ALL or any(one.current for one in open_now if one.id == which):
        return leave()
    return _done(label(language(), "page.account.ended"))


def end_token() -> Any:
    """Ends one token by its id."""
    try:
        sessions.end_token(replica(), me().name, typed("which"))
    except GridError as error:
        return _page({}, explain(language(), error), error.status)
    return _done(label(language(), "page.account.token_ended"))


def _secret() -> str | None:
    return request.cookies.get(SESSION_COOKIE)


def _done(text: str) -> Any:
    flash(text, "ok")
    return redirect(url_for("pages.account"))


def _page(errors: dict[str, str] | None = None, error: str | None = None, status_code: int = 200) -> Response:
    node, own = replica(), me()
    found = tree_of(node).nearest(own.unit, business_day(node.env.now_ms()))
    return page(
        "account.html",
        "page.account.title",
        status_code,
        unit_name=found.name if found else own.unit,
        sessions=sessions.sessions_of(node, own.name, _secret()),
        tokens=sessions.tokens_of(node, own.name),
        errors=errors or {},
        error=error,
        min_length=accounts.MIN_PASSWORD,
    )
