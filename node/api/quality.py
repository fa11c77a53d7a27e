"""`/api/v1/quality`: the quality review of a unit and of those right below."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from node import quality
from node.api.base import blueprint
from node.api.shapes import Document, QualityQuery
from node.guard import language, me, replica

routes = blueprint("quality", "考评 / quality review")


@routes.route("/quality")
class Quality(MethodView):
    """Per unit, never per worker."""

    @routes.arguments(QualityQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Each criterion with numerator and denominator, and the measures whose records stand behind it."""
        node = replica()
        unit = query.get("unit") or me().unit
        return quality.answer(node, unit, query["period"], now_ms=node.env.now_ms(), language=language())
