"""What is behind a figure: the records that a cell counts, and what arrived after a table was printed."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node.daily.campaigns import require
from node.figures.arrivals import arrived
from node.figures.asof import known_at
from node.figures.category_lists import lists_of, word_of
from node.figures.rollup_figures import row_label
from node.figures.rollup_question import CAMPAIGN
from node.figures.rollup_records import read_filters, records
from node.guard import language, me, replica
from node.pages.choosing import month_so_far
from node.pages.evidence import evidence_url
from node.pages.frame import Link, page
from schemas.clock import business_day
from schemas.errors import Invalid
from schemas.labels import label
from schemas.periods import parse_period
from schemas.roles import RECORDS
from sync.directory import tree_of
from sync.replica import Replica

RECORDS_A_PAGE: Final = 100


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/rollup/arrived", "rollup_arrived", rollup_arrived)
    routes.add_url_rule("/rollup/records", "rollup_records", rollup_records)


# ---- what arrived after a table was printed


def rollup_arrived() -> Response:
    """The records that came after a log position and concern a unit and period, in the order of arrival."""
    node, today = replica(), business_day(replica().env.now_ms())
    unit = request.args.get("unit") or me().unit
    period = parse_period(request.args.get("period") or month_so_far(today))
    since = _whole(request.args.get("since") or "0", "since")
    after = _whole(request.args["after"], "after") if request.args.get("after") else None
    found = arrived(node, unit, period.key, since, after=after, limit=RECORDS_A_PAGE)
    known = tree_of(node).nearest(unit, min(period.last, today))
    asked: Link = {"unit": unit, "period": period.key, "since": str(since)}
    model = {
        "unit": {"id": unit, "name": known.name if known else unit},
        "period": period,
        "since": since,
        "position": found["position"],
        "items": [_arrival(node, one, today) for one in found["items"]],
        "next_url": url_for("pages.rollup_arrived", **asked, after=found["next"]) if found["next"] else None,
        "back": url_for("pages.rollup_page", unit=unit, period=period.key),
    }
    return page("rollup_arrived.html", "page.rollup.arrived", **model)


def _arrival(node: Replica, item: dict[str, Any], today: date) -> dict[str, Any]:
    named = tree_of(node).nearest(item["unit"], today)
    key = f"arrived.{item['kind']}"
    return {
        **item,
        "unit": named.name if named else item["unit"],
        "what": label(language(), "arrived.amended" if item["amends"] else key),
    }


def _whole(text: str, field: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Invalid("bad_number", field=field, value=text)
    return int(text)


# ---- the records behind a cell


def rollup_records() -> Response:
    """The cases, checks or duties that a cell counts, each opening its own page where there is one."""
    node, today = replica(), business_day(replica().env.now_ms())
    unit = request.args.get("unit") or me().unit
    period = parse_period(request.args.get("period") or month_so_far(today))
    measure, filters = request.args.get("measure", ""), read_filters(request.args)
    with known_at(node, request.args.get("as_of")) as (earlier, at_ms):
        found = records(
            earlier, unit, period.key, measure, tree=request.args.get("tree", "then"), now_ms=at_ms, filters=filters,
            after=request.args.get("after"), limit=RECORDS_A_PAGE,
            under=request.args.get("under"),
        )  # fmt: skip
    known = tree_of(node).nearest(unit, min(period.last, today))
    asked: Link = {name: value for name, value in request.args.items() if name != "after"}
    model = {
        "unit": {"id": unit, "name": known.name if known else unit},
        "period": period,
        "measure": label(language(), f"measure.{measure}"),
        "filters": [_filter_word(node, name, key) for name, key in filters.items()],
        "items": [_record(node, one, today) for one in found["items"]],
        "next_url": url_for("pages.rollup_records", **asked, after=found["next"]) if found["next"] else None,
        "files": {kind: url_for("rollup.Records", **asked, format=kind) for kind in ("csv", "xlsx")},
        "back": url_for("pages.rollup_page", unit=unit, period=period.key),
        "as_of": found["as_of"],
        "position": found["position"],
    }
    return page("rollup_records.html", "page.rollup.records", **model)


def _filter_word(node: Replica, name: str, key: str) -> str:
    if name == CAMPAIGN:
        return require(node.db, key, name).name
    return word_of(lists_of(node.db), key, language()) if name == "category" else row_label(name, key, language())


def _record(node: Replica, item: dict[str, Any], today: date) -> dict[str, Any]:
    named = tree_of(node).nearest(item["unit"], today)
    shown = {"day": item["date"], "unit": named.name if named else item["unit"], "state": None, "href": None}
    if "id" in item:
        words = word_of(lists_of(node.db), item["category"], language())
        title = label(language(), "page.rollup.case", category=words, tail=item["id"][-6:].upper())
        shown |= {"title": title, "state": label(language(), f"state.{item['state']}")}
        if me().role in RECORDS:
            shown["href"] = url_for("pages.case", case_id=item["id"])
        else:
            shown["href"] = evidence_url(item["event"])
    elif item["result"] is None:
        shown["title"] = label(language(), "page.rollup.duty")
    else:
        shown |= {"title": label(language(), f"duty.{item['result']}"), "href": evidence_url(item["event"])}
    return shown
