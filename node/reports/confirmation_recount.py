"""A recount of the tallies of confirmations in plain Python, straight from the signed events, for `verify`."""

from __future__ import annotations

from collections import defaultdict

from node.daily.calendars import calendar_of
from node.reports import confirmation_queries as queries
from node.reports.confirmation_projection import CONFIRMATION_KIND, confirmation_from, is_about_period
from schemas.confirmations import Confirmation, effective_confirmation, owed_on
from schemas.duties import on_time
from schemas.errors import GridError
from sync import directory, log
from sync.replica import Replica

Sums = dict[tuple[str, str, str], tuple[int, int]]


def compare(replica: Replica) -> tuple[int, list[tuple[str, str]]]:
    """How many tally rows were compared, and (code, text) of each that differs from the recount."""
    kept, counted = queries.all_sums(replica.db), recount(replica)
    keys = sorted(kept.keys() | counted.keys())
    problems = []
    for key in keys:
        mine, recounted = kept.get(key, (0, 0)), counted.get(key, (0, 0))
        if mine != recounted:
            text = f"confirmation_day {' '.join(key)}: kept {mine}, recounted {recounted}"
            problems.append(("bad_tally", text))
    return len(keys), problems


def recount(replica: Replica) -> Sums:
    """{(unit, last day, level): (done, late)} from the events alone."""
    tree, calendar = directory.tree_of(replica), calendar_of(replica.db)
    given: dict[tuple[str, str], list[Confirmation]] = defaultdict(list)
    for one in confirmations_in(replica):
        given[(one.unit, one.period.key)].append(one)
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for (unit, period), reports in given.items():
        standing = effective_confirmation(reports)
        day = standing.report.period.last
        version = tree.at(unit, day)
        owed = owed_on(calendar, version.level, day) if version else None
        if version is None or owed is None or owed.period.key != period:
            continue
        for above in tree.ancestors(unit, day):
            slot = sums[(above, day.isoformat(), version.level)]
            slot[0] += 1
            slot[1] += not on_time(standing.first_recorded_ms, owed.grace_ms)
    return {key: (done, late) for key, (done, late) in sums.items()}


def confirmations_in(replica: Replica) -> list[Confirmation]:
    """Every periodic report that has effect, read from the signed events."""
    found = []
    for stored in log.events(replica.db, "e.kind = ? AND e.standing = 'ok'", [CONFIRMATION_KIND]):
        try:
            if is_about_period(stored):
                found.append(confirmation_from(stored))
        except GridError:
            continue  # has no effect: a payload that this version does not take, listed as unprojected
    return found
