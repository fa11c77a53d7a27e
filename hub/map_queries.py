"""SQL of the city's own map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlite_utils import Database


class MapShape(NamedTuple):
    """The path of one unit, where its words stand, and the size of the whole drawing."""

    unit: str
    path: str
    x: int
    y: int
    width: int
    height: int


def replace(db: Database, shapes: Iterable[MapShape]) -> None:
    """The map that was there goes; the new one, perhaps none, takes its place."""
    db.execute("DELETE FROM city_map")
    db.conn.executemany("INSERT INTO city_map (unit, path, x, y, width, height) VALUES (?, ?, ?, ?, ?, ?)", shapes)


def shapes(db: Database) -> dict[str, MapShape]:
    """The map by unit; empty where the city has loaded none."""
    rows = db.execute("SELECT unit, path, x, y, width, height FROM city_map ORDER BY unit")
    return {row[0]: MapShape(*row) for row in rows}
