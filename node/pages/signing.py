"""What every way of signing in shares: the session cookie, and who signed in with this browser lately.

The list of names is a signed cookie of its own: it opens nothing, everybody still gives a password.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response, current_app, redirect, request, session, url_for
from itsdangerous import BadSignature, URLSafeSerializer

from node.guard import SESSION_COOKIE, replica
from node.people import account_queries, accounts, sessions

PEOPLE_COOKIE: Final = "grid_people"
PEOPLE_LIFE_S: Final = 90 * 86_400
MAX_PEOPLE: Final = 6
FIRST: Final = "first_password"


def welcome(name: str, following: str, life_ms: int = sessions.SESSION_LIFE_MS) -> Any:
    """Opens a session for somebody whose secret was right; the session that was open in this browser ends. Forms of
    the person before, left open in another tab, are refused from now on: their token is no longer good.
    """
    response = redirect(following)
    _end_present()
    session.clear()
    secret = sessions.open_session(replica(), name, sessions.device_word(request.user_agent.string), life_ms)
    response.set_cookie(
        SESSION_COOKIE, secret, max_age=life_ms // 1000, httponly=True, samesite="Lax",
        secure=request.is_secure,
    )  # fmt: skip
    _remember(response, [name, *(one for one in _names() if one != name)])
    return response


def first_password(done: accounts.SignIn, following: str) -> Any:
    """On to the page where a password is chosen, after the one-time code."""
    session[FIRST] = [done.account.name, done.ticket, following]
    return redirect(url_for("pages.first_password"))


def leave() -> Any:
    """Ends the session of this browser, and on to the sign-in page."""
    _end_present()
    session.clear()
    response = redirect(url_for("pages.sign_in"))
    response.delete_cookie(SESSION_COOKIE)
    return response


def secret_typed(name: str) -> str:
    """A password or a one-time code as it was meant: copied ones bring spaces at their ends."""
    return request.form.get(name, "").strip()


def people() -> list[accounts.Account]:
    """Who signed in with this browser lately and still may, the latest first."""
    found = [account_queries.by_name(replica().db, name) for name in _names()]
    return [one.account for one in found if one is not None and one.disabled_at is None]


def forget(response: Response, name: str) -> None:
    """Takes a name off this browser's list."""
    _remember(response, [one for one in _names() if one != name])


def _end_present() -> None:
    secret = request.cookies.get(SESSION_COOKIE)
    if secret:
        sessions.close_session(replica(), secret)


def _names() -> list[str]:
    try:
        names = _serializer().loads(request.cookies.get(PEOPLE_COOKIE, ""))
    except BadSignature:  # none yet, or not ours
        return []
    return [str(name) for name in names]


def _remember(response: Any, names: list[str]) -> None:
    response.set_cookie(
        PEOPLE_COOKIE, _serializer().dumps(names[:MAX_PEOPLE]), max_age=PEOPLE_LIFE_S, httponly=True, samesite="Lax",
        secure=request.is_secure,
    )  # fmt: skip


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="grid-people")
