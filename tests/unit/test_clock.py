from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import (
    MAX_INTEGER,
    at_time,
    business_day,
    is_future,
    iso_instant,
    latest_business_day,
    parse_instant,
)
from schemas.errors import Invalid

NOON = 1_795_406_400_000  # 2026-11-23T04:00:00Z, noon in Shanghai
DAY_MS = 86_400_000


@pytest.mark.parametrize(
    "value",
    [
        *(-1, MAX_INTEGER, 1.5, True, False, None, [], "", "1795406400000", "2026-11-23", "2026-11-23T08:40:00"),
        *("2026-11-23T08:40Z", "2026-11-23T08:40:00+0800", "2026-11-23T24:00:00Z", "2026-02-30T08:40:00Z"),
        *("2026-11-23T08:40:60Z", "2026-11-23T08:40:00.Z", "1969-12-31T23:59:59Z", "2026-11-23T08:40:00Z\n"),
        *("２０２６-11-23T08:40:00Z", "20261123T084000Z", "2026-11-23T08:40:00+99:00", "0000-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_instant_is_refused_by_field_and_value(value: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_instant(value, "recorded_at")
    assert (caught.value.code, caught.value.field, caught.value.value) == ("bad_instant", "recorded_at", value)


@pytest.mark.parametrize(
    ("value", "at_ms"),
    [
        (0, 0),
        (MAX_INTEGER - 1, MAX_INTEGER - 1),
        ("2026-11-23T04:00:00Z", NOON),
        ("2026-11-23T12:00:00+08:00", NOON),
        ("2026-11-22T23:30:00-04:30", NOON),
        ("2026-11-23t04:00:00z", NOON),
        ("2026-11-23 04:00:00.5Z", NOON + 500),
        ("2026-11-23T04:00:00.123987Z", NOON + 123),
        ("1970-01-01T08:00:00+08:00", 0),
    ],
)
def test_an_instant_is_read_as_milliseconds(value: object, at_ms: int) -> None:
    assert parse_instant(value, "at") == at_ms


@given(st.integers(0, 4_102_444_800_000))
def test_an_instant_is_read_back_from_its_text(at_ms: int) -> None:
    text = iso_instant(at_ms)
    assert parse_instant(text, "at") == at_ms
    assert text is not None
    assert (len(text), text[-1]) == (24, "Z")


def test_no_instant_has_no_text() -> None:
    assert iso_instant(None) is None
    assert iso_instant(NOON) == "2026-11-23T04:00:00.000Z"


@pytest.mark.parametrize("at_ms", [-(2**62), -1, 253_402_300_800_000, MAX_INTEGER - 1, 2**62])
def test_a_forged_clock_breaks_nothing(at_ms: int) -> None:
    nearest = 1970 if at_ms < 0 else 9999
    assert business_day(at_ms).year == nearest
    assert (iso_instant(at_ms) or "").startswith(str(nearest))
    assert not is_future(date(2026, 11, 23), NOON, at_ms)


def test_the_business_day_turns_at_midnight_in_shanghai() -> None:
    midnight = at_time(date(2026, 11, 24), time(0))
    assert midnight == int(datetime(2026, 11, 23, 16, tzinfo=UTC).timestamp()) * 1000
    assert (business_day(midnight - 1), business_day(midnight)) == (date(2026, 11, 23), date(2026, 11, 24))


@given(st.dates(date(1971, 1, 1), date(2400, 1, 1)), st.times())
def test_every_time_of_a_day_lies_on_that_day(day: date, clock: time) -> None:
    assert business_day(at_time(day, clock)) == day


def test_the_latest_of_the_clocks_tells_the_day() -> None:
    assert latest_business_day(0) == date(1970, 1, 1)
    assert latest_business_day(0, None, NOON) == date(2026, 11, 23)
    assert latest_business_day(NOON, NOON - 5 * DAY_MS, None) == date(2026, 11, 23)


def test_only_a_day_after_tomorrow_is_in_the_future() -> None:
    today = date(2026, 11, 23)
    ahead = [is_future(today + timedelta(days=number), NOON) for number in (-9000, 0, 1, 2)]
    assert ahead == [False, False, False, True]


def test_a_dead_battery_does_not_stop_the_work_once_another_clock_is_known() -> None:
    today = date(2026, 11, 23)
    assert is_future(today, 0)
    assert not is_future(today, 0, NOON)
    assert not is_future(today, 0, None, NOON)
    assert is_future(today + timedelta(days=2), 0, NOON, None)
