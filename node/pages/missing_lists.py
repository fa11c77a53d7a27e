"""The lists of 应报未报: silent nodes, groups without a report by place, groups by state, the units right below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final

from flask import request, url_for

from node.daily import duties, duty_queries
from node.daily.duties import DutyDay, Servers, missing_on
from node.desk import reminder_queries
from node.guard import me
from schemas.units.tree import Unit
from sync import directory
from sync.replica import Replica

GROUPS_A_PAGE: Final = 200
NODES_A_PAGE: Final = 50
ROWS_A_PAGE: Final = 100
NAMES: Final = 60  # groups named under one silent node


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page is about: the unit, the day as it is judged, the groups that owe a report, and what is listed."""

    node: Replica
    unit: str
    judged: DutyDay
    groups: Sequence[Unit]
    state: str

    @property
    def day(self) -> date:
        """The day of the duties."""
        return self.judged.day

    def url(self, **changed: object) -> str:
        """This page with some of its query changed; the place in the list is left out."""
        query = {"unit": self.unit, "date": self.day.isoformat(), "state": self.state}
        return url_for("pages.missing", **{**query, **changed})  # type: ignore[arg-type]


def unit_name(node: Replica, unit: str, day: date) -> str:
    """The unit's name on a day; its id while the directory has not come."""
    named = directory.tree_of(node).nearest(unit, day)
    return named.name if named else unit


def silent_nodes(asked: Asked, silent: Sequence[Unit], servers: Servers) -> dict[str, Any]:
    """Nodes that were not heard of, by unit, with the groups behind each."""
    behind: dict[str, list[Unit]] = {}
    for one in silent:
        behind.setdefault(servers.hosts[one.id], []).append(one)
    after = request.args.get("after_node", "")
    hosts = sorted(host for host in behind if host > after)
    nodes = [
        {
            "id": host,
            "name": unit_name(asked.node, host, asked.day),
            "path": _path(asked, host),
            "href": asked.url(unit=host) if host != asked.unit else None,
            "since": servers.known_to.get(host),
            "direct": host in servers.direct,
            "count": len(behind[host]),
            "names": [one.name for one in behind[host][:NAMES]],
        }
        for host in hosts[:NODES_A_PAGE]
    ]
    more = asked.url(after_node=hosts[NODES_A_PAGE - 1]) if len(hosts) > NODES_A_PAGE else None
    return {"nodes": nodes, "nodes_next": more}


def places(asked: Asked, groups: Iterable[Unit]) -> dict[str, Any]:
    """Groups without a report, under the unit right above them."""
    found, more = _page_of(asked, groups, GROUPS_A_PAGE)
    named = [one.id for one in found]
    reminded = reminder_queries.last_sent(asked.node.db, me().unit, named, asked.day.isoformat()) if found else {}
    shown = [
        {
            "name": unit_name(asked.node, parent or "", asked.day),
            "path": _path(asked, parent or ""),
            "groups": [
                {"id": one.id, "name": one.name, "href": asked.url(unit=one.id), "reminded_at": reminded.get(one.id)}
                for one in under
            ],
        }
        for parent, under in groupby(found, key=lambda one: one.parent_id)
    ]
    return {"places": shown, "next": more}


def state_rows(asked: Asked, groups: Iterable[Unit]) -> dict[str, Any]:
    """Groups with their states, one a row."""
    found, more = _page_of(asked, groups, ROWS_A_PAGE)
    held = duty_queries.rows_on(asked.node.db, asked.day, [one.id for one in found])
    servers = duties.servers_of(asked.node, found, asked.day)
    rows = []
    for one in found:
        row = held.get(one.id)
        state = asked.judged.state(one.id, row)
        why, since = duties.why_of(asked.judged, servers, one.id, state)
        rows.append(
            {
                "name": one.name,
                "path": _path(asked, one.id),
                "href": asked.url(unit=one.id),
                "state": state,
                "why": why,
                "since": since,
                "direct": servers.hosts[one.id] in servers.direct,
                "at": row.first_recorded_at if row else None,
            }
        )
    return {"rows": rows, "next": more}


def _page_of(asked: Asked, groups: Iterable[Unit], limit: int) -> tuple[list[Unit], str | None]:
    """The groups behind the key of the query, at most `limit`, and where the next ones are."""
    after = request.args.get("after", "")
    found = [one for one in groups if one.id > after]
    return found[:limit], asked.url(after=found[limit - 1].id) if len(found) > limit else None


def _path(asked: Asked, unit: str) -> str:
    """The names between the page's unit and this one, highest first; both left out."""
    above = directory.tree_of(asked.node).ancestors(unit, asked.day)[1:]
    inside = above[: above.index(asked.unit)] if asked.unit in above else ()
    return " · ".join(unit_name(asked.node, one, asked.day) for one in reversed(inside))


def units_below(asked: Asked, silent: Sequence[Unit]) -> list[dict[str, Any]]:
    """The units right below with their figures, of the tallies; the part behind silent nodes of the list."""
    tree, day = directory.tree_of(asked.node), asked.day
    children = tree.children_in(asked.unit, day, day)
    tallies = duty_queries.tallies_on(asked.node.db, day, children)
    behind: dict[str, int] = dict.fromkeys(children, 0)
    tops: dict[str, str] = {}
    for one in silent:
        parent = one.parent_id or ""
        if parent not in tops:
            line = (*tree.ancestors(parent, day), "")
            tops[parent] = line[line.index(asked.unit) - 1] if asked.unit in line[1:] else ""
        top = tops[parent] or one.id
        behind[top] = behind.get(top, 0) + 1
    rows = []
    for child in children:
        due = tree.group_days(child, day, day)
        reported = tallies[child].reported if child in tallies else 0
        lacking = missing_on(asked.node, child, day)
        rows.append(
            {
                "name": unit_name(asked.node, child, day),
                "href": asked.url(unit=child),
                "due": due,
                "reported": reported,
                "lacking": lacking,
                "excused": due - reported - lacking,
                "silent": behind[child],
            }
        )
    return rows
