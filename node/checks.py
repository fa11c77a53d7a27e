"""Submitting checks: the shape was checked at the edge, the meaning is checked here, then one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from node import queries
from node.accounts import Account
from node.projections import CHECK_KIND, CHECK_SCHEMA, RETURN_KIND, calendar_of
from node.scope import clocks, refuse_future, require_hosted
from schemas.cadence import grace_end
from schemas.checks import read_check
from schemas.clock import at_time, business_day, parse_instant
from schemas.duties import duty_state
from schemas.errors import Conflict, Invalid, NotFound
from schemas.periods import parse_day, period_of
from schemas.strict_json import dumps, loads
from sync.database import write
from sync.directory import tree_of
from sync.intake import Intake
from sync.replica import Replica

ANSWER_LIFE_MS: Final = 400 * 86_400_000
REGULAR: Final = "regular"
RETURN_SCHEMA: Final = "return/1"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a POST says: `repeated` when the same key brought the same body before."""

    document: Document
    repeated: bool


def once(
    replica: Replica, account: str, key: str | None, request: bytes, name: str, act: Callable[[Intake], Document]
) -> Answer:
    """Acts in one transaction, once per (account, key): the same body again gets the same answer.

    Raises Conflict `key_reused` for another body under a used key; nothing is stored then.
    """
    now = replica.env.now_ms()
    digest = hashlib.sha256(request).digest()
    with write(replica.db, name, replica.env):
        if key is not None:
            row = replica.db.execute(
                "SELECT request, body FROM answer WHERE account = ? AND key = ?", [account, key]
            ).fetchone()
            if row is not None:
                if row[0] != digest:
                    raise Conflict("key_reused", field="Idempotency-Key", value=key)
                return Answer(loads(row[1]), repeated=True)  # type: ignore[arg-type]
        intake = Intake(replica, now)
        document = act(intake)
        intake.finish()
        if key is not None:
            # A clock that jumps ahead must not use the answers up, one that falls back must not make them look old.
            known = [at for at in clocks(replica) if at is not None]
            replica.db.execute("DELETE FROM answer WHERE at < ?", [min(known) - ANSWER_LIFE_MS])
            replica.db.execute(
                "INSERT INTO answer (account, key, request, status, body, at) VALUES (?, ?, ?, 201, ?, ?)",
                [account, key, digest, dumps(document), max(known)],
            )
    return Answer(document, repeated=False)


def submit(replica: Replica, account: str, body: Mapping[str, Any], key: str | None = None) -> Answer:
    """Records one check. Raises GridError naming the field that breaks a rule; nothing is stored then."""

    def act(intake: Intake) -> Document:
        event, day = enter(intake, body)
        chosen = queries.report_by_event(replica.db, event)
        assert chosen is not None
        state = state_of(replica, chosen.unit, day, chosen.occasion)
        return {"id": event, "event": event, "state": state, "amends": chosen.amends}

    return once(replica, account, key, dumps(dict(sorted(body.items()))).encode(), "check", act)


def enter(intake: Intake, body: Mapping[str, Any]) -> tuple[str, date]:
    """Signs and stores one check inside the caller's transaction; returns (event hash, day)."""
    replica = intake.replica
    unit, day = str(body.get("unit")), parse_day(body.get("date"), "date")
    require_hosted(replica, unit, day)
    refuse_future(replica, day, "date")
    stated = dict(body)
    if stated.get("recorded_at") is not None:
        recorded = parse_instant(stated["recorded_at"], "recorded_at")
        refuse_future(replica, business_day(recorded), "recorded_at")
        stated["recorded_at"] = recorded
    payload = read_check(stated)
    if payload["occasion"] != REGULAR:
        raise Invalid("unknown_campaign", field="occasion", value=payload["occasion"])
    amended = _amended(replica, unit, day, payload.get("amends"))
    if amended is not None:
        payload["amends"] = amended
    event = intake.author(kind=CHECK_KIND, schema=CHECK_SCHEMA, unit=unit, day=day, public=payload)
    return event.hash, day


def _amended(replica: Replica, unit: str, day: date, named: object) -> str | None:
    """A second report amends the first, never adds; one that is named must be of the same unit, day and occasion."""
    if named is None:
        standing = queries.duty_row(replica.db, (unit, day.isoformat(), REGULAR))
        return standing.event if standing else None
    report = queries.report_by_event(replica.db, str(named))
    if report is None or (report.unit, report.date, report.occasion) != (unit, day, REGULAR):
        raise Invalid("amends_other", field="amends", value=named)
    return str(named)


def state_of(replica: Replica, unit: str, day: date, occasion: str = REGULAR) -> str:
    """The state of one duty, or of the report where no duty was owed."""
    row = queries.duty_row(replica.db, (unit, day.isoformat(), occasion))
    return duty_state_of(replica, day, row)


def duty_state_of(replica: Replica, day: date, row: queries.DutyRow | None) -> str:
    """One of the duty states for a group day with its effective check."""
    profile = calendar_of(replica.db).on(day)
    grace = grace_end(profile, "group", period_of("day", day))
    returned = row is not None and row.event in queries.returns_of(replica.db, [row.event])
    return duty_state(
        replica.env.now_ms(),
        at_time(day, time(0)),
        grace,
        row.result if row else None,  # type: ignore[arg-type]
        row.first_recorded_at if row else None,
        False,
        returned,
    )


def send_back(replica: Replica, account: Account, event: str, body: Mapping[str, Any], key: str | None) -> Answer:
    """A reviewer of a higher unit returns a report with a reason: it counts on until amended. Words stay private."""

    def act(intake: Intake) -> Document:
        report = queries.report_by_event(replica.db, event)
        if report is None:
            raise NotFound("unknown_event", field="event", value=event)
        tree = tree_of(replica)
        if report.unit == account.unit or not tree.ever_below(report.unit, account.unit):
            raise Conflict("return_not_above", field="event", value=event, unit=report.unit)
        row = queries.duty_row(replica.db, (report.unit, report.date.isoformat(), report.occasion))
        if row is None or row.event != event:
            raise Conflict("return_not_standing", field="event", value=event, standing=row.event if row else "")
        words = {name: body[name] for name in ("reason", "text") if body.get(name) is not None}
        signed = intake.author(
            kind=RETURN_KIND,
            schema=RETURN_SCHEMA,
            unit=report.unit,
            day=business_day(intake.now_ms),
            public={"report": event, "by": account.unit, "reason_code": body.get("reason_code") or "other"},
            private=words,
        )
        return {"id": signed.hash, "event": signed.hash, "report": event, "state": "returned"}

    request = dumps({"return": event, **dict(sorted(body.items()))}).encode()
    return once(replica, account.name, key, request, "return", act)
