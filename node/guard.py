"""At the door of every request: who asks, whether the route is theirs, whether the unit is."""

from __future__ import annotations

from flask import current_app, g, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from node.access import ACTS, Rule, may_act, rule_for
from node.api.parsing import json_body
from node.people import accounts
from node.people.accounts import Account
from node.scope import require_scope
from schemas.errors import BadRequest, Forbidden, NotFound, Unauthorised
from schemas.labels import DEFAULT_LANGUAGE
from schemas.units.acts import is_unit_id
from sync.replica import NOBODY, Actor, Replica

SESSION_COOKIE = "grid_session"
LANGUAGE_COOKIE = "grid_language"
PROGRAMS = ("/api/", "/sync/", "/metrics", "/healthz")
csrf = CSRFProtect()


def replica() -> Replica:
    """The replica of this request's thread."""
    opened: Replica = current_app.extensions["grid"].replica()
    return opened


def wake() -> None:
    """Rings the sync loop: what was just entered goes up at once."""
    current_app.extensions["grid"].wake()


def for_programs() -> bool:
    """Whether a program asks, and not somebody who looks at a page."""
    return request.path.startswith(PROGRAMS)


def language() -> str:
    """The reader's language: a cookie on pages, Accept-Language for programs, Chinese else; found once a request."""
    if "language" not in g:
        g.language = _language()
    found: str = g.language
    return found


def _language() -> str:
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in ("zh_CN", "en"):
        return chosen
    best = request.accept_languages.best_match(["zh", "zh-CN", "en"], default="zh")
    return "en" if best == "en" and request.path.startswith("/api/") else DEFAULT_LANGUAGE


def me() -> Account:
    """Who asks; only behind a rule that needs somebody."""
    account: Account = g.account
    return account


def check() -> None:
    """Runs before every view. Raises Unauthorised, Forbidden or NotFound."""
    if request.routing_exception is not None:  # 404 and 405 need nobody
        return
    rule = rule_for(request.endpoint, request.method)
    if rule is None:
        raise Forbidden("no_access_entry", field="route", value=request.endpoint)
    g.account = _account()
    replica().actor = Actor(g.account.name, g.account.role) if g.account else NOBODY
    if rule.public:
        if request.method == "POST" and not for_programs():
            _check_csrf()
        return
    if g.account is None:
        raise Unauthorised("sign_in_needed", field="Authorization")
    if g.by_session and request.method not in ("GET", "HEAD", "OPTIONS"):
        _check_csrf()
    if g.account.role not in rule.roles:
        raise Forbidden("role_not_allowed", field="role", value=g.account.role)
    if request.method != "OPTIONS":  # asks which methods there are, and says nothing about a unit
        _check_unit(rule)
        _check_act(rule)


def _account() -> Account | None:
    g.by_session = False
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise Unauthorised("bearer_needed", field="Authorization", value=scheme)
        account = accounts.by_token(replica(), token.strip())
        if account is None:
            raise Unauthorised("token_wrong", field="Authorization")
        return account
    secret = request.cookies.get(SESSION_COOKIE)
    if not secret:
        return None
    g.by_session = True
    return accounts.by_session(replica(), secret)


def _check_csrf() -> None:
    try:
        csrf.protect()
    except CSRFError as error:
        raise BadRequest("csrf", field="csrf_token", value=None) from error


def _check_act(rule: Rule) -> None:
    """The verb of casework has to be one of the role's; what is no verb at all is told by the rule behind it."""
    if rule.act_in is None:
        return
    action = json_body().get("action") if rule.act_in == "json" else (request.view_args or {}).get(rule.act_in)
    if isinstance(action, str) and action in ACTS and not may_act(me().role, action):
        raise Forbidden("act_not_allowed", field="action", value=action, role=me().role)


def _check_unit(rule: Rule) -> None:
    """The unit that the request names has to stand in the subtree of the user's own."""
    unit: object = None
    if rule.unit_in == "query":
        unit = request.args.get("unit")
    elif rule.unit_in == "form":
        unit = request.form.get("unit")
    elif rule.unit_in == "json":
        unit = json_body().get("unit")
    if isinstance(unit, str) and unit:
        try:
            require_scope(replica(), me(), unit)
        except NotFound:
            # The shape of a wrong unit is told by the schema of the route, an unknown one in a body by the rule behind
            # it. Of a unit that nobody knows there is no list, not an empty one.
            if rule.unit_in == "query" and (not for_programs() or is_unit_id(unit)):
                raise
