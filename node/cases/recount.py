"""A recount of every case and its tallies, straight from the signed events: the ground that `verify` stands on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from sqlite_utils import Database

from node.cases import queries, tally_queries
from node.cases.projection import CASE_KIND, ancestor_in, closure_of, coarser, row_of
from node.cases.tallies import PLACE, Slot, changes, kept_of
from node.cases.tally_queries import Key
from schemas.cases.events import CaseEvent, read_case_event
from schemas.cases.fold import Case, fold
from schemas.cases.measures import CASE_MEASURES
from schemas.errors import GridError
from schemas.events import payload
from schemas.periods import parse_day
from schemas.units.acts import LEVELS
from schemas.units.tree import Tree
from sync import directory, log
from sync.replica import Replica

Problem = tuple[str, str]
Counts = Counter[str]


def compare(replica: Replica) -> tuple[int, list[Problem]]:
    """How many cases and tally rows were compared, and (code, text) of each that differs from the recount."""
    tree, db = directory.tree_of(replica), replica.db
    problems: list[Problem] = []
    days: dict[Slot, Counts] = defaultdict(Counter)
    compared = 0
    found_in: dict[str, set[tuple[str, ...]]] = {table: set() for table in queries.FOUND_IN}
    for case in _cases(replica, tree):
        compared += 1
        kept, expected = queries.case_now(db, case.id), kept_of(case)
        facts = {one.measure: one for one in expected.facts}
        held = None if kept is None else queries.kept_of(db, kept)
        if held is None or kept != row_of(case) or facts != {one.measure: one for one in held.facts}:
            problems.append(("bad_tally", f"case {case.id}: what is kept differs from its events"))
        elif held.spans != expected.spans:
            problems.append(("bad_tally", f"case {case.id}: the spans in which it was open differ from its events"))
        closure = closure_of(tree, case.audience, expected)
        found_in["case_scope"].update((unit, case.id) for unit in closure.scope)
        found_in["case_fact_in"].update((*row, case.id) for row in closure.facts)
        found_in["case_span_in"].update((*row, case.id) for row in closure.spans)
        for slot, measure, by in changes(tree, expected):
            days[slot][measure] += by
    for table, expected_rows in found_in.items():
        rows_kept = queries.all_found_in(db, table)
        compared += len(rows_kept | expected_rows)
        wrong = sorted(rows_kept ^ expected_rows)
        problems += [("bad_tally", f"{table} {' '.join(row)}: not as its case says") for row in wrong]
    wanted = {slot: [counts[name] for name in CASE_MEASURES] for slot, counts in days.items()}
    for one, found in (_tallies(replica.db, wanted), _standing(replica.db, wanted)):
        compared += one
        problems += found
    return compared, problems


def _tallies(db: Database, days: dict[Slot, list[int]]) -> tuple[int, list[Problem]]:
    """The same of the tallies of days, months and years."""
    compared, problems = 0, list[Problem]()
    for (table, column), width in zip(tally_queries.TABLES, (10, 7, 4), strict=True):
        kept, counted = tally_queries.all_tallies(db, table, column), coarser(days, width)
        for slot in sorted(kept.keys() | counted.keys()):
            compared += 1
            mine, recounted = kept.get(slot), tuple(counted[slot]) if slot in counted else None
            if mine != recounted:
                where = " ".join(map(str, slot))
                problems.append(("bad_tally", f"{table} {where}: kept {mine}, recounted {recounted}"))
    return compared, problems


def _standing(db: Database, days: dict[Slot, list[int]]) -> tuple[int, list[Problem]]:
    """The same of what stands open, and overdue, when every change has come."""
    counted: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for (unit, own, dimension, _, key), counts in days.items():
        row = counted[unit, own, dimension, key]
        row[0] += counts[PLACE["open"]]
        row[1] += counts[PLACE["overdue"]]
    kept, compared, problems = tally_queries.all_standing(db), 0, list[Problem]()
    for where in sorted(kept.keys() | counted.keys()):
        compared += 1
        mine, recounted = kept.get(where, (0, 0)), tuple(counted[where])
        if mine != recounted:
            told = f"case_standing {' '.join(map(str, where))}: kept {mine}, recounted {recounted}"
            problems.append(("bad_tally", told))
    return compared, problems


def _cases(replica: Replica, tree: Tree) -> Iterator[Case]:
    by_case: dict[str, list[CaseEvent]] = defaultdict(list)
    for stored in log.events(replica.db, "e.kind = ? AND e.standing = 'ok'", [CASE_KIND]):
        header = stored.event.header
        level = LEVELS.index(tree.level(header.unit) or LEVELS[0])
        try:
            day = parse_day(header.bdate, "bdate")
            event = read_case_event(stored.event.hash, header.unit, level, day, header.rtime, payload(stored.event))
        except GridError:
            continue  # has no effect, and is listed as unprojected
        by_case[event.case].append(event)
    folded = (fold(events, ancestor_in(tree)) for events in by_case.values())
    return (case for case in folded if case is not None)
