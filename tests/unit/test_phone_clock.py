"""When an entry was made, by a phone whose clock nobody can vouch for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.phone_clock import TOLERANCE_MS, Made, PhoneClock, made_at

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_795_000_000_000
YEARS = 20 * 365 * DAY


@pytest.mark.parametrize("error", [0, 9 * MINUTE, -9 * MINUTE, TOLERANCE_MS, -TOLERANCE_MS])
def test_a_phone_that_is_right_to_ten_minutes_is_taken_at_its_word(error: int) -> None:
    made = NOW - 3 * HOUR + error
    clock = PhoneClock(made, NOW - DAY, -error)
    assert made_at(clock, NOW + error, NOW) == Made(made)


def test_no_instant_lies_after_the_node_s_own_now() -> None:
    assert made_at(PhoneClock(NOW + 5 * MINUTE), NOW + 5 * MINUTE, NOW) == Made(NOW)


@pytest.mark.parametrize("error", [-YEARS, -DAY, -11 * MINUTE, 11 * MINUTE, DAY, YEARS])
def test_a_phone_that_is_wrong_all_the_time_is_set_right_by_the_difference_seen_when_sending(error: int) -> None:
    true = NOW - 5 * HOUR
    clock = PhoneClock(true + error, NOW - DAY, -error)
    assert made_at(clock, NOW + error, NOW) == Made(true, round(-error / 1000))


def test_a_phone_whose_clock_was_set_right_after_the_entry_is_set_right_by_the_last_contact() -> None:
    error, true = -3 * DAY, NOW - 5 * HOUR
    assert made_at(PhoneClock(true + error, NOW - DAY, -error), NOW, NOW) == Made(true, 3 * DAY // 1000)


def test_an_entry_in_a_file_is_set_right_by_the_last_contact_too() -> None:
    error, true = 2 * HOUR, NOW - 5 * HOUR
    assert made_at(PhoneClock(true + error, NOW - DAY, -error), None, NOW) == Made(true, -2 * 3600)


def test_a_battery_that_died_before_the_entry_and_a_clock_set_right_after_it_leave_the_last_contact() -> None:
    assert made_at(PhoneClock(5 * MINUTE, NOW - DAY, 0), NOW, NOW).at == NOW - DAY


def test_a_node_whose_own_clock_is_wrong_sets_nobody_right() -> None:
    assert made_at(PhoneClock(NOW, NOW - DAY, 0), NOW, None) == Made(NOW)


instants = st.integers(0, 2**52)


@given(
    st.builds(PhoneClock, instants, st.none() | instants, st.none() | st.integers(-(2**52), 2**52)),
    st.none() | instants,
    instants,
)
def test_whatever_a_phone_says_the_entry_was_made_by_now_and_the_correction_says_by_how_much(
    clock: PhoneClock, sent: int | None, now: int
) -> None:
    made = made_at(clock, sent, now)
    assert 0 <= made.at <= now
    if made.offset_s is None:
        assert abs(made.at - clock.made) <= TOLERANCE_MS
    else:
        assert abs(made.offset_s * 1000 - (made.at - clock.made)) <= 500
