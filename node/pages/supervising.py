"""督办: supervisions given and received, the one due first in front; new ones are given on the page of a case."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node.access import may_act
from node.cases.supervision_queries import STATES
from node.desk import supervising
from node.guard import language, me, replica
from node.pages.case_words import category_word, unit_name
from node.pages.frame import page
from schemas.labels import label
from schemas.units.tree import LEVELS
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

A_PAGE: Final = 50


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/supervisions", "supervisions", supervisions)


def supervisions() -> Response:
    """One side of a unit: what it gave, or what it received; a group gives none."""
    node = replica()
    unit = request.args.get("unit") or me().unit
    above = tree_of(node).level(unit) != LEVELS[0]
    side = request.args.get("side") or ("given" if above else "received")
    state, after = request.args.get("state", ""), supervising.read_key(request.args.get("after"))
    with read(node.db):
        found = supervising.listed(node, unit, side, state, after, A_PAGE)
        asked = {"unit": unit, "side": side, **({"state": state} if state else {})}
        model = {
            "unit": {"id": unit, "name": unit_name(node, unit)},
            "items": [_shown(node, one, language()) for one in found["items"]],
            "counts": found["counts"],
            "side": side,
            "sides": [one for one in supervising.SIDES if above or one == "received"],
            "state": state,
            "states": [(one, found["counts"][side][one]) for one in STATES],
            "all": sum(found["counts"][side].values()),
            "next_url": url_for("pages.supervisions", **asked, after=found["next"]) if found["next"] else None,  # type: ignore[arg-type]
        }
    return page("supervisions.html", "nav.supervisions", **model)


def _shown(node: Replica, one: dict[str, Any], lang: str) -> dict[str, Any]:
    tail, category = one["case"][-6:].upper(), category_word(lang, one["category"])
    answers = one["state"] != "answered" and one["owner"] == me().unit and may_act(me().role, "answer")
    return {
        **one,
        "title": label(lang, "page.rollup.case", category=category, tail=tail),
        "by_name": unit_name(node, one["by"]),
        "owner_name": unit_name(node, one["owner"]),
        "href": f"/cases/{one['case']}",
        "answer_href": f"/cases/{one['case']}/answer" if answers else None,
    }
