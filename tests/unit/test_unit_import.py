"""From a list of units to the acts that make the tree so; checks of many acts one after the other."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from fakes import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, UNITS, W_TOWN, W_VILLAGE, WEST, unit_list
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Invalid
from schemas.units.checks import ActChecks
from schemas.units.importing import Plan, plan
from schemas.units.listing import read_unit_list
from schemas.units.rules import check_act
from schemas.units.tree import Act, Tree

DAY = date(2026, 11, 1)
KEYED = [((place, "", 0), act) for place, act in enumerate(read_unit_list(unit_list()))]
TREE = Tree(KEYED)
LINES = unit_list().splitlines()


def planned(text: str, *, close_missing: bool = False, within: str = CITY) -> Plan:
    return plan(text, TREE, ActChecks(TREE, lambda: KEYED), DAY, within=within, close_missing=close_missing)


def changed(*pairs: tuple[str, str], more: tuple[str, ...] = ()) -> str:
    lines = [*LINES, *more]
    for old, new in pairs:
        lines = [new if line.startswith(old) else line for line in lines]
    return "\n".join(line for line in lines if line) + "\n"


def said(made: Plan) -> list[dict[str, Any]]:
    return [{name: value for name, value in act.items() if name != "date"} for act in made.acts]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("421003000000,北县,district,421000000000", "unit_list_level"),
        ("42100300000,北县,county,421000000000", "unit_list_code"),
        ("421003000000,,county,421000000000", "bad_unit_name"),
        ("421003000000,北县,county", "unit_list_columns"),
        ("421003000000,北县,county,421099000000", "unit_list_parent"),
        (f"421003000000,北县,county,{EAST}", "parent_level"),
        (f"{EAST},又一个东县,county,{CITY}", "unit_list_duplicate"),
        (f"{E_VILLAGE},东村,township,{EAST}", "unit_list_code"),
        ('421003000000,"北县,county,421000000000', "unit_list_csv"),
        ("429900000000,又一个市,city,", "second_city"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_nothing_else_hides_it(line: str, code: str) -> None:
    made = planned(changed(more=(line,)))
    assert [(one.line, one.error.code) for one in made.faults] == [(len(LINES) + 1, code)]


@pytest.mark.parametrize("text", ["", "code,name\n", "code,name,level,parent_code,colour\n"])
def test_a_wrong_header_is_the_only_fault(text: str) -> None:
    assert [(one.line, one.error.code) for one in planned(text).faults] == [(1, "unit_list_header")]


def test_every_fault_is_listed_by_line() -> None:
    made = planned("code,name,level,parent_code\nx,a,county,y\n421003000000,北县,county,421000000000\nz,b,town,y\n")
    assert [(one.line, one.error.code) for one in made.faults] == [(2, "unit_list_code"), (4, "unit_list_level")]


def test_the_list_as_it_stands_changes_nothing() -> None:
    made = planned(unit_list())
    assert (made.acts, made.faults, made.unchanged, made.lines) == ([], [], len(UNITS), len(UNITS))


def test_a_new_name_parent_and_unit_become_acts_in_an_order_that_can_be_signed() -> None:
    made = planned(changed(
        (E_TOWN, f"{E_TOWN},新东镇,township,421003000000"),
        more=("421003001001,北村,village,421003001000", "421003001000,北镇,township,421003000000",
              f"421003000000,北县,county,{CITY}"),
    ))  # fmt: skip
    assert made.faults == []
    assert [(one["act"], one["unit"]) for one in made.acts] == [
        ("open", "421003000000"), ("open", "421003001000"), ("open", "421003001001"), ("rename", E_TOWN),
        ("move", E_TOWN),
    ]  # fmt: skip
    after = Tree([*KEYED, *(((10**9 + n, "", 0), act) for n, act in enumerate(made.acts))])
    assert after.ancestors(E_GROUPS[0], DAY) == (E_GROUPS[0], E_VILLAGE, E_TOWN, "421003000000", CITY)


def test_a_county_that_becomes_a_city_keeps_its_history_under_a_new_code() -> None:
    text = f"code,name,level,parent_code,old_code\n421088000000,东市,county,{CITY},{EAST}\n"
    assert said(planned(text)) == [
        {"act": "recode", "unit": EAST, "code": "421088000000"},
        {"act": "rename", "unit": EAST, "name": "东市"},
    ]


def test_an_old_code_that_nobody_has_is_a_fault() -> None:
    text = f"code,name,level,parent_code,old_code\n421088000000,东市,county,{CITY},421077000000\n"
    assert [(one.line, one.error.code) for one in planned(text).faults] == [(2, "unknown_unit")]


def test_what_a_list_leaves_out_is_closed_only_when_asked_and_from_below() -> None:
    text = "\n".join(line for line in LINES if not line.startswith("421002")) + "\n"
    assert planned(text).acts == []
    closed = [act["unit"] for act in planned(text, close_missing=True).acts]
    assert set(closed) == {unit for unit in UNITS if unit.startswith("421002")}
    assert closed.index(W_VILLAGE) < closed.index(W_TOWN) < closed.index(WEST)


def test_a_list_of_one_county_closes_nothing_outside_of_it() -> None:
    text = f"code,name,level,parent_code\n{EAST},东县,county,{CITY}\n{E_TOWN},东镇,township,{EAST}\n"
    assert planned(text, close_missing=True, within=EAST).acts == []
    less = f"code,name,level,parent_code\n421001002000,新镇,township,{EAST}\n"
    closed = [act["unit"] for act in planned(less, close_missing=True, within=EAST).acts if act["act"] == "close"]
    assert set(closed) == {E_TOWN, E_VILLAGE, *E_GROUPS}


# ---- many acts, one after the other

VERBS = st.sampled_from(["rename", "recode", "move", "close", "open"])
CODES = ("421001000000", "421002000000", "421003000000", "421004000000")
STEPS = st.lists(st.tuples(VERBS, st.sampled_from(CODES), st.sampled_from(CODES), st.integers(1, 3)), max_size=8)


def step(verb: str, unit: str, other: str, day: int) -> dict[str, Any]:
    act: dict[str, Any] = {"act": verb, "unit": unit, "date": date(2026, 11, day)}
    more: dict[str, dict[str, Any]] = {
        "rename": {"name": f"改{other[5]}"},
        "recode": {"code": other},
        "move": {"parent": CITY},
        "close": {},
        "open": {"code": unit, "name": "新县", "level": "county", "parent": CITY, "kind": "regular"},
    }
    return act | more[verb]


@given(STEPS)
@settings(max_examples=150)
def test_acts_are_taken_as_if_the_tree_were_made_anew_for_each(steps: list[tuple[str, str, str, int]]) -> None:
    checks, taken = ActChecks(TREE, lambda: KEYED), list[Act]()
    for one in steps:
        tree = Tree([*KEYED, *(((10**9 + n, "", 0), act) for n, act in enumerate(taken))])
        try:
            wanted: Act | str = check_act(step(*one), tree)
        except Invalid as error:
            wanted = error.code
        try:
            got: Act | str = checks.take(step(*one))
        except Invalid as error:
            got = error.code
        assert got == wanted
        if not isinstance(got, str):
            taken.append(got)
