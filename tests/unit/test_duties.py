from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.cadence import DEFAULT_PROFILE, Calendar, grace_end
from schemas.clock import at_time
from schemas.duties import STATES, Result, duty_state, last_closed_day, why_missing
from schemas.periods import period_of

FIRST, GRACE = 1_000, 2_000
instants = st.integers(0, 3_000)
results: st.SearchStrategy[Result | None] = st.sampled_from((None, "zero", "found"))


def test_a_result_without_its_first_report_is_refused() -> None:
    with pytest.raises(ValueError, match="first report"):
        duty_state(FIRST, FIRST, GRACE, "zero", None, excused=False, returned=False)


@pytest.mark.parametrize(
    ("now", "excused", "state"),
    [
        (FIRST - 1, False, "not_due"),
        (FIRST - 1, True, "not_due"),
        (FIRST, False, "due"),
        (GRACE, False, "due"),
        (GRACE + 1, False, "missing"),
        (FIRST, True, "excused"),
        (GRACE + 1, True, "excused"),
    ],
)
def test_without_a_report_the_state_follows_the_time(now: int, excused: bool, state: str) -> None:
    assert duty_state(now, FIRST, GRACE, None, None, excused, returned=False) == state


@pytest.mark.parametrize(
    ("result", "recorded", "returned", "state"),
    [
        ("zero", GRACE, False, "zero"),
        ("found", GRACE, False, "found"),
        ("zero", GRACE + 1, False, "late_zero"),
        ("found", GRACE + 1, False, "late_found"),
        ("zero", GRACE, True, "returned"),
        ("found", GRACE + 1, True, "returned"),
    ],
)
def test_a_report_is_late_by_its_own_clock(result: Result, recorded: int, returned: bool, state: str) -> None:
    for now in (FIRST - 1, FIRST, GRACE + 1):
        for excused in (False, True):  # a report beats an excuse
            assert duty_state(now, FIRST, GRACE, result, recorded, excused, returned) == state


@given(instants, results, instants, st.booleans(), st.booleans())
def test_missing_is_never_said_of_what_was_reported(
    now: int, result: Result | None, recorded: int, excused: bool, returned: bool
) -> None:
    state = duty_state(now, FIRST, GRACE, result, recorded if result else None, excused, returned)
    assert state in STATES
    assert (state in ("missing", "due", "not_due", "excused")) == (result is None)


@pytest.mark.parametrize("state", sorted(set(STATES) - {"missing"}))
def test_only_a_missing_duty_has_a_reason_for_being_missing(state: str) -> None:
    assert [why_missing(state, GRACE, known_to) for known_to in (None, GRACE - 1, GRACE + 1)] == [None] * 3


@pytest.mark.parametrize(
    ("known_to", "why"), [(None, "silent"), (GRACE - 1, "silent"), (GRACE, "silent"), (GRACE + 1, "no_report")]
)
def test_a_report_is_lacking_for_sure_only_where_the_node_was_heard_of_after_the_grace(
    known_to: int | None, why: str
) -> None:
    assert why_missing("missing", GRACE, known_to) == why


@given(st.dates(date(2026, 1, 2), date(2026, 12, 31)), st.times())
def test_the_last_closed_day_is_the_newest_whose_grace_is_over(today: date, clock: time) -> None:
    calendar = Calendar([(date(2026, 6, 1), 1, replace(DEFAULT_PROFILE, daily_grace=time(23, 59)))])
    now = at_time(today, clock)
    day = last_closed_day(calendar, now)
    ends = [grace_end(calendar.on(one), "group", period_of("day", one)) for one in (day, day + timedelta(days=1))]
    assert ends[0] < now <= ends[1]
