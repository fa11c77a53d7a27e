"""Which of several reports for one and the same duty stands, when later ones amend earlier ones (2-domain, Check)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar


class Reported(Protocol):
    """A report as it stands in the log: its event, the one that it amends, and the origin's clock in unix ms."""

    @property
    def event(self) -> str:
        """The event's hash."""

    @property
    def amends(self) -> str | None:
        """The event that it takes the place of."""

    @property
    def recorded_ms(self) -> int:
        """When it was recorded, by the origin's clock."""


R = TypeVar("R", bound=Reported)


@dataclass(frozen=True, slots=True)
class Standing(Generic[R]):
    """The report that counts. `first_recorded_ms` is of the first one and decides whether it was on time; `conflicts`
    are events that stand beside it, amended by nobody.
    """

    report: R
    first_recorded_ms: int
    conflicts: tuple[str, ...]


def standing_of(held: Sequence[R], rank: Callable[[R], Any]) -> Standing[R]:
    """The report that counts among those held for one duty, each given once; it does not depend on their order.

    A report stands if none held amends it; of several that stand the one of the greatest `rank` counts. Forged reports
    may amend each other in a circle, so that none stands: then all are taken as standing.

    Raises: ValueError if there is no report.
    """
    if not held:
        raise ValueError("no report")
    amended = {report.amends for report in held}
    standing = [report for report in held if report.event not in amended] or list(held)
    winner = max(standing, key=rank)
    conflicts = tuple(sorted(report.event for report in standing if report.event != winner.event))
    return Standing(winner, min(report.recorded_ms for report in held), conflicts)
