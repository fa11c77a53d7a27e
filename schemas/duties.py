"""The state of one duty: one report that one unit owes for one period."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Literal

from schemas.cadence import Calendar, grace_end
from schemas.clock import business_day
from schemas.periods import period_of

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

# States in which nothing is to be asked for.
ANSWERED: Final = frozenset({"not_due", "zero", "found", "excused", "late_zero", "late_found"})

Result = Literal["zero", "found"]
Why = Literal["silent", "no_report"]
_ONE_DAY: Final = timedelta(days=1)


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


def why_missing(state: str, grace_ms: int, known_to_ms: int | None) -> Why | None:
    """Why there is no report: `no_report` if the node that serves the unit was heard of after the end of grace,
    `silent` if not: then a report may lie there. None for every state but missing.

    `known_to_ms` is the instant (unix ms) up to which that node's records are here, None if it never synced.
    """
    if state != "missing":
        return None
    return "no_report" if known_to_ms is not None and known_to_ms > grace_ms else "silent"


def last_closed_day(calendar: Calendar, now_ms: int) -> date:
    """The last day whose grace is over for groups: up to it a duty without a report is missing."""
    day = business_day(now_ms)
    while now_ms <= grace_end(calendar.on(day), "group", period_of("day", day)):
        day -= _ONE_DAY
    return day
