from __future__ import annotations

import pytest
from case_stories import CASE, DAY, Story, ancestor, days, level, noon

from schemas.cases.events import CaseEvent
from schemas.cases.fold import Ownership, fold, why_void
from schemas.cases.steps import WHYS
from schemas.labels import LANGUAGES, has_label

# What is no case, or no act of it


def test_without_a_registration_there_is_no_case() -> None:
    story = Story()
    story.act("accept", "g1")
    assert fold([], ancestor) is None
    assert fold(story.events[1:], ancestor) is None


@pytest.mark.parametrize("fault", [{"source": None}, {"complexity": "hard"}, {"category": "九"}])
def test_a_registration_that_cant_be_read_makes_no_case(fault: dict[str, object]) -> None:
    assert fold(Story(**fault).events, ancestor) is None


def test_a_registration_claiming_a_term_makes_no_case() -> None:
    event = Story().events[0]
    forged = CaseEvent("z", None, CASE, "register", "city", 4, DAY, 0, 9, None, event.public)
    assert fold([forged], ancestor) is None
    case = fold([event, forged], ancestor)
    assert case is not None
    assert (case.owner, case.void) == ("g1", {"z": "unreadable"})


def test_an_act_not_allowed_in_the_state_reached_is_kept_as_void() -> None:
    story = Story()
    wrong = story.act("agree", "g1")
    story.act("accept", "g1")
    case = story.case
    assert (case.state, case.void, len(case.effective)) == ("accepted", {wrong: "state"}, 2)


def test_an_act_of_another_unit_is_void() -> None:
    story = Story()
    wrong = story.act("accept", "v1")
    assert (story.case.state, story.case.void) == ("registered", {wrong: "not_owner"})


@pytest.mark.parametrize("term", [1, 7])
def test_an_act_under_another_term_is_void(term: int) -> None:
    story = Story()
    wrong = story.act("accept", "g1", term=term)
    assert story.case.void == {wrong: "term"}


def test_an_act_of_a_later_version_is_void_and_what_follows_it_holds() -> None:
    story = Story()
    unknown = story.act("celebrate", "g1")
    story.act("accept", "g1")
    assert (story.case.state, story.case.void) == ("accepted", {unknown: "unknown_action"})


@pytest.mark.parametrize(
    "public",
    [{"to_unit": 5}, {"to_unit": "青山村"}, {"reason": "x"}],
)
def test_an_act_whose_fields_cant_be_read_is_void(public: dict[str, object]) -> None:
    story = Story()
    wrong = story.act("hand_up", "g1", **public)
    assert story.case.void == {wrong: "unreadable"}


def test_a_second_offer_is_void_while_one_stands() -> None:
    story = Story()
    first = story.act("hand_up", "g1", to_unit="v1")
    second = story.act("hand_across", "g1", to_unit="g2")
    assert (story.case.offer, story.case.offered_to, story.case.void) == (first, "v1", {second: "offer_standing"})


@pytest.mark.parametrize(
    ("action", "to"),
    [("hand_up", "g2"), ("hand_up", "t2"), ("hand_down", "t1"), ("hand_across", "t1"), ("hand_across", "v1")],
)
def test_a_case_is_handed_only_where_the_act_says(action: str, to: str) -> None:
    story = Story("v1")
    wrong = story.act(action, "v1", to_unit=to)
    assert story.case.void == {wrong: "wrong_unit"}


def test_only_the_unit_it_was_offered_to_takes_it() -> None:
    story = Story()
    story.act("hand_up", "g1", to_unit="v1")
    wrong = story.act("take", "v2")
    assert (story.case.owner, story.case.void) == ("g1", {wrong: "not_offered"})


def test_a_take_needs_an_offer_that_stands_on_its_own_path() -> None:
    story = Story()
    first = story.act("take", "v1", offer="none")
    offer = story.act("hand_up", "g1", to_unit="v1")
    other = story.act("take", "v1", offer="none")
    story.act("recall", "g1", offer=offer)
    late = story.act("take", "v1", offer=offer)
    assert story.case.void == {first: "no_offer", other: "no_offer", late: "no_offer"}
    assert (story.case.owner, story.case.term) == ("g1", 0)


def test_an_offer_ends_when_the_case_is_settled() -> None:
    story = Story()
    story.act("hand_up", "g1", to_unit="v1")
    story.act("decline", "g1")
    late = story.act("take", "v1")
    assert (story.case.state, story.case.offered_to, story.case.void) == ("closed", None, {late: "state"})


@pytest.mark.parametrize("unit", ["g1", "g2", "v2", "t3"])
def test_only_a_unit_above_the_owner_seizes(unit: str) -> None:
    story = Story()
    wrong = story.act("seize", unit)
    assert story.case.void == {wrong: "not_ancestor"}


def test_a_seize_without_the_next_term_is_void() -> None:
    story = Story()
    wrong = story.act("seize", "city", term=9)
    assert story.case.void == {wrong: "term"}


@pytest.mark.parametrize("action", ["confirm", "refuse_confirmation", "withdraw_confirmation"])
def test_nothing_is_confirmed_that_was_not_applied_for(action: str) -> None:
    story = mediating()
    story.act("agree", "g1")
    wrong = story.act(action, "g1")
    assert (story.case.now.confirmation, story.case.void) == (None, {wrong: "no_application"})


def test_confirmation_is_applied_for_within_30_days_of_the_agreement() -> None:
    story = mediating()
    story.act("agree", "g1")
    late = story.act("apply_confirmation", "g1", day=DAY + days(31))
    assert story.case.void == {late: "cannot_apply"}
    story.act("apply_confirmation", "g1", day=DAY + days(30))
    twice = story.act("apply_confirmation", "g1", day=DAY + days(30))
    story.act("confirm", "g1", day=DAY + days(60))
    again = story.act("apply_confirmation", "g1", day=DAY + days(30))
    assert story.case.now.confirmation == "confirmed"
    assert story.case.void == {late: "cannot_apply", twice: "cannot_apply", again: "cannot_apply"}


@pytest.mark.parametrize("until", ["2026-11-16", "2026-12-11"])
def test_a_limit_is_moved_neither_back_nor_past_the_whole_time(until: str) -> None:
    story = Story()
    wrong = story.act("extend", "g1", until=until)
    assert story.case.void == {wrong: "limit"}


def test_every_why_has_its_words_in_both_languages() -> None:
    assert [why for why in WHYS for language in LANGUAGES if not has_label(language, f"void.{why}")] == []


# Stories


def mediating() -> Story:
    story = Story()
    story.act("accept", "g1")
    story.act("mediate", "g1")
    return story


def test_a_case_goes_its_whole_way_through_three_levels() -> None:
    story = Story(day=DAY)
    story.act("hand_up", "g1", to_unit="v1")
    story.act("send_back", "v1", day=DAY + days(1))
    story.act("hand_up", "g1", to_unit="v1")
    first = story.act("take", "v1", day=DAY + days(2))
    story.act("accept", "v1")
    story.act("hand_up", "v1", to_unit="t1")
    second = story.act("take", "t1", day=DAY + days(3))
    for action in ("assign", "mediate", "agree"):
        story.act(action, "t1")
    story.act("follow_up", "t1", day=DAY + days(10), result="reneged")
    story.act("remediate", "t1")
    story.act("agree", "t1", performed_at_once=True, day=DAY + days(12))
    story.act("apply_confirmation", "t1")
    story.act("confirm", "t1")
    last = story.act("close", "t1")
    case = story.case
    assert (case.state, case.owner, case.term, case.now.round, case.event) == ("closed", "t1", 2, 2, last)
    assert (case.now.confirmation, case.offered_to, case.limits, case.void) == ("confirmed", None, None, {})
    assert case.effective == tuple(story.events)
    assert case.audience == {"g1", "v1", "t1"}
    assert case.owners == (
        Ownership("g1", 0, 0, "a0", DAY),
        Ownership("v1", 1, 1, first, DAY + days(2)),
        Ownership("t1", 2, 2, second, DAY + days(3)),
    )


def test_the_offering_unit_stays_responsible_until_the_case_is_taken() -> None:
    story = Story()
    offer = story.act("hand_up", "g1", to_unit="v1")
    assert (story.case.owner, story.case.offered_to, story.case.offer) == ("g1", "v1", offer)
    story.act("accept", "g1")
    assert (story.case.state, story.case.offered_to) == ("accepted", "v1")
    story.act("send_back", "v1", offer=offer)
    assert (story.case.owner, story.case.offered_to) == ("g1", None)


def test_a_take_reached_by_the_offer_beats_what_the_old_owner_did_meanwhile() -> None:
    story = Story()
    offer = story.act("hand_up", "g1", to_unit="v1")
    recall = story.act("recall", "g1", after=offer)
    noted = story.act("note", "g1", after=recall)
    story.act("take", "v1", after=offer)
    case = story.case
    assert (case.owner, case.void, case.aside) == ("v1", {recall: "outside"}, (noted,))


def test_acts_that_wait_for_their_predecessor_are_neither_void_nor_counted() -> None:
    story = Story()
    missing = story.act("accept", "g1")
    later = story.act("mediate", "g1")
    held = [event for event in story.events if event.hash != missing]
    case = fold(held, ancestor)
    assert case is not None
    assert (case.state, case.waiting, case.void) == ("registered", (later,), {})
    assert story.case.state == "mediating"


def test_what_follows_the_winner_is_ordered_by_depth_then_hash() -> None:
    story = mediating()
    root = story.events[-1].hash
    fails = story.act("fail", "g1", name="x2", after=root)
    story.act("agree", "g1", name="x1", after=root)
    assert (story.case.state, story.case.void) == ("agreed", {fails: "state"})


def test_of_two_forks_the_act_with_the_shorter_history_holds_whatever_its_hash() -> None:
    story = mediating()
    root = story.events[-1].hash
    story.act("agree", "g1", name="z1", after=root)
    story.act("note", "g1", name="n1", after=root)
    fails = story.act("fail", "g1", name="n2")
    assert (story.case.state, story.case.void) == ("agreed", {fails: "state"})


def test_a_new_act_follows_the_last_one_even_if_that_is_void() -> None:
    story = mediating()
    root = story.events[-1].hash
    story.act("agree", "g1", name="x1", after=root)
    wrong = story.act("fail", "g1", name="x2", after=root)
    assert (story.case.event, story.case.tip, story.case.follows("note")) == ("x1", wrong, wrong)


def test_a_take_follows_its_offer_where_the_path_forked() -> None:
    story = Story()
    story.act("hand_up", "g1", name="x1", to_unit="v1")
    story.act("accept", "g1", name="x2", after="a0")
    assert (story.case.tip, story.case.follows("take"), story.case.offered_to) == ("x2", "x1", "v1")
    take = CaseEvent("n", "x1", CASE, "take", "v1", level("v1"), DAY, noon(DAY), 1, "x1", {})
    assert why_void(story.events, take, ancestor) is None


def test_a_seize_follows_an_act_that_left_the_case_open_where_the_path_forked() -> None:
    story = mediating()
    root = story.events[-1].hash
    story.act("agree", "g1", name="x1", after=root)
    story.act("follow_up", "g1", name="y1", result="reneged")
    story.act("agree", "g1", name="x2", after=root)
    story.act("note", "g1", name="y2")
    story.act("note", "g1", name="y3")
    assert (story.case.state, story.case.tip, story.case.follows("seize")) == ("reneged", "y3", "y1")
    story.act("seize", "k1", after="y1")
    assert (story.case.owner, story.case.state) == ("k1", "reneged")


def test_everybody_who_wrote_owned_or_was_offered_the_case_is_its_audience() -> None:
    story = Story()
    story.act("hand_up", "g1", to_unit="v1")
    story.act("note", "t2")
    assert story.case.audience == {"g1", "v1", "t2"}
