"""`/api/v1/todo`: what the user's unit must do, the most urgent first."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from node.api.base import blueprint
from node.api.parsing import StrictSchema, idempotency_key
from node.api.shapes import EVENT, UNIT, Document, Page
from node.desk import supervising, todo
from node.guard import me, replica
from sync.database import read

routes = blueprint("todo", "待办 / to-do")


class TodoQuery(Page):
    """Which unit's list; `kind` one of the chips, `category` a code."""

    unit = fields.String(validate=UNIT)
    kind = fields.String(validate=validate.Length(1, 20))
    category = fields.String(validate=validate.Length(1, 40))


class SeenBody(StrictSchema):
    """The void act that somebody has taken notice of."""

    ref = fields.String(required=True, validate=EVENT)


@routes.route("/todo")
class Todo(MethodView):
    """One list per unit."""

    @routes.arguments(TodoQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Rows with their reason, time left and main action, the earliest end first, and how many there are."""
        node, unit = replica(), query.get("unit") or me().unit
        after = todo.read_key(query.get("after"))
        with read(node.db):
            found = todo.todo(node, me(), unit, query.get("kind", ""), after, query["limit"], query.get("category"))
            return {**found, "counts": todo.summary(node, me(), unit)}


@routes.route("/todo/seen")
class Seen(MethodView):
    """Void acts that somebody has seen."""

    @routes.arguments(SeenBody)
    @routes.response(200, Document)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """The act leaves the list of its author's unit; it stays in the case's timeline, as void."""
        return todo.take_notice(replica(), me(), body["ref"], idempotency_key(required=False)).document


class SupervisionsQuery(Page):
    """Which side of which unit."""

    unit = fields.String(validate=UNIT)
    side = fields.String(load_default="given", validate=validate.Length(1, 20))
    state = fields.String(load_default="", validate=validate.Length(1, 20))


@routes.route("/supervisions")
class Supervisions(MethodView):
    """What was asked to be answered."""

    @routes.arguments(SupervisionsQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Given by a unit or received by it as owner, the one due first in front: waiting, silent or answered."""
        node, unit = replica(), query.get("unit") or me().unit
        after = supervising.read_key(query.get("after"))
        with read(node.db):
            return supervising.listed(node, unit, query["side"], query["state"], after, query["limit"])
