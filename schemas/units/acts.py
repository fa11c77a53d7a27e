"""Dated acts on the tree of units, and the rules that one act must meet before it is signed (2-domain, Units)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Final, TypedDict, cast

from schemas.errors import Invalid
from schemas.periods import FIRST_DAY, LAST_DAY, parse_day

if TYPE_CHECKING:
    from schemas.units.tree import Tree, Unit

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
_ENDS: Final = ("close", "split", "merge")


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


def check_act(act: Mapping[str, object], tree: Tree | None) -> Act:
    """The act with its date read (a date or `YYYY-MM-DD` comes in), fit to be signed.

    Without a tree only the act's own fields are judged; with one also that the unit and its parent exist on that
    day and that levels fit. Since a parent is always exactly one level up, no act can close a circle.
    Raises: Invalid naming the field and the value.
    """
    checked = _own_fields(act)
    if tree is not None:
        if checked["act"] == "open":
            _check_opening(checked, tree)
        else:
            _check_change(checked, tree)
    return checked


def _own_fields(act: Mapping[str, object]) -> Act:
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


def _check_opening(act: Act, tree: Tree) -> None:
    unit, parent = act["unit"], act["parent"]
    if tree.exists(unit):
        raise Invalid("unit_exists", field="unit", value=unit)
    if parent is None:
        if tree.root is not None:
            raise Invalid("second_city", field="unit", value=unit, city=tree.root)
        return
    above = _check_parent(act, parent, act["level"], tree)
    if act["level"] == "group" and not act["code"].startswith((above.code, above.id)):
        raise Invalid("group_code", field="code", value=act["code"], parent=above.code)
    _check_code_free(act, tree)


def _check_change(act: Act, tree: Tree) -> None:
    standing = standing_unit(tree, act["unit"], act["date"], "unit")
    if act["act"] in _ENDS:
        _check_ending(act, standing, tree)
    elif act["act"] == "recode":
        check_code(act["code"], standing.level)
        _check_code_free(act, tree)
    elif act["act"] == "move":
        parent = act["parent"]
        assert parent is not None  # only an opening may leave it out
        _check_parent(act, parent, standing.level, tree)


def _check_ending(act: Act, standing: Unit, tree: Tree) -> None:
    """Nothing reopens a unit: the city can't end, and successors are units that stand on that day."""
    if standing.parent_id is None:
        raise Invalid("city_stays", field="unit", value=act["unit"])
    for successor in act.get("successors", ()):
        if standing_unit(tree, successor, act["date"], "successors").level != standing.level:
            raise Invalid("successor_level", field="successors", value=successor, level=standing.level)


def _check_parent(act: Act, parent: str, level: str, tree: Tree) -> Unit:
    above = standing_unit(tree, parent, act["date"], "parent")
    if above.level != level_above(level):
        raise Invalid("parent_level", field="parent", value=parent, level=level)
    return above


def _check_code_free(act: Act, tree: Tree) -> None:
    holder = tree.holder(act["code"], act["date"])
    if holder is not None and holder.id != act["unit"]:
        raise Invalid("code_in_use", field="code", value=act["code"], unit=holder.id)


def standing_unit(tree: Tree, unit: str, day: date, field: str) -> Unit:
    """The version of a unit on a day.

    Raises: Invalid("unknown_unit") if it was never opened, ("unit_not_yet") before it opens, ("unit_closed") after.
    """
    standing = tree.at(unit, day)
    if standing is not None:
        return standing
    last = tree.nearest(unit, day)
    if last is None:
        raise Invalid("unknown_unit", field=field, value=unit)
    if day < last.valid_from:
        raise Invalid("unit_not_yet", field=field, value=unit, since=last.valid_from.isoformat())
    raise Invalid("unit_closed", field=field, value=unit, since=(last.valid_to or day).isoformat())
