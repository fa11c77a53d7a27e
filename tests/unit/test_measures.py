from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tree_cases import CITY, DAY, GROUPS, HILL, LAKE, PARENTS, STONE, W1, W2, WEST, WILLOW, close, days, move, tree
from tree_cases import any_acts as random_acts

from schemas.cadence import DEFAULT_PROFILE, PROFILES, Calendar, Profile
from schemas.checks import Report
from schemas.clock import at_time
from schemas.measures import CHECK_MEASURES, CHECK_RATES, Excuse, TreeMode, missing_of, rate, rates, recount
from schemas.units.tree import Act, Tree

ONE = timedelta(days=1)
DAILY = Calendar([])
AFTER = at_time(DAY + 40 * ONE, DEFAULT_PROFILE.due_time)
WEEKLY = Profile("weekly", {**DEFAULT_PROFILE.cadences, "group": "week"})


def check(unit: str, day: date = DAY, result: str = "zero", late: bool = False, occasion: str = "regular") -> Report:
    recorded = at_time(day + (2 if late else 0) * ONE, DEFAULT_PROFILE.due_time)
    event = f"{unit}{day}{result}{occasion}"
    return Report(event, unit, day, occasion, result, int(result == "found"), 0, None, recorded, recorded)


def counted(
    one: Tree,
    reports: list[Report],
    unit: str = CITY,
    span: tuple[date, date] = (DAY, DAY),
    *,
    calendar: Calendar = DAILY,
    excuses: tuple[Excuse, ...] = (),
    now_ms: int = AFTER,
    mode: TreeMode = "then",
    today: date = DAY,
) -> dict[str, int]:
    """The measures that are not 0."""
    found = recount(one, calendar, reports, excuses, unit, *span, now_ms, mode, today)
    assert tuple(found) == CHECK_MEASURES
    return {name.removeprefix("checks_"): number for name, number in found.items() if number}


# Rates


def test_a_rate_of_nothing_is_null_with_its_denominator() -> None:
    nothing = dict.fromkeys(CHECK_MEASURES, 0)
    empty = {"value": None, "numerator": 0, "denominator": 0}
    assert rates(nothing) == {"coverage": empty, "on_time_rate": empty, "zero_share": empty}
    assert CHECK_RATES == ("coverage", "on_time_rate", "zero_share")


@pytest.mark.parametrize(
    ("numerator", "denominator", "value"),
    [
        (666, 802, "83.04"),
        (802, 802, "100.00"),
        (100, 802, "12.47"),
        (100, 666, "15.02"),
        (0, 7, "0.00"),
        (1, 800, "0.13"),  # 0.125, half up
        (1, 20_000, "0.01"),
        (1, 20_001, "0.00"),
        (3, 2, "150.00"),
    ],
)
def test_a_rate_is_a_percentage_half_up_to_two_decimals(numerator: int, denominator: int, value: str) -> None:
    assert rate(numerator, denominator) == {"value": value, "numerator": numerator, "denominator": denominator}


@given(st.integers(0, 10**15), st.integers(1, 10**15))
def test_a_rate_is_never_more_than_half_a_hundredth_off(numerator: int, denominator: int) -> None:
    shown = Fraction(rate(numerator, denominator)["value"] or "")
    assert Fraction(-1, 200) < shown - Fraction(100 * numerator, denominator) <= Fraction(1, 200)


def test_the_rates_of_checks_leave_excused_duties_out() -> None:
    measures = dict.fromkeys(CHECK_MEASURES, 0) | {
        "checks_due": 12,
        "checks_excused": 2,
        "checks_zero": 6,
        "checks_found": 2,
        "checks_late": 3,
        "checks_extra": 50,
    }
    assert rates(measures) == {
        "coverage": {"value": "80.00", "numerator": 8, "denominator": 10},
        "on_time_rate": {"value": "50.00", "numerator": 5, "denominator": 10},
        "zero_share": {"value": "75.00", "numerator": 6, "denominator": 8},
    }


# Counting


def test_a_day_without_reports_is_due_and_then_missing() -> None:
    grace = at_time(DAY + ONE, DEFAULT_PROFILE.daily_grace)
    assert counted(tree(), [], now_ms=0) == {"due": 6}
    assert counted(tree(), [], now_ms=grace) == {"due": 6}
    assert counted(tree(), [], now_ms=grace + 1) == {"due": 6, "missing": 6}


def test_reports_count_at_their_group_and_at_every_level_above() -> None:
    reports = [check(W1), check(W2, result="found", late=True), check(GROUPS[4])]
    assert counted(tree(), reports, W1) == {"due": 1, "zero": 1}
    assert counted(tree(), reports, WILLOW) == {"due": 2, "zero": 1, "found": 1, "late": 1}
    assert counted(tree(), reports, WEST) == {"due": 4, "zero": 1, "found": 1, "late": 1, "missing": 2}
    assert counted(tree(), reports) == {"due": 6, "zero": 2, "found": 1, "late": 1, "missing": 3}


def test_two_reports_of_one_day_are_one_check() -> None:
    reports = [check(W1), check(W1, result="found"), check(W1), check(WILLOW), check(WILLOW, result="found")]
    assert counted(tree(), reports, WILLOW) == {"due": 2, "found": 1, "missing": 1, "extra": 1}


def test_a_check_without_a_duty_is_extra() -> None:
    closed = tree(close(W1, DAY))
    assert counted(closed, [check(W1), check(W2)], WILLOW) == {"due": 1, "zero": 1, "extra": 1}
    weekly = Calendar([(DAY, 1, WEEKLY)])
    assert counted(tree(), [check(W1), check(W2)], WILLOW, calendar=weekly) == {"extra": 2}
    assert counted(tree(), [check("421009100201001")]) == {"due": 6, "missing": 6}


def test_a_campaign_is_not_counted_among_the_regular() -> None:
    assert counted(tree(), [check(W1, occasion="campaign:fire")], W1) == {"due": 1, "missing": 1}


def test_a_report_beats_an_excuse() -> None:
    excuses = (Excuse(LAKE, DAY - ONE, DAY),)
    assert counted(tree(), [check(W1)], WEST, excuses=excuses) == {"due": 4, "zero": 1, "excused": 3}
    assert counted(tree(), [], WEST, (DAY + ONE, DAY + ONE), excuses=excuses) == {"due": 4, "missing": 4}


def test_figures_stay_with_the_parent_of_the_day_unless_todays_tree_is_asked_for() -> None:
    moved = tree(move(WILLOW, HILL, DAY + ONE))
    span = (DAY, DAY + ONE)
    reports = [check(W1, DAY), check(W1, DAY + ONE, "found")]
    assert counted(moved, reports, HILL, span) == {"due": 6, "found": 1, "missing": 5}
    assert counted(moved, reports, LAKE, span) == {"due": 6, "zero": 1, "missing": 5}
    now = DAY + 9 * ONE
    assert counted(moved, reports, HILL, span, mode="now", today=now) == {"due": 8, "zero": 1, "found": 1, "missing": 6}
    assert counted(moved, reports, LAKE, span, mode="now", today=now) == {"due": 4, "missing": 4}


def test_missing_is_what_was_neither_reported_nor_excused() -> None:
    assert missing_of(10, 6, 1) == 3


# Laws

reports_strategy = st.lists(
    st.builds(
        check,
        st.sampled_from([*GROUPS, WILLOW, STONE]),
        days,
        st.sampled_from(("zero", "found")),
        st.booleans(),
        st.sampled_from(("regular", "campaign:fire")),
    ),
    max_size=20,
)
excuses_strategy = st.lists(st.builds(Excuse, st.sampled_from(tuple(PARENTS)), days, days), max_size=2)
calendars = st.lists(st.tuples(days, st.integers(0, 3), st.sampled_from((WEEKLY, PROFILES["dense"]))), max_size=2)
LAST = DAY + 12 * ONE


@given(random_acts, reports_strategy, excuses_strategy, calendars, st.sampled_from(("then", "now")), days)
def test_coverage_is_never_over_a_hundred(
    acts: list[Act],
    reports: list[Report],
    excuses: list[Excuse],
    published: list[tuple[date, int, Profile]],
    mode: TreeMode,
    now: date,
) -> None:
    one, calendar = tree(*acts), Calendar(published)
    now_ms = at_time(now, DEFAULT_PROFILE.due_time)
    for unit in (CITY, LAKE, WILLOW, W1):
        found = recount(one, calendar, reports, excuses, unit, DAY, LAST, now_ms, mode, now)
        reported = found["checks_zero"] + found["checks_found"]
        assert 0 <= found["checks_late"] <= reported
        assert reported + found["checks_excused"] + found["checks_missing"] <= found["checks_due"]
        for cell in rates(found).values():
            assert 0 <= cell["numerator"] <= cell["denominator"]


@given(random_acts, reports_strategy, calendars, days, days)
def test_due_is_the_tree_and_the_cadence_alone(
    acts: list[Act], reports: list[Report], published: list[tuple[date, int, Profile]], one_day: date, other: date
) -> None:
    one, calendar, (first, last) = tree(*acts), Calendar(published), sorted((one_day, other))
    for unit in (CITY, HILL, WILLOW, W1):
        due = sum(
            one.group_days(unit, start, end)
            for start, end, profile in calendar.segments(first, last)
            if profile.cadences["group"] == "day"
        )
        assert counted(one, reports, unit, (first, last), calendar=calendar).get("due", 0) == due


@given(random_acts, reports_strategy, st.sampled_from(("then", "now")))
def test_the_parts_of_a_span_add_up_to_the_whole(acts: list[Act], reports: list[Report], mode: TreeMode) -> None:
    one, middle = tree(*acts), DAY + 5 * ONE
    for unit in (CITY, LAKE):
        whole, before, after = (
            recount(one, DAILY, reports, (), unit, first, last, AFTER, mode, LAST)
            for first, last in ((DAY, LAST), (DAY, middle), (middle + ONE, LAST))
        )
        assert {name: before[name] + after[name] for name in CHECK_MEASURES} == whole
