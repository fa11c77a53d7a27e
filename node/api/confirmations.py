"""`/api/v1/confirmations`: confirming the figures of a period, listing what was confirmed, returning it."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from node.api.base import blueprint
from node.api.parsing import idempotency_key, json_body
from node.api.shapes import ConfirmationBody, ConfirmationsQuery, Document, ReturnBody
from node.guard import me, replica, wake
from node.reports import confirmation_queries, confirmations
from schemas.errors import NotFound
from schemas.periods import LAST_DAY, parse_day
from sync.database import read
from sync.directory import tree_of

routes = blueprint("confirmations", "定期报告 / periodic reports")


@routes.route("/confirmations")
class Confirmations(MethodView):
    """Periodic reports of village and above."""

    @routes.arguments(ConfirmationBody)
    @routes.response(201, Document)
    @routes.alt_response(200, schema=Document, description="The same key brought the same body before")
    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Confirms a period with the figures of the unit's subtree as they are now; a second time amends the first."""
        answer = confirmations.confirm(replica(), me(), json_body(), idempotency_key(required=False))
        wake()
        return answer.document, 200 if answer.repeated else 201

    @routes.arguments(ConfirmationsQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """What a unit confirmed, the newest period first, each with what arrived after."""
        node, unit = replica(), query.get("unit") or me().unit
        if not tree_of(node).exists(unit):
            raise NotFound("unknown_unit", field="unit", value=unit)
        limit = query["limit"]
        last = parse_day(query["to"], "to") if "to" in query else LAST_DAY
        with read(node.db):
            duties = confirmation_queries.duties_of(node.db, unit, last, query.get("after"), limit + 1)
            items = [confirmations.document(node, one) for one in duties[:limit]]
        following = f"{duties[limit - 1].day} {duties[limit - 1].period}" if len(duties) > limit else None
        return {"unit": unit, "items": items, "next": following}


@routes.route("/confirmations/<event>/return")
class ReturnedConfirmation(MethodView):
    """Returning a confirmation with a reason."""

    @routes.arguments(ReturnBody)
    @routes.response(201, Document)
    def post(self, body: dict[str, Any], event: str) -> tuple[dict[str, Any], int]:
        """It counts on until it is amended; its state is `returned`."""
        key = idempotency_key(required=False)
        answer = confirmations.send_back(replica(), me(), event, body, key)
        wake()
        return answer.document, 200 if answer.repeated else 201
