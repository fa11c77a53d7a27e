"""Loading a city's own map: areas of counties from a GeoJSON file, kept as the paths that pages draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hub import map_queries
from hub.geojson import MAX_BYTES, draw, read_areas
from hub.map_queries import MapShape
from node.evidence import audit
from schemas.clock import business_day
from schemas.errors import Invalid
from schemas.units.tree import Unit
from sync.database import write
from sync.directory import tree_of
from sync.replica import Replica

_COUNTY_DIGITS: Final = 6


def load_map(replica: Replica, path: Path) -> dict[str, Any]:
    """Puts the areas of a file in the place of the map: `{units, without, width, height}`, `without` the names of
    counties that the file leaves out. Raises TooLarge and Invalid; then nothing has changed.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Invalid("file_unreadable", field="FILE", value=path, why=error) from error
    shapes = shapes_of(replica, content)
    keep_map(replica, shapes, path.name)
    return summary(replica, shapes)


def shapes_of(replica: Replica, content: bytes) -> list[MapShape]:
    """The paths of the counties that a file has areas for; nothing is kept. Raises TooLarge and Invalid."""
    areas = read_areas(content)
    counties = {one.code[:_COUNTY_DIGITS]: one for one in _counties(replica)}
    (width, height), drawn = draw(areas)
    shapes = []
    for one in drawn:
        county = counties.pop(one.code[:_COUNTY_DIGITS], None)
        if county is None:
            raise Invalid("map_unknown_unit", field="code", value=one.code)
        shapes.append(MapShape(county.id, one.path, *one.at, width, height))
    return shapes


def summary(replica: Replica, shapes: Sequence[MapShape]) -> dict[str, Any]:
    """`{units, without, width, height}` of a map."""
    drawn = {one.unit for one in shapes}
    size = (shapes[0].width, shapes[0].height) if shapes else (0, 0)
    without = [one.name for one in _counties(replica) if one.id not in drawn]
    return {"units": len(shapes), "without": without, "width": size[0], "height": size[1]}


def keep_map(replica: Replica, shapes: Sequence[MapShape], name: str) -> None:
    """Puts a map in the place of the one that was there; `name` is the file's, for the audit log."""
    with write(replica.db, "publish", replica.env):
        map_queries.replace(replica.db, shapes)
        audit.note(replica, "map", subject=name, purpose=f"loaded {len(shapes)}")


def clear_map(replica: Replica) -> dict[str, Any]:
    """Takes the map away: pages show tiles again."""
    with write(replica.db, "publish", replica.env):
        map_queries.replace(replica.db, [])
        audit.note(replica, "map", purpose="cleared")
    return summary(replica, [])


def _counties(replica: Replica) -> list[Unit]:
    return tree_of(replica).children(replica.identity.unit, business_day(replica.env.now_ms()))
