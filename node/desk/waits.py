"""After how long silence is an alarm; set in config.toml under `[todo]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from sync.replica import Replica


@dataclass(frozen=True, slots=True)
class Waits:
    """`offer_days`: an offer that nobody has taken. `child_days`: a node below that has not synced. `due_hours`: how
    long before a deadline those who have not reported yet are on the to-do list.
    """

    offer_days: int = 3
    child_days: int = 3
    due_hours: int = 6


DEFAULT_WAITS: Final = Waits()


@runtime_checkable
class HasWaits(Protocol):
    """An application that was configured with them."""

    waits: Waits


def waits_of(replica: Replica) -> Waits:
    """How the node is configured."""
    return replica.app.waits if isinstance(replica.app, HasWaits) else DEFAULT_WAITS
