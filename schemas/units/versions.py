"""Folding dated acts into the versions of units. The same set of acts gives the same versions in whatever order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Final, TypeAlias

from schemas.periods import FIRST_DAY, LAST_DAY
from schemas.units.acts import KINDS, LEVELS, Act, level_above

_CLOSING: Final = ("close", "split", "merge")
_ABOVE: Final = {level: level_above(level) for level in LEVELS}
_Dated: TypeAlias = "tuple[date, object, Act]"


@dataclass(frozen=True, slots=True)
class Unit:
    """One version of a unit: what is true of it from `valid_from` to the day before `valid_to`."""

    id: str
    code: str
    name: str
    level: str
    parent_id: str | None
    kind: str
    valid_from: date
    valid_to: date | None


class Fold:
    """What all acts together amount to.

    Acts apply in the order of (date, sort key). Openings are taken first, parents before children, so that a child
    listed before its parent finds it. An act that does not apply is left out and listed in `skipped`.
    """

    def __init__(self, acts: Iterable[tuple[object, Act]]) -> None:
        self.root: str | None = None
        self.versions: dict[str, list[Unit]] = {}
        self.successors: dict[str, tuple[str, ...]] = {}
        self.parents_ever: dict[str, set[str]] = {}
        self.addresses: dict[str, list[tuple[date, str]]] = {}  # of a moved unit: where its new parent answers
        self.skipped: list[tuple[object, Act]] = []
        dated = self._ordered(acts)
        self._open_all(dated)
        for day, key, act in dated:
            if act.get("act") != "open" and not self._change(day, act):
                self.skipped.append((key, act))

    def _ordered(self, acts: Iterable[tuple[object, Act]]) -> list[_Dated]:
        dated: list[_Dated] = []
        for key, act in acts:
            self._note_parent(act)
            day = act.get("date")
            if type(day) is date and FIRST_DAY <= day <= LAST_DAY:
                dated.append((day, key, act))
            else:
                self.skipped.append((key, act))
        self.skipped.sort(key=lambda entry: (entry[0], _canonical(entry[1])))
        dated.sort(key=lambda entry: entry[:2])
        if any(one[:2] == other[:2] for one, other in pairwise(dated)):
            dated.sort(key=lambda entry: (entry[0], entry[1], _canonical(entry[2])))
        return dated

    def _note_parent(self, act: Act) -> None:
        """Every parent that any act ever named, applied or not: so that no later act takes one away."""
        unit, parent = act.get("unit"), act.get("parent")
        if act.get("act") in ("open", "move") and isinstance(unit, str) and isinstance(parent, str):
            self.parents_ever.setdefault(unit, set()).add(parent)

    def _open_all(self, dated: list[_Dated]) -> None:
        by_level: dict[object, list[_Dated]] = {level: [] for level in LEVELS}
        for entry in dated:
            if entry[2].get("act") != "open":
                continue
            level = entry[2].get("level")
            if isinstance(level, str) and level in by_level:
                by_level[level].append(entry)
            else:
                self.skipped.append(entry[1:])
        for level in reversed(LEVELS):
            for entry in by_level[level]:
                if not self._open(entry[0], entry[2], level):
                    self.skipped.append(entry[1:])

    def _open(self, day: date, act: Act, level: str) -> bool:
        unit, parent = act.get("unit"), act.get("parent")
        if not isinstance(unit, str) or not unit or unit in self.versions:
            return False
        if _ABOVE[level] is None:
            if parent is not None or self.root is not None:
                return False
            self.root = unit
        elif not self._fits(parent, level):
            return False
        code, name, kind = act.get("code"), act.get("name"), act.get("kind")
        code = code if isinstance(code, str) and code else unit
        name = name if isinstance(name, str) and name else code
        kind = kind if isinstance(kind, str) and kind in KINDS else KINDS[0]
        self.versions[unit] = [Unit(unit, code, name, level, parent, kind, day, None)]
        return True

    def _fits(self, parent: object, level: str) -> bool:
        """Whether the parent is ever opened and exactly one level up: so no circle can close."""
        versions = self.versions.get(parent) if isinstance(parent, str) else None
        return versions is not None and versions[0].level == _ABOVE[level]

    def _change(self, day: date, act: Act) -> bool:
        unit, verb = act.get("unit"), act.get("act")
        versions = self.versions.get(unit) if isinstance(unit, str) else None
        if versions is None or day < versions[0].valid_from or versions[-1].valid_to is not None:
            return False
        if verb in _CLOSING:
            self._close(versions, day, act)
            return True
        last = versions[-1]
        changed = self._changed(day, last, act)
        if changed is None:
            return False
        if last.valid_from == day:
            versions[-1] = changed
        elif changed != last:
            versions[-1:] = [replace(last, valid_to=day), replace(changed, valid_from=day)]
        return True

    def _changed(self, day: date, last: Unit, act: Act) -> Unit | None:
        verb, name, code, parent = act.get("act"), act.get("name"), act.get("code"), act.get("parent")
        if verb == "rename" and isinstance(name, str) and name:
            return replace(last, name=name)
        if verb == "recode" and isinstance(code, str) and code:
            return replace(last, code=code)
        if verb == "move" and self._fits(parent, last.level):
            address = act.get("address")
            self.addresses.setdefault(last.id, []).append((day, address if isinstance(address, str) else ""))
            return replace(last, parent_id=parent)
        return None

    def _close(self, versions: list[Unit], day: date, act: Act) -> None:
        if versions[-1].valid_from == day and len(versions) > 1:
            versions.pop()  # a change on the very day of the end never held; the version before ends that day anyway
        else:
            versions[-1] = replace(versions[-1], valid_to=day)
        successors = act.get("successors")
        if isinstance(successors, list):
            self.successors[versions[0].id] = tuple(one for one in successors if isinstance(one, str))


def _canonical(act: Act) -> str:
    """A total order among acts that share day and sort key."""
    return json.dumps(act, sort_keys=True, default=str)
