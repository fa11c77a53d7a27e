"""When to try again: a pure decision (3-sync, table of codes)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync.client import Outcome

RETRY_BASE_S: Final = 5
RETRY_CAP_S: Final = 900
STOPPED: Final = frozenset({400, 403, 415, 426})
MAX_DOUBLINGS: Final = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a node calls: `interval_s` when all is well, up to `first_retry_s` after an outage began."""

    interval_s: float = 60
    first_retry_s: float = 120
    retry_cap_s: float = RETRY_CAP_S


def wait_s(outcome: Outcome, failures: int, pace: Pace, uniform: float) -> float:
    """Seconds until the next exchange. `failures` counts those in a row, this one included; `uniform` is in [0, 1)."""
    if outcome.kind in ("ok", "again"):
        return 0 if outcome.busy else float(outcome.next_s or pace.interval_s)
    if outcome.retry_after_s is not None:
        return outcome.retry_after_s * (1 + uniform / 4)
    if outcome.status in STOPPED:
        return pace.retry_cap_s
    if failures <= 1:
        return pace.first_retry_s * uniform
    return min(pace.retry_cap_s, RETRY_BASE_S * 2.0 ** min(failures - 1, MAX_DOUBLINGS)) * uniform


def may_be_woken(outcome: Outcome) -> bool:
    """Whether new work cuts the wait short; what the parent itself asked for does not bend."""
    return outcome.retry_after_s is None
