"""What a case asks of whom, row by row; its signals are those of its limits."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from case_stories import DAY, Story, ancestor, noon
from hypothesis import given
from hypothesis import strategies as st

from schemas.cases.fold import fold
from schemas.cases.limits import DAY_MS, Limit, end_of, signal
from schemas.cases.todo import KINDS, begin_of, case_rows, signal_at

LIMIT = noon(DAY) + 7 * DAY_MS  # ordinary, at its first level


def rows(story: Story) -> list[tuple[str, str, int]]:
    """(unit, kind, due at) of every row."""
    case = fold(story.events, ancestor)
    assert case is not None
    found = case_rows(case, story.events)
    assert all(row.kind in KINDS for row in found)
    return [(row.unit, row.kind, row.due_at) for row in found]


def test_an_open_case_is_handled_by_its_owner_within_its_limit() -> None:
    assert rows(Story("v1")) == [("v1", "handle", LIMIT)]


def test_an_offered_case_is_waited_for_by_one_and_taken_by_the_other() -> None:
    story = Story("v1")
    story.act("hand_up", "v1", to_unit="t1")
    assert rows(story) == [("t1", "take", LIMIT), ("v1", "offered", LIMIT)]
    story.act("send_back", "t1")
    assert rows(story) == [("v1", "handle", LIMIT)]


def test_what_was_taken_is_handled_by_the_taker_alone() -> None:
    story = Story("v1")
    story.act("hand_up", "v1", to_unit="t1")
    story.act("take", "t1", day=DAY + timedelta(days=2))
    assert rows(story) == [("t1", "handle", noon(DAY + timedelta(days=2)) + 7 * DAY_MS)]


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (("agree",), ("follow_up", end_of(DAY + timedelta(days=7)))),
        (("fail",), ("close", noon(DAY) + 7 * DAY_MS)),
        (("fail", "refer"), None),
        (("fail", "close"), None),
    ],
)
def test_after_mediation_it_is_followed_up_or_closed_and_then_asks_nothing(
    ending: tuple[str, ...], expected: tuple[str, int] | None
) -> None:
    story = Story("v1")
    for action in ("accept", "mediate", *ending):
        story.act(action, "v1")
    assert rows(story) == ([("v1", *expected)] if expected else [])


def test_a_follow_up_is_shown_from_the_morning_of_its_day() -> None:
    story = Story("v1")
    for action in ("accept", "mediate", "agree"):
        story.act(action, "v1")
    case = fold(story.events, ancestor)
    assert case is not None
    (row,) = case_rows(case, story.events)
    assert (row.from_at, row.due_at) == (begin_of(DAY + timedelta(days=7)), end_of(DAY + timedelta(days=7)))


def test_a_supervision_is_answered_in_time_or_shown_to_who_supervises() -> None:
    story = Story("v1")
    story.act("supervise", "t1")
    due = end_of(date(2026, 11, 20))
    case = fold(story.events, ancestor)
    assert case is not None
    asked = {row.kind: row for row in case_rows(case, story.events)}
    assert {kind: (row.unit, row.due_at, row.from_at) for kind, row in asked.items()} == {
        "handle": ("v1", LIMIT, 0),
        "answer": ("v1", due, 0),
        "unanswered": ("t1", due, due),
    }
    story.act("answer", "v1")
    assert rows(story) == [("v1", "handle", LIMIT)]


def test_the_author_of_a_void_act_is_told() -> None:
    story = Story("v1")
    offer = story.act("hand_up", "v1", to_unit="t1", name="m1")
    story.act("seize", "k1", after=offer, name="m2")
    story.act("take", "t1", after=offer, name="m3")
    assert ("t1", "void", noon(DAY)) in rows(story)
    assert ("k1", "handle", LIMIT) in rows(story)


def test_rows_do_not_depend_on_the_order_of_arrival() -> None:
    story = Story("v1")
    story.act("hand_up", "v1", to_unit="t1")
    story.act("supervise", "k1")
    case, turned = fold(story.events, ancestor), fold(story.events[::-1], ancestor)
    assert case is not None
    assert turned is not None
    assert case_rows(case, story.events) == case_rows(turned, story.events[::-1])


@given(st.integers(0, 10**12), st.integers(1_000, 60 * DAY_MS), st.integers(-5, 70 * DAY_MS))
def test_the_signals_of_a_row_are_those_of_its_limit(start: int, whole: int, later: int) -> None:
    story = Story("v1")
    case = fold(story.events, ancestor)
    assert case is not None
    end, now = start + whole, start + later
    yellow, orange = end - 50 * whole // 100, end - 20 * whole // 100
    assert signal_at(end, yellow, orange, now) == signal(Limit(start, end), now)
