"""`/api/v1/quality`: the quality review of a unit and of those right below."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from node.api.base import blueprint
from node.api.shapes import Document, QualityQuery, QualityRecordsQuery
from node.figures import quality, quality_cases
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


@routes.route("/quality/records")
class QualityRecords(MethodView):
    """The cases behind a figure."""

    @routes.arguments(QualityRecordsQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Follow-ups with the day they were done on, or records with what they lack; as many as the figure says."""
        unit, after = query.get("unit") or me().unit, query.get("after")
        return quality_cases.records(
            replica(), unit, query["period"], query["list"], after, query["limit"], own=query.get("own", False)
        )
