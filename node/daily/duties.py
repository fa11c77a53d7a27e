"""Duties of one day in a subtree: who has reported, who has not, and which nodes have been silent since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from node import queries
from node.daily import duty_queries
from node.daily.calendars import calendar_of
from node.daily.duty_queries import NodeHeard
from node.daily.excuses import Excused, count, excuse_of, excused_on
from node.queries import DutyRow
from node.reports import period_duties
from node.reports.period_duties import ARRIVED_DAYS_LATE_MS, PeriodDuty
from schemas.cadence import due_at, grace_end
from schemas.clock import at_time, business_day, iso_instant
from schemas.duties import Why, duty_state, last_closed_day, why_missing
from schemas.periods import period_of
from schemas.units.tree import Unit
from sync import directory
from sync.database import read
from sync.replica import Replica

PAGE: Final = 500
_GROUP: Final = "group"


@dataclass(frozen=True, slots=True)
class DutyDay:
    """One day as it is judged now, instants in unix ms: `closed` when the grace is over, `owed` when groups owe a
    report a day on it; `returned` the standing reports that were returned, with their units; `excused` who is excused.
    """

    day: date
    now_ms: int
    due_ms: int
    grace_ms: int
    owed: bool
    returned: Mapping[str, str]
    excused: Excused

    @property
    def closed(self) -> bool:
        """Whether a duty without a report is missing now."""
        return self.now_ms > self.grace_ms

    @property
    def absent(self) -> str:
        """The state of a duty without a report, unless it is excused: the same for every group."""
        return self.state("", None)

    def state(self, unit: str, row: DutyRow | None) -> str:
        """The state of one unit's duty with its effective check."""
        return duty_state(
            self.now_ms,
            at_time(self.day, time(0)),
            self.grace_ms,
            row.result if row else None,  # type: ignore[arg-type]
            row.first_recorded_at if row else None,
            row is None and self.excused.has(unit),
            row is not None and row.event in self.returned,
        )


@dataclass(frozen=True, slots=True)
class Servers:
    """Which unit's node serves a group, and up to which instant (unix ms; None: it never synced) its records are here.
    `direct`: units whose nodes sync with this one, not through another.
    """

    hosts: Mapping[str, str]
    known_to: Mapping[str, int | None]
    direct: frozenset[str]


def duty_day(replica: Replica, day: date) -> DutyDay:
    """The day as it is judged now."""
    profile = calendar_of(replica.db).on(day)
    period, owed = period_of("day", day), profile.cadences[_GROUP] == "day"
    due, grace = due_at(profile, _GROUP, period), grace_end(profile, _GROUP, period)
    returned = duty_queries.returned_on(replica.db, day)
    return DutyDay(day, replica.env.now_ms(), due, grace, owed, returned, excused_on(replica, day))


def duties(
    replica: Replica, unit: str, day: date, after: str | None, limit: int, state: str | None = None,
    level: str | None = None, kind: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The document of `GET /api/v1/duties`: what the subtree owes for the day, and for longer periods that end on it,
    by unit; of one level, of one kind (`all`: forms, too), or in one state, when asked. And the nodes of the subtree.
    """
    with read(replica.db):
        judged = duty_day(replica, day)
        due = groups_due(replica, unit, day) if level in (None, _GROUP) and kind in (None, "check", "all") else ()
        groups = [one for one in due if after is None or one.id > after]
        periods = period_duties.owed_on(replica, unit, day, level, kind)
        periods = [one for one in periods if after is None or one.key > after]
        if state is not None:
            rows = duty_queries.rows_on(replica.db, day, [one.id for one in groups])
            groups = [one for one in groups if judged.state(one.id, rows.get(one.id)) == state]
            periods = [one for one in periods if one.state == state]
        found = sorted([*(one.id for one in groups), *(one.key for one in periods)])
        kept = frozenset(found[:limit])
        items = _items(replica, judged, [one for one in groups if one.id in kept])
        shown = sorted((one for one in periods if one.key in kept), key=lambda one: one.key)
        items += _period_items(replica, judged, shown)
        return {
            "unit": unit,
            "date": day.isoformat(),
            "items": sorted(items, key=lambda item: str(item["unit"])),
            "next": found[limit - 1] if len(found) > limit else None,
            "nodes": nodes_below(replica, unit),
        }


def groups_due(replica: Replica, unit: str, day: date) -> Sequence[Unit]:
    """Groups of the subtree that owe a report for that day, by id."""
    if calendar_of(replica.db).on(day).cadences[_GROUP] != "day":
        return ()
    return directory.tree_of(replica).groups_below(unit, day)


def servers_of(replica: Replica, groups: Sequence[Unit], day: date) -> Servers:
    """The nodes that serve some groups on a day, with the instants up to which their records are here."""
    tree, certified = directory.tree_of(replica), directory.certified_units(replica.db)
    own = replica.identity.unit
    above: dict[str, str] = {}
    hosts: dict[str, str] = {}
    for one in groups:
        parent = one.parent_id or ""
        if parent not in above:
            above[parent] = directory.host_of(tree, certified, parent, day) or own
        hosts[one.id] = one.id if one.id in certified else above[parent]
    known_to: dict[str, int | None] = {}
    direct = set()
    for heard in duty_queries.nodes_heard(replica.db):
        # The latest of a unit's nodes counts: the others were replaced.
        known_to[heard.unit] = max(known_to.get(heard.unit) or 0, _known_to(heard) or 0) or None
        if heard.seen_at is not None:
            direct.add(heard.unit)
    known_to[own] = replica.env.now_ms()
    return Servers(hosts, known_to, frozenset(direct))


def why_of(judged: DutyDay, servers: Servers, group: str, state: str) -> tuple[Why | None, int | None]:
    """Why a group's report is not here, and since when its node is silent, if it is."""
    since = servers.known_to.get(servers.hosts[group])
    why = why_missing(state, judged.grace_ms, since)
    return why, since if why == "silent" else None


def missing_yesterday(replica: Replica, unit: str) -> int:
    """How many duties of the last closed day are missing in a subtree: of the tallies, no unit is looked at."""
    calendar = calendar_of(replica.db)
    day = last_closed_day(calendar, replica.env.now_ms())
    if calendar.on(day).cadences[_GROUP] != "day":
        return 0
    return missing_on(replica, unit, day)


def missing_on(replica: Replica, unit: str, day: date) -> int:
    """Group days of a subtree that are owed on a day, not reported and not excused: of the tallies."""
    return missing_in(replica, unit, day, day)


def missing_in(replica: Replica, unit: str, first: date, last: date) -> int:
    """The same of a span of days, whether their grace is over or not."""
    tree, calendar = directory.tree_of(replica), calendar_of(replica.db)

    def unreported(begin: date, end: date) -> int:
        due = sum(
            tree.group_days(unit, start, stop)
            for start, stop, profile in calendar.segments(begin, end)
            if profile.cadences[_GROUP] == "day"
        )
        return due - queries.sum_days(replica.db, unit, begin, end).reported

    return unreported(first, last) - count(replica.db, tree, unit, first, last, unreported)


def _items(replica: Replica, judged: DutyDay, groups: Sequence[Unit]) -> list[dict[str, Any]]:
    rows = duty_queries.rows_on(replica.db, judged.day, [one.id for one in groups])
    received = duty_queries.arrived_at(replica.db, [rows[one.id].event for one in groups if one.id in rows])
    servers = servers_of(replica, groups, judged.day)
    items = []
    for group in groups:
        row = rows.get(group.id)
        arrived = received.get(row.event) if row else None
        state = judged.state(group.id, row)
        why, since = why_of(judged, servers, group.id, state)
        items.append(
            {
                "unit": group.id,
                "name": group.name,
                "level": _GROUP,
                "kind": "check",
                "form": None,
                "period": judged.day.isoformat(),
                "due_at": iso_instant(judged.due_ms),
                "grace_until": iso_instant(judged.grace_ms),
                "state": state,
                "why": why,
                "silent_since": iso_instant(since),
                "event": row.event if row else None,
                "recorded_at": iso_instant(row.first_recorded_at) if row else None,
                "received_at": iso_instant(arrived),
                # On time by the writer's clock, yet here only days later: shown as such.
                "arrived_late": bool(
                    row and not row.late and arrived is not None and arrived > judged.grace_ms + ARRIVED_DAYS_LATE_MS
                ),
                "conflicts": row.conflicts if row else 0,
                "excuse": excuse_of(replica, group.id, judged.day) if state == "excused" else None,
            }
        )
    return items


def _period_items(replica: Replica, judged: DutyDay, owing: Sequence[PeriodDuty]) -> list[dict[str, Any]]:
    """Confirmations and forms owed for periods that end on the day."""
    servers = servers_of(replica, [one.unit for one in owing], judged.day)
    received = duty_queries.arrived_at(replica.db, [one.given.event for one in owing if one.given])
    return [
        period_duties.item(
            replica, judged.day, one, servers.known_to.get(servers.hosts[one.unit.id]),
            received.get(one.given.event) if one.given else None,
        )
        for one in owing
    ]  # fmt: skip


def nodes_below(replica: Replica, unit: str) -> list[dict[str, Any]]:
    """Nodes of the subtree, the own included, each with the last instant at which it was heard of here."""
    tree, now = directory.tree_of(replica), replica.env.now_ms()
    today = business_day(now)
    found = []
    for heard in duty_queries.nodes_heard(replica.db):
        if not tree.ever_below(heard.unit, unit):
            continue
        last = max(heard.seen_at or 0, heard.arrived_at or 0) or None
        named = tree.nearest(heard.unit, today)
        found.append(
            {
                "unit": heard.unit,
                "name": named.name if named else heard.unit,
                "node": heard.node,
                "last_synced_at": iso_instant(now if heard.node == replica.identity.node else last),
            }
        )
    return found


def _known_to(heard: NodeHeard) -> int | None:
    """Up to when a node's records are here: a direct child's as of its last exchange. Another's come through the node
    between, perhaps long after they were written: only up to its newest record's own instant.
    """
    return heard.written_at if heard.seen_at is None else max(heard.seen_at, heard.arrived_at or 0)
