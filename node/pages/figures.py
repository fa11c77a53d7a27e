"""统计 and 下钻: the figures of a unit and period, opened from the city down to a group's days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node import queries
from node.access import EVIDENCE
from node.api.figures import answered
from node.daily.campaigns import held
from node.daily.checks import duty_state_of
from node.figures import rollup
from node.guard import language, me, replica
from node.pages.calendars import MAX_DAYS, completeness
from node.pages.choosing import Choice, crumbs, month_so_far, neighbour, presets
from node.pages.evidence import evidence_url
from node.pages.frame import Link, page
from schemas.cases.measures import CASE_MEASURES
from schemas.clock import business_day
from schemas.comparison import BOTH
from schemas.errors import Invalid
from schemas.labels import label
from schemas.measures import CHECK_MEASURES
from schemas.periods import Period, parse_period
from schemas.units.tree import LEVELS
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
        "files": _files(unit, by, period, tree_mode, asked),
        "campaign": held(node.db).get(asked["campaign"] or ""),
    }
    return page("rollup.html", "nav.rollup", **model)


def _files(unit: str, by: str, period: Period, tree_mode: str, asked: Link) -> dict[str, str]:
    """The table as files, and what the figures of the csv mean, by the key of the link's word."""
    about: Link = {"unit": unit, "period": period.key, "tree": tree_mode, "by": by, **asked}
    return {
        "csv": url_for("rollup.Rollup", **about, format="csv"),
        "xlsx": url_for("rollup.Rollup", **about, format="xlsx"),
        "definitions": url_for("rollup.Rollup", **about, format="csv", part="definitions"),
    }


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
