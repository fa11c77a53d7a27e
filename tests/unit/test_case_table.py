"""Acts × states × viewpoints, against the table of the domain written once more."""

from __future__ import annotations

import pytest

from schemas.cases.actions import STATES, VIEWPOINTS, Situation, allowed

OPEN = ("registered", "accepted", "assigned", "mediating", "reneged")
TABLE: dict[str, tuple[tuple[str, ...], str]] = {
    "register": ((), "nobody"),
    "accept": (("registered",), "owner"),
    "decline": (("registered",), "owner"),
    "assign": (("accepted", "assigned"), "owner"),
    "mediate": (("accepted", "assigned"), "owner"),
    "agree": (("mediating",), "owner"),
    "fail": (("mediating",), "owner"),
    "terminate": (("accepted", "assigned", "mediating"), "owner"),
    "follow_up": (("agreed",), "owner"),
    "remediate": (("reneged",), "owner"),
    "refer": (("reneged", "not_agreed"), "owner"),
    "apply_confirmation": (("agreed", "performed"), "owner, none applied for"),
    "confirm": (("agreed", "performed"), "owner, applied for"),
    "refuse_confirmation": (("agreed", "performed"), "owner, applied for"),
    "withdraw_confirmation": (("agreed", "performed"), "owner, applied for"),
    "close": (("performed", "not_agreed", "terminated"), "owner"),
    "hand_up": (OPEN, "owner, no offer"),
    "hand_down": (OPEN, "owner, no offer"),
    "hand_across": (OPEN, "owner, no offer"),
    "take": (OPEN, "offered, offer"),
    "send_back": (OPEN, "offered, offer"),
    "recall": (OPEN, "owner, offer"),
    "seize": (OPEN, "ancestor"),
    "supervise": (OPEN, "ancestor"),
    "answer": (OPEN, "owner, supervised"),
    "extend": (OPEN, "owner"),
    "note": (STATES, "anyone"),
}


@pytest.mark.parametrize("viewpoint", VIEWPOINTS)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("offered", [False, True])
@pytest.mark.parametrize("confirmation", [None, "applied", "confirmed", "refused", "withdrawn"])
@pytest.mark.parametrize("unanswered", [False, True])
def test_every_act_is_allowed_as_the_table_says(
    viewpoint: str, state: str, offered: bool, confirmation: str | None, unanswered: bool
) -> None:
    conditions = {
        "offer": offered,
        "no offer": not offered,
        "applied for": confirmation == "applied",
        "none applied for": confirmation not in ("applied", "confirmed"),
        "supervised": unanswered,
    }
    expected = []
    for action, (states, who) in TABLE.items():
        by, _, condition = who.partition(", ")
        if state in states and by in (viewpoint, "anyone") and conditions.get(condition, True):
            expected.append(action)
    now = Situation(state, 2, offered, confirmation, 30, unanswered)
    assert allowed(now, (viewpoint,)) == tuple(expected)


def test_a_unit_above_to_which_the_case_is_offered_has_the_acts_of_both() -> None:
    now = Situation("accepted", 1, offered=True)
    assert allowed(now, ("offered", "ancestor")) == ("take", "send_back", "seize", "supervise", "note")


def test_nothing_is_above_the_city_nor_below_a_group() -> None:
    city, group = (allowed(Situation("accepted", level), ("owner",)) for level in (4, 0))
    assert ("hand_up" in city, "hand_down" in city) == (False, True)
    assert ("hand_up" in group, "hand_down" in group) == (True, False)


@pytest.mark.parametrize(("ago", "may"), [(None, False), (-1, False), (0, True), (30, True), (31, False)])
def test_confirmation_can_be_applied_for_within_30_days(ago: int | None, may: bool) -> None:
    assert ("apply_confirmation" in allowed(Situation("agreed", 2, agreed_ago=ago), ("owner",))) == may


def test_a_limit_that_cant_be_moved_is_not_offered_to_be() -> None:
    assert "extend" not in allowed(Situation("accepted", 2, extendable=False), ("owner",))
