"""我的记录: what was entered, and how far each record has come."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint, request

from node import queries
from node.daily import duty_queries
from node.daily.campaigns import campaign_name
from node.daily.checks import duty_state_of
from node.evidence.records import Path, path_of, returned_json
from node.guard import language, me, replica
from node.pages.frame import may_open, page
from node.pages.texts import time_text
from schemas.checks import Report
from schemas.clock import business_day
from schemas.labels import label
from schemas.units.tree import LEVELS, Tree
from sync import directory
from sync.replica import Replica

RECORD_DAYS: Final = 14
YEAR_DAYS: Final = 366
RECORDS: Final = 100
MAX_UNITS: Final = 5_000
LATE_ARRIVAL_MS: Final = 2 * 86_400_000


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/records", "records", records)


def records() -> Any:
    """What was entered for a unit and the units below it, newest first."""
    node = replica()
    unit = request.args.get("unit") or me().unit
    tree, last = directory.tree_of(node), _today(node)
    known = tree.nearest(unit, last)
    alone = known is None or known.level == LEVELS[0]
    units = [unit] if alone else [one.id for one in tree.subtree(unit, last)]
    first = last - timedelta(days=YEAR_DAYS if alone else RECORD_DAYS)
    wanted = None if unit == node.identity.unit else units[:MAX_UNITS]
    found = recent(node, wanted, first, last)
    for one in found:  # the one that counts, not sent back yet, of a unit below
        open_still = one["amended_by"] is None and one["returned"] is None
        one["may_return"] = open_still and _may_return(tree, one["unit_id"])
    model: dict[str, Any] = {
        "records": found,
        "first": first,
        "last": last,
        "limit": RECORDS,
    }
    return page("records.html", "nav.records", unit=known or {"id": unit, "name": unit}, **model)


def _may_return(tree: Tree, unit: str) -> bool:
    """Whether the reader stands above a unit, and may send its checks back."""
    return may_open("pages.check_return", me().role) and unit != me().unit and tree.ever_below(unit, me().unit)


def recent(node: Replica, units: list[str] | None, first: date, last: date) -> list[dict[str, Any]]:
    """The records of some units (None: all) over days, newest first, at most 100."""
    reports = queries.reports_between(node.db, units, first, last, None, RECORDS)
    amended = {report.amends: report.event for report in reports if report.amends}
    returned = duty_queries.returns_of(node.db, [report.event for report in reports]) if reports else {}
    return [_record(node, report, amended.get(report.event), returned.get(report.event)) for report in reports]


def _record(
    node: Replica, report: Report, amended_by: str | None, returned: duty_queries.Return | None
) -> dict[str, Any]:
    lang = language()
    row = queries.duty_row(node.db, (report.unit, report.date.isoformat(), report.occasion))
    way = path_of(node, report.event)
    state: str = report.result
    if row is not None and row.event == report.event:
        state = duty_state_of(node, report.unit, report.date, row)
    refused = None
    if way.refused is not None:
        by, code, _at = way.refused
        refused = {"by": _name(node, by), "code": code, "reason": label(lang, f"refused.{code}")}
    sent_back = returned_json(node, returned)
    if sent_back is not None:
        said = "".join(_sentence(text) for text in (sent_back["reason"], sent_back["text"]) if text)
        sent_back |= {"by": _name(node, sent_back["by"]), "reason": said or label(lang, "page.today.returned_why")}
    return {
        "day": report.date,
        "unit": _name(node, report.unit),
        "unit_id": report.unit,
        "state": state,
        "found": {"disputes": report.disputes, "hazards": report.hazards} if report.result == "found" else None,
        "campaign": campaign_name(node.db, report.occasion),
        "event": report.event,
        "steps": steps(way, lang),
        "amended_by": amended_by,
        "late_arrival": report.received_ms - report.recorded_ms > LATE_ARRIVAL_MS,
        "refused": refused,
        "returned": sent_back,
    }


def _sentence(text: str) -> str:
    """What a person wrote, with an end of its own or a full stop."""
    return (
        text
        if text.endswith(("。", ".", "！", "!", "？", "?", "；", ";"))
        else f"{text}{label(language(), 'page.case.end')}"
    )


def steps(way: Path, lang: str) -> list[dict[str, Any]]:
    """Always five: saved, village, township, county, city. A level without a node, or whose own mark is not held here
    (marks go down, never up), is passed with the one above it.
    """
    saved = way.hops[0]
    hops = {hop.level: hop.at for hop in way.hops[1:]}
    instants: dict[str, int | None] = {}
    above: int | None = None
    for level in reversed(LEVELS[1:]):
        below_writer = LEVELS.index(level) <= LEVELS.index(saved.level)
        above = saved.at if below_writer else hops.get(level) or above
        instants[level] = above
    first = {"key": "saved", "label": label(lang, "path.saved"), "state": "done", "text": time_text(saved.at)}
    shown: list[dict[str, Any]] = [{**first, "at": saved.at}]
    stopped = False
    for level in LEVELS[1:]:
        at = instants[level]
        if at is not None:
            state, text = "done", time_text(at)
        elif stopped:
            state, text = "wait", label(lang, "path.not_yet")
        else:
            state, text = _halt(way, level, lang)
            stopped = True
        word = label(lang, f"level_short.{level}")
        shown.append({"key": level, "label": word, "state": state, "text": text, "at": at})
    return shown


def _halt(way: Path, level: str, lang: str) -> tuple[str, str]:
    """(state, word) of the first station that has not marked the record."""
    if way.refused is not None:
        return "fail", label(lang, "path.refused")
    first = next((hop.level for hop in way.hops[1:] if hop.at is None), level)
    sent_by_writer = any(hop.at is not None for hop in way.hops[1:])
    if not sent_by_writer and first == level:
        return "now", label(lang, "path.queued")
    return "now", label(lang, "path.unmarked" if level == LEVELS[-1] else "path.under_way")


def _name(node: Replica, unit: str) -> str:
    named = directory.tree_of(node).nearest(unit, _today(node))
    return named.name if named else unit


def _today(node: Replica) -> date:
    return business_day(node.env.now_ms())
