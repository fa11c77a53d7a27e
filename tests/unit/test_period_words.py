from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Conflict, Invalid
from schemas.labels import LANGUAGES, explain, period_text
from schemas.periods import CADENCES, FIRST_DAY, LAST_DAY, period_of

KEY = re.compile(r"[0-9]{4}-|\.\.|H[12]|S[12]|W[0-9]")


@pytest.mark.parametrize(
    ("key", "chinese", "english"),
    [
        ("2026-11-23", "2026年11月23日", "23 November 2026"),
        ("2026-W48", "2026年第48周（11月23日—29日）", "week 48 of 2026 (23–29 Nov)"),
        ("2026-W49", "2026年第49周（11月30日—12月6日）", "week 49 of 2026 (30 Nov – 6 Dec)"),
        ("2026-W01", "2026年第1周（12月29日—1月4日）", "week 1 of 2026 (29 Dec – 4 Jan)"),
        ("2026-11-H1", "2026年11月上半月", "1–15 November 2026"),
        ("2028-02-H2", "2028年2月下半月", "16–29 February 2028"),
        ("2026-11", "2026年11月", "November 2026"),
        ("2026-Q1", "2026年第一季度", "Q1 2026"),
        ("2026-Q4", "2026年第四季度", "Q4 2026"),
        ("2026-S1", "2026年上半年", "first half of 2026"),
        ("2026-S2", "2026年下半年", "second half of 2026"),
        ("2026", "2026年", "2026"),
        ("2026-11-23..2026-11-23", "2026年11月23日", "23 November 2026"),
        ("2026-11-01..2026-11-29", "2026年11月1日至29日", "1–29 November 2026"),
        ("2026-11-16..2026-12-01", "2026年11月16日至12月1日", "16 November – 1 December 2026"),
        ("2021-03-01..2022-04-29", "2021年3月1日至2022年4月29日", "1 March 2021 – 29 April 2022"),
        ("not a period", "not a period", "not a period"),
    ],
)
def test_a_period_is_named_as_people_name_it(key: str, chinese: str, english: str) -> None:
    assert [period_text(key, language) for language in LANGUAGES] == [chinese, english]


@given(cadence=st.sampled_from(CADENCES), day=st.dates(FIRST_DAY, LAST_DAY), language=st.sampled_from(LANGUAGES))
def test_no_key_is_left_in_the_words_of_a_period(cadence: str, day: date, language: str) -> None:
    period = period_of(cadence, day)
    words = period_text(period, language)
    assert not KEY.search(words)
    assert words == period_text(period.key, language)


@given(one=st.dates(FIRST_DAY, LAST_DAY), other=st.dates(FIRST_DAY, LAST_DAY), cadence=st.sampled_from(CADENCES))
def test_two_periods_of_a_cadence_never_have_the_same_name(one: date, other: date, cadence: str) -> None:
    first, second = period_of(cadence, one), period_of(cadence, other)
    for language in LANGUAGES:
        assert (period_text(first, language) == period_text(second, language)) == (first == second)


def test_a_refusal_names_the_period_in_words_and_what_is_no_period_as_it_was_written() -> None:
    early = Invalid("period_not_over", field="period", value="2026-11-H1", last="2026-11-15")
    assert "“2026年11月上半月”" in explain("zh_CN", early)
    assert "2026-W54" in explain("zh_CN", Invalid("bad_period", field="period", value="2026-W54"))
    nothing = Conflict("nothing_missing", field="unit", value="421083", period="2026-Q4")
    assert "for Q4 2026" in explain("en", nothing)
