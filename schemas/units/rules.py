"""Whether one act fits the tree that it is to change (2-domain, Units)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from schemas.errors import Invalid
from schemas.units.acts import Act, check_code, level_above, read_act
from schemas.units.tree import Tree
from schemas.units.versions import Unit

_ENDS: Final = ("close", "split", "merge")


def check_act(act: Mapping[str, object], tree: Tree) -> Act:
    """The act with its date read, fit to be signed: the unit and its parent exist on that day, and levels fit. Since a
    parent is always exactly one level up, no act can close a circle.

    Raises: Invalid naming the field and the value.
    """
    checked = read_act(act)
    if checked["act"] == "open":
        _check_opening(checked, tree)
    else:
        _check_change(checked, tree)
    return checked


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
    standing = _standing(tree, act["unit"], act["date"], "unit")
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
        if _standing(tree, successor, act["date"], "successors").level != standing.level:
            raise Invalid("successor_level", field="successors", value=successor, level=standing.level)


def _check_parent(act: Act, parent: str, level: str, tree: Tree) -> Unit:
    above = _standing(tree, parent, act["date"], "parent")
    if above.level != level_above(level):
        raise Invalid("parent_level", field="parent", value=parent, level=level)
    return above


def _check_code_free(act: Act, tree: Tree) -> None:
    holder = tree.holder(act["code"], act["date"])
    if holder is not None and holder.id != act["unit"]:
        raise Invalid("code_in_use", field="code", value=act["code"], unit=holder.id)


def _standing(tree: Tree, unit: str, day: date, field: str) -> Unit:
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
