from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.group_days import Steps

small = st.integers(0, 30)
changes = st.dictionaries(small, st.integers(-3, 3), max_size=8)
ends = st.none() | small


@given(changes, small, small)
def test_a_total_is_the_sum_of_its_days(given_changes: dict[int, int], first: int, last: int) -> None:
    steps = Steps(given_changes)
    assert steps.total(first, last) == sum(steps.at(day) for day in range(first, last + 1))


@given(changes, small)
def test_the_count_of_a_day_is_the_sum_of_the_changes_up_to_it(given_changes: dict[int, int], day: int) -> None:
    assert Steps(given_changes).at(day) == sum(by for at, by in given_changes.items() if at <= day)


@given(changes, ends, ends)
def test_a_cut_keeps_the_days_inside_and_nothing_else(
    given_changes: dict[int, int], first: int | None, end: int | None
) -> None:
    if first is not None and end is not None and first >= end:
        return
    steps = Steps(given_changes)
    cut = Steps(steps.changes_within(first, end))
    for day in range(-1, 33):
        inside = (first is None or first <= day) and (end is None or day < end)
        assert cut.at(day) == (steps.at(day) if inside else 0)
