"""Choosing what a page of figures is about: the unit, the period and its neighbours, the tree, the instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import request, url_for

from node.access import EVIDENCE
from node.guard import language, me
from schemas.labels import label
from schemas.periods import Period, cadence_of, parse_period, shifted
from schemas.units.tree import Unit
from sync.directory import tree_of
from sync.replica import Replica


@dataclass(frozen=True, slots=True)
class Choice:
    """What a page of figures is about."""

    unit: str
    period: Period
    tree: str
    as_of: str | None

    def url(self, endpoint: str, **changed: object) -> str:
        """Another page about the same, or about what is changed; a None is left out."""
        about: dict[str, Any] = {
            "unit": self.unit, "period": self.period.key, "tree": self.tree, "as_of": self.as_of, **changed,
        }  # fmt: skip
        return url_for(endpoint, **about)

    def records(self, measure: str, **changed: object) -> str | None:
        """Where the records that a measure counts are; None for who may see figures only."""
        if me().role not in EVIDENCE:
            return None
        return self.url("pages.rollup_records", measure=measure, **changed)


def chosen(today: date) -> Choice:
    """What the query asks for: else the reader's own unit and this month so far. Raises Invalid for no period."""
    return Choice(
        request.args.get("unit") or me().unit,
        parse_period(request.args.get("period") or month_so_far(today)),
        request.args.get("tree", "then"),
        request.args.get("as_of"),
    )


def choosing(node: Replica, choice: Choice, today: date) -> dict[str, Any]:
    """What the head of a page of figures shows (`choosing.html`): unit {id, name, level}, crumbs, units to go to,
    period with neighbours and presets, tree.
    """
    tree, period = tree_of(node), choice.period
    known = tree.nearest(choice.unit, min(period.last, today))
    return {
        "unit": {
            "id": choice.unit,
            "name": known.name if known else choice.unit,
            "level": known.level if known else node.identity.level,
        },
        "crumbs": crumbs(node, choice.unit, today),
        "units": [{"id": one.id, "name": one.name} for one in tree.children(choice.unit, min(period.last, today))],
        "period": period,
        "tree": choice.tree,
        "prev_key": neighbour(period, -1),
        "next_key": neighbour(period, 1) if period.last < today else None,
        "presets": presets(today, period.key),
    }


def crumbs(node: Replica, unit: str, today: date) -> list[dict[str, str]]:
    """The units above one, highest first, up to the reader's own: [{id, name}]."""
    return [{"id": one.id, "name": one.name} for one in above(node, unit, today)]


def above(node: Replica, unit: str, today: date) -> list[Unit]:
    """The units above one, highest first, up to the reader's own."""
    tree = tree_of(node)
    found = []
    for one in tree.ancestors(unit, today)[1:]:
        named = tree.nearest(one, today)
        if named is None or not tree.ever_below(one, me().unit):
            break
        found.append(named)
    return list(reversed(found))


def month_so_far(today: date) -> str:
    """This month's days before today; on its first day the month before: today's duties are still open."""
    yesterday = today - timedelta(days=1)
    return f"{yesterday:%Y-%m}" if today.day == 1 else f"{today.replace(day=1)}..{yesterday}"


def neighbour(period: Period, by: int) -> str | None:
    """The key of the period before (-1) or after (1); None for a free span."""
    return shifted(period, by).key if cadence_of(period) else None


def presets(today: date, current: str) -> list[dict[str, Any]]:
    """Periods that people ask for most: [{key, label, current}]. On its first day this month has no day behind it."""
    last_month = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    keys = (
        ("today", today.isoformat()),
        ("yesterday", (today - timedelta(days=1)).isoformat()),
        ("last_14", f"{today - timedelta(days=14)}..{today - timedelta(days=1)}"),
        ("month", month_so_far(today)),
        ("last_month", last_month),
        ("year", str(today.year)),
    )
    return [
        {"key": key, "label": label(language(), f"preset.{name}"), "current": key == current}
        for name, key in keys
        if name != "month" or key != last_month
    ]
