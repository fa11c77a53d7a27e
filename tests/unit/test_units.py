from __future__ import annotations

from datetime import date, timedelta
from typing import cast

import pytest
from tree_cases import (
    CITY,
    DAY,
    EAST,
    FIELD,
    GROUPS,
    HILL,
    LAKE,
    PARENTS,
    STONE,
    W1,
    W2,
    WEST,
    WILLOW,
    close,
    move,
    opening,
    tree,
)

from schemas.units.tree import EPOCH, Act, Tree, Unit

ONE = timedelta(days=1)
KNOWN = tuple(PARENTS)


# What does not apply


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"act": "open", "unit": W1, "level": "group", "parent": WILLOW},  # no date
        {**opening(W1), "date": date(1999, 12, 31)},
        {**opening(W1), "date": "2026-03-01"},
        {**opening(W1), "unit": ["x"], "date": DAY},
        {**opening(W1), "level": {"a": 1}},
        {**opening(W1), "level": "hamlet"},
        {**opening(W1, LAKE)},
        {**opening("421004000000", CITY), "parent": [CITY]},
        {**opening("429000000000", CITY), "level": "city", "parent": None},
        {"act": "dissolve", "unit": W1, "date": DAY},
        {"act": "rename", "unit": W1, "name": 3, "date": DAY},
        {"act": "rename", "unit": "nobody", "name": "x", "date": DAY},
        {"act": "move", "unit": CITY, "parent": CITY, "date": DAY},
        {"act": "move", "unit": LAKE, "parent": LAKE, "date": DAY},
        {"act": "close", "unit": {"a": 1}, "date": DAY},
    ],
)
def test_an_odd_act_is_listed_as_skipped_and_changes_nothing(odd: object) -> None:
    act = cast(Act, odd)
    after = tree(act)
    assert after.skipped == ((len(PARENTS), act),)
    assert [after.versions(unit) for unit in KNOWN] == [tree().versions(unit) for unit in KNOWN]


def test_an_act_after_the_unit_closed_does_not_apply() -> None:
    late = move(WILLOW, HILL, DAY + ONE)
    after = tree(close(WILLOW, DAY), late)
    assert after.skipped == ((len(PARENTS) + 1, late),)
    assert after.nearest(WILLOW, DAY + 9 * ONE) == after.versions(WILLOW)[0]


def test_a_unit_that_is_not_known_has_no_answers() -> None:
    empty = Tree([])
    assert empty.root is None
    assert (empty.exists("x"), empty.at("x", DAY), empty.nearest("x", DAY), empty.level("x")) == (
        False,
        None,
        None,
        None,
    )
    assert (empty.ancestors("x", DAY), empty.children("x", DAY), list(empty.subtree("x", DAY))) == ((), [], [])
    assert (empty.group_days("x", DAY, DAY), empty.group_days_own("x", DAY, DAY), empty.ever_below("x", "y")) == (
        0,
        0,
        False,
    )


# Versions


def test_each_change_ends_one_version_and_begins_the_next() -> None:
    renamed: Act = {"act": "rename", "unit": WILLOW, "name": "新柳村", "date": DAY}
    recoded: Act = {"act": "recode", "unit": WILLOW, "code": "421002100299", "date": DAY + 9 * ONE}
    after = tree(renamed, recoded, move(WILLOW, HILL, DAY + 9 * ONE), close(WILLOW, DAY + 20 * ONE))
    assert after.versions(WILLOW) == (
        Unit(WILLOW, WILLOW, f"n{WILLOW}", "village", LAKE, "regular", EPOCH, DAY),
        Unit(WILLOW, WILLOW, "新柳村", "village", LAKE, "regular", DAY, DAY + 9 * ONE),
        Unit(WILLOW, "421002100299", "新柳村", "village", HILL, "regular", DAY + 9 * ONE, DAY + 20 * ONE),
    )
    assert after.skipped == ()


def test_valid_from_is_inclusive_and_valid_to_is_not() -> None:
    after = tree(close(WILLOW, DAY))
    assert after.at(WILLOW, EPOCH - ONE) is None
    assert after.at(WILLOW, EPOCH) == after.at(WILLOW, DAY - ONE) == after.versions(WILLOW)[0]
    assert after.at(WILLOW, DAY) is None
    assert after.nearest(WILLOW, DAY) == after.nearest(WILLOW, EPOCH - ONE) == after.versions(WILLOW)[0]


def test_a_split_notes_its_successors_and_closes_the_unit() -> None:
    split: Act = {"act": "split", "unit": WILLOW, "successors": [STONE, FIELD], "date": DAY}
    after = tree(split)
    assert after.successors(WILLOW) == (STONE, FIELD)
    assert after.at(WILLOW, DAY) is None
    assert after.successors(STONE) == ()


def test_a_unit_closed_on_its_first_day_was_never_valid_but_is_known() -> None:
    new = opening("421002100203", LAKE, DAY)
    after = tree(new, close("421002100203", DAY))
    assert after.exists("421002100203")
    assert after.at("421002100203", DAY) is None
    assert after.nearest("421002100203", DAY) is not None
    assert "421002100203" not in after.children_in(LAKE, EPOCH, DAY + ONE)


def test_a_child_opened_before_its_parent_in_the_list_finds_it() -> None:
    backwards = Tree((number, opening(unit)) for number, unit in enumerate(reversed(KNOWN)))
    assert backwards.skipped == ()
    assert backwards.ancestors(W1, DAY) == (W1, WILLOW, LAKE, WEST, CITY)


# Up and down


def test_ancestors_are_those_of_the_day() -> None:
    after = tree(move(WILLOW, HILL, DAY))
    assert after.ancestors(W1, DAY - ONE) == (W1, WILLOW, LAKE, WEST, CITY)
    assert after.ancestors(W1, DAY) == (W1, WILLOW, HILL, EAST, CITY)
    assert after.below(W1, WEST, DAY - ONE)
    assert not after.below(W1, WEST, DAY)
    assert after.below(W1, W1, DAY)


def test_ever_below_remembers_every_parent() -> None:
    after = tree(move(WILLOW, HILL, DAY))
    assert [after.ever_below(W1, unit) for unit in (W1, WILLOW, LAKE, HILL, WEST, EAST, CITY, STONE)] == [
        *(True,) * 7,
        False,
    ]


def test_ever_below_ends_on_forged_acts_that_name_a_circle() -> None:
    circle = tree(move(LAKE, WILLOW, DAY), move(CITY, W1, DAY), move(W1, CITY, DAY))
    assert circle.ever_below(LAKE, W1)
    assert circle.ancestors(W1, DAY) == (W1, WILLOW, LAKE, WEST, CITY)


def test_moved_ancestors_are_all_that_were_ever_above_what_moved() -> None:
    assert tree().moved_ancestors == frozenset()
    assert tree(move(WILLOW, HILL, DAY)).moved_ancestors == {LAKE, WEST, HILL, EAST, CITY}


def test_children_stand_in_the_order_of_their_codes() -> None:
    recoded: Act = {"act": "recode", "unit": WILLOW, "code": "421002100999", "date": DAY}
    after = tree(recoded)
    assert [child.id for child in after.children(LAKE, DAY - ONE)] == [WILLOW, STONE]
    assert [child.id for child in after.children(LAKE, DAY)] == [STONE, WILLOW]
    assert after.children_in(LAKE, EPOCH, DAY) == [STONE, WILLOW]
    assert after.children_nearest(LAKE, DAY - ONE) == [WILLOW, STONE]


def test_children_in_a_span_hold_those_that_came_or_left_within_it() -> None:
    after = tree(move(WILLOW, HILL, DAY))
    assert after.children_in(LAKE, DAY - ONE, DAY) == [WILLOW, STONE]
    assert after.children_in(LAKE, DAY, DAY) == [STONE]
    assert after.children_in(HILL, DAY - ONE, DAY - ONE) == [FIELD]
    assert after.children_in(HILL, DAY - ONE, DAY) == [WILLOW, FIELD]


def test_a_closed_child_with_open_groups_is_still_part_of_the_sum() -> None:
    after = tree(close(WILLOW, DAY))
    assert [child.id for child in after.children(LAKE, DAY)] == [STONE]
    assert after.children_in(LAKE, DAY, DAY) == [WILLOW, STONE]
    assert after.group_days(LAKE, DAY, DAY) == 4
    assert tree(close(WILLOW, DAY), close(W1, DAY), close(W2, DAY)).children_in(LAKE, DAY, DAY) == [STONE]


def test_the_subtree_lists_parents_first_in_the_order_of_codes() -> None:
    assert [unit.id for unit in tree().subtree(WEST, DAY)] == [WEST, LAKE, WILLOW, W1, W2, STONE, *GROUPS[2:4]]


def test_the_holder_of_a_code_changes_with_the_day() -> None:
    recoded: Act = {"act": "recode", "unit": WILLOW, "code": "421002100999", "date": DAY}
    after = tree(recoded)
    assert after.holder("421002100999", DAY - ONE) is None
    assert after.holder("421002100999", DAY) == after.at(WILLOW, DAY)
    assert after.holder(WILLOW, DAY) is None


# Counting groups


def test_group_days_follow_a_village_that_moves() -> None:
    after = tree(move(WILLOW, HILL, DAY))
    first, last = DAY - 2 * ONE, DAY + 2 * ONE
    assert after.group_days(LAKE, first, last) == 2 * 5 + 2 * 2
    assert after.group_days(HILL, first, last) == 2 * 5 + 2 * 3
    assert after.group_days(CITY, first, last) == 6 * 5
    assert after.group_days_under(WILLOW, HILL, first, last) == 2 * 3
    assert (after.group_count(LAKE, DAY - ONE), after.group_count(LAKE, DAY)) == (4, 2)


def test_a_group_counts_its_own_days_and_nobody_else_does() -> None:
    after = tree(close(W1, DAY))
    assert after.group_days_own(W1, DAY - 3 * ONE, DAY + ONE) == after.group_days(W1, DAY - 3 * ONE, DAY + ONE) == 3
    assert after.group_days_own(W1, DAY, DAY + ONE) == 0
    assert after.group_days_own(W1, DAY, DAY - ONE) == 0
    assert after.group_days_own(WILLOW, DAY, DAY) == 0
