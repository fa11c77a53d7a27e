"""One change of the directory as people think of it: the acts that it takes, and what they will change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from schemas.errors import Invalid
from schemas.units.acts import ACTS, LEVELS, Act, level_above
from schemas.units.tree import Tree, Unit

MAX_SUCCESSORS: Final = 20
MAX_MOVED: Final = 1_000
Entry = dict[str, Any]


def acts_for(
    verb: str, unit: str, day: date, form: Mapping[str, str], assigned: Mapping[str, str], tree: Tree
) -> list[Entry]:
    """The acts of one change, in the order in which they are signed. `form` has the fields of the verb; `assigned` says
    which successor each unit right below a split one goes to.

    Raises Invalid naming the field. Whether the acts fit the tree is judged when they are checked one by one.
    """
    if verb not in ACTS:
        raise Invalid("unknown_act", field="act", value=verb, allowed=", ".join(ACTS))
    stated: Entry = {"act": verb, "unit": unit, "date": day.isoformat()}
    if verb == "open":
        return [_opening(unit, day, form, tree)]
    if verb == "rename":
        return [{**stated, "name": form.get("name", "")}]
    if verb == "recode":
        return [{**stated, "code": form.get("code", "")}]
    if verb == "move":
        return [{**stated, "parent": _unit(form.get("parent", ""), day, tree, "parent")}]
    below = tree.children(unit, day)
    if verb == "close":
        if below:
            raise Invalid("unit_has_children", field="unit", value=unit, count=len(below))
        return [stated]
    if len(below) > MAX_MOVED:
        raise Invalid("unit_has_children", field="unit", value=unit, count=len(below))
    if verb == "merge":
        into = _unit(form.get("successors", ""), day, tree, "successors")
        moves = [_moved(one, into, day) for one in below]
        return [*moves, {**stated, "successors": [into]}]
    return _split(stated, unit, day, form, assigned, tree, below)


def _opening(parent: str, day: date, form: Mapping[str, str], tree: Tree) -> Entry:
    level = tree.level(parent)
    if level is None or level == LEVELS[0]:
        raise Invalid("parent_level", field="parent", value=parent, level=LEVELS[0])
    code = form.get("code", "")
    return {
        "act": "open", "unit": code, "date": day.isoformat(), "code": code, "name": form.get("name", ""),
        "level": LEVELS[LEVELS.index(level) - 1], "parent": parent, "kind": form.get("kind") or "regular",
    }  # fmt: skip


def _unit(code: str, day: date, tree: Tree, field: str) -> str:
    """The id of the unit that has a code on the day, or that has it as its id."""
    held = tree.holder(code, day)
    if held is None and tree.at(code, day) is None:
        raise Invalid("unknown_unit", field=field, value=code)
    return held.id if held else code


def _moved(one: Unit, to: str, day: date) -> Entry:
    return {"act": "move", "unit": one.id, "date": day.isoformat(), "parent": to}


def _split(
    stated: Entry, unit: str, day: date, form: Mapping[str, str], assigned: Mapping[str, str], tree: Tree,
    below: Sequence[Unit],
) -> list[Entry]:  # fmt: skip
    openings, named = _successors(unit, day, form.get("successors", ""), tree)
    moves = []
    for one in below:
        to = assigned.get(one.id, "")
        if to not in named:
            raise Invalid("not_assigned", field=f"to.{one.id}", value=to, unit=one.name)
        moves.append(_moved(one, to, day))
    return [*openings, *moves, {**stated, "successors": named}]


def _successors(unit: str, day: date, text: str, tree: Tree) -> tuple[list[Entry], list[str]]:
    """Openings, and ids: one line each, `code` of a unit that is there or `code name` of one to be opened."""
    standing = tree.nearest(unit, day)
    lines = [line.replace(",", " ").replace("，", " ").split(None, 1) for line in text.splitlines() if line.strip()]
    if standing is None or not 2 <= len(lines) <= MAX_SUCCESSORS:
        raise Invalid("split_successors", field="successors", value=len(lines), limit=MAX_SUCCESSORS)
    openings, named = [], []
    for code, *words in lines:
        held = tree.holder(code, day)
        if held is None and not words:
            raise Invalid("unknown_unit", field="successors", value=code)
        if held is None:
            openings.append({
                "act": "open", "unit": code, "date": day.isoformat(), "code": code, "name": words[0].strip(),
                "level": standing.level, "parent": standing.parent_id, "kind": standing.kind,
            })  # fmt: skip
        named.append(held.id if held else code)
    return openings, named


def named_successors(unit: str, day: date, text: str, tree: Tree) -> list[tuple[str, str]]:
    """(id, name) of the successors that a split names. Raises Invalid."""
    openings, named = _successors(unit, day, text, tree)
    names = {one["unit"]: one["name"] for one in openings}
    found = ((one, tree.nearest(one, day)) for one in named)
    return [(one, names.get(one) or (held.name if held else one)) for one, held in found]


def changes(acts: Sequence[Act], before: Tree, after: Tree) -> Iterator[dict[str, Any]]:
    """What each act changes: {act, unit, name, code, day, old, new, below, groups}; `below` and `groups` are the units
    and the groups that go along with a move, or are left when a unit ends.
    """
    for act in acts:
        day, unit = act["date"], act["unit"]
        held, then = before.nearest(unit, day), after.nearest(unit, day)
        old: str | None = None
        new: str | None = None
        if act["act"] == "open":
            new = _name(after, act["parent"], day)
        elif act["act"] == "rename":
            old, new = held.name if held else None, act["name"]
        elif act["act"] == "recode":
            old, new = held.code if held else None, act["code"]
        elif act["act"] == "move":
            old = _name(before, held.parent_id if held else None, day)
            new = _name(after, act["parent"], day)
        elif act.get("successors"):
            new = "、".join(_name(after, one, day) or one for one in act["successors"])
        moving = act["act"] == "move"
        yield {
            "act": act["act"], "unit": unit, "name": then.name if then else unit, "code": then.code if then else unit,
            "day": day, "old": old, "new": new,
            "below": max(0, sum(1 for _ in before.subtree(unit, day)) - 1) if moving else 0,
            "groups": before.group_count(unit, day) if moving else 0,
        }  # fmt: skip


def _name(tree: Tree, unit: str | None, day: date) -> str | None:
    if unit is None:
        return None
    named = tree.nearest(unit, day)
    return named.name if named else unit


def verbs_for(level: str) -> list[str]:
    """The changes that make sense for a unit of a level; `open` opens a unit below it."""
    if level_above(level) is None:
        return ["open", "rename", "recode"]
    found = ["rename", "recode", "move", "split", "merge", "close"]
    return found if level == LEVELS[0] else ["open", *found]
