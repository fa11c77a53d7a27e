"""`/api/v1/reminders`: asking a unit for a report that is not there, and what became of it."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from node.api.base import blueprint
from node.api.parsing import StrictSchema, idempotency_key, json_body
from node.api.shapes import SHORT, UNIT, Document, Page
from node.desk import reminders
from node.guard import me, replica, wake
from schemas.errors import Invalid
from sync.database import read

routes = blueprint("reminders", "催报 / reminders")


class ReminderBody(StrictSchema):
    """Who is asked for the report of which period, with words of at most 500 characters."""

    unit = fields.String(required=True, validate=UNIT)
    period = fields.String(required=True, validate=SHORT)
    text = fields.String(allow_none=True, validate=validate.Length(max=500))


class RemindersQuery(Page):
    """Sent by which unit."""

    unit = fields.String(validate=UNIT)


@routes.route("/reminders")
class Reminders(MethodView):
    """Reminders of reports."""

    @routes.arguments(ReminderBody)
    @routes.response(201, Document)
    @routes.alt_response(200, schema=Document, description="The same key brought the same body before")
    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Goes down to the unit, and is shown there until it has reported. 409 when nothing is missing."""
        answer = reminders.remind(replica(), me(), json_body(), idempotency_key(required=False))
        wake()
        return answer.document, 200 if answer.repeated else 201

    @routes.arguments(RemindersQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Those that a unit sent, the latest first, each with the state of the duty now."""
        node, after = replica(), query.get("after")
        if after is not None and not (after.isascii() and after.isdigit() and len(after) < 18):
            raise Invalid("bad_after", field="after", value=after)
        with read(node.db):
            return reminders.sent(node, query.get("unit") or me().unit, int(after) if after else None, query["limit"])
