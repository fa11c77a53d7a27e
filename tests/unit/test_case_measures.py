from __future__ import annotations

from datetime import date, time

import pytest
from case_stories import DAY, Story, ancestor, days, noon

from schemas.cases.measures import (
    CASE_MEASURES,
    Fact,
    Inside,
    OpenSpan,
    case_rates,
    facts,
    open_spans,
    recount,
)
from schemas.clock import at_time

FIRST, LAST = date(2021, 3, 1), date(2022, 4, 29)
LATER_MS = at_time(date(2027, 6, 1), time())


def within(top: str) -> Inside:
    return lambda unit, day: unit == top or ancestor(top, unit, day)


def everywhere(unit: str, day: date) -> bool:
    return True


def nonzero(counts: dict[str, int]) -> dict[str, int]:
    assert tuple(counts) == CASE_MEASURES
    return {name: number for name, number in counts.items() if number}


def measured(story: Story) -> dict[str, tuple[str, date]]:
    return {fact.measure: (fact.unit, fact.day) for fact in facts(story.case)}


def agreed_case(story: Story, unit: str) -> Story:
    for action in ("accept", "mediate", "agree"):
        story.act(action, unit)
    return story


# What does not count


def test_a_void_act_counts_for_nothing() -> None:
    story = Story()
    for action in ("agree", "mediate", "confirm", "close", "take", "remediate"):
        story.act(action, "g1", offer="none")
    story.act("accept", "v1")
    assert facts(story.case) == [Fact("registered", "g1", DAY, "group", "a0")]


def test_an_act_outside_the_period_or_the_subtree_counts_for_nothing() -> None:
    case = agreed_case(Story(), "g1").case
    for first, last, top in ((DAY + days(1), DAY + days(9), "city"), (DAY, DAY, "v2")):
        counts = recount([case], first, last, within(top), noon(DAY))
        assert not [name for name in nonzero(counts) if name not in ("open", "overdue")]


def test_a_settled_case_is_neither_open_nor_overdue() -> None:
    counts = recount([agreed_case(Story(), "g1").case], DAY, DAY + days(99), everywhere, LATER_MS)
    assert (counts["open"], counts["overdue"]) == (0, 0)


# What counts where


def test_each_act_counts_at_the_unit_that_acted_on_its_day() -> None:
    story = Story("g1")
    story.act("accept", "g1")
    story.act("hand_up", "g1", to_unit="v1", day=DAY + days(1))
    story.act("take", "v1", day=DAY + days(2))
    story.act("mediate", "v1")
    story.act("agree", "v1", day=DAY + days(3))
    story.act("apply_confirmation", "v1")
    story.act("confirm", "v1", day=DAY + days(4))
    story.act("follow_up", "v1", result="performed", day=DAY + days(5))
    story.act("close", "v1", day=DAY + days(6))
    agreed = ("v1", DAY + days(3))
    assert measured(story) == {
        "registered": ("g1", DAY),
        "accepted": ("g1", DAY),
        "mediated": agreed,
        "agreed": agreed,
        "performed": ("v1", DAY + days(5)),
        "confirmed": ("v1", DAY + days(4)),
        "closed": ("v1", DAY + days(6)),
        "handed_up": ("g1", DAY + days(1)),
        "taken": ("v1", DAY + days(2)),
        "settled_at_village": agreed,
    }


def test_a_case_mediated_twice_counts_at_its_first_result_and_by_its_latest() -> None:
    story = agreed_case(Story(), "g1")
    story.act("follow_up", "g1", result="reneged", day=DAY + days(9))
    assert measured(story)["agreed"] == ("g1", DAY)
    story.act("remediate", "g1")
    story.act("fail", "g1", day=DAY + days(12))
    found = measured(story)
    assert (found["mediated"], found["not_agreed"]) == (("g1", DAY), ("g1", DAY + days(12)))
    assert found["reneged"] == ("g1", DAY + days(9))
    assert not {"agreed", "settled_at_group"} & set(found)


def test_a_case_handed_up_twice_counts_once_at_the_last_time() -> None:
    story = Story()
    story.act("hand_up", "g1", to_unit="v1")
    story.act("take", "v1")
    story.act("hand_up", "v1", to_unit="t1", day=DAY + days(1))
    story.act("send_back", "t1", day=DAY + days(2))
    found = measured(story)
    assert (found["handed_up"], found["sent_back"]) == (("v1", DAY + days(1)), ("t1", DAY + days(2)))


def test_performed_at_once_is_agreed_and_performed() -> None:
    story = Story()
    for action in ("accept", "mediate"):
        story.act(action, "g1")
    story.act("agree", "g1", performed_at_once=True)
    assert {"agreed", "performed"} <= set(measured(story))


@pytest.mark.parametrize(
    "acts", [("decline",), ("accept", "mediate", "fail", "refer"), ("accept", "mediate", "fail", "close")]
)
def test_whatever_ends_a_case_closes_it(acts: tuple[str, ...]) -> None:
    story = Story()
    for action in acts:
        story.act(action, "g1")
    assert measured(story)["closed"] == ("g1", DAY)


# Open and overdue


def test_a_case_is_open_at_its_owner_against_the_limit_of_each_time() -> None:
    story = Story(complexity="simple")
    story.act("hand_up", "g1", to_unit="v1", day=DAY + days(1))
    story.act("take", "v1", day=DAY + days(2))
    story.act("accept", "v1", day=DAY + days(3))
    story.act("mediate", "v1", day=DAY + days(4))
    story.act("agree", "v1", day=DAY + days(5))
    story.act("follow_up", "v1", result="reneged", day=DAY + days(8))
    assert open_spans(story.case) == [
        OpenSpan("g1", "group", DAY, DAY + days(2), noon(DAY + days(1))),
        OpenSpan("v1", "village", DAY + days(2), DAY + days(5), noon(DAY + days(3))),
        OpenSpan("v1", "village", DAY + days(8), None, noon(DAY + days(9))),
    ]


@pytest.mark.parametrize(
    ("last", "now", "unit", "found"),
    [
        (DAY - days(1), LATER_MS, "g1", {}),
        (DAY, LATER_MS, "g1", {"open": 1}),
        (DAY + days(1), LATER_MS, "g1", {"open": 1, "overdue": 1}),
        (DAY + days(1), noon(DAY + days(1)), "g1", {"open": 1}),
        (DAY + days(1), noon(DAY + days(1)) + 1, "g1", {"open": 1, "overdue": 1}),
        (DAY + days(900), noon(DAY), "g1", {"open": 1}),  # the end of the period is yet to come
        (DAY + days(2), LATER_MS, "g1", {}),
        (DAY + days(2), LATER_MS, "v1", {"open": 1}),
    ],
)
def test_open_and_overdue_are_judged_at_the_end_of_the_period(
    last: date, now: int, unit: str, found: dict[str, int]
) -> None:
    story = Story(complexity="simple")
    story.act("hand_up", "g1", to_unit="v1")
    story.act("take", "v1", day=DAY + days(2))
    counts = recount([story.case], DAY - days(9), last, lambda one, day: one == unit, now)
    assert {name: counts[name] for name in ("open", "overdue") if counts[name]} == found


def test_an_act_dated_before_the_one_it_follows_counts_from_that_one_s_day() -> None:
    story = Story()
    story.act("accept", "g1", day=DAY + days(5))
    story.act("hand_up", "g1", to_unit="v1", day=DAY)
    story.act("take", "v1", day=DAY + days(1))
    assert [(span.unit, span.first, span.until) for span in open_spans(story.case)] == [
        ("g1", DAY, DAY + days(5)),
        ("v1", DAY + days(5), None),
    ]


# Rates


def test_a_rate_without_a_denominator_has_no_value_and_no_note() -> None:
    empty = {"value": None, "numerator": 0, "denominator": 0}
    assert set(map(str, case_rates(dict.fromkeys(CASE_MEASURES, 0)).values())) == {str(empty)}


def test_a_rate_over_100_percent_says_why() -> None:
    measures = {**dict.fromkeys(CASE_MEASURES, 0), "accepted": 2, "mediated": 3, "agreed": 3}
    rates = case_rates(measures)
    assert rates["mediation_rate"] == {
        "value": "150.00",
        "numerator": 3,
        "denominator": 2,
        "note": "rate_note.mediation_rate",
    }
    assert "note" not in rates["success_rate"]


def test_settled_within_a_level_is_what_it_and_those_below_settled() -> None:
    settled = dict(zip((name for name in CASE_MEASURES if name.startswith("settled")), (1, 2, 3, 4, 5), strict=True))
    rates = case_rates({**dict.fromkeys(CASE_MEASURES, 0), **settled})
    assert rates["settled_within_village"] == {"value": "20.00", "numerator": 3, "denominator": 15}
    assert rates["settled_within_township"] == {"value": "40.00", "numerator": 6, "denominator": 15}
