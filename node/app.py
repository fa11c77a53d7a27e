"""The application factory of a node."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request
from flask_smorest import Api
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as WrongMethod

from node import guard
from node.api import cases, checks, confirmations, entries, figures, forms, lifting, quality, reminding, system, todo
from node.api.parsing import problem
from node.grid import Grid
from node.pages import blueprint as pages
from node.pages.frame import error_page, install
from node.rooms import NO_ROOMS, Rooms
from schemas.errors import BadRequest, GridError, MethodNotAllowed, NotFound, TooLarge
from sync.api import blueprint as sync_blueprint

MAX_BODY_BYTES: Final = 2 * 1024 * 1024
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class _Api(Api):  # type: ignore[misc]
    """flask-smorest without its own error pages: ours are problem documents."""

    def _register_error_handlers(self) -> None:
        return


def create_app(grid: Grid, rooms: Rooms = NO_ROOMS) -> Flask:
    """A node's web application; the hub adds its rooms."""
    app = Flask("node", template_folder="templates", static_folder="static")
    app.config.update(
        SECRET_KEY=grid.secret,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        SESSION_COOKIE_NAME="grid_csrf",
        SESSION_COOKIE_SAMESITE="Lax",
        API_TITLE="FiveGrid",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["grid"] = grid
    app.extensions["rooms"] = rooms
    guard.csrf.init_app(app)
    api = _Api(app)
    for routes in (
        checks.routes, entries.routes, cases.routes, confirmations.routes, forms.routes, figures.duty_routes,
        figures.unit_routes, figures.rollup_routes, lifting.routes, quality.routes, reminding.routes, todo.routes,
        system.sync_routes, system.event_routes, system.user_routes, *rooms.api,
    ):  # fmt: skip
        api.register_blueprint(routes)
    app.register_blueprint(system.health)
    app.register_blueprint(sync_blueprint(grid.replica, grid.secret, lambda: _ring(grid)))
    for subject in (pages(), *rooms.pages):
        app.register_blueprint(subject)
    install(app)
    app.before_request(lambda: grid.make_room() if request.method == "POST" else None)
    app.before_request(guard.check)
    app.after_request(_harden)
    app.register_error_handler(GridError, _refused)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _ring(grid: Grid) -> None:
    grid.wake()


def _harden(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint not in ("static", "api-docs.openapi_json"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _refused(error: GridError) -> Response:
    return problem(error, guard.language()) if guard.for_programs() else error_page(error)


def _http_error(error: HTTPException) -> Response:
    """What the framework refuses by itself, in our words."""
    if error.code == 413:
        told: GridError = TooLarge("body_too_large", field="body", value=request.content_length, limit=MAX_BODY_BYTES)
    elif isinstance(error, WrongMethod):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        told = MethodNotAllowed("method_not_allowed", field="method", value=request.method, allowed=allowed)
        refused = _refused(told)
        refused.headers["Allow"] = allowed  # RFC 9110: a 405 has to name them
        return refused
    elif error.code == 404:
        told = NotFound("no_such_route", field="route", value=f"{request.method} {request.path}")
    elif error.code is not None and error.code < 500:
        told = BadRequest("bad_request", field="request", value=error.description)
    else:
        return error.get_response()  # type: ignore[return-value]
    return _refused(told)
