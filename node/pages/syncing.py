"""同步: how far the records are, and what needs somebody."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from flask import Blueprint, Response, current_app, redirect, request, url_for

from node import link_queries, status
from node.guard import language, me, replica
from node.keeping.unprojected import unprojected
from node.pages.frame import page
from node.pages.nodes import children_shown
from node.pages.texts import day_text
from schemas.clock import at_time, business_day
from schemas.labels import has_label, label
from schemas.roles import REVIEW
from schemas.units.tree import LEVELS
from sync import directory, log
from sync.replica import Replica


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/sync", "sync_page", sync_page)
    routes.add_url_rule("/sync/run", "sync_run", sync_run, methods=["POST"])
    routes.add_url_rule("/more", "more", lambda: page("more.html", "nav.more"))


def sync_page() -> Response:
    """The state of the link up, and of the nodes below."""
    node, lang = replica(), language()
    link = link_queries.parent_link(node.db) or link_queries.ParentLink(None, None, None)
    problem = status.problem_words(link.problem, lang) if link.problem else None
    parent = node.identity.parent
    below = children_shown(node)
    return page(
        "sync.html",
        "nav.sync",
        parent={"name": _name(node, parent)} if parent else None,
        stats=_stats(node),
        last_success_at=link.last_seen_at,
        interval_s=round(current_app.extensions["grid"].pace.interval_s),
        clock_offset_s=round(link.offset_ms / 1000) if link.offset_ms is not None else None,
        running=request.args.get("running") == "1",
        problem=problem,
        alarms=[alarm["text"] for alarm in status.alarms(node, lang) if alarm["code"] != link.problem],
        attention=_attention(node, lang),
        children=below,
        hosted_count=_hosted_count(node),
        can_carry=me().role in REVIEW,
    )


def sync_run() -> Any:
    """Rings the loop and goes back to the page."""
    rung = current_app.extensions["grid"].wake()
    return redirect(url_for("pages.sync_page", running=1 if rung else None))


def _stats(node: Replica) -> dict[str, int]:
    db = node.db
    midnight = at_time(business_day(node.env.now_ms()), time(0))
    if node.identity.is_top:
        own, today = link_queries.events_held(db), link_queries.received_since(db, midnight, going_up=False)
        return {"own": own, "sent": own, "stored": own, "marked": own, "queue": 0, "refused": 0, "today": today}
    own, queue = log.up_tip(db)[0], status.queue(node)
    today = link_queries.received_since(db, midnight, going_up=True)
    refused, waiting = link_queries.refused_by_parent(db, node.link_up), link_queries.not_marked(db)
    sent = own - queue
    return {
        "own": own, "sent": sent, "stored": sent - refused, "marked": max(0, own - waiting), "queue": queue,
        "refused": refused, "today": today,
    }  # fmt: skip


def _attention(node: Replica, lang: str) -> list[dict[str, Any]]:
    found = []
    for row in status.refused(node):
        reason = label(lang, f"refused.{row['code']}") if has_label(lang, f"refused.{row['code']}") else row["code"]
        by = node.identity.unit if row["here"] else row["by"]
        found.append(_item(node, "refused", row["event"], by, reason, row["at"]))
    for row in status.set_aside(node):
        found.append(
            _item(node, row["standing"], row["event"], None, label(lang, f"standing.{row['standing']}"), row["at"])
        )
    for row in unprojected(node):
        text = label(lang, "page.sync.unprojected_text", schema=row["schema"])
        found.append(_item(node, "unprojected", row["event"], None, text, row["at"]))
    for row in status.forks(node):
        found.append(_item(node, "fork", row["tips"][0], None, label(lang, "page.sync.fork_text"), None))
    return found


def _item(node: Replica, kind: str, event: str, by: str | None, text: str, at: str | None) -> dict[str, Any]:
    row = link_queries.event_about(node.db, event)
    title = label(language(), "page.sync.unknown_event", event=event[:8])
    if row is not None:
        kind_key = f"kind.{row[0]}"
        kind_name = label(language(), kind_key) if has_label(language(), kind_key) else row[0]
        bdate = row[2].split("\t")[6] if row[2].count("\t") == 10 else ""
        title = " · ".join([kind_name, _name(node, row[1]), _day(bdate)])
    return {
        "kind": kind, "by": _name(node, by) if by else None, "title": title, "text": text, "at": at, "event": event,
    }  # fmt: skip


def _day(text: str) -> str:
    try:
        return day_text(date.fromisoformat(text))
    except ValueError:
        return text


def _hosted_count(node: Replica) -> int:
    """Units above the group that this node serves besides its own."""
    today = business_day(node.env.now_ms())
    tree, certified, own = directory.tree_of(node), directory.certified_units(node.db), node.identity.unit
    below = (one.id for one in tree.subtree(own, today) if one.level != LEVELS[0] and one.id != own)
    return sum(directory.host_of(tree, certified, unit, today) == own for unit in below)


def _name(node: Replica, unit: str | None) -> str:
    if unit is None:
        return ""
    named = directory.tree_of(node).nearest(unit, business_day(node.env.now_ms()))
    return named.name if named else unit
