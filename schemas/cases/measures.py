"""Measures of cases and their rates: one definition for every level, page, export and API (2-domain, Measures)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias, cast

from schemas.cases.events import CaseEvent
from schemas.cases.fold import Case, limits_of
from schemas.cases.limits import end_of
from schemas.cases.lists import CATEGORIES, GROUPS_OF_SOURCES, KINDS, SOURCES, URGENCIES
from schemas.clock import business_day
from schemas.measures import Measures, Rate, rate
from schemas.units.acts import LEVELS

SETTLED_AT: Final = tuple(f"settled_at_{level}" for level in LEVELS)
# Each case once per measure, on the day and at the unit of the act; open and overdue at the end of the period.
FACT_MEASURES: Final = (
    "registered",
    "accepted",
    "mediated",
    "agreed",
    "not_agreed",
    "performed",
    "reneged",
    "confirmed",
    "closed",
    "handed_up",
    "taken",
    "sent_back",
    *SETTLED_AT,
)
STANDING_MEASURES: Final = ("open", "overdue")
CASE_MEASURES: Final = FACT_MEASURES + STANDING_MEASURES
# Every row key is always present; a category of a later list adds its row.
DIMENSIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "category": CATEGORIES,
        "source": SOURCES,
        "source_group": GROUPS_OF_SOURCES,
        "level": LEVELS,
        "kind": KINDS,
        "urgency": URGENCIES,
    }
)
_RESULTS: Final = ("agreed", "not_agreed")
_BY_ACTION: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "register": ("registered",),
        "accept": ("accepted",),
        "agree": ("mediated", "agreed"),
        "fail": ("mediated", "not_agreed"),
        "confirm": ("confirmed",),
        # Whatever brings a case to its end.
        "close": ("closed",),
        "decline": ("closed",),
        "refer": ("closed",),
        "hand_up": ("handed_up",),
        "take": ("taken",),
        "send_back": ("sent_back",),
    }
)
# Whether a unit belongs to the subtree that is counted, as of a day.
Inside: TypeAlias = Callable[[str, date], bool]


class Fact(NamedTuple):
    """A case counts once in a measure: at this unit, on this day, at this level, because of this event."""

    measure: str
    unit: str
    day: date
    level: str
    event: str


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """The case is open at a unit, against one limit, at the end of each day from `first` to the day before `until`.

    `until` is None if it is so to this day; `deadline_ms` is the instant (unix ms) at which the limit ends.
    """

    unit: str
    level: str
    first: date
    until: date | None
    deadline_ms: int

    def holds(self, day: date) -> bool:
        """Whether it is so at the end of a day."""
        return self.first <= day and (self.until is None or day < self.until)

    def overdue(self, day: date, now_ms: int) -> bool:
        """Whether the limit has passed at the end of a day, or by `now_ms` if that is earlier."""
        return self.deadline_ms < min(end_of(day), now_ms)


def facts(case: Case) -> list[Fact]:
    """What the case counts for, each measure of FACT_MEASURES at most once, in their order.

    A measure counts at its latest effective act; `mediated` at the first result. Of `agreed` and `not_agreed` only the
    latest result counts. A later change of owner moves nothing.
    """
    at: dict[str, CaseEvent] = {}
    latest = ""
    for event in case.effective:
        for measure in _measures(event):
            if measure != "mediated" or measure not in at:
                at[measure] = event
            latest = measure if measure in _RESULTS else latest
    for measure in _RESULTS:
        if measure != latest:
            at.pop(measure, None)
    if "agreed" in at:
        at[f"settled_at_{LEVELS[at['agreed'].level]}"] = at["agreed"]
    return [_fact(measure, at[measure]) for measure in FACT_MEASURES if measure in at]


def _measures(event: CaseEvent) -> tuple[str, ...]:
    if event.action == "follow_up":
        result = event.text("result")
        return (result,) if result in ("performed", "reneged") else ()
    found = _BY_ACTION.get(event.action, ())
    if event.action == "agree" and event.public.get("performed_at_once") is True:
        return (*found, "performed")
    return found


def _fact(measure: str, event: CaseEvent) -> Fact:
    return Fact(measure, event.unit, event.day, LEVELS[event.level], event.hash)


def open_spans(case: Case) -> list[OpenSpan]:
    """When the case was open, at which unit, and against which limit; in the order of time, never overlapping.

    An act dated before one that it follows counts from that one's day: the order of acts decides, not their dates.
    """
    by_day: dict[date, tuple[str, str, int] | None] = {}
    day = date.min
    for event, now in zip(case.effective, case.trail, strict=True):
        day = max(day, event.day)
        limits = limits_of(now, case.rules)
        by_day[day] = (now.owner, LEVELS[now.level], limits.nearest.end_ms) if limits else None
    return list(_spans(list(by_day.items())))


def _spans(days: list[tuple[date, tuple[str, str, int] | None]]) -> Iterator[OpenSpan]:
    held: tuple[str, str, int] | None = None
    since = date.min
    for day, standing in (*days, (None, None)):
        if day is not None and standing == held:
            continue
        if held is not None:
            yield OpenSpan(held[0], held[1], since, day, held[2])
        if day is not None:
            held, since = standing, day


def counted(case: Case, first: date, last: date, inside: Inside, now_ms: int) -> Iterator[Fact]:
    """Every fact by which the case counts from `first` to `last`, `open` and `overdue` at the end included.

    A period that ends in the future is judged as of today, an instant in the future as of now.
    """
    for fact in facts(case):
        if first <= fact.day <= last and inside(fact.unit, fact.day):
            yield fact
    end = min(last, business_day(now_ms))
    for span in open_spans(case):
        if span.holds(end) and inside(span.unit, end):
            yield Fact("open", span.unit, end, span.level, case.event)
            if span.overdue(end, now_ms):
                yield Fact("overdue", span.unit, end, span.level, case.event)


def recount(cases: Iterable[Case], first: date, last: date, inside: Inside, now_ms: int) -> dict[str, int]:
    """All CASE_MEASURES over many cases, the long way: what tallies are verified against."""
    counts = dict.fromkeys(CASE_MEASURES, 0)
    for case in cases:
        for fact in counted(case, first, last, inside, now_ms):
            counts[fact.measure] += 1
    return counts


def recount_by(
    dimension: str, cases: Iterable[Case], first: date, last: date, inside: Inside, now_ms: int
) -> dict[str, dict[str, int]]:
    """All CASE_MEASURES for every row key of a dimension of DIMENSIONS; their sum is `recount`."""
    rows = {key: dict.fromkeys(CASE_MEASURES, 0) for key in DIMENSIONS[dimension]}
    for case in cases:
        for fact in counted(case, first, last, inside, now_ms):
            row = rows.setdefault(row_key(dimension, case, fact), dict.fromkeys(CASE_MEASURES, 0))
            row[fact.measure] += 1
    return rows


def row_key(dimension: str, case: Case, fact: Fact) -> str:
    """The row of a dimension in which a fact of a case counts."""
    if dimension == "level":
        return fact.level
    return case.source_group if dimension == "source_group" else case.fact(dimension)


# The measures of the lowest so many levels.
_SETTLED_WITHIN: Final = {levels: itemgetter(*SETTLED_AT[:levels]) for levels in (2, 3, 5)}


def _settled_within(measures: Measures, levels: int) -> int:
    return sum(_SETTLED_WITHIN[levels](measures))


# name -> (numerator, denominator)
CASE_RATES: Final[Mapping[str, tuple[Callable[[Measures], int], Callable[[Measures], int]]]] = MappingProxyType(
    {
        "mediation_rate": (lambda m: m["mediated"], lambda m: m["accepted"]),
        "success_rate": (lambda m: m["agreed"], lambda m: m["mediated"]),
        "performance_rate": (lambda m: m["performed"], lambda m: m["agreed"]),
        "confirmation_of_mediated": (lambda m: m["confirmed"], lambda m: m["mediated"]),
        "confirmation_of_agreed": (lambda m: m["confirmed"], lambda m: m["agreed"]),
        "settled_within_village": (lambda m: _settled_within(m, 2), lambda m: _settled_within(m, 5)),
        "settled_within_township": (lambda m: _settled_within(m, 3), lambda m: _settled_within(m, 5)),
    }
)


class CaseRate(Rate, total=False):
    """A rate; `note` is the label key that says why it is over 100 %, absent otherwise."""

    note: str


def case_rates(measures: Measures) -> dict[str, CaseRate]:
    """Every rate of CASE_RATES from measures that hold every name of CASE_MEASURES."""
    return {name: _rate(name, above(measures), below(measures)) for name, (above, below) in CASE_RATES.items()}


def _rate(name: str, numerator: int, denominator: int) -> CaseRate:
    plain = cast(CaseRate, rate(numerator, denominator))
    if numerator > denominator > 0:
        plain["note"] = f"rate_note.{name}"
    return plain
