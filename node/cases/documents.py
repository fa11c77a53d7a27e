"""A case as a document: for lists, and whole with its timeline (4-interfaces, `GET /api/v1/cases`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from node.cases import list_queries, queries
from node.cases.acts import Allowed
from node.cases.list_queries import Filter
from node.cases.private import read_private, read_words
from node.cases.queries import CaseNow, KeptEvent
from node.evidence.records import path_json
from node.people.accounts import Account
from schemas.cases.actions import ACTIONS
from schemas.cases.fold import Case
from schemas.cases.limits import Limit, signal
from schemas.clock import iso_instant
from schemas.strict_json import loads
from schemas.units.acts import LEVELS
from sync.directory import tree_of
from sync.replica import Replica


def listed(replica: Replica, wanted: Filter, after: str | None, limit: int) -> dict[str, Any]:
    """A page of cases, the newest registration first: `{items, next}`."""
    rows = list_queries.cases(replica.db, wanted, after, limit + 1)
    now = replica.env.now_ms()
    items = [item(row, now) for row in rows[:limit]]
    return {"items": items, "next": rows[limit - 1].case_id if len(rows) > limit else None}


def item(row: CaseNow, now_ms: int) -> dict[str, Any]:
    """A case in a list: coded facts only."""
    limit = None
    if row.started_at is not None and row.deadline_at is not None:
        limit = Limit(row.started_at, row.deadline_at)
    return {
        "id": row.case_id,
        "event": row.event,
        "state": row.state,
        "open": bool(row.open),
        "owner": row.owner,
        "level": row.level,
        "term": row.term,
        "offered_to": row.offered_to,
        "kind": row.kind,
        "category": row.category,
        "source": row.source,
        "source_group": row.source_group,
        "complexity": row.complexity,
        "urgency": row.urgency,
        "scale": row.scale or None,
        "amount_band": row.amount_band or None,
        "found_by": row.found_by,
        "date": row.day,
        "confirmation": row.confirmation,
        "deadline_at": iso_instant(row.deadline_at),
        "signal": None if limit is None else signal(limit, now_ms),
        "follow_up": row.follow_up,
    }


def whole(replica: Replica, account: Account, case: Case, purpose: str) -> dict[str, Any]:
    """The document of one case. Opening the private part is logged with its purpose before it is given out."""
    row = queries.case_now(replica.db, case.id)
    assert row is not None  # whatever folds is kept
    private = read_private(replica, account, case, purpose)
    words = read_words(replica, account, case, purpose) if private is None else private.pop("words")
    return {
        **facts(replica, account, case, row),
        "timeline": timeline(replica, case, words),
        "private": private,
    }


def facts(replica: Replica, account: Account, case: Case, row: CaseNow) -> dict[str, Any]:
    """All but timeline and private part."""
    now = case.now
    return {
        **item(row, replica.env.now_ms()),
        "allowed": Allowed.now(replica, account, case).actions,
        "tip": case.tip,
        "offer": case.offer,
        "round": now.round,
        "agreed_on": now.agreed_on.isoformat() if now.agreed_on else None,
        "performance_due": now.performance_due.isoformat() if now.performance_due else None,
        "follow_ups_due": [day.isoformat() for day in case.follow_ups_due],
        "limits": _limits(case, replica.env.now_ms()),
        "supervisions": [
            {
                "event": one.event,
                "unit": one.unit,
                "date": one.day.isoformat(),
                "due": one.due.isoformat(),
                "answers": list(one.answers),
            }
            for one in case.supervisions
        ],
        "owners": [
            {
                "unit": one.unit,
                "level": LEVELS[one.level],
                "term": one.term,
                "event": one.event,
                "date": one.day.isoformat(),
            }
            for one in case.owners
        ],
    }


def _limits(case: Case, now_ms: int) -> dict[str, Any] | None:
    limits = case.limits
    if limits is None:
        return None
    return {
        name: {"from": iso_instant(one.start_ms), "until": iso_instant(one.end_ms), "signal": signal(one, now_ms)}
        for name, one in (("level", limits.level), ("total", limits.total))
    }


def timeline(replica: Replica, case: Case, words: dict[str, Any]) -> list[dict[str, Any]]:
    """Every event held of the case: those that hold in their order, then the others in the order of arrival.

    `void` says why an event does not hold; `waiting` that what it follows is not held here.
    """
    kept = {one.event: one for one in queries.events_of(replica.db, case.id)}
    on_path = [event.hash for event in case.effective]
    rest = [event for event in kept if event not in set(on_path)]
    return [_step(replica, case, kept[event], words.get(event)) for event in (*on_path, *rest)]


def public_fields(stated: Mapping[str, Any]) -> dict[str, Any]:
    """The coded fields of an act. What is not on its list of public fields is never shown, whatever an event holds."""
    action = ACTIONS.get(str(stated.get("action")))
    names = [field.name for field in action.fields if not field.private] if action else []
    return {name: stated[name] for name in names if name in stated}


def _object(kept: KeptEvent) -> dict[str, Any]:
    value = loads(kept.public)
    return value if isinstance(value, dict) else {}


def _step(replica: Replica, case: Case, kept: KeptEvent, words: dict[str, Any] | None) -> dict[str, Any]:
    stated = _object(kept)
    level = tree_of(replica).level(kept.unit)
    return {
        "event": kept.event,
        "action": str(stated.get("action")),
        "term": stated.get("term"),
        "unit": kept.unit,
        "level": level,
        "date": kept.day,
        "recorded_at": iso_instant(kept.rtime),
        "received_at": iso_instant(kept.received_at),
        "void": case.void.get(kept.event),
        "waiting": kept.event in case.waiting,
        "public": public_fields(stated),
        "words": words,
        **path_json(replica, kept.event),
    }
