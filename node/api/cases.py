"""`/api/v1/cases`: registering, acting, listing, reading."""

from __future__ import annotations

from datetime import time
from typing import Any

from flask.views import MethodView

from node.api.base import blueprint
from node.api.case_shapes import ActBody, CaseBody, CaseQuery, CasesQuery, SearchBody
from node.api.parsing import idempotency_key, json_body
from node.api.shapes import Document
from node.cases import acts
from node.cases.documents import listed, whole
from node.cases.list_queries import Filter
from node.cases.searching import search
from node.guard import me, replica, wake
from node.scope import require_scope
from schemas.cases.events import check_case_id
from schemas.cases.table import OPEN, STATES
from schemas.clock import at_time, parse_instant
from schemas.errors import Invalid
from schemas.periods import parse_day, read_day
from sync.database import read

routes = blueprint("cases", "案件 / cases")


@routes.route("/cases")
class Cases(MethodView):
    """Cases that a unit of the subtree found, owns or was offered."""

    @routes.arguments(CaseBody)
    @routes.response(201, Document)
    @routes.alt_response(200, schema=Document, description="The same key brought the same body before")
    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Registers a case; the finding unit is its first owner."""
        key = idempotency_key(required=False)
        answer = acts.register(replica(), me(), json_body(), key)
        wake()
        return answer.document, 200 if answer.repeated else 201

    @routes.arguments(CasesQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Coded facts of the cases, newest first. `state` takes one or more states, or `open`, between commas."""
        node = replica()
        after = query.get("after")
        if after is not None:
            check_case_id(after, "after")
        scope = query.get("unit") or me().unit
        require_scope(node, me(), scope)  # a unit that nobody knows has no list, not an empty one
        wanted = Filter(
            scope=scope,
            states=states_of(query.get("state")),
            owner=query.get("owner"),
            due_before=due_before_of(query.get("due_before")),
            **{name: query.get(name) for name in ("category", "kind", "level", "source", "signal")},
            now_ms=node.env.now_ms(),
        )
        with read(node.db):
            return listed(node, wanted, after, query["limit"])


@routes.route("/cases/search")
class Search(MethodView):
    """Cases by a word of their private text."""

    @routes.arguments(SearchBody)
    @routes.response(200, Document)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Cases that the own unit handles and whose place, narrative or agreement has a word; never by a person. Each
        one found is logged as a reading. A POST, so that the word stands in no address and no log of requests.
        """
        idempotency_key(required=False)  # what was found is not kept: it is read, and logged, each time
        return search(replica(), me(), body["text"], body["purpose"])


@routes.route("/cases/<case_id>")
class OneCase(MethodView):
    """One case."""

    @routes.arguments(CaseQuery, location="query")
    @routes.response(200, Document)
    def get(self, query: dict[str, Any], case_id: str) -> dict[str, Any]:
        """State, what is allowed now, timeline, and the private part for those who may read it: that is logged."""
        node = replica()
        return whole(node, me(), acts.require_case(node, me(), case_id), query.get("purpose", ""))


@routes.route("/cases/<case_id>/actions")
class Acts(MethodView):
    """Acting on a case."""

    @routes.arguments(ActBody)
    @routes.response(200, Document)
    def post(self, body: dict[str, Any], case_id: str) -> dict[str, Any]:
        """One act. 409 with `state`, `allowed` and `event` when it can't be now, or `after` is not the last act."""
        answer = acts.act_on(replica(), me(), case_id, json_body(), idempotency_key(required=False))
        wake()
        return answer.document


def states_of(text: str | None) -> tuple[str, ...]:
    """States named between commas; `open` stands for all that are open."""
    names = [] if text is None else text.split(",")
    found = dict.fromkeys(one for name in names for one in (OPEN if name == "open" else (name,)))
    for name in found:
        if name not in STATES:
            raise Invalid("not_one_of", field="state", value=name, allowed=", ".join(("open", *STATES)))
    return tuple(found)


def due_before_of(text: str | None) -> int | None:
    """An instant: a day means its first moment in Shanghai."""
    if text is None:
        return None
    return at_time(parse_day(text, "due_before"), time()) if read_day(text) else parse_instant(text, "due_before")
