"""From case events to the folded case, its facts and the tallies, inside the transaction that stores the events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from sqlite_utils import Database

from node.cases import queries, review_queries, supervision_queries, tally_queries, todo_queries
from node.cases.queries import CaseNow, Closure, KeptEvent
from node.cases.tallies import PLACE, Kept, Slot, changes, kept_of, standing_under
from schemas.cases.events import CaseEvent, read_case_event
from schemas.cases.fold import Ancestor, Case, fold
from schemas.cases.review import review_rows
from schemas.cases.todo import case_rows
from schemas.errors import GridError
from schemas.events import PUBLIC, payload
from schemas.periods import parse_day
from schemas.strict_json import loads
from schemas.units.acts import LEVELS
from schemas.units.tree import Tree
from sync.directory import tree_of
from sync.replica import Replica, Stored

CASE_KIND = "case"
CASE_SCHEMA = "case/1"
Sums = dict[Slot, list[int]]


def ancestor_in(tree: Tree) -> Ancestor:
    """Whether the first unit is above the second on a day, by the dated tree."""
    return lambda above, unit, day: above != unit and tree.below(unit, above, day)


def read_kept(kept: KeptEvent, tree: Tree) -> CaseEvent:
    """The event as the fold reads it. Raises Invalid if what goes with every act can't be read."""
    value = loads(kept.public)
    if not isinstance(value, dict):
        raise GridError("unreadable", field="pub", value=kept.event, why="not an object")
    level = tree.level(kept.unit) or LEVELS[0]
    return read_case_event(kept.event, kept.unit, LEVELS.index(level), date.fromisoformat(kept.day), kept.rtime, value)


def events_of(db: Database, tree: Tree, case_id: str) -> list[CaseEvent]:
    """All events held of a case; each could be read when it was taken in."""
    return [read_kept(kept, tree) for kept in queries.events_of(db, case_id)]


def fold_of(replica: Replica, case_id: str) -> Case | None:
    """The case as it stands now, or None while its registration is not held."""
    tree = tree_of(replica)
    return fold(events_of(replica.db, tree, case_id), ancestor_in(tree))


class CaseProjection:
    """The case part of one write transaction's projection: cases are folded and counted once, at `finish`."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._db = replica.db
        self._new: dict[str, list[str]] = {}  # case -> the events that came in
        self._sums: Sums = defaultdict(lambda: [0] * len(PLACE))
        self._addressed: list[tuple[str, frozenset[str]]] = []

    def project(self, stored: Stored) -> str:
        """Takes one event in, and returns its case. Raises GridError if what goes with every act can't be read; then it
        has no effect.
        """
        header, event = stored.event.header, stored.event.hash
        day = parse_day(header.bdate, "bdate")
        case_id = read_case_event(event, header.unit, 0, day, header.rtime, payload(stored.event)).case
        public = stored.event.text_of(PUBLIC) or ""
        queries.insert_event(
            self._db,
            KeptEvent(event, case_id, stored.n, header.unit, header.bdate, header.rtime, stored.received_at, public),
        )
        self._new.setdefault(case_id, []).append(event)
        return case_id

    def finish(self, *, all_again: bool) -> None:
        """Folds what got new events, or every case, and writes what they count for."""
        if all_again:
            queries.clear_counted(self._db)
            self._sums.clear()
        tree = tree_of(self._replica)
        for case_id in queries.all_cases(self._db) if all_again else list(self._new):
            self._settle(tree, case_id)
        self._write_tallies()
        self._new.clear()

    def addressed(self) -> Iterator[tuple[str, frozenset[str]]]:
        """(event, units): whose nodes must hold which events because of what came in since the last call."""
        yield from self._addressed
        self._addressed.clear()

    # ---- one case

    def _settle(self, tree: Tree, case_id: str) -> None:
        before = queries.case_now(self._db, case_id)
        if before is not None:
            was = queries.kept_of(self._db, before)
            self._count(tree, was, -1)
            queries.drop_case(self._db, case_id, closure_of(tree, before.units, was))
            todo_queries.drop(self._db, case_id)
            review_queries.drop(self._db, case_id)
            supervision_queries.drop(self._db, case_id)
        events = events_of(self._db, tree, case_id)
        case = fold(events, ancestor_in(tree))
        audience = frozenset(event.unit for event in events) if case is None else case.audience
        if case is not None:
            kept = kept_of(case)
            queries.put_case(self._db, row_of(case), kept, closure_of(tree, audience, kept))
            todo_queries.put(self._db, case_id, case_rows(case, events))
            worded = review_queries.worded(self._db, [event.hash for event in case.effective])
            review_queries.put(self._db, case_id, review_rows(case, worded))
            supervision_queries.put(self._db, case_id, case.owner, case.supervisions)
            self._count(tree, kept, 1)
        self._address(case_id, events, audience, frozenset() if before is None else before.units)

    def _address(self, case_id: str, events: list[CaseEvent], audience: frozenset[str], known: frozenset[str]) -> None:
        """New events go to everybody concerned; when somebody joins them, so do all the earlier ones."""
        hashes = [event.hash for event in events] if audience - known else self._new.get(case_id, [])
        self._addressed += [(event, audience) for event in hashes]

    # ---- tallies

    def _count(self, tree: Tree, kept: Kept, sign: int) -> None:
        for slot, measure, by in changes(tree, kept):
            self._sums[slot][PLACE[measure]] += sign * by

    def _write_tallies(self) -> None:
        write_tallies(self._db, self._sums)
        self._sums.clear()


def write_tallies(db: Database, sums: Mapping[Slot, list[int]]) -> None:
    """Adds what changed by day to the tallies of days, months and years, and to what stands in all."""
    days = {slot: counts for slot, counts in sums.items() if any(counts)}
    months, years = coarser(days, len("2026-11")), coarser(days, len("2026"))
    for (table, column), rows in zip(tally_queries.TABLES, (days, months, years), strict=True):
        tally_queries.add_tallies(db, table, column, rows)
    tally_queries.add_standing(db, years)


def coarser(days: Mapping[Slot, Sequence[int]], width: int) -> dict[Slot, list[int]]:
    """The same sums by month or year: the first characters of the day."""
    found: Sums = defaultdict(lambda: [0] * len(PLACE))
    for slot, counts in days.items():
        row = found[slot._replace(day=slot.day[:width])]
        for place, count in enumerate(counts):
            row[place] += count
    return {slot: counts for slot, counts in found.items() if any(counts)}


def row_of(case: Case) -> CaseNow:
    """A folded case as its row."""
    limits, follow_ups = case.limits, case.follow_ups_due
    traits = {
        name: case.fact(name)
        for name in ("kind", "category", "source", "complexity", "urgency", "scale", "amount_band")
    }
    return CaseNow(
        case_id=case.id,
        event=case.event,
        state=case.state,
        open=int(case.open),
        owner=case.owner,
        level=LEVELS[case.now.level],
        term=case.term,
        offered_to=case.offered_to,
        source_group=case.source_group,
        found_by=case.registered.unit,
        day=case.registered.day.isoformat(),
        confirmation=case.now.confirmation,
        started_at=None if limits is None else limits.nearest.start_ms,
        deadline_at=case.deadline_ms,
        follow_up=follow_ups[0].isoformat() if follow_ups else None,
        audience=",".join(sorted(case.audience)),
        **traits,
    )


def closure_of(tree: Tree, audience: frozenset[str], kept: Kept) -> Closure:
    """Under which units a case is found: a pure function of the tree, so that what was put can be taken away again."""
    scope = sorted({above for unit in audience for above in tree.ever_above(unit)})
    facts = [
        (above, fact.measure, fact.day.isoformat())
        for fact in kept.facts
        for above in tree.ancestors(fact.unit, fact.day) or (fact.unit,)
    ]
    spans = [
        (above, queries.text_of(end), begin.isoformat(), span.first.isoformat())
        for span in kept.spans
        for begin, end, units in standing_under(tree, span.unit, span.first, span.until)
        for above in units
    ]
    return Closure(tuple(scope), tuple(facts), tuple(spans))
