"""A city's own boundaries: reading GeoJSON with hard limits, and projecting it to paths of one small drawing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NoReturn

from schemas.errors import Invalid, TooLarge

MAX_BYTES: Final = 20 * 1024 * 1024
MAX_FEATURES: Final = 500
MAX_POINTS: Final = 1_000_000
MAX_CHARS: Final = 120_000  # of all paths together: they are part of every page that shows the map
WIDTH: Final = 600
GRIDS: Final = (1, 2, 4, 8)
MIN_HEIGHT, MAX_HEIGHT = 50, 2_000
CODES: Final = ("code", "adcode", "unit", "id")
_MIN_RING: Final = 4  # points, the last of which repeats the first (RFC 7946, 3.1.6)
Point = tuple[float, float]
Ring = Sequence[Point]


@dataclass(frozen=True, slots=True)
class Area:
    """The boundary of one unit: its code as the file has it, and all its rings in degrees (longitude, latitude)."""

    code: str
    rings: tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A unit's path in whole units of the drawing, and where its words stand."""

    code: str
    path: str
    at: tuple[int, int]


def read_areas(content: bytes) -> list[Area]:
    """The areas of a FeatureCollection of polygons, by the first of `code`, `adcode`, `unit`, `id` in their properties.

    Raises TooLarge, and Invalid `bad_geojson` with the place and what is wrong there.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge("geojson_too_large", field="FILE", value=len(content), limit=MAX_BYTES)
    try:
        value = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError, ValueError, RecursionError) as error:
        raise _bad("file", "no_json") from error
    if not isinstance(value, dict) or value.get("type") != "FeatureCollection":
        raise _bad("type", "no_collection")
    features = value.get("features")
    if not isinstance(features, list) or not 0 < len(features) <= MAX_FEATURES:
        raise _bad("features", "features")
    left = MAX_POINTS
    areas = []
    for place, feature in enumerate(features):
        area = _area(feature, f"features[{place}]", left)
        left -= sum(map(len, area.rings))
        areas.append(area)
    if len({area.code for area in areas}) != len(areas):
        raise _bad("features", "twice")
    return areas


def draw(areas: Sequence[Area]) -> tuple[tuple[int, int], list[Drawn]]:
    """(width, height) of a drawing that all areas fill, and their paths: equirectangular, true to shape at its middle.

    Points are set to whole units, neighbours alike, so that no gap opens between them; a file with much detail is drawn
    on a coarser grid until all paths fit MAX_CHARS. Raises Invalid `bad_geojson` for what can't be drawn.
    """
    points = [point for area in areas for ring in area.rings for point in ring]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    if east <= west or north <= south:
        raise _bad("features", "no_extent")
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = WIDTH / ((east - west) * squeeze)
    height = round((north - south) * scale)
    if not MIN_HEIGHT <= height <= MAX_HEIGHT:
        raise _bad("features", "narrow")
    drawn: list[Drawn] = []
    for grid in GRIDS:

        def on_grid(point: Point, grid: int = grid) -> tuple[int, int]:
            x, y = (point[0] - west) * squeeze * scale, (north - point[1]) * scale
            return min(round(x / grid) * grid, WIDTH), min(round(y / grid) * grid, height)

        drawn = [_drawn(area, [[on_grid(point) for point in ring] for ring in area.rings]) for area in areas]
        if sum(len(one.path) for one in drawn) <= MAX_CHARS:
            return (WIDTH, height), drawn
    raise _bad("features", "detail")


def _area(feature: Any, where: str, left: int) -> Area:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise _bad(where, "no_feature")
    properties, geometry = feature.get("properties"), feature.get("geometry")
    code = _code(properties if isinstance(properties, dict) else {}, f"{where}.properties")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise _bad(f"{where}.geometry", "no_polygon")
    assert isinstance(geometry, dict)
    coordinates = geometry.get("coordinates")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    rings = []
    for ring in _listed(polygons, f"{where}.geometry"):
        left -= len(ring)
        if left < 0:
            raise TooLarge("geojson_too_large", field="FILE", value=MAX_POINTS, limit=MAX_POINTS)
        rings.append(_ring(ring, f"{where}.geometry"))
    return Area(code, tuple(rings))


def _code(properties: Mapping[str, Any], where: str) -> str:
    found = next((properties[name] for name in CODES if properties.get(name) is not None), None)
    text = str(found) if isinstance(found, int | str) and not isinstance(found, bool) else ""
    if not text.isascii() or not text.isdigit() or not 6 <= len(text) <= 15:
        raise _bad(where, "no_code")
    return text


def _listed(polygons: Any, where: str) -> Iterator[list[Any]]:
    """Every ring of some polygons; holes too, since the rule of even and odd leaves them open."""
    if not isinstance(polygons, list) or not polygons:
        raise _bad(where, "no_coordinates")
    for polygon in polygons:
        if not isinstance(polygon, list) or not polygon:
            raise _bad(where, "no_rings")
        for ring in polygon:
            if not isinstance(ring, list) or len(ring) < _MIN_RING:
                raise _bad(where, "short_ring")
            yield ring


def _ring(ring: list[Any], where: str) -> Ring:
    points = []
    for point in ring:
        if not isinstance(point, list) or len(point) < 2 or not all(_is_number(one) for one in point[:2]):
            raise _bad(where, "no_point")
        longitude, latitude = float(point[0]), float(point[1])
        if not (-180 <= longitude <= 180 and -85 <= latitude <= 85):
            raise _bad(where, "no_degrees")
        points.append((longitude, latitude))
    if points[0] != points[-1]:
        raise _bad(where, "open_ring")
    return points


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _drawn(area: Area, rings: Sequence[Sequence[tuple[int, int]]]) -> Drawn:
    parts, kept = [], []
    for ring in rings:
        points = [ring[0], *(point for before, point in pairwise(ring) if point != before)]
        if len(points) < _MIN_RING:  # smaller than the grid
            continue
        kept.append(points)
        parts.append("M" + " ".join(f"{x} {y}" for x, y in points[:-1]) + "Z")
    if not kept:
        kept = [list(rings[0])]
        x, y = rings[0][0]
        parts = [f"M{x} {y}h1v1h-1Z"]
    return Drawn(area.code, "".join(parts), _middle(max(kept, key=lambda points: abs(_twice_area(points)))))


def _twice_area(points: Sequence[tuple[int, int]]) -> int:
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(points))


def _middle(points: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The centroid of a ring; the mean of its points where it has no area."""
    twice = _twice_area(points)
    if twice == 0:
        return round(sum(x for x, _ in points) / len(points)), round(sum(y for _, y in points) / len(points))
    sides = [(x0 * y1 - x1 * y0, x0 + x1, y0 + y1) for (x0, y0), (x1, y1) in pairwise(points)]
    return (
        round(sum(cross * x for cross, x, _ in sides) / (3 * twice)),
        round(sum(cross * y for cross, _, y in sides) / (3 * twice)),
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _bad(where: str, fault: str) -> Invalid:
    return Invalid("bad_geojson", field=where, fault=fault)
