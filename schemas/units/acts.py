"""Dated acts on the tree of units: their kinds, their fields, and the grammar of codes and names (2-domain, Units)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final, TypedDict, cast

from schemas.errors import Invalid
from schemas.periods import FIRST_DAY, LAST_DAY, parse_day

LEVELS: Final = ("group", "village", "township", "county", "city")
KINDS: Final = ("regular", "functional", "special")
EPOCH: Final = FIRST_DAY  # units and cadence imported without a date are valid from here
MAX_NAME: Final = 60
MAX_SUCCESSORS: Final = 100

# City first 4 digits, county 6, township 9, village 12, padded with 0; a group the village's 12 + 3, 900 left out.
CODE_GRAMMAR: Final = {
    "city": re.compile(r"[0-9]{4}0{8}"),
    "county": re.compile(r"[0-9]{6}0{6}"),
    "township": re.compile(r"[0-9]{9}0{3}"),
    "village": re.compile(r"[0-9]{12}"),
    "group": re.compile(r"[0-9]{12}(?!000|900)[0-9]{3}"),
}
_ANY_ID: Final = re.compile(r"[0-9]{12}(?:[0-9]{3})?")
VILLAGE_DIGITS: Final = 12
_FIELDS: Final = {
    "open": ("code", "name", "level", "parent", "kind"),
    "rename": ("name",),
    "recode": ("code",),
    "move": ("parent",),
    "close": (),
    "split": ("successors",),
    "merge": ("successors",),
}
# The address of the new parent's node, for those who have to find it (3-sync, Trust, Move).
_OPTIONAL: Final = {"move": ("address",)}
_ADDRESS: Final = re.compile(r"https?://[!-~]{1,190}")
ACTS: Final = tuple(_FIELDS)


class Act(TypedDict, total=False):
    """One dated act. Every act has `act`, `unit` and `date`; which others it has, its kind says."""

    act: str
    unit: str
    date: date
    code: str
    name: str
    level: str
    parent: str | None
    kind: str
    successors: list[str]
    address: str


def level_above(level: str) -> str | None:
    """The level that a unit's parent has; None for the city."""
    place = LEVELS.index(level) + 1
    return LEVELS[place] if place < len(LEVELS) else None


def read_act(act: Mapping[str, object]) -> Act:
    """The act with its date read (a date or `YYYY-MM-DD` comes in), judged by its own fields alone.

    Raises: Invalid naming the field and the value.
    """
    verb = act.get("act")
    if not isinstance(verb, str) or verb not in _FIELDS:
        raise Invalid("unknown_act", field="act", value=verb, allowed=", ".join(ACTS))
    wanted = ("act", "unit", "date", *_FIELDS[verb])
    for key in act:
        if key not in wanted and key not in _OPTIONAL.get(verb, ()):
            raise Invalid("unknown_field", field=key, value=act[key])
    for key in wanted:
        if key not in act:
            raise Invalid("missing_field", field=key)
    checked: dict[str, object] = {"act": verb, "unit": _unit_id(act["unit"], "unit"), "date": _day(act["date"])}
    for key in _FIELDS[verb]:
        checked[key] = _field(key, act)
    for key in _OPTIONAL.get(verb, ()):
        if key in act:
            checked[key] = _address(act[key])
    _check_together(checked)
    return cast(Act, checked)


def _field(key: str, act: Mapping[str, object]) -> object:
    value = act[key]
    if key == "name":
        return check_name(value)
    if key == "level":
        return _one_of(value, LEVELS, "bad_level", key)
    if key == "kind":
        return _one_of(value, KINDS, "bad_kind", key)
    if key == "successors":
        return _successors(value, act["unit"])
    if key == "parent" and value is None and act["act"] == "open":
        return None
    return _unit_id(value, key)


def _check_together(act: Mapping[str, object]) -> None:
    """What the fields of an opening must be to each other; the code of a recode is held against the tree."""
    if act["act"] != "open":
        return
    level, code, parent = str(act["level"]), str(act["code"]), act["parent"]
    check_code(code, level)
    if act["unit"] != code:
        raise Invalid("unit_not_code", field="unit", value=act["unit"], code_given=code)
    if (parent is None) != (level_above(level) is None):
        raise Invalid("parent_level", field="parent", value=parent or "", level=level)
    if level == "group" and (code[VILLAGE_DIGITS] == "9") != (act["kind"] == "special"):
        raise Invalid("group_kind", field="kind", value=act["kind"], code_given=code)


def check_name(value: object, field: str = "name") -> str:
    """A unit's name without blanks around it.

    Raises: Invalid("bad_unit_name") if it is empty, over 60 characters, or holds control characters.
    """
    name = value.strip() if isinstance(value, str) else ""
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid("bad_unit_name", field=field, value=value, limit=MAX_NAME)
    return name


def check_code(code: str, level: str, field: str = "code") -> None:
    """Raises: Invalid("bad_unit_code") if a code does not have the grammar of its level."""
    if not CODE_GRAMMAR[level].fullmatch(code):
        raise Invalid("bad_unit_code", field=field, value=code, level=level)


def _address(value: object) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise Invalid("bad_address", field="address", value=value)
    return value


def is_unit_id(text: str) -> bool:
    """Whether a text has the shape of a unit's id: 12 digits, or 15 for a group."""
    return _ANY_ID.fullmatch(text) is not None


def _unit_id(value: object, field: str) -> str:
    if not isinstance(value, str) or not is_unit_id(value):
        raise Invalid("bad_unit", field=field, value=value)
    return value


def _day(value: object) -> date:
    if type(value) is date and FIRST_DAY <= value <= LAST_DAY:
        return value
    return parse_day(value, "date")


def _one_of(value: object, allowed: tuple[str, ...], code: str, field: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise Invalid(code, field=field, value=value, allowed=", ".join(allowed))
    return value


def _successors(value: object, unit: object) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_SUCCESSORS:
        raise Invalid("bad_successors", field="successors", value=value, limit=MAX_SUCCESSORS)
    units = [_unit_id(one, "successors") for one in value]
    if len(set(units)) != len(units) or unit in units:
        raise Invalid("bad_successors", field="successors", value=value, limit=MAX_SUCCESSORS)
    return units
