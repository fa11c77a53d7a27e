"""A recount of excused group days in plain Python, straight from the signed events: what `verify` compares with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from node.daily import excuse_queries as queries
from node.projections import CHECK_KIND, calendar_of, report_from
from schemas.errors import GridError
from schemas.events import payload
from schemas.excuses import KIND, ExcuseAct, read_stored, standing
from schemas.measures import has_duty
from sync import directory, log
from sync.replica import Replica

Counts = Counter[tuple[str, str]]


def compare(replica: Replica) -> tuple[int, list[tuple[str, str]]]:
    """How many tally rows were compared, and (code, text) of each that differs from the recount."""
    days = recount(replica)
    months: Counts = Counter()
    for (unit, day), n in days.items():
        months[(unit, day[:7])] += n
    compared = 0
    problems: list[tuple[str, str]] = []
    for table, column, counted in (("excused_day", "day", days), ("excused_month", "month", months)):
        kept = queries.all_tallies(replica.db, table, column)
        for key in sorted(kept.keys() | counted.keys()):
            compared += 1
            if kept.get(key, 0) != counted[key]:
                told = f"{table} {key[0]} {key[1]}: kept {kept.get(key, 0)}, recounted {counted[key]}"
                problems.append(("bad_tally", told))
    return compared, problems


def recount(replica: Replica) -> Counts:
    """{(unit, day): group days that excuses of units below it lift} from the events alone."""
    tree, calendar = directory.tree_of(replica), calendar_of(replica.db)
    acts = standing(excuse_acts(replica), tree.ever_below)
    reported = _reported(replica) if acts else set()
    excused = {(act.unit, day) for act in acts for day in _days(act)}
    counts: Counts = Counter()
    lifted = {
        (one, day)
        for unit, day in excused
        for one in tree.ever_within(unit)
        if has_duty(tree, calendar.on(day), one, day)
    }
    for group, day in lifted - reported:
        line = tree.ancestors(group, day)
        lowest = next((place for place, one in enumerate(line) if (one, day) in excused), len(line))
        counts.update((above, day.isoformat()) for above in line[lowest + 1 :])
    return counts


def _days(act: ExcuseAct) -> Iterator[date]:
    return (act.first + timedelta(days=number) for number in range((act.last - act.first).days + 1))


def excuse_acts(replica: Replica) -> Iterator[ExcuseAct]:
    """Every act that has effect, read from the signed events."""
    for stored in log.events(replica.db, "e.kind = ? AND e.standing = 'ok'", [KIND]):
        author = directory.unit_of(replica.db, stored.event.node)
        try:
            if author is not None:
                yield read_stored(stored.event.hash, stored.event.header.unit, author[0], payload(stored.event))
        except GridError:
            continue  # has no effect: listed as unprojected


def _reported(replica: Replica) -> set[tuple[str, date]]:
    found = set()
    for stored in log.events(replica.db, "e.kind = ? AND e.standing = 'ok'", [CHECK_KIND]):
        try:
            report = report_from(stored)
        except GridError:
            continue
        if report.occasion == "regular":
            found.add((report.unit, report.date))
    return found
