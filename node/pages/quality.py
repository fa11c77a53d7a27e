"""考评: how complete, timely and lasting the work of each unit is; every figure opens to its records."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from node.cases.review_queries import LISTS
from node.figures import quality
from node.guard import language, me, replica
from node.pages.case_words import unit_name
from node.pages.frame import page
from node.scope import today_of
from schemas.periods import Period, parse_period, period_of, shifted
from schemas.quality import CRITERIA


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/quality", "quality", review)


def review() -> Response:
    """The units right below in directory order, the unit's total last; of last month, or of this one where last month
    is empty, unless another period is asked for.
    """
    node = replica()
    unit = request.args.get("unit") or me().unit
    asked, this_month = request.args.get("period"), period_of("month", today_of(node))
    period = parse_period(asked) if asked else shifted(this_month, -1)
    found = _answer(unit, period)
    if not asked and _empty(found) and not _empty(newer := _answer(unit, this_month)):
        period, found = this_month, newer  # a city in its first month
    model = {
        "unit": {"id": unit, "name": unit_name(node, unit)},
        "period": period,
        "before": url_for("pages.quality", unit=unit, period=shifted(period, -1).key),
        "after": url_for("pages.quality", unit=unit, period=shifted(period, 1).key) if _over(period.last) else None,
        "empty": _empty(found),
        "this_month": url_for("pages.quality", unit=unit, period=this_month.key) if period != this_month else None,
        "names": list(CRITERIA),
        "rows": [_row(row, unit, period.key) for row in found["rows"]],
        "total": _row({"key": unit, "label": "", "criteria": found["criteria"]}, unit, period.key),
        "as_of": found["as_of"],
        "position": found["position"],
    }
    return page("quality.html", "nav.quality", **model)


def _answer(unit: str, period: Period) -> dict[str, Any]:
    node = replica()
    return quality.answer(node, unit, period.key, now_ms=node.env.now_ms(), language=language())


def _empty(found: dict[str, Any]) -> bool:
    """Whether nothing was owed in a period that could be reviewed."""
    return not any(one["denominator"] for one in found["criteria"].values())


def _over(last: Any) -> bool:
    return bool(last < today_of(replica()))


def _row(row: dict[str, Any], unit: str, period: str) -> dict[str, Any]:
    """A row with links to the records that lack something."""
    own = row["key"] == unit and bool(row["label"])
    cells = []
    for name, one in row["criteria"].items():
        opens = CRITERIA[name].opens[0]
        if opens in LISTS:
            only = {"own": "1"} if own else {}
            href = url_for("pages.quality_records", unit=row["key"], period=period, list=opens, **only)  # type: ignore[arg-type]
        else:
            under = {"under": unit} if own else {}
            href = url_for("pages.rollup_records", unit=row["key"], period=period, measure=opens, **under)  # type: ignore[arg-type]
        cells.append({**one, "href": href if one["denominator"] else None})
    below = None if row["key"] == unit else url_for("pages.quality", unit=row["key"], period=period)
    return {"label": row["label"], "href": below, "cells": cells}
