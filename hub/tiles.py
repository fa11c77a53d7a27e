"""Where the tile of each county stands: laid by hand for the shipped city, on an automatic grid for any other."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).resolve().parent / "data" / "tiles.json"
_COUNTY_DIGITS: Final = 6
Place = tuple[int, int]


@cache
def _laid() -> dict[str, dict[str, Place]]:
    """{code of a city: {first six digits of a county's code: (column, row)}}."""
    cities = json.loads(_FILE.read_text("utf-8"))
    return {city: {code: (x, y) for code, (x, y) in tiles.items()} for city, tiles in cities.items()}


def place_of(city: str, code: str) -> Place | None:
    """The (column, row) of a county's tile by its present code; None where nobody laid one."""
    return _laid().get(city, {}).get(code[:_COUNTY_DIGITS])
