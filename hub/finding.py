"""Finding units by name or code in a directory of tens of thousands."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Final

from schemas.errors import Invalid
from schemas.units.tree import LEVELS, Tree, Unit

MAX_FOUND: Final = 50
MAX_TEXT: Final = 100


def find_units(tree: Tree, text: str, day: date, seen: Callable[[str], bool]) -> tuple[list[Unit], bool]:
    """Units whose name holds the text or whose code begins with it, by their version nearest to a day: higher levels
    first, then by code; at most 50, and whether there are more. `seen`: whether the reader may see a unit.

    Raises Invalid `too_long`.
    """
    wanted = unicodedata.normalize("NFKC", text).strip()
    if len(wanted) > MAX_TEXT:
        raise Invalid("too_long", field="q", value=text, limit=MAX_TEXT)
    if not wanted:
        return [], False
    digits = wanted.isascii() and wanted.isdigit()
    found = []
    for unit in tree.all_ids():
        version = tree.nearest(unit, day)
        if version is None:
            continue
        fits = version.code.startswith(wanted) or unit.startswith(wanted) if digits else wanted in version.name
        if fits and seen(unit):
            found.append(version)
    found.sort(key=lambda one: (-LEVELS.index(one.level), one.code, one.id))
    return found[:MAX_FOUND], len(found) > MAX_FOUND
