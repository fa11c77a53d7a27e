"""矩阵: categories by the level that handled them; each cell opens the cases behind it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from node.access import EVIDENCE
from node.api.figures import answered
from node.guard import me, replica
from node.pages.choosing import crumbs, month_so_far, neighbour, presets
from node.pages.frame import Link, page
from schemas.case_matrix import TOTAL
from schemas.clock import business_day
from schemas.periods import Period, parse_period
from schemas.units import LEVELS
from sync.directory import tree_of

MEASURES = ("mediated", "agreed")


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/matrix", "matrix", matrix)


def matrix() -> Response:
    """The statutory table of a unit and period: mediated and agreed by category and level, subtotal, year to date."""
    node = replica()
    today = business_day(node.env.now_ms())
    unit, tree_mode = request.args.get("unit") or me().unit, request.args.get("tree", "then")
    period = parse_period(request.args.get("period") or month_so_far(today))
    asked: Link = {"unit": unit, "period": period.key, "tree": tree_mode, "as_of": request.args.get("as_of")}
    document = answered(node, unit, period.key, {**asked, "by": "matrix"})
    known = tree_of(node).nearest(unit, min(period.last, today))
    model = {
        "unit": {"id": unit, "name": known.name if known else unit},
        "crumbs": crumbs(node, unit, today),
        "period": period,
        "tree": tree_mode,
        "prev_key": neighbour(period, -1),
        "next_key": neighbour(period, 1) if period.last < today else None,
        "presets": presets(today, period.key),
        "levels": LEVELS,
        "rows": [_row(row, asked, period) for row in document["rows"]],
        "files": {kind: url_for("rollup.Rollup", **asked, by="matrix", format=kind) for kind in ("csv", "xlsx")},
        "as_of": document["as_of"],
        "position": document["position"],
    }
    return page("matrix.html", "nav.matrix", **model)


def _row(row: dict[str, Any], asked: Link, period: Period) -> dict[str, Any]:
    """A row with its figures as links: cells by level, subtotal, year to date."""
    category = None if row["key"] == TOTAL else row["key"]
    year = f"{period.last.replace(month=1, day=1)}..{period.last}"

    def pair(counts: dict[str, int], **more: object) -> list[dict[str, Any]]:
        opened = me().role in EVIDENCE
        return [
            {
                "value": counts[name],
                "href": url_for("pages.rollup_records", **{**asked, "category": category, "measure": name, **more})
                if opened and counts[name]
                else None,
            }
            for name in MEASURES
        ]

    return {
        "label": row["label"],
        "total": category is None,
        "cells": {level: pair(row["cells"][level], level=level) for level in LEVELS},
        "subtotal": pair(row["subtotal"]),
        "year_to_date": pair(row["year_to_date"], period=year),
    }
