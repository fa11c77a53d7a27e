"""地图: the city's own boundaries of its counties for 总览, shown before they are taken in, and taken away again."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for

from hub import map_queries
from hub.city_map import clear_map, keep_map, shapes_of, summary
from hub.geojson import CODES, MAX_FEATURES
from hub.map_queries import MapShape
from hub.pages.importing import keep, kept
from node import charts
from node import upload_queries as uploads
from node.guard import language, me, replica
from node.pages.frame import page
from node.scope import require_scope
from schemas.clock import business_day
from schemas.errors import GridError, Invalid
from schemas.labels import explain, label
from schemas.strict_json import dumps, loads
from sync.database import write
from sync.directory import tree_of

KIND: Final = "map"


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/map", "city_map", map_page)
    routes.add_url_rule("/map", "preview_map", preview, methods=["POST"])
    routes.add_url_rule("/map/confirm", "confirm_map", confirm, methods=["POST"])
    routes.add_url_rule("/map/clear", "clear_map", clear, methods=["POST"])


def map_page() -> Response:
    """The map that is held, or that there is none; where another is handed in."""
    _require()
    return _page(None)


def _require() -> None:
    require_scope(replica(), me(), replica().identity.unit)


def _page(error: GridError | None, shapes: list[MapShape] | None = None, upload: str | None = None) -> Response:
    """`shapes`, `upload`: what was handed in and waits for its confirmation."""
    node = replica()
    held = list(map_queries.shapes(node.db).values())
    shown = held if shapes is None else shapes
    model = {
        "held": bool(held), "upload": upload, "picture": _picture(shown), "found": summary(node, shown),
        "codes": CODES, "most": MAX_FEATURES, "megabytes": current_app.config["MAX_CONTENT_LENGTH"] // 1024 // 1024,
        "error": {"field": error.field, "text": explain(language(), error)} if error else None,
    }  # fmt: skip
    return page("map.html", "page.map.title", error.status if error else 200, **model)


def _picture(shapes: list[MapShape]) -> Any:
    node = replica()
    tree, today = tree_of(node), business_day(node.env.now_ms())
    if not shapes:
        return None
    named = [(one, tree.nearest(one.unit, today)) for one in shapes]
    drawn = [charts.Shape(unit.name if unit else one.unit, "", "q2", one.path, (one.x, one.y)) for one, unit in named]
    return charts.shape_map(drawn, (shapes[0].width, shapes[0].height), label(language(), "page.map.title"))


def preview() -> Response:
    """The drawing of a file, and which counties it leaves out; the map that is held stays."""
    _require()
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise Invalid("file_missing", field="file")
        shapes = shapes_of(replica(), file.read())
    except GridError as error:
        return _page(error)
    content = dumps([list(one) for one in shapes])
    return _page(None, shapes, keep(KIND, content, {"name": file.filename[:200]}))


def confirm() -> Any:
    """Takes in what was shown, unless the directory has changed so that a county of it is gone."""
    _require()
    node = replica()
    try:
        upload, options = kept(KIND)
        rows: Any = loads(upload.content)  # as `preview` wrote it
        shapes = [MapShape(*row) for row in rows]
        gone = [one.unit for one in shapes if not tree_of(node).at(one.unit, business_day(node.env.now_ms()))]
        if gone:
            raise Invalid("map_unknown_unit", field="code", value=gone[0])
    except GridError as error:
        return _page(error)
    keep_map(node, shapes, str(options["name"]))
    with write(node.db, "publish", node.env):
        uploads.drop(node.db, upload.id)
    flash(label(language(), "page.map.loaded", n=len(shapes)), "ok")
    return redirect(url_for("city.city_map"))


def clear() -> Any:
    """Takes the map away: 总览 shows tiles."""
    _require()
    if request.form.get("confirm") != "yes":
        return _page(Invalid("confirm_needed", field="confirm"))
    clear_map(replica())
    flash(label(language(), "page.map.cleared"), "ok")
    return redirect(url_for("city.city_map"))
