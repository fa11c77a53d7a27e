"""Supervisions, limits and follow-ups of a folded case."""

from __future__ import annotations

from datetime import date

from case_stories import DAY, Story, days, noon

from schemas.cases.supervision import Supervision

HASH = "A" * 42 + "-"


def mediating() -> Story:
    story = Story()
    story.act("accept", "g1")
    story.act("mediate", "g1")
    return story


def test_a_supervision_waits_until_the_owner_answers_it() -> None:
    story = Story()
    nobody = story.act("supervise", "t3")
    first = story.act("supervise", "t1", name=HASH)
    second = story.act("supervise", "city", due="2026-11-15")
    story.act("answer", "v1")
    due = (date(2026, 11, 15), date(2026, 11, 20))
    assert [one.due for one in story.case.unanswered] == list(due)
    named = story.act("answer", "g1", supervision=first, day=DAY + days(1))
    last = story.act("answer", "g1", day=DAY + days(2))
    assert story.case.supervisions == (
        Supervision(first, "t1", DAY, due[1], (named,), DAY + days(1)),
        Supervision(second, "city", DAY, due[0], (last,), DAY + days(2)),
    )
    assert (story.case.unanswered, story.case.void) == ((), {})
    assert nobody in [event.hash for event in story.case.effective]


def test_a_supervision_off_the_winning_path_still_stands() -> None:
    story = Story()
    watched = story.act("supervise", "t1", after="a0")
    story.act("seize", "k1", after="a0")
    assert (story.case.aside, [one.event for one in story.case.unanswered]) == ((watched,), [watched])


def test_handing_on_starts_the_clock_of_a_new_level_and_resets_none() -> None:
    story = Story()
    story.act("hand_up", "g1", to_unit="v1")
    story.act("take", "v1", day=DAY + days(3))
    story.act("hand_down", "v1", to_unit="g2")
    limits = story.case.limits
    assert limits is not None
    assert (limits.level.end_ms, limits.total.end_ms) == (noon(DAY + days(10)), noon(DAY + days(30)))
    story.act("take", "g2", day=DAY + days(5))
    assert story.case.deadline_ms == noon(DAY + days(7))


def test_a_reneged_agreement_opens_the_case_and_its_time_again() -> None:
    story = mediating()
    story.act("agree", "g1")
    assert (story.case.limits, story.case.deadline_ms) == (None, None)
    assert story.case.follow_ups_due == (DAY + days(7), date(2026, 12, 1), date(2026, 12, 31))
    story.act("follow_up", "g1", result="reneged", day=DAY + days(40))
    assert (story.case.open, story.case.deadline_ms) == (True, noon(DAY + days(47)))
    assert story.case.follow_ups_due == ()


def test_a_court_s_case_may_be_extended_to_60_days() -> None:
    story = Story(source="court")
    wrong = story.act("extend", "g1", until="2027-01-10")
    story.act("extend", "g1", until="2027-01-09")
    assert story.case.void == {wrong: "limit"}
    limits = story.case.limits
    assert limits is not None
    assert limits.level.end_ms == limits.total.end_ms == noon(date(2027, 1, 9)) + 12 * 3_600_000
