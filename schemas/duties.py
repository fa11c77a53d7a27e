"""The state of one duty: one report that one unit owes for one period."""

from __future__ import annotations

from typing import Final, Literal

STATES: Final = (
    "not_due",
    "due",
    "zero",
    "found",
    "excused",
    "late_zero",
    "late_found",
    "returned",
    "missing",
)

Result = Literal["zero", "found"]


def on_time(first_recorded_ms: int, grace_ms: int) -> bool:
    """Whether the first report was recorded (origin's clock) no later than the end of grace."""
    return first_recorded_ms <= grace_ms


def duty_state(
    now_ms: int,
    first_ms: int,
    grace_ms: int,
    result: Result | None,
    first_recorded_ms: int | None,
    excused: bool,
    returned: bool,
) -> str:
    """One of STATES. All times are instants in unix ms.

    `first_ms` is the start of the period, `grace_ms` the end of grace; `result` is the last report's,
    `first_recorded_ms` the first report's; `returned` says that the standing report was returned and not amended.
    A report beats an excuse. Raises: ValueError for a result without the instant of its first report.
    """
    if result is not None:
        if first_recorded_ms is None:
            raise ValueError("a reported duty has a first report")
        if returned:
            return "returned"
        return result if on_time(first_recorded_ms, grace_ms) else f"late_{result}"
    if now_ms < first_ms:
        return "not_due"
    if excused:
        return "excused"
    return "missing" if now_ms > grace_ms else "due"
