"""`/api/v1/checks`: submitting, listing, returning."""

from __future__ import annotations

from typing import Any, Final

from flask import request
from flask.views import MethodView

from node import queries
from node.api.base import blueprint
from node.api.parsing import idempotency_key, json_body
from node.api.shapes import CheckBody, ChecksQuery, Document, ReturnBody
from node.daily import checks
from node.evidence.records import check_items
from node.guard import me, replica, wake
from schemas.clock import business_day
from schemas.errors import Invalid
from schemas.periods import parse_day
from sync.database import read
from sync.directory import tree_of

routes = blueprint("checks", "日常排查 / daily checks")
MAX_UNITS: Final = 20_000  # a whole city; SQLite takes 32,766 values


@routes.route("/checks")
class Checks(MethodView):
    """Daily checks of the units that this node hosts or holds."""

    @routes.arguments(CheckBody)
    @routes.response(201, Document)
    @routes.alt_response(200, schema=Document, description="The same key brought the same body before")
    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Records a check. The same Idempotency-Key with the same body answers 200 with the same document."""
        key = idempotency_key(required=True)
        answer = checks.submit(replica(), me().name, json_body(), key)
        wake()
        return answer.document, 200 if answer.repeated else 201

    @routes.arguments(ChecksQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Checks of a subtree, newest day first, each with its way to the city."""
        node = replica()
        today = business_day(node.env.now_ms())
        first = parse_day(query.get("from_", today.replace(day=1).isoformat()), "from")
        last = parse_day(query.get("to", today.isoformat()), "to")
        if last < first:
            raise Invalid("bad_span", field="to", value=last, first=first)
        limit, after = query["limit"], _after(query.get("after"))
        with read(node.db):
            units = _units(query.get("unit") or me().unit)
            reports = queries.reports_between(node.db, units, first, last, after, limit + 1)
            items = check_items(node, reports[:limit])
        more = len(reports) > limit
        last_one = reports[limit - 1] if more else None
        following = f"{last_one.date.isoformat()} {last_one.unit} {last_one.event}" if last_one else None
        return {"items": items, "next": following}


@routes.route("/checks/<event>/return")
class Returned(MethodView):
    """Returning a check with a reason."""

    @routes.arguments(ReturnBody)
    @routes.response(201, Document)
    def post(self, body: dict[str, Any], event: str) -> tuple[dict[str, Any], int]:
        """The report counts on until it is amended; its state is `returned`."""
        key = idempotency_key(required=False)
        answer = checks.send_back(replica(), me(), event, body, key)
        wake()
        return answer.document, 200 if answer.repeated else 201


def _units(unit: str) -> list[str] | None:
    """The units to list: None for everything here, else the subtree, which may not be larger than a page of SQL."""
    node = replica()
    if unit == node.identity.unit:
        return None
    tree = tree_of(node)
    today = business_day(node.env.now_ms())
    found = [one.id for one in tree.subtree(unit, today)] or [unit]
    if len(found) > MAX_UNITS:
        raise Invalid("subtree_too_large", field="unit", value=unit, limit=MAX_UNITS)
    return found


def _after(text: str | None) -> tuple[str, str, str] | None:
    if text is None:
        return None
    parts = text.split(" ")
    if len(parts) != 3:
        raise Invalid("bad_after", field="after", value=request.args.get("after"))
    return parts[0], parts[1], parts[2]
