"""`/api/v1/duties`, `/api/v1/units`, `/api/v1/rollup`: who owes what, the dated tree, the figures."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response
from flask.views import MethodView

from node.access import EVIDENCE
from node.api.base import attachment, blueprint, page_of
from node.api.shapes import ArrivedQuery, Document, DutiesQuery, Page, RecordsQuery, RollupQuery, UnitsQuery
from node.daily import duties
from node.daily.campaigns import held
from node.figures import rollup
from node.figures.arrivals import arrived, position_at
from node.figures.asof import instant_of, known_at
from node.figures.exports import definitions_file, rollup_file, with_definitions
from node.figures.masks import for_role, mask
from node.figures.record_files import known, record_file
from node.figures.rollup_records import read_filters, records
from node.figures.sheets import FILE_TYPES, pieces
from node.guard import language, me, replica
from schemas.campaigns import campaign_payload
from schemas.clock import business_day
from schemas.errors import Invalid, NotFound
from schemas.periods import parse_day
from schemas.units.tree import Unit
from sync.directory import certified_units, tree_of
from sync.replica import Replica

duty_routes = blueprint("duties", "应报 / duties")
unit_routes = blueprint("units", "单位 / units")
rollup_routes = blueprint("rollup", "统计 / rollups")


@duty_routes.route("/duties")
class Duties(MethodView):
    """Duty states of one day."""

    @duty_routes.arguments(DutiesQuery, location="query")
    @duty_routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Duties of the day and of periods that end on it, by unit; since when each node has not synced."""
        node = replica()
        unit = _known(node, query.get("unit") or me().unit)
        day = parse_day(query["date"], "date") if "date" in query else _today(node)
        return duties.duties(
            node,
            unit,
            day,
            query.get("after"),
            query["limit"],
            query.get("state"),
            query.get("level"),
            query.get("kind"),
        )


@unit_routes.route("/units")
class Units(MethodView):
    """The dated tree."""

    @unit_routes.arguments(UnitsQuery, location="query")
    @unit_routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Units on a day, by id; of a parent or a level when asked."""
        node = replica()
        day = parse_day(query["at"], "at") if "at" in query else _today(node)
        tree, hosts = tree_of(node), certified_units(node.db)
        parent, level = query.get("parent"), query.get("level")
        if parent is not None:
            _known(node, parent, "parent")
        wanted = tree.children(parent, day) if parent is not None else tree.units(day)
        found = (one for one in wanted if level is None or one.level == level)
        page, following = page_of(found, lambda one: one.id, query.get("after"), query["limit"])
        return {"items": [unit_json(one, has_node=one.id in hosts) for one in page], "next": following}


@unit_routes.route("/units/<unit>")
class OneUnit(MethodView):
    """One unit with all its versions."""

    @unit_routes.response(200, Document)
    def get(self, unit: str) -> dict[str, Any]:
        """The unit as it is today, its earlier versions, and its ancestors."""
        node = replica()
        tree, today = tree_of(node), _today(node)
        current = tree.nearest(_known(node, unit), today)
        assert current is not None
        hosts = certified_units(node.db)
        return {
            **unit_json(current, has_node=unit in hosts),
            "versions": [unit_json(one, has_node=unit in hosts) for one in tree.versions(unit)],
            "ancestors": list(tree.ancestors(unit, today)[1:]),
        }


@rollup_routes.route("/campaigns")
class Campaigns(MethodView):
    """Campaigns 集中排查 that the city published."""

    @rollup_routes.arguments(Page, location="query")
    @rollup_routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Campaigns held, the newest first, each with whether it runs today."""
        node = replica()
        today = _today(node)
        after, limit = query.get("after"), query["limit"]
        found = held(node.db).values()
        page, following = page_of(found, lambda one: f"{one.first} {one.id}", after, limit, falling=True)
        items = [{**campaign_payload(one), "running": one.first <= today <= one.last} for one in page]
        return {"items": items, "next": following}


@rollup_routes.route("/rollup")
class Rollup(MethodView):
    """Figures of any unit and period."""

    @rollup_routes.arguments(RollupQuery, location="query")
    @rollup_routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any] | Response:
        """Measures and rates with numerators and denominators, and rows along a dimension."""
        node = replica()
        period = query.get("period") or _today(node).isoformat()[:7]
        if query["part"] == "definitions" and query["format"] != "csv":  # an xlsx has a sheet of them, json a field
            raise Invalid("definitions_of_csv", field="part", value=query["format"])
        document = answered(node, query.get("unit") or me().unit, period, query)
        if query["format"] == "json":
            return with_definitions(document, language())
        if query["part"] == "definitions":
            content, content_type, name = definitions_file(document, language())
        else:
            content, content_type, name = rollup_file(document, query["format"], language())
        return attachment(content, content_type, name, document)


@rollup_routes.route("/rollup/records")
class Records(MethodView):
    """The records behind one cell."""

    @rollup_routes.arguments(RecordsQuery, location="query")
    @rollup_routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any] | Response:
        """Cases, checks or duties that a measure counts, by day; a dimension's name with a key picks one row's."""
        node = replica()
        asked = {
            "unit": query.get("unit") or me().unit,
            "period": query.get("period") or _today(node).isoformat()[:7],
            "measure": query["measure"],
            "tree": query["tree"],
            "filters": read_filters(query),
            "categories": query.get("categories"),
            "under": query.get("under"),
        }
        with known_at(node, query.get("as_of")) as (earlier, at_ms):
            if query["format"] == "json":
                return records(earlier, now_ms=at_ms, after=query.get("after"), limit=query["limit"], **asked)
            content = record_file(earlier, asked, query["format"], language(), at_ms)
            as_known = known(earlier, at_ms)
        name = f"{asked['measure']}-{asked['unit']}-{asked['period'].replace('..', '_')}.{query['format']}"
        return attachment(pieces(content), FILE_TYPES[query["format"]], name, as_known)


@rollup_routes.route("/rollup/arrived")
class Arrived(MethodView):
    """What arrived after a position, and so changed a table that was printed."""

    @rollup_routes.arguments(ArrivedQuery, location="query")
    @rollup_routes.response(200, Document)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Events in the order of arrival: after the log position `since`, or after what was held at `as_of`; then also
        the measures as they were and as they are, and the difference.
        """
        node = replica()
        unit = query.get("unit") or me().unit
        period = query.get("period") or _today(node).isoformat()[:7]
        if ("since" in query) == ("as_of" in query):
            raise Invalid("since_or_as_of", field="since", value=query.get("since"))
        at_ms = instant_of(query["as_of"]) if "as_of" in query else None
        since = query["since"] if at_ms is None else position_at(node.db, at_ms)
        after = query.get("after")
        if after is not None and not (after.isascii() and after.isdigit()):
            raise Invalid("bad_after", field="after", value=after)
        found = arrived(node, unit, period, since, after=int(after) if after else None, limit=query["limit"])
        if at_ms is None or after is not None:
            return found
        now = answered(node, unit, period, {})["measures"]
        then = answered(node, unit, period, {"as_of": query["as_of"]})["measures"]
        changed = {name: value - then[name] for name, value in now.items() if value != then[name]}
        return {**found, "then": then, "now": now, "difference": changed}


def answered(node: Replica, unit: str, period: str, query: dict[str, Any]) -> dict[str, Any]:
    """The rollup document now, or as it was known at `as_of`, as the reader may see it; a file is masked for all."""
    by = query.get("by")
    with known_at(node, query.get("as_of")) as (earlier, at_ms):
        document = rollup.answer(
            earlier, unit, period, by=by, tree=query.get("tree", "then"), now_ms=at_ms, language=language(),
            campaign=query.get("campaign"), categories=query.get("categories"),
            compare=query.get("compare"),
        )  # fmt: skip
        if query.get("format", "json") != "json" and me().role in EVIDENCE:
            return mask(earlier, document, by)
        return for_role(earlier, document, by, me().role, now_ms=at_ms, as_of=query.get("as_of"))


def unit_json(unit: Unit, *, has_node: bool) -> dict[str, Any]:
    """A unit's version as the API shows it."""
    return {
        "id": unit.id,
        "code": unit.code,
        "name": unit.name,
        "level": unit.level,
        "parent_id": unit.parent_id,
        "kind": unit.kind,
        "valid_from": unit.valid_from.isoformat(),
        "valid_to": unit.valid_to.isoformat() if unit.valid_to else None,
        "has_node": has_node,
    }


def _known(node: Replica, unit: str, field: str = "unit") -> str:
    if not tree_of(node).exists(unit):
        raise NotFound("unknown_unit", field=field, value=unit)
    return unit


def _today(node: Replica) -> date:
    return business_day(node.env.now_ms())
