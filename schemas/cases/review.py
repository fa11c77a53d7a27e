"""What the quality review looks at in a case: the follow-ups that its agreement asked for, and whether its record is
complete. A pure function of the folded case; the rules are this project's own (decision 0022).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from schemas.cases.fold import Case
from schemas.cases.limits import follow_up_dates

FOLLOW_UP: Final = "follow_up"
RECORD: Final = "record"
FOLLOW_UP_GRACE: Final = timedelta(days=2)  # a follow-up planned for a Saturday may wait for Monday
# What a record needs, in the order in which a list names it. `parties` and `agreement` are private texts: counted is
# that they were written, which every node sees, never what they say.
PARTS: Final = ("scale", "amount_band", "parties", "reason", "performance", "agreement")
_ENDED_BY: Final = {"terminate": "reason_code", "decline": "reason", "fail": "advice", "refer": "to"}


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A planned follow-up (`day`: planned for, `done_on`, `unit`: who did or owes it) or the record of a case (`day`:
    registered on, `unit`: who answers for it now, `lacking`: of PARTS).
    """

    kind: str
    unit: str
    day: date
    done_on: date | None = None
    lacking: tuple[str, ...] = ()

    @property
    def in_time(self) -> bool:
        """Whether it was done by the end of its grace."""
        return self.done_on is not None and self.done_on <= self.day + FOLLOW_UP_GRACE


def review_rows(case: Case, worded: Collection[str]) -> list[ReviewRow]:
    """Every row of a case; `worded`: hashes of those of its events that came with a private part, held here or not."""
    record = ReviewRow(RECORD, case.owner, case.registered.day, None, tuple(_lacking(case, worded)))
    found = {(row.unit, row.day): row for row in _follow_ups(case)}  # a second round may plan the same day again
    return [*(found[key] for key in sorted(found)), record]


def _follow_ups(case: Case) -> Iterator[ReviewRow]:
    """The days that the schedule names, as long as the agreement stood unsettled: what a follow-up that found it
    performed or reneged left over is owed no more.
    """
    planned: list[date] = []
    for event, now in zip(case.effective, case.trail, strict=True):
        if event.action == "agree":
            due = now.performance_due
            planned = list(follow_up_dates(event.day, due)) if now.state == "agreed" and due is not None else []
        elif event.action == "follow_up":
            yield from (ReviewRow(FOLLOW_UP, event.unit, day, event.day) for day in planned if day <= event.day)
            planned = [day for day in planned if day > event.day] if now.state == "agreed" else []
    yield from (ReviewRow(FOLLOW_UP, case.owner, day) for day in planned)


def _lacking(case: Case, worded: Collection[str]) -> Iterator[str]:
    """Asked are, of every case, the private part of its registration; of a dispute its scale and band of amount; of
    each act that ended it a reason, advice or destination; of the standing agreement a date of performance or that it
    was performed, and its text.
    """
    if case.fact("kind") == "dispute":
        yield from (name for name in ("scale", "amount_band") if not case.fact(name))
    if case.registered.hash not in worded:
        yield "parties"
    ends = [event for event in case.effective if event.action in _ENDED_BY]
    if any(not event.text(_ENDED_BY[event.action]) and event.hash not in worded for event in ends):
        yield "reason"
    agreed = next((event for event in reversed(case.effective) if event.action == "agree"), None)
    if agreed is None or case.now.agreed_on is None:
        return
    if case.now.performance_due is None and agreed.public.get("performed_at_once") is not True:
        yield "performance"
    if agreed.hash not in worded:
        yield "agreement"
