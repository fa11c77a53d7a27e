from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from tree_cases import (
    CITY,
    DAY,
    FIELD,
    HILL,
    LAKE,
    PARENTS,
    STONE,
    W1,
    WEST,
    WILLOW,
    any_acts,
    close,
    move,
    opening,
    tree,
)

from schemas.errors import Invalid
from schemas.units.acts import read_act
from schemas.units.rules import check_act
from schemas.units.tree import EPOCH, Act

NEW = "421002100203"
NINTH = WILLOW + "009"
OPEN = opening(STONE) | {"unit": NEW, "code": NEW, "date": "2026-03-01"}


def refusal(act: object, *standing: Act, with_tree: bool = True) -> tuple[str, str | None, object]:
    """Code, field and value of the refusal."""
    with pytest.raises(Invalid) as caught:
        check_act(act, tree(*standing)) if with_tree else read_act(act)  # type: ignore[arg-type]
    return caught.value.code, caught.value.field, caught.value.value


# Refused by its own fields


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"act": "dissolve"}, "unknown_act", "act"),
        ({"act": None}, "unknown_act", "act"),
        ({"colour": "red"}, "unknown_field", "colour"),
        ({"successors": []}, "unknown_field", "successors"),
        ({"date": "2026-02-30"}, "bad_date", "date"),
        ({"date": "1999-12-31"}, "bad_date", "date"),
        ({"date": date(1999, 12, 31)}, "bad_date", "date"),
        ({"date": 20260301}, "bad_date", "date"),
        ({"unit": "4210"}, "bad_unit", "unit"),
        ({"unit": 421002100203}, "bad_unit", "unit"),
        ({"unit": "４２１００２１００２０３"}, "bad_unit", "unit"),
        ({"unit": NEW + "\n"}, "bad_unit", "unit"),
        ({"code": "42100210020x"}, "bad_unit", "code"),
        ({"code": STONE}, "unit_not_code", "unit"),
        ({"name": "  "}, "bad_unit_name", "name"),
        ({"name": "长" * 61}, "bad_unit_name", "name"),
        ({"name": "a\tb"}, "bad_unit_name", "name"),
        ({"name": None}, "bad_unit_name", "name"),
        ({"level": "hamlet"}, "bad_level", "level"),
        ({"level": ["village"]}, "bad_level", "level"),
        ({"level": "township"}, "bad_unit_code", "code"),
        ({"level": "county"}, "bad_unit_code", "code"),
        ({"level": "city"}, "bad_unit_code", "code"),
        ({"level": "group"}, "bad_unit_code", "code"),
        ({"kind": "other"}, "bad_kind", "kind"),
        ({"parent": None}, "parent_level", "parent"),
        ({"parent": "lake"}, "bad_unit", "parent"),
    ],
)
def test_an_opening_that_breaks_a_rule_is_refused_by_field(change: dict[str, object], code: str, field: str) -> None:
    act = {**OPEN, **change}
    assert refusal(act, with_tree=False)[:2] == (code, field)
    assert refusal(act)[:2] == (code, field)


@pytest.mark.parametrize("key", ["unit", "date", "code", "name", "level", "parent", "kind"])
def test_an_opening_without_one_of_its_fields_is_refused(key: str) -> None:
    assert refusal({name: value for name, value in OPEN.items() if name != key}) == ("missing_field", key, None)


@pytest.mark.parametrize(
    ("ending", "kind", "code"),
    [
        ("000", "regular", "bad_unit_code"),
        ("900", "special", "bad_unit_code"),
        ("901", "regular", "group_kind"),
        ("899", "special", "group_kind"),
    ],
)
def test_a_group_ending_that_does_not_fit_is_refused(ending: str, kind: str, code: str) -> None:
    group = WILLOW + ending
    act = {**opening(W1), "unit": group, "code": group, "kind": kind}
    assert refusal(act, with_tree=False)[0] == code


@pytest.mark.parametrize("successors", [None, [], "x", [FIELD, FIELD], [WILLOW], ["x"], [STONE] * 101])
def test_successors_are_other_units_each_once(successors: object) -> None:
    act = {"act": "split", "unit": WILLOW, "successors": successors, "date": DAY}
    assert refusal(act)[1] == "successors"


# Refused by the tree


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (opening(STONE, day=DAY), ("unit_exists", "unit", STONE)),
        ({**opening(CITY), "unit": "429000000000", "code": "429000000000"}, ("second_city", "unit", "429000000000")),
        ({**OPEN, "parent": "421009100000"}, ("unknown_unit", "parent", "421009100000")),
        ({**OPEN, "parent": WEST}, ("parent_level", "parent", WEST)),
        ({**OPEN, "parent": W1}, ("parent_level", "parent", W1)),
        ({**opening(W1, STONE), "unit": NINTH, "code": NINTH}, ("group_code", "code", NINTH)),
        ({**move(WILLOW, WEST, DAY)}, ("parent_level", "parent", WEST)),
        ({**move(WILLOW, WILLOW, DAY)}, ("parent_level", "parent", WILLOW)),
        ({**move(CITY, WEST, DAY)}, ("parent_level", "parent", WEST)),
        (move("421002100999", LAKE, DAY), ("unknown_unit", "unit", "421002100999")),
        (move(WILLOW, "421002109000", DAY), ("unknown_unit", "parent", "421002109000")),
        ({"act": "recode", "unit": WILLOW, "code": NINTH, "date": DAY}, ("bad_unit_code", "code", NINTH)),
        ({"act": "recode", "unit": WILLOW, "code": STONE, "date": DAY}, ("code_in_use", "code", STONE)),
        ({"act": "close", "unit": CITY, "date": DAY}, ("city_stays", "unit", CITY)),
        ({"act": "split", "unit": CITY, "successors": [WEST], "date": DAY}, ("city_stays", "unit", CITY)),
        ({"act": "merge", "unit": WILLOW, "successors": [WEST], "date": DAY}, ("successor_level", "successors", WEST)),
        (
            {"act": "split", "unit": WILLOW, "successors": [STONE, "421002100999"], "date": DAY},
            ("unknown_unit", "successors", "421002100999"),
        ),
    ],
)  # fmt: skip
def test_an_act_that_does_not_fit_the_tree_is_refused_by_field(
    act: dict[str, object], expected: tuple[str, str, object]
) -> None:
    assert refusal(act) == expected


@pytest.mark.parametrize("verb", ["rename", "close", "move"])
def test_nothing_happens_to_a_closed_unit(verb: str) -> None:
    more = {"rename": {"name": "x"}, "move": {"parent": HILL}, "close": {}}[verb]
    act = {"act": verb, "unit": WILLOW, "date": DAY + timedelta(days=1), **more}
    assert refusal(act, close(WILLOW, DAY)) == ("unit_closed", "unit", WILLOW)


def test_nothing_happens_to_a_unit_before_it_opens() -> None:
    later = opening(STONE) | {"unit": NEW, "code": NEW, "date": DAY}
    assert refusal(close(NEW, DAY - timedelta(days=1)), later) == ("unit_not_yet", "unit", NEW)


def test_nothing_moves_under_a_closed_parent() -> None:
    assert refusal(move(WILLOW, HILL, DAY), close(HILL, DAY)) == ("unit_closed", "parent", HILL)


# Accepted


def test_an_accepted_act_comes_back_with_its_date_read_and_its_name_trimmed() -> None:
    expected = {**OPEN, "date": DAY, "name": "新村"}
    assert check_act({**OPEN, "name": " 新村 "}, tree()) == expected
    assert read_act({**OPEN, "name": "新村", "date": DAY}) == expected


def test_a_code_set_free_by_a_recode_can_be_taken() -> None:
    freed: Act = {"act": "recode", "unit": STONE, "code": "421002100299", "date": EPOCH}
    act = {"act": "recode", "unit": WILLOW, "code": STONE, "date": DAY}
    assert check_act(act, tree(freed)) == act


def test_a_special_grid_and_the_first_city_are_accepted() -> None:
    special = {**opening(W1), "unit": WILLOW + "901", "code": WILLOW + "901", "kind": "special"}
    assert check_act(special, tree()) == special
    assert read_act(opening(CITY)) == opening(CITY)


@given(any_acts)
def test_an_accepted_act_applies(acts: list[Act]) -> None:
    standing: list[Act] = []
    for act in acts:
        before = tree(*standing)
        try:
            checked = check_act(act, before)
        except Invalid:
            continue
        standing.append(checked)
        latest = len(PARENTS) + len(standing) - 1
        assert latest not in [key for key, _ in tree(*standing).skipped]
