"""The city's own folder, for the commands that only the city may run."""

from __future__ import annotations

from pathlib import Path

from node.home import Home
from schemas.errors import Conflict


def city_home(folder: Path) -> Home:
    """The folder of the city's node. Raises Conflict for another's: whatever it published, nobody would take in."""
    home = Home(folder)
    me = home.replica().identity
    if not me.is_top:
        home.close()
        raise Conflict("not_the_city", field="--data", value=folder, unit=me.unit)
    return home
