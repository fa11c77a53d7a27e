"""What a case adds to the tallies of its units and of all above them. No database: what is kept is given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final, NamedTuple

from schemas.cases.fold import Case
from schemas.cases.measures import CASE_MEASURES, Fact, OpenSpan, facts, open_spans
from schemas.clock import business_day
from schemas.units.tree import Tree

# The dimensions of the tallies: all in one row; category x level, of which the rows of both, their total and the
# matrix are sums; source (source groups are sums of it); urgency; kind.
ALL: Final = ""
CELL: Final = "cell"
TALLIED: Final = (ALL, CELL, "source", "urgency", "kind")
PLACE: Final = {measure: place for place, measure in enumerate(CASE_MEASURES)}


class Traits(NamedTuple):
    """The coded facts of a case by which it is counted."""

    kind: str
    category: str
    source: str
    urgency: str


class Kept(NamedTuple):
    """All that a case counts for."""

    traits: Traits
    facts: tuple[Fact, ...]
    spans: tuple[OpenSpan, ...]


class Slot(NamedTuple):
    """One row of a tally: `own` 1 for what the unit itself did, 0 for that of its whole subtree."""

    unit: str
    own: int
    dimension: str
    day: str
    key: str


Change = tuple[Slot, str, int]  # which row, which measure, by how much


def kept_of(case: Case) -> Kept:
    """What a folded case counts for."""
    traits = Traits(*(case.fact(name) for name in Traits._fields))
    return Kept(traits, tuple(facts(case)), tuple(open_spans(case)))


def overdue_from(span: OpenSpan) -> date | None:
    """The first day at whose end the limit has passed while the case was still open there; None if there is none."""
    day = max(span.first, business_day(span.deadline_ms))
    return day if span.until is None or day < span.until else None


def changes(tree: Tree, kept: Kept) -> Iterator[Change]:
    """What the case adds to every row that it counts in; the same rows with the sign turned take it away again.

    A fact counts for the units above as of its day. What stands open moves with its unit: where the units above
    change in the meantime, it leaves the old ones and comes to the new ones on that day.
    """
    for fact in kept.facts:
        above = tree.ancestors(fact.unit, fact.day) or (fact.unit,)
        yield from _spread(above, fact.unit, fact.day, fact.level, kept.traits, fact.measure, 1)
    for span in kept.spans:
        yield from _standing(tree, span, kept.traits, "open", span.first)
        late = overdue_from(span)
        if late is not None:
            yield from _standing(tree, span, kept.traits, "overdue", late)


def _standing(tree: Tree, span: OpenSpan, traits: Traits, measure: str, first: date) -> Iterator[Change]:
    for begin, end, above in standing_under(tree, span.unit, first, span.until):
        yield from _spread(above, span.unit, begin, span.level, traits, measure, 1)
        if end is not None:
            yield from _spread(above, span.unit, end, span.level, traits, measure, -1)


def standing_under(
    tree: Tree, unit: str, first: date, until: date | None
) -> Iterator[tuple[date, date | None, tuple[str, ...]]]:
    """The spans in which the unit has the same units above it; a unit that nobody knows stands for itself."""
    return ((begin, end, above or (unit,)) for begin, end, above in tree.lineages(unit, first, until))


def _spread(
    above: Iterable[str], unit: str, day: date, level: str, traits: Traits, measure: str, by: int
) -> Iterator[Change]:
    rows = (
        (ALL, ""), (CELL, f"{traits.category}/{level}"), ("source", traits.source), ("urgency", traits.urgency),
        ("kind", traits.kind),
    )  # fmt: skip
    text = day.isoformat()
    for dimension, key in rows:
        yield Slot(unit, 1, dimension, text, key), measure, by
        for one in above:
            yield Slot(one, 0, dimension, text, key), measure, by
