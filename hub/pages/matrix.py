"""矩阵: categories by the level that handled them; each cell opens the cases behind it."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response

from node.api.figures import answered
from node.guard import replica
from node.pages.choosing import Choice, choosing, chosen
from node.pages.frame import page
from schemas.cases.matrix import TOTAL
from schemas.clock import business_day
from schemas.units.tree import LEVELS

MEASURES: Final = ("mediated", "agreed")


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/matrix", "matrix", matrix)


def matrix() -> Response:
    """The statutory table of a unit and period: mediated and agreed by category and level, subtotal, year to date."""
    node = replica()
    today = business_day(node.env.now_ms())
    choice = chosen(today)
    query = {"by": "matrix", "tree": choice.tree, "as_of": choice.as_of}
    document = answered(node, choice.unit, choice.period.key, query)
    model = {
        **choosing(node, choice, today),
        "levels": LEVELS,
        "rows": [_row(row, choice) for row in document["rows"]],
        "files": {kind: choice.url("rollup.Rollup", by="matrix", format=kind) for kind in ("csv", "xlsx")},
        "definitions_url": choice.url("rollup.Rollup", by="matrix", format="csv", part="definitions"),
        "as_of": document["as_of"],
        "position": document["position"],
    }
    return page("matrix.html", "nav.matrix", **model)


def _row(row: dict[str, Any], choice: Choice) -> dict[str, Any]:
    """A row with its figures as links: cells by level, subtotal, year to date."""
    category = None if row["key"] == TOTAL else row["key"]
    year = f"{choice.period.last.replace(month=1, day=1)}..{choice.period.last}"

    def pair(counts: dict[str, int], **more: object) -> list[dict[str, Any]]:
        return [
            {
                "value": counts[name],
                "href": choice.records(name, **{"category": category, **more}) if counts[name] else None,
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
