from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.duties import STATES, Result, duty_state

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
