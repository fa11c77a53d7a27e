"""Who owns a case of which several units say so. The loser is greater in everything that is compared later."""

from __future__ import annotations

import pytest
from case_stories import Story, ancestor

from schemas.cases.fold import fold


def test_the_greater_term_wins_over_the_higher_level() -> None:
    story = Story()
    story.act("hand_up", "g1", to_unit="v1", name="b1")
    story.act("take", "v1", name="b2")
    story.act("hand_down", "v1", to_unit="g2", name="b3")
    story.act("take", "g2", name="b4")
    for number in range(4):
        story.act("note", "g1", after="b1" if number == 0 else f"z{number - 1}", name=f"z{number}")
    story.act("seize", "city", after="z3", name="z9")
    assert (story.case.owner, story.case.term) == ("g2", 2)
    assert story.case.void == {"z9": "outside"}


def test_of_one_term_the_higher_level_wins_over_the_longer_history() -> None:
    story = Story()
    story.act("seize", "k1", name="b1")
    story.act("accept", "g1", after="a0", name="z1")
    story.act("hand_up", "g1", to_unit="v1", name="z2")
    story.act("take", "v1", name="z3")
    assert (story.case.owner, story.case.term) == ("k1", 1)
    assert story.case.void == {"z1": "outside", "z2": "outside", "z3": "outside"}


def test_of_one_level_the_longer_history_wins_over_the_hash() -> None:
    story = Story("t1")
    story.act("hand_down", "t1", to_unit="v1", name="b1")
    story.act("take", "v1", name="z1")
    story.act("recall", "t1", after="b1", name="b2")
    story.act("hand_down", "t1", to_unit="v2", name="b3")
    story.act("take", "v2", name="b4")
    assert (story.case.owner, story.case.void) == ("v2", {"z1": "outside"})


@pytest.mark.parametrize(("one", "other", "owner"), [("x1", "x2", "v2"), ("x2", "x1", "v1")])
def test_all_else_equal_the_greater_hash_wins(one: str, other: str, owner: str) -> None:
    story = Story("t1")
    story.act("hand_down", "t1", to_unit="v1", name="b1")
    story.act("hand_down", "t1", after="a0", to_unit="v2", name="b2")
    story.act("take", "v1", after="b1", name=one)
    story.act("take", "v2", after="b2", name=other)
    assert story.case.owner == owner


def test_of_two_registrations_one_stands_by_the_same_rule_and_the_other_is_void() -> None:
    one, other = Story("g1", name="z0"), Story("v1", name="a0")
    noted = other.act("accept", "v1")
    case = fold(one.events + other.events, ancestor)
    assert case is not None
    assert (case.owner, case.state, case.void) == ("v1", "accepted", {"z0": "second_register"})
    assert noted == case.event
