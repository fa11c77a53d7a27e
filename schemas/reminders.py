"""Reminders (催报): a higher unit asks a unit for a report that is not there. They change no state and no figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.cases.fields import MAX_WORDS, words
from schemas.events import unreadable
from schemas.excuses import Below
from schemas.periods import Period, parse_period
from schemas.strict_json import Json

KIND: Final = "remind"
SCHEMA: Final = "remind/1"
MAX_AT_ONCE: Final = 200  # units in one request
_UNIT_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder as it stands in the log: the unit `by` asks `unit` for its report for the period; signed by the node
    of the unit `author` at `at` (unix ms, its clock).
    """

    event: str
    unit: str
    by: str
    author: str
    period: Period
    at: int

    def holds(self, below: Below) -> bool:
        """Whether a unit above asks, in the name of one that the signing node may speak for."""
        return self.unit != self.by and below(self.unit, self.by) and below(self.by, self.author)


def read_text(body: Mapping[str, object]) -> dict[str, object] | None:
    """The private words of a reminder; None if there are none. Raises Invalid."""
    text = body.get("text")
    return None if text in (None, "") else {"text": words(MAX_WORDS)(text, "text")}


def read_stored(event: str, unit: str, author: str, at: int, value: Mapping[str, Json]) -> Reminder:
    """The reminder that a stored payload states. Raises Corrupt or Invalid for one that can't be read."""
    by = value.get("by")
    if not isinstance(by, str) or not 0 < len(by) <= _UNIT_LENGTH:
        raise unreadable("by", by)
    return Reminder(event, unit, by, author, parse_period(value.get("period")), at)
