"""What a case asks of whom: rows of to-do lists, a pure function of the folded case. Instants are unix ms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Final

from schemas.cases.events import CaseEvent
from schemas.cases.fold import Case
from schemas.cases.limits import DAY_MS, LimitRules, end_of, moment
from schemas.clock import at_time

# In the order in which rows that are due at the same instant stand.
KINDS: Final = ("answer", "close", "follow_up", "handle", "offered", "take", "unanswered", "void")
CLOSE_WITHIN_DAYS: Final = 7  # orders the list; no limit of the domain ends
UNTIMED: Final = frozenset({"close", "void"})  # no time runs out for these
_ENDED: Final = ("performed", "not_agreed", "terminated")


@dataclass(frozen=True, slots=True)
class TodoRow:
    """One thing that a unit has to do about a case: `ref` is the act that it is about, `at` since when it is so.
    It is shown from `from_at` on, and due at `due_at`; from `yellow_at` and `orange_at` on little time is left.
    """

    unit: str
    due_at: int
    kind: str
    ref: str
    from_at: int
    at: int
    yellow_at: int
    orange_at: int


def case_rows(case: Case, events: Iterable[CaseEvent]) -> list[TodoRow]:
    """Every row of a case, of all units, by unit and instant.

    The owner handles an open case, waits for an offer to be taken, follows an agreement up, closes what has ended, and
    answers supervisions; the offered unit takes or sends back; who supervises sees what was not answered in time; the
    author of a void act sees that it does not hold.
    """
    by_hash = {event.hash: event for event in events}
    found = [*_owners(case, by_hash), *_supervised(case), *_void(case, by_hash)]
    return sorted(found, key=lambda row: (row.unit, row.due_at, row.kind, row.ref))


def _owners(case: Case, by_hash: Mapping[str, CaseEvent]) -> Iterator[TodoRow]:
    limits, last = case.limits, case.effective[-1]
    reached = moment(last.day, last.rtime)
    if limits is not None:
        limit = limits.nearest
        if case.offer is None or case.offered_to is None:
            yield _limited(case.owner, "handle", last.hash, limit.start_ms, limit.end_ms, reached, case.rules)
            return
        offer = by_hash.get(case.offer)
        since = moment(offer.day, offer.rtime) if offer else reached
        for unit, kind in ((case.owner, "offered"), (case.offered_to, "take")):
            yield _limited(unit, kind, case.offer, limit.start_ms, limit.end_ms, since, case.rules)
    elif case.follow_ups_due:
        day = case.follow_ups_due[0]
        yield _plain(case.owner, end_of(day), "follow_up", last.hash, begin_of(day), begin_of(day))
    elif case.state in _ENDED:
        yield _plain(case.owner, reached + CLOSE_WITHIN_DAYS * DAY_MS, "close", last.hash, reached, reached)


def _supervised(case: Case) -> Iterator[TodoRow]:
    for one in case.unanswered:
        since, end = begin_of(one.day), end_of(one.due)
        yield _limited(case.owner, "answer", one.event, since, end, since, case.rules)
        yield _plain(one.unit, end, "unanswered", one.event, end, since)


def _void(case: Case, by_hash: Mapping[str, CaseEvent]) -> Iterator[TodoRow]:
    for event in (by_hash[key] for key in case.void if key in by_hash):
        at = moment(event.day, event.rtime)
        yield _plain(event.unit, at, "void", event.hash, at, at)


def begin_of(day: date) -> int:
    """The first instant of a day in Shanghai."""
    return at_time(day, time())


def _limited(unit: str, kind: str, ref: str, start: int, end: int, at: int, rules: LimitRules) -> TodoRow:
    whole = max(0, end - start)
    yellow, orange = end - rules.yellow_left * whole // 100, end - rules.orange_left * whole // 100
    return TodoRow(unit, end, kind, ref, 0, at, yellow, orange)


def _plain(unit: str, due: int, kind: str, ref: str, shown_from: int, at: int) -> TodoRow:
    return TodoRow(unit, due, kind, ref, shown_from, at, due, due)


def signal_at(due_at: int, yellow_at: int, orange_at: int, now_ms: int) -> str | None:
    """`red` past the end, `orange` and `yellow` while little is left: as `schemas.cases.limits.signal` says."""
    if now_ms > due_at:
        return "red"
    if orange_at <= now_ms and orange_at < due_at:
        return "orange"
    return "yellow" if yellow_at <= now_ms and yellow_at < due_at else None
