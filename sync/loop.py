"""Draining a link, and the loop that keeps doing it. Timers and threads are handed in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from sync.client import Client, Outcome
from sync.retry import Pace, may_be_woken, wait_s

MAX_ROUNDS: Final = 100_000  # a drain of 200 million events; then the loop simply comes back
MAX_AGAIN: Final = 3  # cursor corrections in a row without a line moved


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drain moved, and the outcome that ended it."""

    pushed: int
    pulled: int
    last: Outcome


class Bell(Protocol):
    """Waits, and can be rung."""

    def wait(self, timeout_s: float) -> bool:
        """True when it was rung before the time was up."""

    def clear(self) -> None:
        """Forgets earlier rings."""


def drain(client: Client, *, on_round: Callable[[Outcome], None] = lambda _outcome: None) -> Drained:
    """Exchanges until nothing is left to move either way, or one fails."""
    pushed = pulled = again = 0
    outcome = Outcome("ok")
    for _ in range(MAX_ROUNDS):
        outcome = client.exchange()
        pushed, pulled = pushed + outcome.pushed, pulled + outcome.pulled
        again = again + 1 if outcome.kind == "again" else 0
        on_round(outcome)
        if not outcome.busy or again > MAX_AGAIN:
            break
    return Drained(pushed, pulled, outcome)


def run_forever(
    client: Client,
    pace: Pace,
    bell: Bell,
    turn: Callable[[], AbstractContextManager[None]],
    stopped: Callable[[], bool],
    uniform: Callable[[], float],
) -> None:
    """Drains, waits, drains again, until `stopped`. A ring wakes it; `turn` is held while it exchanges."""
    failures = 0
    while not stopped():
        bell.clear()
        with turn():
            outcome = drain(client).last
        failures = failures + 1 if outcome.kind == "failed" else 0
        pause = max(wait_s(outcome, failures, pace, uniform()), 0.05)
        if may_be_woken(outcome):
            bell.wait(pause)
        else:
            _sit_out(bell, pause, stopped)


def _sit_out(bell: Bell, pause: float, stopped: Callable[[], bool]) -> None:
    """Waits in slices of a second, so that a stop is noticed though rings are not."""
    left = pause
    while left > 0 and not stopped():
        bell.clear()
        bell.wait(min(1.0, left))
        left -= 1.0
