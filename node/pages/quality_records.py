"""The cases behind a figure of 考评: follow-ups that were due, missed or late, and records that lack a part."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node.cases.list_queries import categories_of
from node.figures import quality_cases
from node.guard import language, me, replica
from node.pages.case_words import category_word, unit_name
from node.pages.frame import page
from schemas.labels import label

A_PAGE: Final = 100


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/quality/records", "quality_records", listed)


def listed() -> Response:
    """One list, by day."""
    node, lang = replica(), language()
    unit, period = request.args.get("unit") or me().unit, request.args.get("period", "")
    name, own = request.args.get("list", ""), request.args.get("own") == "1"
    found = quality_cases.records(node, unit, period, name, request.args.get("after"), A_PAGE, own=own)
    asked = {"unit": unit, "period": period, "list": name, **({"own": "1"} if own else {})}
    categories = categories_of(node.db, [one["case"] for one in found["items"]])
    model: dict[str, Any] = {
        "unit": {"id": unit, "name": unit_name(node, unit)},
        "period": found["period"],
        "list": name,
        "items": [
            {
                **one,
                "unit": unit_name(node, one["unit"]),
                "title": label(
                    lang, "page.rollup.case", category=category_word(lang, categories.get(one["case"], "99")),
                    tail=one["case"][-6:].upper(),
                ),
                "lacking": [label(lang, f"quality.part.{part}") for part in one["lacking"]],
            }
            for one in found["items"]
        ],
        "next_url": url_for("pages.quality_records", **asked, after=found["next"]) if found["next"] else None,  # type: ignore[arg-type]
        "back": url_for("pages.quality", unit=unit, period=period),
    }  # fmt: skip
    return page("quality_records.html", "nav.quality", **model)
