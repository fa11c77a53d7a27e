"""The cadence profiles as this node holds them."""

from __future__ import annotations

from sqlite_utils import Database

from node import queries
from schemas.cadence import Calendar, read_profile
from schemas.errors import GridError
from schemas.strict_json import Json, loads


def calendar_of(db: Database) -> Calendar:
    """The published cadences by date; the default profile where none was published."""
    entries = queries.cadence_entries(db)
    return Calendar([(day, order, read_profile(json_object(loads(text)))) for day, order, text in entries])


def json_object(value: Json) -> dict[str, Json]:
    """The value, which has to be an object. Raises GridError."""
    if not isinstance(value, dict):
        raise GridError("unreadable", field="profile", value=value, why="not an object")
    return value
