from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.cases.limits import (
    DAY_MS,
    Clock,
    Limit,
    LimitRules,
    Limits,
    end_of,
    follow_up_dates,
    moment,
    signal,
)
from schemas.clock import at_time

DAY = date(2026, 11, 10)
NOON = at_time(DAY, time(12))
GROUP, VILLAGE, TOWNSHIP = 0, 1, 2


def ends(clock: Clock, level: int, complexity: str = "ordinary") -> tuple[int, int]:
    """The ends of both limits, in days after noon of the first day."""
    limits = clock.limits(level, complexity)
    return (limits.level.end_ms - NOON) // DAY_MS, (limits.total.end_ms - NOON) // DAY_MS


# What can't be extended


@pytest.mark.parametrize(
    ("until", "court"),
    [
        (date(2026, 11, 16), False),  # ends before noon of the 17th, when the limit ends anyway
        (date(2026, 12, 11), False),
        (date(2027, 1, 10), True),
        (date(9999, 12, 31), True),
    ],
)
def test_a_limit_is_not_moved_back_nor_too_far(until: date, court: bool) -> None:
    assert Clock.begin(GROUP, NOON).extend(until, GROUP, "ordinary", court) is None


@pytest.mark.parametrize(("court", "until"), [(False, date(2026, 12, 10)), (True, date(2027, 1, 9))])
def test_a_limit_at_its_utmost_is_not_moved_again(court: bool, until: date) -> None:
    moved = Clock.begin(GROUP, NOON).extend(until, GROUP, "ordinary", court)
    assert moved is not None
    assert moved.last_day(court) == until
    assert moved.extend(until, GROUP, "ordinary", court) is None


# Limits


@pytest.mark.parametrize(("complexity", "days"), [("simple", 1), ("ordinary", 7), ("complex", 20), ("later", 20)])
def test_the_time_within_a_level_follows_the_complexity(complexity: str, days: int) -> None:
    assert ends(Clock.begin(GROUP, NOON), GROUP, complexity) == (days, 30)


def test_a_level_s_time_begins_when_the_case_first_comes_there() -> None:
    clock = Clock.begin(GROUP, NOON).arrive(VILLAGE, NOON + 3 * DAY_MS).arrive(GROUP, NOON + 5 * DAY_MS)
    clock = clock.arrive(VILLAGE, NOON + 6 * DAY_MS)
    assert (ends(clock, GROUP), ends(clock, VILLAGE)) == ((7, 30), (10, 30))


def test_an_extension_holds_for_its_level_and_a_court_s_for_the_whole() -> None:
    until = date(2026, 12, 20)
    clock = Clock.begin(GROUP, NOON).extend(until, GROUP, "ordinary", court=True)
    assert clock is not None
    clock = clock.arrive(VILLAGE, NOON + DAY_MS)
    assert clock.limits(GROUP, "ordinary") == Limits(Limit(NOON, end_of(until)), Limit(NOON, end_of(until)))
    assert clock.limits(VILLAGE, "ordinary").level == Limit(NOON + DAY_MS, NOON + 8 * DAY_MS)


def test_the_nearer_end_is_what_a_case_is_measured_by() -> None:
    near, far = Limit(0, 5), Limit(0, 9)
    assert (Limits(near, far).nearest, Limits(far, near).nearest) == (near, near)


def test_every_limit_can_be_set_otherwise() -> None:
    rules = LimitRules(simple_days=2, total_days=10, court_extra_days=0)
    limits = Clock.begin(GROUP, 0).limits(GROUP, "simple", rules)
    assert limits == Limits(Limit(0, 2 * DAY_MS), Limit(0, 10 * DAY_MS))
    assert Clock.begin(GROUP, 0).last_day(True, rules) == date(1970, 1, 11)


@given(st.booleans(), st.integers(0, 70), st.integers(0, 2), st.sampled_from(["simple", "ordinary", "complex"]))
def test_an_extension_never_shortens_and_never_passes_the_utmost(
    court: bool, days: int, level: int, complexity: str
) -> None:
    clock = Clock.begin(GROUP, NOON).arrive(level, NOON + DAY_MS)
    moved = clock.extend(DAY + timedelta(days), level, complexity, court)
    if moved is not None:
        before, after = clock.limits(level, complexity), moved.limits(level, complexity)
        assert before.nearest.end_ms < after.nearest.end_ms
        assert after.nearest.end_ms <= end_of(clock.last_day(court))
        assert after.total.end_ms == before.total.end_ms or court


# Instants


def test_the_business_date_decides_where_the_device_s_clock_shows_another_day() -> None:
    assert moment(DAY, NOON) == NOON
    assert moment(DAY, 0) == moment(DAY, NOON + DAY_MS) == end_of(DAY) == at_time(DAY, time()) + DAY_MS


# Signals


@pytest.mark.parametrize(
    ("now", "shown"),
    [(0, None), (49, None), (50, "yellow"), (79, "yellow"), (80, "orange"), (100, "orange"), (101, "red")],
)
def test_a_signal_follows_the_part_of_the_time_that_is_left(now: int, shown: str | None) -> None:
    assert signal(Limit(0, 100), now) == shown


def test_signals_can_be_set_otherwise() -> None:
    assert signal(Limit(0, 100), 70, LimitRules(yellow_left=20, orange_left=10)) is None


# Follow-ups


def test_an_agreement_is_followed_up_after_a_week_at_its_day_and_a_month_later() -> None:
    agreed, due = date(2026, 11, 1), date(2026, 11, 20)
    assert follow_up_dates(agreed, due) == (date(2026, 11, 8), due, date(2026, 12, 20))
    assert follow_up_dates(agreed, date(2026, 11, 8)) == (date(2026, 11, 8), date(2026, 12, 8))
    assert follow_up_dates(agreed, due, date(2026, 11, 8)) == (due, date(2026, 12, 20))
    asked = follow_up_dates(agreed, due, date(2026, 11, 8), date(2026, 11, 12))
    assert asked == (date(2026, 11, 12), due, date(2026, 12, 20))


def test_a_debt_is_never_forgotten_once_all_planned_days_have_passed() -> None:
    agreed, due, late = date(2026, 11, 1), date(2026, 11, 20), date(2027, 1, 1)
    assert follow_up_dates(agreed, due, late) == (date(2027, 1, 8),)
    assert follow_up_dates(agreed, due, late, date(2026, 12, 1)) == (date(2027, 1, 8),)
    assert follow_up_dates(agreed, due, late, date(2027, 3, 1)) == (date(2027, 3, 1),)


def test_a_performance_due_at_the_end_of_time_breaks_nothing() -> None:
    assert follow_up_dates(date(2026, 11, 1), date.max)[-1] == date.max
