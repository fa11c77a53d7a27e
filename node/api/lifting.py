"""`/api/v1/excuses`: who is excused, excusing, taking it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask.views import MethodView
from marshmallow import fields, validate

from node.api.base import blueprint
from node.api.parsing import StrictSchema, idempotency_key, json_body
from node.api.shapes import DAY, EVENT, UNIT, Document, Page
from node.daily import excuses
from node.guard import me, replica, wake
from node.scope import today_of
from schemas.errors import Invalid
from schemas.periods import parse_day
from sync.database import read

routes = blueprint("excuses", "免报 / excuses")
DAYS_ROUND: Final = timedelta(days=31)  # listed without `from` and `to`: this many days before and after today


class ExcuseBody(StrictSchema):
    """Who is excused for which days, both included, and why: words of 1-500 characters beside an optional code."""

    unit = fields.String(required=True, validate=UNIT)
    from_ = fields.String(data_key="from", required=True, validate=DAY)
    to = fields.String(required=True, validate=DAY)
    reason = fields.String(required=True, validate=validate.Length(1, 500))
    reason_code = fields.String(allow_none=True, validate=validate.Length(1, 40))
    amends = fields.String(allow_none=True, validate=EVENT)


class CancelBody(StrictSchema):
    """Why an excuse is taken back."""

    reason = fields.String(required=True, validate=validate.Length(1, 500))


class ExcusesQuery(Page):
    """Excuses of which subtree, on any of which days."""

    unit = fields.String(validate=UNIT)
    from_ = fields.String(data_key="from", validate=DAY)
    to = fields.String(validate=DAY)


@routes.route("/excuses")
class Excuses(MethodView):
    """Lifted duties of a subtree."""

    @routes.arguments(ExcuseBody)
    @routes.response(201, Document)
    @routes.alt_response(200, schema=Document, description="The same key brought the same body before")
    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Excuses a unit and all below it; a report beats an excuse. `amends` replaces the days of an earlier one."""
        answer = excuses.give(replica(), me(), json_body(), idempotency_key(required=False))
        wake()
        return answer.document, 200 if answer.repeated else 201

    @routes.arguments(ExcusesQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """What stands, the latest first day in front; excuses of units above count for the subtree too."""
        node = replica()
        today = today_of(node)
        first = parse_day(query.get("from_", (today - DAYS_ROUND).isoformat()), "from")
        last = parse_day(query.get("to", (today + DAYS_ROUND).isoformat()), "to")
        if last < first:
            raise Invalid("bad_span", field="to", value=last, first=first)
        with read(node.db):
            unit = query.get("unit") or me().unit
            return excuses.listed(node, unit, first, last, _after(query.get("after")), query["limit"])


@routes.route("/excuses/<event>/cancel")
class Cancelled(MethodView):
    """Taking an excuse back."""

    @routes.arguments(CancelBody)
    @routes.response(201, Document)
    @routes.alt_response(200, schema=Document, description="The same key brought the same body before")
    def post(self, body: dict[str, Any], event: str) -> tuple[dict[str, Any], int]:
        """The duties stand again; both acts stay in the log."""
        answer = excuses.take_back(replica(), me(), event, body, idempotency_key(required=False))
        wake()
        return answer.document, 200 if answer.repeated else 201


def _after(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    day, _, event = text.partition(" ")
    if not event:
        raise Invalid("bad_after", field="after", value=text)
    return day, event
