"""When a node calls again: the table of 3-sync as a pure decision."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.client import Outcome
from sync.retry import RETRY_CAP_S, Pace, may_be_woken, wait_s

PACE = Pace()


def failed(status: int | None = None, retry_after_s: int | None = None) -> Outcome:
    return Outcome("failed", problem="x", status=status, retry_after_s=retry_after_s)


@pytest.mark.parametrize(
    ("outcome", "failures", "uniform", "expected"),
    [
        (Outcome("ok"), 0, 0.9, 60),
        (Outcome("ok", next_s=300), 0, 0.9, 300),
        (Outcome("ok", busy=True), 0, 0.9, 0),
        (Outcome("again", busy=True), 0, 0.9, 0),
        (failed(), 1, 0.5, 60),
        (failed(), 2, 1.0, 10),
        (failed(), 3, 0.5, 10),
        (failed(), 50, 1.0, RETRY_CAP_S),
        (failed(503, 30), 1, 0.0, 30),
        (failed(429, 30), 9, 1.0, 37.5),
        (failed(400), 1, 0.0, RETRY_CAP_S),
        (failed(426), 1, 0.0, RETRY_CAP_S),
    ],
)
def test_the_wait_follows_the_outcome(outcome: Outcome, failures: int, uniform: float, expected: float) -> None:
    assert wait_s(outcome, failures, PACE, uniform) == expected


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_no_failure_waits_longer_than_the_cap(failures: int, uniform: float) -> None:
    assert 0 <= wait_s(failed(), failures, PACE, uniform) <= RETRY_CAP_S


def test_what_the_parent_asked_for_does_not_bend() -> None:
    assert not may_be_woken(failed(503, 30))
    assert may_be_woken(failed())
    assert may_be_woken(Outcome("ok"))
