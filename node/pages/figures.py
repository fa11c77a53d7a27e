"""统计 and 下钻: the figures of a unit and period, opened from the city down to a group's days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node import queries, rollup
from node.api.figures import answered
from node.checks import duty_state_of
from node.guard import language, me, replica
from node.pages.frame import page
from schemas.clock import business_day
from schemas.errors import Invalid
from schemas.labels import label
from schemas.periods import Period, cadence_of, parse_period, shifted
from schemas.units import LEVELS
from sync.directory import tree_of
from sync.replica import Replica

TABS: Final = ("children", "day")


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/rollup", "rollup_page", rollup_page)


def rollup_page() -> Response:
    """Figures with the units below as rows; a group shows its days."""
    node = replica()
    today = business_day(node.env.now_ms())
    unit = request.args.get("unit") or me().unit
    period = parse_period(request.args.get("period") or _month_so_far(today))
    tree_mode = request.args.get("tree", "then")
    known = tree_of(node).nearest(unit, min(period.last, today))
    level = known.level if known else node.identity.level
    by = request.args.get("by") or ("day" if level == LEVELS[0] else "children")
    if by not in rollup.DIMENSIONS:
        raise Invalid("bad_dimension", field="by", value=by, allowed=", ".join(rollup.DIMENSIONS))
    document = answered(node, unit, period.key, {"by": by, "tree": tree_mode, "as_of": request.args.get("as_of")})
    rows = [_row(node, row, unit, level, by, period, tree_mode) for row in document["rows"]]
    model = {
        "unit": {"id": unit, "name": known.name if known else unit, "level": level},
        "crumbs": _crumbs(node, unit, today),
        "period": period,
        "prev_key": _neighbour(period, -1),
        "next_key": _neighbour(period, 1) if period.last < today else None,
        "tree": tree_mode,
        "by": by,
        "presets": _presets(today, period.key),
        "tabs": _tabs(unit, level, by, period, tree_mode),
        "as_of": document["as_of"],
        "position": document["position"],
        "measures": document["measures"],
        "rates": document["rates"],
        "rows": rows,
    }
    return page("rollup.html", "nav.rollup", **model)


def _row(
    node: Replica, row: dict[str, Any], unit: str, level: str, by: str, period: Period, tree_mode: str
) -> dict[str, Any]:
    shown: dict[str, Any] = {**row, "href": None, "state": None}
    if by == "children":
        shown["href"] = url_for("pages.rollup_page", unit=row["key"], period=period.key, tree=tree_mode)
    elif level == LEVELS[0]:
        day = date.fromisoformat(row["key"])
        shown["state"] = duty_state_of(node, day, queries.duty_row(node.db, (unit, row["key"], "regular")))
    else:
        shown["href"] = url_for("pages.rollup_page", unit=unit, period=row["key"], tree=tree_mode)
    return shown


def _crumbs(node: Replica, unit: str, today: date) -> list[dict[str, str]]:
    tree = tree_of(node)
    crumbs = []
    for one in tree.ancestors(unit, today)[1:]:
        named = tree.nearest(one, today)
        if named is None or not tree.ever_below(one, me().unit):
            break
        crumbs.append({"id": one, "name": named.name})
    return list(reversed(crumbs))


def _month_so_far(today: date) -> str:
    """This month's days before today; on its first day the month before: today's duties are still open."""
    yesterday = today - timedelta(days=1)
    return f"{yesterday:%Y-%m}" if today.day == 1 else f"{today.replace(day=1)}..{yesterday}"


def _neighbour(period: Period, by: int) -> str | None:
    return shifted(period, by).key if cadence_of(period) else None


def _presets(today: date, current: str) -> list[dict[str, Any]]:
    month = _month_so_far(today)
    last_month = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    keys = (
        ("today", today.isoformat()),
        ("yesterday", (today - timedelta(days=1)).isoformat()),
        ("last_14", f"{today - timedelta(days=14)}..{today - timedelta(days=1)}"),
        ("month", month),
        ("last_month", last_month),
        ("year", str(today.year)),
    )
    return [{"key": key, "label": label(language(), f"preset.{name}"), "current": key == current} for name, key in keys]


def _tabs(unit: str, level: str, by: str, period: Period, tree_mode: str) -> list[dict[str, Any]]:
    offered = ("day",) if level == LEVELS[0] else TABS
    return [
        {
            "key": name,
            "label": label(language(), f"page.rollup.by.{name}"),
            "href": url_for("pages.rollup_page", unit=unit, period=period.key, tree=tree_mode, by=name),
            "current": name == by,
        }
        for name in offered
    ]
