"""统计 and 下钻: the figures of a unit and period, opened from the city down to a group's days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node import queries, rollup
from node.access import EVIDENCE
from node.api.figures import answered
from node.arrivals import arrived
from node.asof import known_at
from node.campaigns import held, require
from node.category_lists import lists_of, word_of
from node.checks import duty_state_of
from node.guard import language, me, replica
from node.pages.calendars import MAX_DAYS, completeness
from node.pages.choosing import Choice, crumbs, month_so_far, neighbour, presets
from node.pages.evidence import evidence_url
from node.pages.frame import Link, page
from node.rollup import row_label
from node.rollup_records import read_filters, records
from schemas.case_measures import CASE_MEASURES
from schemas.clock import business_day
from schemas.comparison import BOTH
from schemas.errors import Invalid
from schemas.labels import label
from schemas.measures import CHECK_MEASURES
from schemas.periods import Period, parse_period
from schemas.roles import RECORDS
from schemas.units import LEVELS
from sync.directory import tree_of
from sync.replica import Replica

COMPARED: Final = {
    "checks": ("checks_due", "checks_zero", "checks_found", "checks_late", "checks_missing"),
    "cases": ("registered", "accepted", "mediated", "agreed", "confirmed", "closed", "open", "overdue"),
}
COMPARED_RATES: Final = {"checks": ("coverage", "on_time_rate"), "cases": ("mediation_rate", "success_rate")}
RECORDS_A_PAGE: Final = 100
ABOUT: Final = {
    "checks": ("children", "day", "campaign"),
    "cases": ("children", "day", "category", "source_group", "level", "kind", "urgency", "matrix"),
}


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/rollup", "rollup_page", rollup_page)
    routes.add_url_rule("/rollup/arrived", "rollup_arrived", rollup_arrived)
    routes.add_url_rule("/rollup/records", "rollup_records", rollup_records)


def rollup_page() -> Response:
    """Figures with the units below as rows; a group shows its days."""
    node = replica()
    today = business_day(node.env.now_ms())
    unit = request.args.get("unit") or me().unit
    period = parse_period(request.args.get("period") or month_so_far(today))
    tree_mode = request.args.get("tree", "then")
    known = tree_of(node).nearest(unit, min(period.last, today))
    level = known.level if known else node.identity.level
    by = request.args.get("by") or ("day" if level == LEVELS[0] else "children")
    if by not in rollup.DIMENSIONS:
        raise Invalid("bad_dimension", field="by", value=by, allowed=", ".join(rollup.DIMENSIONS))
    about = request.args.get("about", "checks")
    if about not in ABOUT:
        raise Invalid("not_one_of", field="about", value=about, allowed=", ".join(ABOUT))
    if by not in ABOUT[about]:  # only cases have codes
        about = "cases"
    asked = {name: request.args.get(name) for name in ("as_of", "campaign")}
    document = answered(node, unit, period.key, {"by": by, "tree": tree_mode, "compare": BOTH, **asked})
    shown = [row for row in document["rows"] if row["key"] != unit or _says_something(row, about)]
    rows = [_row(node, row, unit, level, by, period, tree_mode, about) for row in shown]
    model = {
        "unit": {"id": unit, "name": known.name if known else unit, "level": level},
        "crumbs": crumbs(node, unit, today),
        "period": period,
        "prev_key": neighbour(period, -1),
        "next_key": neighbour(period, 1) if period.last < today else None,
        "tree": tree_mode,
        "by": by,
        "presets": presets(today, period.key),
        "about": about,
        "abouts": _abouts(unit, by, period, tree_mode, about),
        "tabs": _tabs(unit, level, by, period, tree_mode, about),
        "record_url": _record_url(unit, by, period, tree_mode, request.args.get("as_of")),
        "as_of": document["as_of"],
        "position": document["position"],
        "measures": document["measures"],
        "rates": document["rates"],
        "rows": rows,
        "calendar": _calendar(document, Choice(unit, period, tree_mode, asked["as_of"]), by, about, level, today),
        "comparison": _comparison(document, about),
        "arrived_url": _arrived_url(document) if asked["as_of"] else None,
        "campaign": held(node.db).get(asked["campaign"] or ""),
    }
    return page("rollup.html", "nav.rollup", **model)


def _arrived_url(document: dict[str, Any]) -> str | None:
    if me().role not in EVIDENCE:
        return None
    return url_for("pages.rollup_arrived", unit=document["unit"], period=document["period"], since=document["position"])


def _comparison(document: dict[str, Any], about: str) -> dict[str, Any]:
    """The periods beside this one, and a line for each figure: {name, now, others: [(figure, change)]}."""
    others = [(kind, one) for kind, one in document["comparison"].items() if one is not None]
    lines = [
        {
            "name": label(language(), f"measure.{name}"),
            "now": document["measures"][name],
            "others": [(one["measures"][name], one["change"][name]) for _, one in others],
        }
        for name in COMPARED[about]
    ]
    rates = [
        {
            "name": f"{label(language(), f'rate.{name}')} %",
            "now": document["rates"][name],
            "others": [(one["rates"][name], one["points"][name]) for _, one in others],
        }
        for name in COMPARED_RATES[about]
    ]
    return {"periods": [(kind, one["period"]) for kind, one in others], "lines": lines, "rates": rates}


def _here(**asked: str | None) -> str:
    """This page with another question, still about the same campaign."""
    link: Link = {"campaign": request.args.get("campaign"), **asked}
    return url_for("pages.rollup_page", **link)


def _calendar(
    document: dict[str, Any], choice: Choice, by: str, about: str, level: str, today: date
) -> dict[str, Any] | None:
    """The days of regular checks as a calendar, where days are asked for and more than one group owes them."""
    daily = by == "day" and about == "checks" and level != LEVELS[0] and choice.period.days <= MAX_DAYS
    if not daily or request.args.get("campaign"):
        return None
    return completeness(choice, document["rows"], today)


def _row(
    node: Replica, row: dict[str, Any], unit: str, level: str, by: str, period: Period, tree_mode: str, about: str
) -> dict[str, Any]:
    shown: dict[str, Any] = {**row, "href": None, "state": None}
    if by == "campaign":
        shown["href"] = _here(unit=unit, period=period.key, tree=tree_mode, about=about, campaign=row["key"])
    elif by == "children":
        if row["key"] != unit:
            shown["href"] = _here(unit=row["key"], period=period.key, tree=tree_mode, about=about)
    elif by != "day":
        pass
    elif level == LEVELS[0] and me().role in EVIDENCE:  # one group's day is a single record
        day = date.fromisoformat(row["key"])
        held = queries.duty_row(node.db, (unit, row["key"], "regular"))
        shown |= {"state": duty_state_of(node, unit, day, held), "href": evidence_url(held.event if held else None)}
    else:
        shown["href"] = _here(unit=unit, period=row["key"], tree=tree_mode, about=about)
    return shown


def _says_something(row: dict[str, Any], about: str) -> bool:
    """Whether a row has a figure of the kind that the page is about: a unit's own row may have others only."""
    names = CHECK_MEASURES if about == "checks" else CASE_MEASURES
    return any(row["measures"][name] for name in names)


def _tabs(unit: str, level: str, by: str, period: Period, tree_mode: str, about: str) -> list[dict[str, Any]]:
    return [
        {
            "key": name,
            "label": label(language(), f"page.rollup.by.{name}"),
            "href": _here(unit=unit, period=period.key, tree=tree_mode, by=name, about=about),
            "current": name == by,
        }
        for name in ABOUT[about]
        if name != "children" or level != LEVELS[0]
    ]


def _abouts(unit: str, by: str, period: Period, tree_mode: str, about: str) -> list[dict[str, Any]]:
    """Checks or cases: what the figures are about."""
    return [
        {
            "key": name,
            "label": label(language(), f"page.rollup.about.{name}"),
            "href": _here(
                unit=unit, period=period.key, tree=tree_mode, about=name,
                by=by if by in dimensions else None,
            ),
            "current": name == about,
        }
        for name, dimensions in ABOUT.items()
    ]  # fmt: skip


def _record_url(
    unit: str, by: str, period: Period, tree_mode: str, as_of: str | None
) -> Callable[[str, str | None], str | None]:
    """Where the records behind a cell are: (measure, row key or None for the total)."""

    def url(measure: str, key: str | None) -> str | None:
        if me().role not in EVIDENCE:
            return None
        asked: Link = {"unit": unit, "period": period.key, "tree": tree_mode, "as_of": as_of, "measure": measure}
        asked["campaign"] = request.args.get("campaign")
        if key is not None:
            asked |= {"unit": key, "under": unit} if by == "children" else {"period": key} if by == "day" else {by: key}
        return url_for("pages.rollup_records", **asked)

    return url


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
    if name == rollup.CAMPAIGN:
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
