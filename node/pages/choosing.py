"""Choosing what a page of figures is about: the unit's place, the period and its neighbours."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from node.guard import language, me
from schemas.labels import label
from schemas.periods import Period, cadence_of, shifted
from sync.directory import tree_of
from sync.replica import Replica


def crumbs(node: Replica, unit: str, today: date) -> list[dict[str, str]]:
    """The units above one, highest first, up to the reader's own: [{id, name}]."""
    tree = tree_of(node)
    above = []
    for one in tree.ancestors(unit, today)[1:]:
        named = tree.nearest(one, today)
        if named is None or not tree.ever_below(one, me().unit):
            break
        above.append({"id": one, "name": named.name})
    return list(reversed(above))


def month_so_far(today: date) -> str:
    """This month's days before today; on its first day the month before: today's duties are still open."""
    yesterday = today - timedelta(days=1)
    return f"{yesterday:%Y-%m}" if today.day == 1 else f"{today.replace(day=1)}..{yesterday}"


def neighbour(period: Period, by: int) -> str | None:
    """The key of the period before (-1) or after (1); None for a free span."""
    return shifted(period, by).key if cadence_of(period) else None


def presets(today: date, current: str) -> list[dict[str, Any]]:
    """Periods that people ask for most: [{key, label, current}]."""
    last_month = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    keys = (
        ("today", today.isoformat()),
        ("yesterday", (today - timedelta(days=1)).isoformat()),
        ("last_14", f"{today - timedelta(days=14)}..{today - timedelta(days=1)}"),
        ("month", month_so_far(today)),
        ("last_month", last_month),
        ("year", str(today.year)),
    )
    return [{"key": key, "label": label(language(), f"preset.{name}"), "current": key == current} for name, key in keys]
