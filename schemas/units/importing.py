"""A list of units as it shall be from a day on, against the tree as it is: the acts that lead from one to the other."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from schemas.errors import GridError, Invalid
from schemas.units.acts import CODE_GRAMMAR, KINDS, LEVELS, VILLAGE_DIGITS, Act, check_name
from schemas.units.checks import ActChecks
from schemas.units.tree import Tree, Unit

NEEDED: Final = ("code", "name", "level", "parent_code")
OPTIONAL: Final = ("kind", "old_code")
MAX_LINES: Final = 30_000
MAX_FAULTS: Final = 100
MAX_ACTS: Final = 20_000
_REGULAR, _, _SPECIAL = KINDS


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line (1 is the header)."""

    line: int
    error: GridError


@dataclass(slots=True)
class Plan:
    """The acts, in the order in which they have to be signed, and what is wrong; with a fault nothing is signed."""

    acts: list[Act] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lines: int = 0
    unchanged: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How many acts of each kind."""
        return dict(Counter(act["act"] for act in self.acts))


@dataclass(slots=True)
class _Line:
    number: int
    cells: dict[str, str]
    known: Unit | None = None

    @property
    def unit(self) -> str:
        """The id of the unit that the line is about; a new unit's is its code."""
        return self.known.id if self.known else self.cells["code"]


def plan(text: str, tree: Tree, checks: ActChecks, day: date, *, within: str, close_missing: bool) -> Plan:
    """What has to be signed so that the units of the list are as it says from the day on.

    A unit is known by its code on that day, or by `old_code` where that column is given. With `close_missing`, units
    below `within` of the levels that the list has, and that it does not name, are closed, and all below them. `checks`
    has to stand on the same tree, with nothing taken yet.
    """
    made = Plan()
    lines = _good(list(_lines(text, made)), tree, day, made)
    made.lines = len(lines)
    listed = {line.cells["code"]: line for line in lines}
    found = [(line, act) for line in lines for act in _changes(line, listed, tree, day, made)]
    numbered = {id(act): line.number for line, act in found}
    acts = _ordered([act for _, act in found])
    if close_missing:
        acts += _closings(lines, tree, day, within)
    if len(acts) > MAX_ACTS:
        made.faults.append(Fault(1, Invalid("too_many_acts", field="line 1", value=len(acts), limit=MAX_ACTS)))
        return made
    for act in acts:
        try:
            made.acts.append(checks.take(act))
        except Invalid as error:
            _fault(made, numbered.get(id(act), 1), error)
    made.faults.sort(key=lambda one: one.line)
    return made


def _fault(made: Plan, line: int, error: GridError) -> None:
    if len(made.faults) < MAX_FAULTS:
        made.faults.append(Fault(line, error))


def _lines(text: str, made: Plan) -> Iterator[_Line]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    header: list[str] = []
    try:
        for place, row in enumerate(reader):
            cells = [cell.strip() for cell in row]
            if place > MAX_LINES:
                raise Invalid("unit_list_too_long", field="line", value=reader.line_num, line=reader.line_num,
                              limit=MAX_LINES)  # fmt: skip
            if place == 0:
                header = cells
                if tuple(header[: len(NEEDED)]) != NEEDED or set(header[len(NEEDED) :]) - set(OPTIONAL):
                    raise Invalid("unit_list_header", field="line 1", value=",".join(row), line=1)
            elif len(cells) == len(header):
                yield _Line(reader.line_num, {"kind": "", "old_code": "", **dict(zip(header, cells, strict=True))})
            elif any(cells):
                error = Invalid("unit_list_columns", field="line", value=",".join(row), line=reader.line_num,
                                columns=len(row))  # fmt: skip
                _fault(made, reader.line_num, error)
    except csv.Error as error:
        _fault(made, reader.line_num, Invalid("unit_list_csv", field="line", value=str(error), line=reader.line_num))
    except Invalid as error:
        _fault(made, reader.line_num, error)
    if not header:
        _fault(made, 1, Invalid("unit_list_header", field="line 1", value="", line=1))


def _good(lines: Sequence[_Line], tree: Tree, day: date, made: Plan) -> list[_Line]:
    """The lines that can be read; each with the unit that it is about."""
    good: list[_Line] = []
    first: dict[str, int] = {}
    for line in lines:
        try:
            _read(line, first, tree, day)
        except Invalid as error:
            _fault(made, line.number, error)
        else:
            first[line.cells["code"]] = line.number
            good.append(line)
    return good


def _read(line: _Line, first: dict[str, int], tree: Tree, day: date) -> None:
    cells, where = line.cells, f"line {line.number}"
    level, code = cells["level"], cells["code"]
    if level not in LEVELS:
        raise Invalid("unit_list_level", value=level, allowed=", ".join(LEVELS), field=where, line=line.number)
    if not CODE_GRAMMAR[level].fullmatch(code):
        raise Invalid("unit_list_code", value=code, level=level, field=where, line=line.number)
    check_name(cells["name"])
    if cells["kind"] and cells["kind"] not in KINDS:
        raise Invalid("bad_kind", value=cells["kind"], allowed=", ".join(KINDS), field=where, line=line.number)
    if code in first:
        raise Invalid("unit_list_duplicate", value=code, first=first[code], field=where, line=line.number)
    line.known = tree.holder(cells["old_code"] or code, day)
    if cells["old_code"] and line.known is None:
        raise Invalid("unknown_unit", value=cells["old_code"], field=where, line=line.number)
    if line.known is not None and line.known.level != level:
        raise Invalid("unit_list_level", value=level, allowed=line.known.level, field=where, line=line.number)


def _changes(line: _Line, listed: dict[str, _Line], tree: Tree, day: date, made: Plan) -> list[Act]:
    cells = line.cells
    above = cells["parent_code"]
    parent: str | None = None
    if above:
        held = tree.holder(above, day)
        parent = listed[above].unit if above in listed else held.id if held else None
        if parent is None:
            error = Invalid("unit_list_parent", field=f"line {line.number}", value=above, line=line.number)
            _fault(made, line.number, error)
            return []
    if line.known is None:
        return [_opening(cells, parent, day)]
    found: list[Act] = []
    if line.known.code != cells["code"]:
        found.append({"act": "recode", "unit": line.unit, "date": day, "code": cells["code"]})
    if line.known.name != cells["name"]:
        found.append({"act": "rename", "unit": line.unit, "date": day, "name": cells["name"]})
    if parent is not None and line.known.parent_id != parent:
        found.append({"act": "move", "unit": line.unit, "date": day, "parent": parent})
    made.unchanged += not found
    return found


def _opening(cells: dict[str, str], parent: str | None, day: date) -> Act:
    code = cells["code"]
    special = cells["level"] == LEVELS[0] and code[VILLAGE_DIGITS] == "9"
    return {
        "act": "open", "unit": code, "date": day, "code": code, "name": cells["name"], "level": cells["level"],
        "parent": parent, "kind": cells["kind"] or (_SPECIAL if special else _REGULAR),
    }  # fmt: skip


def _ordered(acts: Sequence[Act]) -> list[Act]:
    """Openings from the top down, then the rest: a parent is there before its children come."""
    verbs = ("open", "recode", "rename", "move")

    def key(act: Act) -> tuple[int, int]:
        return verbs.index(act["act"]), -LEVELS.index(act["level"]) if act["act"] == "open" else 0

    return sorted(acts, key=key)


def _closings(lines: Sequence[_Line], tree: Tree, day: date, within: str) -> list[Act]:
    named = {line.unit for line in lines}
    levels = {line.cells["level"] for line in lines}
    gone: set[str] = set()
    for one in tree.subtree(within, day):
        missing = one.level in levels and one.id not in named and one.id != within
        if missing or (one.parent_id in gone and one.id not in named):
            gone.add(one.id)
    below_first = sorted(gone, key=lambda unit: (LEVELS.index(tree.level(unit) or LEVELS[0]), unit))
    return [{"act": "close", "unit": unit, "date": day} for unit in below_first]
