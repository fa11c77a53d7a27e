"""Small trees for tests, and random sets of acts on them."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import strategies as st

from schemas.units.tree import EPOCH, LEVELS, Act, Tree

CITY = "421000000000"
WEST, EAST = "421002000000", "421003000000"
LAKE, HILL = "421002100000", "421003100000"
WILLOW, STONE, FIELD = "421002100201", "421002100202", "421003100201"
GROUPS = tuple(f"{village}{number:03d}" for village in (WILLOW, STONE, FIELD) for number in (1, 2))
W1, W2, S1, S2, F1, F2 = GROUPS
PARENTS = {
    CITY: None,
    WEST: CITY,
    EAST: CITY,
    LAKE: WEST,
    HILL: EAST,
    WILLOW: LAKE,
    STONE: LAKE,
    FIELD: HILL,
    **{group: group[:12] for group in GROUPS},
}
DAY = date(2026, 3, 1)


def level_of(unit: str) -> str:
    """The level of one of the units above."""
    if len(unit) == 15:
        return "group"
    return {"00000000": "city"}.get(unit[4:]) or (
        "county" if unit.endswith("000000") else "township" if unit.endswith("000") else "village"
    )


def opening(unit: str, parent: str | None = None, day: date = EPOCH, name: str = "") -> Act:
    """An open act of one of the units above, under its usual parent unless another is given."""
    return {
        "act": "open",
        "unit": unit,
        "code": unit,
        "name": name or f"n{unit}",
        "level": level_of(unit),
        "parent": parent or PARENTS[unit],
        "kind": "regular",
        "date": day,
    }


def move(unit: str, parent: str, day: date) -> Act:
    return {"act": "move", "unit": unit, "parent": parent, "date": day}


def close(unit: str, day: date) -> Act:
    return {"act": "close", "unit": unit, "date": day}


def tree(*more: Act) -> Tree:
    """The small city with more acts after it."""
    return Tree(enumerate([*(opening(unit) for unit in PARENTS), *more]))


days = st.integers(0, 12).map(lambda number: DAY + timedelta(days=number))
_units = st.sampled_from(tuple(PARENTS))


@st.composite
def _acts(draw: st.DrawFn) -> Act:
    """One act, apt or not: most parents fit, some are of the wrong level or the unit itself."""
    unit, day = draw(_units), draw(days)
    verb = draw(st.sampled_from(("open", "move", "move", "rename", "recode", "close", "split", "merge")))
    if verb == "open":
        return opening(unit, draw(_units) if draw(st.integers(0, 4)) == 0 else None, day)
    if verb == "move":
        above = LEVELS[(LEVELS.index(level_of(unit)) + 1) % len(LEVELS)]
        fitting = [one for one in PARENTS if level_of(one) == above]
        return move(unit, draw(st.sampled_from(fitting) | _units), day)
    if verb == "rename":
        return {"act": "rename", "unit": unit, "name": draw(st.sampled_from("甲乙丙")), "date": day}
    if verb == "recode":
        return {"act": "recode", "unit": unit, "code": draw(_units), "date": day}
    if verb == "close":
        return close(unit, day)
    return {"act": verb, "unit": unit, "successors": [draw(_units)], "date": day}


any_acts = st.lists(_acts(), max_size=12)


@st.composite
def keyed_acts(draw: st.DrawFn) -> list[tuple[int, Act]]:
    """Acts with sort keys, some equal: often on top of the whole small city."""
    standing = [opening(unit) for unit in PARENTS] if draw(st.integers(0, 3)) else []
    return [(draw(st.integers(0, 6)), act) for act in [*standing, *draw(any_acts)]]
