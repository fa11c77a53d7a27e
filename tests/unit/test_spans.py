"""A span of days is the same days whichever whole years and months it is made of, and never of many of them."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.spans import Piece, pieces, rest_of_year

DAYS = st.dates(date(2023, 1, 1), date(2027, 12, 31))
ONE_DAY = timedelta(days=1)


def days_of(found: tuple[Piece, ...]) -> Counter[str]:
    """How often each day is counted."""
    counts: Counter[str] = Counter()
    day = date(2022, 12, 1)
    while day < date(2028, 2, 1):
        text = day.isoformat()
        for piece in found:
            width = {"year": 4, "month": 7, "day": 10}[piece.grain]
            if piece.first <= text[:width] <= piece.last:
                counts[text] += piece.sign
        day += ONE_DAY
    return Counter({text: count for text, count in counts.items() if count})


@given(DAYS, DAYS)
def test_every_day_of_a_span_is_counted_once_and_no_other(one: date, other: date) -> None:
    first, last = min(one, other), max(one, other)
    wanted = {(first + timedelta(days=number)).isoformat(): 1 for number in range((last - first).days + 1)}
    assert days_of(pieces(first, last)) == wanted


@given(DAYS, DAYS)
def test_however_long_a_span_is_few_sums_make_it_up(one: date, other: date) -> None:
    found = pieces(min(one, other), max(one, other))
    assert sum(piece.keys for piece in found if piece.grain == "day") <= 2 * 16
    assert sum(piece.keys for piece in found if piece.grain == "month") <= 2 * 7
    assert len(found) <= 8
    assert all(piece.keys >= 1 and piece.first <= piece.last for piece in found)


def test_a_year_is_one_sum_and_a_month_is_one() -> None:
    assert pieces(date(2026, 1, 1), date(2026, 12, 31)) == (Piece("year", "2026", "2026", 1, 1),)
    assert pieces(date(2024, 1, 1), date(2026, 12, 31)) == (Piece("year", "2024", "2026", 1, 3),)
    assert pieces(date(2026, 2, 1), date(2026, 2, 28)) == (Piece("month", "2026-02", "2026-02", 1, 1),)


def test_eleven_months_are_the_year_without_the_twelfth() -> None:
    assert set(pieces(date(2026, 1, 1), date(2026, 11, 30))) == {
        Piece("year", "2026", "2026", 1, 1),
        Piece("month", "2026-12", "2026-12", -1, 1),
    }


def test_a_span_that_ends_before_it_begins_is_made_of_nothing() -> None:
    assert pieces(date(2026, 11, 3), date(2026, 11, 2)) == ()
    assert pieces(date(2026, 1, 1), date(2025, 12, 31)) == ()


@given(DAYS)
def test_the_rest_of_the_year_is_every_day_after(day: date) -> None:
    left = (date(day.year, 12, 31) - day).days
    wanted = {(day + timedelta(days=number)).isoformat(): 1 for number in range(1, left + 1)}
    assert days_of(rest_of_year(day)) == wanted
