from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Invalid
from schemas.periods import (
    CADENCES,
    FIRST_DAY,
    LAST_DAY,
    Period,
    cadence_of,
    months_inside,
    parse_day,
    parse_period,
    period_of,
    shifted,
)

in_range = st.dates(FIRST_DAY, LAST_DAY)
cadences = st.sampled_from(CADENCES)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-11-3", "20261123", "2026-W48-1", "2026-11-23 ", "2026-11-23\n", " 2026-11-23", "2026/11/23"),
        *("２０２６-11-23", "2026-02-30", "2026-13-01", "2026-00-10", "1999-12-31", "2200-01-01", "0000-01-01"),
        *(None, 20261123, 3.5, True, date(2026, 11, 23), ["2026-11-23"]),
    ],
)
def test_a_day_in_any_other_form_is_refused_by_field_and_value(text: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_day(text, "date")
    assert (caught.value.code, caught.value.field, caught.value.value) == ("bad_date", "date", text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "26", "2026-", "2026-1", "2026-13", "2026-00", "2026-W0", "2026-W00", "2026-W54", "2025-W53", "2026-w48"),
        *("2026-W4８", "2026-Q0", "2026-Q5", "2026-S3", "2026-S0", "2026-H1", "2026-11-H3", "2026-13-H1", "2026-11-h1"),
        *("1999", "2200", "1999-W51", "2026\n", "0000", "0000-W01", "9999-W53", "2026-11-23..", "..2026-11-23"),
        *(
            "2026-11-23..2026-11-22",
            "2026-11..2026-12",
            "2026-11-01..2026-11-02..2026-11-03",
            "2026-11-01...2026-11-02",
        ),
        *("2000-01-01..2040-12-31", "1999-12-31..2000-01-01", None, 2026, ["2026"]),
    ],
)
def test_a_key_that_names_no_period_is_refused_by_field_and_value(text: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_period(text)
    assert (caught.value.code, caught.value.field, caught.value.value) == ("bad_period", "period", text)


def test_a_cadence_that_is_not_known_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        period_of("fortnight", date(2026, 11, 23))
    assert (caught.value.code, caught.value.value) == ("bad_cadence", "fortnight")


@pytest.mark.parametrize(
    ("key", "first", "last"),
    [
        ("2026-11-23", date(2026, 11, 23), date(2026, 11, 23)),
        ("2026-W48", date(2026, 11, 23), date(2026, 11, 29)),
        ("2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("1999-W52", date(1999, 12, 27), date(2000, 1, 2)),
        ("2026-11-H1", date(2026, 11, 1), date(2026, 11, 15)),
        ("2026-11-H2", date(2026, 11, 16), date(2026, 11, 30)),
        ("2028-02-H2", date(2028, 2, 16), date(2028, 2, 29)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026-S1", date(2026, 1, 1), date(2026, 6, 30)),
        ("2026-S2", date(2026, 7, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2021-03-01..2022-04-29", date(2021, 3, 1), date(2022, 4, 29)),
        ("2026-11-23..2026-11-23", date(2026, 11, 23), date(2026, 11, 23)),
        ("2000-01-01..2039-12-31", date(2000, 1, 1), date(2039, 12, 31)),
    ],
)
def test_a_key_names_its_first_and_last_day(key: str, first: date, last: date) -> None:
    period = parse_period(key)
    assert period == Period(key, first, last)
    days = list(period.each_day())
    assert (days[0], days[-1], len(days)) == (first, last, period.days)


def test_a_day_is_read_from_its_text() -> None:
    assert parse_day("2028-02-29", "date") == date(2028, 2, 29)


@given(cadences, in_range)
def test_the_period_of_a_day_holds_it_and_is_read_back_from_its_key(cadence: str, day: date) -> None:
    period = period_of(cadence, day)
    assert period.first <= day <= period.last
    assert parse_period(period.key) == period
    assert cadence_of(period) == cadence


@given(cadences, in_range)
def test_periods_of_a_cadence_leave_no_day_out_and_none_twice(cadence: str, day: date) -> None:
    period = period_of(cadence, day)
    following = period_of(cadence, period.last + timedelta(days=1))
    assert following.first == period.last + timedelta(days=1)
    assert period_of(cadence, period.first) == period_of(cadence, period.last) == period
    assert shifted(period, 1) == following
    assert shifted(following, -1) == period


def test_a_span_shifts_by_its_own_length() -> None:
    span = parse_period("2026-11-01..2026-11-10")
    assert cadence_of(span) is None
    assert shifted(span, -1) == parse_period("2026-10-22..2026-10-31")
    assert shifted(parse_period("2026-Q1"), -2) == parse_period("2025-Q3")


@given(in_range, st.integers(0, 1500))
def test_months_and_edges_hold_every_day_exactly_once(first: date, length: int) -> None:
    last = min(first + timedelta(days=length), LAST_DAY)
    period = Period("", first, last)
    months, edges = months_inside(period)
    held = [day for month in months for day in parse_period(month).each_day()]
    held += [day for start, end in edges for day in Period("", start, end).each_day()]
    assert sorted(held) == list(period.each_day())
    assert len(edges) <= 2
    assert all(not (start.day == 1 and (end + timedelta(days=1)).day == 1) for start, end in edges)
    assert months == sorted(months)
