"""The city's own routes: dated acts on the directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView

from hub.publishing import sign_entries
from node.answers import once, request_bytes
from node.api.base import blueprint
from node.api.parsing import idempotency_key, json_body
from node.api.shapes import Document
from node.guard import me, replica
from node.scope import require_scope
from schemas.errors import Invalid
from schemas.periods import read_day
from sync.directory import tree_of
from sync.intake import Intake

directory_routes = blueprint("directory", "目录 / directory")


@directory_routes.route("/units")
class UnitActs(MethodView):
    """Opening, renaming, recoding, moving, closing, splitting and merging units."""

    @directory_routes.response(201, Document)
    def post(self) -> tuple[dict[str, Any], int]:
        """`{act, unit, date, ...}`: one dated act, signed by the city and sent down to every node."""
        act = json_body()
        require_scope(replica(), me(), replica().identity.unit)
        if "type" in act:
            raise Invalid("unknown_field", field="type", value=act["type"])

        def publish(intake: Intake) -> dict[str, Any]:
            _refuse_orphans(act)
            sign_entries(intake, [{"type": "unit", **act}])
            (head,) = intake.db.execute("SELECT head FROM node_state").fetchone()
            return {"id": head, "event": head, "act": act.get("act"), "unit": act.get("unit")}

        answer = once(replica(), me().name, idempotency_key(required=False), request_bytes(act), "publish", publish)
        return answer.document, 200 if answer.repeated else 201


def _refuse_orphans(act: Mapping[str, Any]) -> None:
    """Raises Invalid for the close of a unit that has others below it: they would hang in the air."""
    unit, day = act.get("unit"), read_day(str(act.get("date")))
    if act.get("act") == "close" and isinstance(unit, str) and day is not None:
        below = tree_of(replica()).children(unit, day)
        if below:
            raise Invalid("unit_has_children", field="unit", value=unit, count=len(below))
