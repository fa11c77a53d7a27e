"""Rows of to-do lists that no case made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from node.cases.todo_queries import Key

DAY_MS: Final = 86_400_000
RETURNED_MS: Final = 60 * DAY_MS  # how long a returned report is asked for


@dataclass(frozen=True, slots=True)
class Other:
    """A row that no case made: `ref` is a day, a unit or an event; `count` how many it stands for; `about` the unit."""

    due_at: int
    kind: str
    ref: str
    about: str
    count: int = 1
    yellow_at: int | None = None
    orange_at: int | None = None
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Where it stands in the list."""
        return self.due_at, self.kind, self.ref


def timed(end: int, kind: str, ref: str, unit: str, n: int, start: int, said: dict[str, Any] | None = None) -> Other:
    """A row whose time began at `start`: half of it and a fifth of it left are its signals."""
    whole = end - start
    return Other(end, kind, ref, unit, n, end - whole // 2, end - whole // 5, said or {})
