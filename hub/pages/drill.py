"""下钻: any unit, found by name or code: what it is, every measure, its days and the units below, each opening on."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request

from hub.finding import find_units
from hub.overview import ask
from hub.pages.overview import figure_links
from node.access import EVIDENCE
from node.daily import duties
from node.figures.asof import known_at
from node.guard import me, replica
from node.pages.calendars import COUNTED, completeness, day_url, span_of
from node.pages.choosing import Choice, above, choosing, chosen
from node.pages.frame import page
from node.projections import calendar_of
from node.scope import in_scope
from schemas.cases.measures import CASE_MEASURES
from schemas.clock import business_day
from schemas.duties import last_closed_day
from schemas.masking import Masked, below_township
from sync.database import read
from sync.directory import certified_units, host_of, tree_of
from sync.replica import Replica

COLUMNS: Final = (*COUNTED, "registered", "mediated", "agreed", "open", "overdue")


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/drill", "drill", drill)


def drill() -> Response:
    """One unit with everything that opens from it, and the units that a search finds."""
    node = replica()
    today = business_day(node.env.now_ms())
    choice, text = chosen(today), request.args.get("q", "")
    tree = tree_of(node)
    found, more = find_units(tree, text, today, lambda unit: in_scope(node, me(), unit))
    with known_at(node, choice.as_of) as (earlier, at_ms), read(earlier.db):
        document = ask(earlier, choice, at_ms, choice.period.key, "children")
        days = ask(earlier, choice, at_ms, span_of(choice.period).key, "day")
    measures = document["measures"]
    opens = figure_links(choice, measures)
    model = {
        **choosing(node, choice, today),
        "q": text,
        "found": [
            {
                "name": one.name, "code": one.code, "level": one.level,
                "path": " · ".join(up.name for up in above(node, one.id, today)),
                "closed": one.valid_to is not None and one.valid_to <= today,
                "href": choice.url("city.drill", unit=one.id),
            }
            for one in found
        ],
        "more": more,
        "about": _about(node, choice),
        "measures": measures,
        "rates": document["rates"],
        "groups": {
            about: [
                {"name": one, "value": value, "href": opens.get(one)}
                for one, value in measures.items()
                if (one in CASE_MEASURES) == (about == "cases")
            ]
            for about in ("checks", "cases")
        },
        "calendar": completeness(choice, days["rows"], today),
        "rows": [_row(choice, row) for row in document["rows"]],
        "days_url": choice.url("pages.rollup_page", by="day"),
        "overview_url": choice.url("city.overview"),
        "as_of": document["as_of"],
        "position": document["position"],
    }  # fmt: skip
    return page("drill.html", "nav.drill", **model)


def _about(node: Replica, choice: Choice) -> dict[str, Any]:
    """What the directory and the links say of the unit, and who of it has not reported on the last closed day."""
    tree, today = tree_of(node), business_day(node.env.now_ms())
    known = tree.nearest(choice.unit, today)
    host = host_of(tree, certified_units(node.db), choice.unit, today)
    named = tree.nearest(host, today) if host else None
    day = last_closed_day(calendar_of(node.db), node.env.now_ms())
    exact = me().role in EVIDENCE or not below_township(tree.level(choice.unit))
    return {
        "unit": known,
        "versions": len(tree.versions(choice.unit)),
        "closed": known is not None and known.valid_to is not None and known.valid_to <= today,
        "groups": tree.group_count(choice.unit, today),
        "host": named.name if named else host,
        "day": day,
        "missing": duties.missing_yesterday(node, choice.unit) if exact else Masked(small=False),
        "missing_url": day_url(choice, day),
    }


def _row(choice: Choice, row: dict[str, Any]) -> dict[str, Any]:
    own = row["key"] == choice.unit  # what the unit did itself, not its subtree
    return {
        **row,
        "href": None if own else choice.url("city.drill", unit=row["key"]),
        "opens": figure_links(choice, row["measures"], COLUMNS, unit=row["key"], under=choice.unit),
    }
