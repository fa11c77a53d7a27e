"""Duties of one day in a subtree: who has reported, who has not, and which nodes have been silent since when."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from node import queries
from node.checks import duty_state_of
from node.projections import calendar_of
from schemas.cadence import grace_end
from schemas.clock import business_day, iso_instant
from schemas.periods import period_of
from schemas.units import Unit
from sync import directory
from sync.database import read
from sync.replica import Replica

ARRIVED_DAYS_LATE_MS: Final = 2 * 86_400_000
PAGE: Final = 500


def duties(replica: Replica, unit: str, day: date, after: str | None, limit: int) -> dict[str, Any]:
    """The document of `GET /api/v1/duties`: group duties in code order, and the nodes of the subtree."""
    with read(replica.db):
        groups = groups_due(replica, unit, day)
        page = [one for one in groups if after is None or one.id > after][: limit + 1]
        items = _items(replica, day, page[:limit])
        return {
            "unit": unit,
            "date": day.isoformat(),
            "items": items,
            "next": page[limit - 1].id if len(page) > limit else None,
            "nodes": nodes_below(replica, unit),
        }


def groups_due(replica: Replica, unit: str, day: date) -> list[Unit]:
    """Groups of the subtree that owe a report for that day, by id."""
    if calendar_of(replica.db).on(day).cadences["group"] != "day":
        return []
    tree = directory.tree_of(replica)
    return sorted((one for one in tree.subtree(unit, day) if one.level == "group"), key=lambda one: one.id)


def _items(replica: Replica, day: date, groups: list[Unit]) -> list[dict[str, Any]]:
    rows = queries.duty_rows(replica.db, day, [one.id for one in groups]) if groups else {}
    grace = grace_end(calendar_of(replica.db).on(day), "group", period_of("day", day))
    items = []
    for group in groups:
        row = rows.get(group.id)
        report = queries.report_by_event(replica.db, row.event) if row else None
        items.append(
            {
                "unit": group.id,
                "name": group.name,
                "period": day.isoformat(),
                "state": duty_state_of(replica, day, row),
                "event": row.event if row else None,
                "recorded_at": iso_instant(row.first_recorded_at) if row else None,
                "received_at": iso_instant(report.received_ms) if report else None,
                # On time by the writer's clock, yet here only days later: shown as such.
                "arrived_late": bool(
                    row and report and not row.late and report.received_ms > grace + ARRIVED_DAYS_LATE_MS
                ),
                "conflicts": row.conflicts if row else 0,
            }
        )
    return items


def nodes_below(replica: Replica, unit: str) -> list[dict[str, Any]]:
    """Nodes of the subtree, the own included, each with the last instant at which it was heard of here."""
    me = replica.identity
    tree = directory.tree_of(replica)
    rows = replica.db.execute(
        "SELECT c.unit, c.node, MAX(l.last_seen_at), (SELECT MAX(e.received_at) FROM chain h JOIN event e ON"
        " e.chain = h.chain AND e.seq = h.top WHERE h.node = c.node AND h.side <> 'above')"
        " FROM node_cert c LEFT JOIN link l ON l.node = c.node AND l.side = 'child'"
        " GROUP BY c.unit, c.node ORDER BY c.unit"
    ).fetchall()
    found = []
    for below, node, seen, arrived in rows:
        if not tree.ever_below(below, unit):
            continue
        last = replica.env.now_ms() if node == me.node else max(seen or 0, arrived or 0) or None
        named = tree.nearest(below, business_day(replica.env.now_ms()))
        found.append(
            {"unit": below, "name": named.name if named else below, "node": node, "last_synced_at": iso_instant(last)}
        )
    return found
