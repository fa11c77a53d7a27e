"""The unit list that a city starts from (CSV), and generated groups for its villages."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from schemas.errors import Invalid
from schemas.units.acts import CODE_GRAMMAR, EPOCH, KINDS, LEVELS, MAX_NAME, VILLAGE_DIGITS, Act, level_above

HEADER: Final = ("code", "name", "level", "parent_code")
MAX_LINES: Final = 100_000
MAX_GROUPS_PER_VILLAGE: Final = 899  # 900 is left out, 901–999 are special grids
_REGULAR, _, _SPECIAL = KINDS

# Longest first: 村村民委员会 holds 村民委员会.
_VILLAGE_SUFFIXES: Final = ("村民委员会", "村委会")
_COMMUNITY_SUFFIXES: Final = ("居民委员会", "居委会")
_VILLAGE_STYLES: Final = ("{name}{number}组", "{name}第{number}组", "{name}第{number}网格")
_COMMUNITY_STYLES: Final = ("{name}第{number}网格", "{name}{number}网格")
_DIGITS: Final = "零一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    code: str
    name: str
    level: str
    parent: str

    @property
    def field(self) -> str:
        return f"line {self.number}"

    def refuse(self, code: str, value: object, **params: object) -> Invalid:
        return Invalid(code, field=self.field, value=value, line=self.number, **params)


def read_unit_list(text: str) -> list[Act]:
    """The opening acts of a unit list, dated 2000-01-01, in the order of its lines; parents may follow children.

    The text has the header `code,name,level,parent_code`, with or without a byte order mark. Kinds are `regular`,
    and `special` for groups 901–999. Raises: Invalid("unit_list_…") with field `line N` (1 is the header).
    """
    lines = list(_lines(text))
    by_code: dict[str, _Line] = {}
    for line in lines:
        _check_line(line)
        if line.code in by_code:
            raise line.refuse("unit_list_duplicate", line.code, first=by_code[line.code].number)
        by_code[line.code] = line
    for line in lines:
        _check_parent(line, by_code)
    cities = [line for line in lines if not line.parent]
    if len(cities) != 1:
        raise (cities or [_Line(1, "", "", "", "")])[-1].refuse("unit_list_city", len(cities))
    return [_opening(line.code, line.name, line.level, line.parent or None) for line in lines]


def _lines(text: str) -> Iterator[_Line]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        for place, row in enumerate(reader):
            number = reader.line_num
            if place > MAX_LINES:
                raise _Line(number, "", "", "", "").refuse("unit_list_too_long", number, limit=MAX_LINES)
            if place == 0:
                if tuple(row) != HEADER:
                    raise _Line(number, "", "", "", "").refuse("unit_list_header", ",".join(row))
            elif len(row) == len(HEADER):
                yield _Line(number, *(cell.strip() for cell in row))
            elif row:  # an empty line, as editors leave at the end, is no unit
                raise _Line(number, "", "", "", "").refuse("unit_list_columns", ",".join(row), columns=len(row))
    except csv.Error as error:  # a quote left open, a cell over 128 KiB
        raise _Line(reader.line_num, "", "", "", "").refuse("unit_list_csv", str(error)) from error
    if reader.line_num == 0:
        raise _Line(1, "", "", "", "").refuse("unit_list_header", "")


def _check_line(line: _Line) -> None:
    if line.level not in LEVELS:
        raise line.refuse("unit_list_level", line.level, allowed=", ".join(LEVELS))
    if not CODE_GRAMMAR[line.level].fullmatch(line.code):
        raise line.refuse("unit_list_code", line.code, level=line.level)
    if not line.name or len(line.name) > MAX_NAME or not line.name.isprintable():
        raise line.refuse("unit_list_name", line.name, limit=MAX_NAME)


def _check_parent(line: _Line, by_code: dict[str, _Line]) -> None:
    above = level_above(line.level)
    if above is None:
        if line.parent:
            raise line.refuse("unit_list_parent_level", line.parent, level=line.level)
        return
    parent = by_code.get(line.parent)
    if parent is None:
        raise line.refuse("unit_list_parent", line.parent)
    if parent.level != above:
        raise line.refuse("unit_list_parent_level", line.parent, level=line.level)
    if line.level == LEVELS[0] and line.code[:VILLAGE_DIGITS] != line.parent:
        raise line.refuse("unit_list_group", line.code, parent=line.parent)


def _opening(code: str, name: str, level: str, parent: str | None) -> Act:
    special = level == LEVELS[0] and code[VILLAGE_DIGITS] == "9"
    return {
        "act": "open",
        "unit": code,
        "code": code,
        "name": name,
        "level": level,
        "parent": parent,
        "kind": _SPECIAL if special else _REGULAR,
        "date": EPOCH,
    }


def generate_groups(acts: Iterable[Act], per_village: int, pick: Callable[[int], int]) -> list[Act]:
    """Opening acts of the groups only: 001…K in each village that `acts` opens, in the order of the villages.

    `pick(n)` returns a number from 0 to n−1; it is asked once a village and chooses the style of names, nothing else.
    Raises: Invalid("groups_per_village") outside 1–899; ("groups_given") if the acts open a group already.
    """
    if not 1 <= per_village <= MAX_GROUPS_PER_VILLAGE:
        raise Invalid("groups_per_village", field="groups_per_village", value=per_village, limit=MAX_GROUPS_PER_VILLAGE)
    villages: list[Act] = []
    for act in acts:
        if act["act"] == "open" and act["level"] == "group":
            raise Invalid("groups_given", field="groups_per_village", value=act["unit"])
        if act["act"] == "open" and act["level"] == "village":
            villages.append(act)
    return [group for village in villages for group in _groups_of(village, per_village, pick)]


def _groups_of(village: Act, count: int, pick: Callable[[int], int]) -> Iterator[Act]:
    name = short_name(village["name"])
    styles = _VILLAGE_STYLES if name.endswith("村") else _COMMUNITY_STYLES
    style = styles[pick(len(styles))]
    for number in range(1, count + 1):
        ordinal = style.format(name="", number=chinese_number(number))
        code = f"{village['code']}{number:03d}"
        group = _opening(code, name[: MAX_NAME - len(ordinal)] + ordinal, "group", village["unit"])
        yield {**group, "date": village["date"]}


def short_name(name: str) -> str:
    """A village's name as people say it: 岳桥村村民委员会 → 岳桥村, 平安居委会 → 平安社区, others unchanged."""
    for suffixes, ending in ((_VILLAGE_SUFFIXES, "村"), (_COMMUNITY_SUFFIXES, "社区")):
        for suffix in suffixes:
            stem = name.removesuffix(suffix)
            if stem and stem != name:
                return stem if stem.endswith(ending) else stem + ending
    return name


def chinese_number(number: int) -> str:
    """A number from 1 to 999 in Chinese: 10 十, 23 二十三, 105 一百零五, 110 一百一十."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += "十" if tens == 1 and not hundreds else f"{_DIGITS[tens]}十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones else "")
