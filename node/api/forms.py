"""`/api/v1/forms` and `/api/v1/returns`: the published forms, filling them, who has not, and what they come to."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from node.api.base import attachment, blueprint, page_of
from node.api.parsing import idempotency_key, json_body
from node.api.shapes import (
    Document,
    FormDutiesQuery,
    FormReturnBody,
    FormReturnsQuery,
    FormRollupQuery,
    FormsQuery,
    ReturnBody,
)
from node.figures.asof import known_at
from node.figures.masks import form_for_role
from node.guard import language, me, replica, wake
from node.reports import form_queries, form_returns, form_rollup
from node.reports.form_files import form_file
from node.reports.forms import forms_of
from node.scope import today_of
from schemas.errors import NotFound
from schemas.forms import form_payload
from schemas.periods import FIRST_DAY, LAST_DAY, Period, parse_day, parse_period, read_day
from sync.database import read
from sync.directory import tree_of

routes = blueprint("returns", "报表 / forms and returns")


@routes.route("/forms")
class PublishedForms(MethodView):
    """What the city published."""

    @routes.arguments(FormsQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """The forms in force on a day (today), as they were published; of a level when asked."""
        node, level = replica(), query.get("level")
        day = parse_day(query["at"], "at") if "at" in query else today_of(node)
        with read(node.db):
            forms = forms_of(node.db)
        held = (one for form in forms.ids() if (one := forms.on(form, day)) is not None)
        wanted = (one for one in held if level is None or level in one.levels)
        page, following = page_of(wanted, lambda one: one.id, query.get("after"), query["limit"])
        return {"at": day.isoformat(), "items": [form_payload(one) for one in page], "next": following}


@routes.route("/returns")
class Returns(MethodView):
    """Filled forms."""

    @routes.arguments(FormReturnBody)
    @routes.response(201, Document)
    @routes.alt_response(200, schema=Document, description="The same key brought the same body before")
    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Fills a form for a unit and period; a second time amends the first. A broken rule names its difference."""
        answer = form_returns.submit(replica(), me(), json_body(), idempotency_key(required=False))
        wake()
        return answer.document, 200 if answer.repeated else 201

    @routes.arguments(FormReturnsQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """What counts of a form in a unit's subtree, of periods that end in the period asked for, by (day, unit)."""
        node, unit, form = replica(), query.get("unit") or me().unit, query["form"]
        span = parse_period(query["period"]) if "period" in query else Period("", FIRST_DAY, LAST_DAY)
        with read(node.db):
            tree = tree_of(node)
            if not tree.exists(unit):
                raise NotFound("unknown_unit", field="unit", value=unit)
            if not forms_of(node.db).versions(form):
                raise NotFound("unknown_form", field="form", value=form)
            after, limit = query.get("after", ""), query["limit"]
            found = []
            first = read_day(after[:10]) or span.first  # a key begins with the day
            for one in form_queries.sent_between(node.db, form, max(first, span.first), span.last):
                key = f"{one.day} {one.unit} {one.period}"
                if key > after and tree.below(one.unit, unit, parse_day(one.day, "date")):
                    found.append((key, one))
                if len(found) > limit:
                    break
            items = form_returns.documents(node, form, [one for _, one in found[:limit]])
        following = found[limit - 1][0] if len(found) > limit else None
        return {"form": form, "unit": unit, "items": items, "next": following}


@routes.route("/returns/rollup")
class FormRollup(MethodView):
    """What returns come to."""

    @routes.arguments(FormRollupQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> Any:
        """Totals of the rollup fields, how many units filled the form of those that owe it, by the units below."""
        unit = query.get("unit") or me().unit
        with known_at(replica(), query.get("as_of")) as (node, at_ms):
            document = form_rollup.answer(
                node, query["form"], unit, query["period"], tree=query["tree"], now_ms=at_ms, language=language()
            )
        document = form_for_role(document, me().role)
        if query["format"] == "json":
            return document
        content, content_type, name = form_file(document, query["format"], language())
        return attachment(content, content_type, name, document)


@routes.route("/returns/duties")
class FormDuties(MethodView):
    """Who owes a form."""

    @routes.arguments(FormDutiesQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """The units of a subtree that owe the form for periods that end in the span, each with its state and return."""
        unit = query.get("unit") or me().unit
        with known_at(replica(), query.get("as_of")) as (node, at_ms):
            return form_rollup.listed(
                node, query["form"], unit, query["period"], tree=query["tree"], state=query.get("state"),
                now_ms=at_ms, after=query.get("after"), limit=query["limit"],
            )  # fmt: skip


@routes.route("/returns/<event>/return")
class ReturnedForm(MethodView):
    """Sending a filled form back with a reason."""

    @routes.arguments(ReturnBody)
    @routes.response(201, Document)
    def post(self, body: dict[str, Any], event: str) -> tuple[dict[str, Any], int]:
        """It counts on until it is amended; its state is `returned`."""
        answer = form_returns.send_back(replica(), me(), event, body, idempotency_key(required=False))
        wake()
        return answer.document, 200 if answer.repeated else 201
