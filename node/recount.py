"""A recount of every tally in plain Python, straight from the signed events: the ground that `verify` stands on."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import astuple
from typing import Final

from node import queries
from node.projections import CHECK_KIND, calendar_of, contribution, report_from
from node.queries import DutyRow, Key
from schemas.checks import Report, effective
from schemas.errors import GridError
from sync import directory, log
from sync.replica import Replica

_COLUMNS: Final = ("zero", "found", "late", "extra")
Count = Counter[str]
Reports = dict[Key, list[Report]]


def compare(replica: Replica) -> tuple[int, list[tuple[str, str]]]:
    """How many tally rows were compared, and (code, text) of each that differs from the recount."""
    by_key = _by_key(replica)
    compared, problems = _compare_effective(replica, by_key)
    days, months = recount(replica, by_key)
    for table, column, counted in (("check_day", "day", days), ("check_month", "month", months)):
        kept = queries.all_tallies(replica.db, table, column)
        for key in sorted(kept.keys() | counted.keys()):
            compared += 1
            mine = astuple(kept[key]) if key in kept else (0, 0, 0, 0)
            recounted = tuple(counted[key][name] for name in _COLUMNS) if key in counted else (0, 0, 0, 0)
            if mine != recounted:
                problems.append(("bad_tally", f"{table} {key[0]} {key[1]}: kept {mine}, recounted {recounted}"))
    return compared, problems


def _compare_effective(replica: Replica, by_key: Reports) -> tuple[int, list[tuple[str, str]]]:
    """The effective check of each unit, day and occasion: what the lists behind cells are read from."""
    tree, calendar = directory.tree_of(replica), calendar_of(replica.db)
    kept, wanted = queries.all_duties(replica.db), {}
    for key, reports in by_key.items():
        chosen = effective(reports)
        counted, late = contribution(tree, calendar, chosen.report, chosen.first_recorded_ms)
        report = chosen.report
        wanted[key] = DutyRow(
            report.event, report.result, chosen.first_recorded_ms, counted, late, len(chosen.conflicts)
        )
    keys = kept.keys() | wanted.keys()
    wrong = sorted(key for key in keys if kept.get(key) != wanted.get(key))
    return len(keys), [
        ("bad_tally", f"check_duty {' '.join(key)}: what is kept differs from its events") for key in wrong
    ]


def _by_key(replica: Replica) -> Reports:
    by_key: Reports = defaultdict(list)
    for stored in log.events(replica.db, "e.kind = ? AND e.standing = 'ok'", [CHECK_KIND]):
        try:
            report = report_from(stored)
        except GridError:
            continue  # has no effect: a payload that this version does not take, listed as unprojected
        by_key[(report.unit, report.date.isoformat(), report.occasion)].append(report)
    return by_key


def recount(replica: Replica, by_key: Reports) -> tuple[dict[tuple[str, str], Count], dict[tuple[str, str], Count]]:
    """({(unit, day): counts}, {(unit, month): counts}) from the events alone."""
    tree, calendar = directory.tree_of(replica), calendar_of(replica.db)
    days: dict[tuple[str, str], Count] = defaultdict(Counter)
    months: dict[tuple[str, str], Count] = defaultdict(Counter)
    for (unit, day, _), reports in by_key.items():
        chosen = effective(reports)
        counted, late = contribution(tree, calendar, chosen.report, chosen.first_recorded_ms)
        if counted == "none":
            continue
        for ancestor in tree.ancestors(unit, chosen.report.date) or (unit,):
            for counts in (days[(ancestor, day)], months[(ancestor, day[:7])]):
                counts[counted] += 1
                counts["late"] += late
    return days, months
