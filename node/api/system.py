"""`/api/v1/sync`, `/api/v1/events/<hash>`, `/api/v1/users`, and the health of the process."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, g, request
from flask.views import MethodView

from node import link_queries, status
from node.answers import once, request_bytes
from node.api.base import blueprint, page_of
from node.api.parsing import idempotency_key, json_body
from node.api.shapes import Document, Page, UserBody
from node.evidence.proof import proof_json, prove
from node.evidence.records import evidence
from node.guard import language, me, replica
from node.people import accounts, accounts_admin
from node.scope import require_scope
from schemas.errors import Forbidden
from sync import log
from sync.database import read
from sync.intake import Intake

sync_routes = blueprint("sync_state", "同步 / sync")
event_routes = blueprint("events", "证据 / evidence")
user_routes = blueprint("users", "用户 / users")
health = Blueprint("health", __name__)


@sync_routes.route("/sync")
class SyncState(MethodView):
    """How far this node's records have come."""

    @sync_routes.response(200, Document)
    def get(self) -> dict[str, Any]:
        """Cursors, queue, refusals, lines set aside, forks, clock offset."""
        return status.sync_state(replica(), language())

    @sync_routes.response(202, Document)
    def post(self) -> dict[str, Any]:
        """Runs an exchange now, beside the clock."""
        idempotency_key(required=False)
        woken = bool(current_app.extensions["grid"].wake())
        return {"started": woken, **status.sync_state(replica(), language())}


@event_routes.route("/events/<event>")
class Evidence(MethodView):
    """One signed event."""

    @event_routes.response(200, Document)
    def get(self, event: str) -> dict[str, Any]:
        """Header, signature, chain position, whether it verifies now, and the marks of each hop; each check by itself,
        the events that follow, and the certificates up to the root.
        """
        node = replica()
        with read(node.db):
            document = evidence(node, event)
            if me().unit != node.identity.unit:
                require_scope(node, me(), document["unit"])
            return {**document, **proof_json(prove(node, event))}


@user_routes.route("/users")
class Users(MethodView):
    """People who sign in at this node."""

    @user_routes.arguments(Page, location="query")
    @user_routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Everybody of the own subtree, by name."""
        found = accounts_admin.listed(replica(), me().unit)
        page, following = page_of(found, lambda one: one.account.name, query.get("after"), query["limit"])
        items = [
            {
                "name": one.account.name, "role": one.account.role, "unit": one.account.unit,
                "active": one.state == "active",
            }
            for one in page
        ]  # fmt: skip
        return {"items": items, "next": following}

    @user_routes.arguments(UserBody)
    @user_routes.response(201, Document)
    @user_routes.alt_response(200, schema=Document, description="The same key brought the same body before")
    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Adds an account; the answer holds its one-time code, which only the same key brings again."""
        unit = body.get("unit") or me().unit
        fresh = accounts.fresh_code(replica())

        def act(_intake: Intake) -> dict[str, Any]:
            code = accounts.enter(replica(), body["name"], body["role"], unit, fresh)
            return {"name": body["name"], "role": body["role"], "unit": unit, "code": code}

        request = request_bytes(json_body(), route="users")
        answer = once(replica(), me().name, idempotency_key(required=False), request, "user", act)
        return answer.document, 200 if answer.repeated else 201


@health.get("/healthz")
def healthz() -> Response:
    """Alive: the database answers."""
    replica().db.execute("SELECT 1 FROM node_state").fetchone()
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@health.get("/metrics")
def metrics() -> Response:
    """Prometheus text, for this machine itself or for a token's owner."""
    if request.remote_addr not in ("127.0.0.1", "::1") and g.account is None:
        raise Forbidden("metrics_local", field="route", value="/metrics")
    node = replica()
    state = status.status(node)
    lines = [
        ("grid_events_total", link_queries.events_held(node.db)),
        ("grid_uplog_entries_total", log.up_tip(node.db)[0]),
        ("grid_queue_entries", state["queue"]),
        ("grid_refused_entries", len(state["refused"])),
        ("grid_forked_chains", len(state["forks"])),
        ("grid_alarms", len(state["alarms"])),
    ]
    text = "".join(f"# TYPE {name} gauge\n{name} {value}\n" for name, value in lines)
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")
