"""总览: today and a period at a glance; every figure opens what is behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response
from markupsafe import Markup

from hub import map_queries
from hub.overview import Overview, overview
from hub.tiles import place_of
from node import charts
from node.figures.asof import known_at
from node.figures.rollup_records import MEASURES
from node.guard import language, me, replica
from node.pages.calendars import COUNTED, MONTH_AT_MOST, completeness, day_url
from node.pages.choosing import Choice, choosing, chosen
from node.pages.frame import may_open, page
from schemas.cases.lists import CURRENT
from schemas.clock import business_day
from schemas.labels import label
from schemas.units.tree import LEVELS
from sync.directory import tree_of
from sync.replica import Replica

LINES: Final = (("registered", "s-c1"), ("closed", "s-c2"))
COLUMNS: Final = (*COUNTED, "checks_late", "registered", "open", "overdue")
CASEWORK: Final = (
    ("accepted", None), ("mediated", "mediation_rate"), ("agreed", "success_rate"), ("not_agreed", None),
    ("performed", "performance_rate"), ("confirmed", "confirmation_of_agreed"),
)  # fmt: skip


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/overview", "overview", overview_page)


def overview_page() -> Response:
    """Today, the period, its days, the units below, categories, and the level at which cases are settled."""
    node = replica()
    today = business_day(node.env.now_ms())
    choice = chosen(today)
    with known_at(node, choice.as_of) as (earlier, at_ms):
        found = overview(earlier, choice, at_ms)
    period = found.period
    model = {
        **choosing(node, choice, today),
        "live": choice.as_of is None,
        "now": _today(choice, found),
        "measures": period["measures"],
        "rates": period["rates"],
        "opens": figure_links(choice, period["measures"]),
        "bulletin_url": choice.url("city.bulletin") if may_open("city.bulletin", me().role) else None,
        "figures_url": choice.url("pages.rollup_page"),
        "kinds": _kinds(choice, found.kinds),
        "trend": _trend(choice, found),
        "calendar": completeness(choice, found.days["rows"], found.today),
        "places": _tiles(node, choice, found),
        "levels": _levels(choice, period),
        "groups": _groups(choice, found.categories),
        "casework": _casework(choice, found.kinds),
        "rows": _rows(node, choice, found),
        "total_groups": tree_of(node).group_count(choice.unit, min(choice.period.last, today)),
        "by_urls": {by: choice.url("pages.rollup_page", by=by) for by in ("day", "category", "source_group", "level")},
        "empty": not period["measures"]["checks_due"] and not any(period["measures"].values()),
        "as_of": period["as_of"],
        "position": period["position"],
    }
    return page("overview.html", "nav.overview", **model)


def plain(value: object) -> int:
    """A figure to draw: a masked one has no length."""
    return value if isinstance(value, int) else 0


def figure_links(
    choice: Choice, measures: Mapping[str, Any], names: Iterable[str] = MEASURES, **changed: object
) -> dict[str, str | None]:
    """Where the records behind each named figure that is not 0 are."""
    return {name: choice.records(name, **changed) if measures.get(name) else None for name in names}


# ---- today


def _today(choice: Choice, found: Overview) -> dict[str, Any]:
    measures, day = found.now["measures"], found.today.isoformat()
    coverage = found.now["rates"]["coverage"]
    reported, owed = coverage["numerator"], coverage["denominator"]
    missing = found.closed["measures"]["checks_missing"]
    waiting = owed - reported if isinstance(owed, int) and isinstance(reported, int) else owed
    parts = [("f-ok", plain(measures["checks_zero"])), ("f-found", plain(measures["checks_found"]))]
    return {
        "day": found.today,
        "owed": found.judged.owed,
        "grace": found.judged.grace_ms,
        "bar": charts.split(parts, plain(owed)),
        "measures": measures,
        "coverage": coverage,
        "reported": reported,
        "waiting": waiting,
        "waiting_url": day_url(choice, found.today) if waiting else None,
        "link": figure_links(choice, measures, COUNTED, period=day),
        "closed_day": found.closed_day,
        "missing": missing,
        "missing_url": day_url(choice, found.closed_day) if missing else None,
    }


# ---- the period


def _kinds(choice: Choice, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "label": row["label"],
            "value": row["measures"]["registered"],
            "href": choice.records("registered", kind=row["key"]) if row["measures"]["registered"] else None,
        }
        for row in document["rows"]
    ]


def _trend(choice: Choice, found: Overview) -> dict[str, Any]:
    first, last = choice.period.first.isoformat(), min(choice.period.last, found.today).isoformat()
    rows = [row for row in found.days["rows"] if first <= row["key"] <= last]
    days = [date.fromisoformat(row["key"]) for row in rows]
    within_month = len({(day.year, day.month) for day in days}) <= 1
    words = [
        label(language(), "page.overview.day", n=day.day) if within_month else f"{day.month}/{day.day}" for day in days
    ]
    series = [charts.Series([plain(row["measures"][name]) for row in rows], tone) for name, tone in LINES]
    title = label(language(), "page.overview.trend_of", first=first, last=last)
    listed = rows if len(rows) <= MONTH_AT_MOST else []
    shown = [{"day": row["key"], **{name: row["measures"][name] for name, _ in LINES}} for row in listed]
    links = [{name: choice.records(name, period=row["key"]) for name, _ in LINES} for row in listed]
    return {
        "chart": charts.trend(series, words, title) if rows else None,
        "lines": [{"name": name, "tone": tone} for name, tone in LINES],
        "rows": [{**one, "links": link} for one, link in zip(shown, links, strict=True)],
    }


def _places(node: Replica, choice: Choice, found: Overview) -> list[dict[str, Any]]:
    """The units below with their coverage, each with its tile, and its shape where the city has loaded a map; below a
    village there are states, not coverages.
    """
    tree, day = tree_of(node), min(choice.period.last, found.today)
    if tree.level(choice.unit) in LEVELS[:2]:
        return []
    shapes = map_queries.shapes(node.db) if choice.unit == node.identity.unit else {}
    places = []
    for row in found.period["rows"]:
        if row["key"] == choice.unit:  # what the unit did itself
            continue
        measures, coverage = row["measures"], row["rates"]["coverage"]
        named = tree.nearest(row["key"], day)
        owed = plain(measures["checks_due"]) - plain(measures["checks_excused"])
        reported = plain(measures["checks_zero"]) + plain(measures["checks_found"])
        tone = charts.coverage_tone(reported, owed) if coverage["value"] else None
        href, figure = choice.url("city.overview", unit=row["key"]), coverage["value"] or "—"
        tile = charts.Tile(row["label"], figure, tone, href, place_of(choice.unit, named.code) if named else None)
        shape = shapes.get(row["key"])
        places.append({"tile": tile, "shape": shape})
    return places


def _tiles(node: Replica, choice: Choice, found: Overview) -> dict[str, Markup | None]:
    """`map`: the shapes that are held, `tiles`: of all others."""
    places, title = _places(node, choice, found), label(language(), "page.overview.tiles")
    shaped = [(one["tile"], one["shape"]) for one in places if one["shape"]]
    rest = [one["tile"] for one in places if not one["shape"]]
    shapes = [
        charts.Shape(tile.name, tile.figure, tile.tone, kept.path, (kept.x, kept.y), tile.href) for tile, kept in shaped
    ]
    size = (shaped[0][1].width, shaped[0][1].height) if shaped else (0, 0)
    if shaped:  # beside a map, tiles stand in a row of their own
        rest = [replace(tile, place=None) for tile in rest]
    return {
        "map": charts.shape_map(shapes, size, title) if shapes else None,
        "tiles": charts.tile_map(rest, title) if rest else None,
    }


def _levels(choice: Choice, period: Mapping[str, Any]) -> dict[str, Any]:
    measures = period["measures"]
    counts = [measures[f"settled_at_{level}"] for level in LEVELS]
    total = measures["agreed"]
    parts = [(f"f-l{at}", plain(count)) for at, count in enumerate(counts, 1)]
    rows = [
        {
            "label": label(language(), f"level.{level}"),
            "tone": f"f-l{at}",
            "value": count,
            "share": charts.percent(count, total) if isinstance(count, int) and isinstance(total, int) else None,
            "href": choice.records(f"settled_at_{level}") if count else None,
        }
        for at, (level, count) in enumerate(zip(LEVELS, counts, strict=True), 1)
    ]
    return {"bar": charts.split(parts, plain(total)), "rows": rows, "total": total}


def _groups(choice: Choice, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Registered cases by category, a list for each kind, in the order of the catalogue; later lists' codes last."""
    top = max((plain(row["measures"]["registered"]) for row in document["rows"]), default=0)
    hazards = CURRENT["hazard"].codes
    groups: dict[str, list[dict[str, Any]]] = {"dispute": [], "hazard": []}
    for row in document["rows"]:
        value = row["measures"]["registered"]
        groups["hazard" if row["key"] in hazards else "dispute"].append(
            {
                "label": row["label"],
                "value": value,
                "bar": charts.bar(plain(value), top),
                "href": choice.records("registered", category=row["key"]) if value else None,
            }
        )
    return [{"kind": kind, "rows": rows} for kind, rows in groups.items()]


def _casework(choice: Choice, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What became of disputes: each figure with the rate that it is the numerator of."""
    row = next(one for one in document["rows"] if one["key"] == "dispute")
    return [
        {
            "name": name,
            "value": row["measures"][name],
            "href": choice.records(name, kind="dispute") if row["measures"][name] else None,
            "rate": rate,
            "of": row["rates"][rate] if rate else None,
        }
        for name, rate in CASEWORK
    ]


def _rows(node: Replica, choice: Choice, found: Overview) -> list[dict[str, Any]]:
    tree, day = tree_of(node), min(choice.period.last, found.today)
    rows = []
    for row in found.period["rows"]:
        own = row["key"] == choice.unit  # what the unit did itself, not its subtree
        rows.append(
            {
                **row,
                "groups": 0 if own else tree.group_count(row["key"], day),
                "href": None if own else choice.url("city.overview", unit=row["key"]),
                "link": figure_links(choice, row["measures"], COLUMNS, unit=row["key"], under=choice.unit),
            }
        )
    return rows
