"""Submitting checks: the shape was checked at the edge, the meaning is checked here, then one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any, Final

from sqlite_utils import Database

from node import answers, queries
from node.answers import Answer, Document, request_bytes
from node.daily import campaigns, duty_queries, returning
from node.daily.calendars import calendar_of
from node.daily.excuses import excuse_of
from node.daily.returning import Reported
from node.people.accounts import Account
from node.projections import CHECK_KIND, CHECK_SCHEMA
from node.queries import Key
from node.scope import refuse_future, require_hosted
from schemas.cadence import grace_end
from schemas.checks import read_check
from schemas.clock import at_time, business_day, parse_instant
from schemas.duties import duty_state
from schemas.errors import Invalid
from schemas.periods import parse_day, period_of
from sync.directory import tree_of
from sync.intake import Intake
from sync.replica import Replica

REGULAR: Final = "regular"


def submit(replica: Replica, account: str, body: Mapping[str, Any], key: str | None = None) -> Answer:
    """Records one check. Raises GridError naming the field that breaks a rule; nothing is stored then."""

    def act(intake: Intake) -> Document:
        event, day = enter(intake, body)
        chosen = queries.report_by_event(replica.db, event)
        assert chosen is not None
        state = state_of(replica, chosen.unit, day, chosen.occasion)
        return {"id": event, "event": event, "state": state, "amends": chosen.amends}

    return answers.once(replica, account, key, request_bytes(body), "check", act)


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
    campaigns.check_occasion(replica.db, str(payload["occasion"]), day)
    amended = _amended(replica, (unit, day.isoformat(), str(payload["occasion"])), payload.get("amends"))
    if amended is not None:
        payload["amends"] = amended
    event = intake.author(kind=CHECK_KIND, schema=CHECK_SCHEMA, unit=unit, day=day, public=payload)
    return event.hash, day


def _amended(replica: Replica, key: Key, named: object) -> str | None:
    """A second report amends the first, never adds; one that is named must be of the same unit, day and occasion."""
    if named is None:
        standing = queries.duty_row(replica.db, key)
        return standing.event if standing else None
    report = queries.report_by_event(replica.db, str(named))
    if report is None or (report.unit, report.date.isoformat(), report.occasion) != key:
        raise Invalid("amends_other", field="amends", value=named)
    return str(named)


def state_of(replica: Replica, unit: str, day: date, occasion: str = REGULAR) -> str:
    """The state of one duty, or of the report where no duty was owed."""
    row = queries.duty_row(replica.db, (unit, day.isoformat(), occasion))
    if occasion == REGULAR:
        return duty_state_of(replica, unit, day, row)
    calendar = calendar_of(replica.db)
    return duty_state_of(
        replica, unit, day, row, campaigns.grace_ms(replica.db, tree_of(replica), calendar, unit, day, occasion)
    )


def duty_state_of(
    replica: Replica, unit: str, day: date, row: queries.DutyRow | None, grace_ms: int | None = None
) -> str:
    """One of the duty states for a day of a group with its effective check, or for a duty with a grace of its own."""
    profile = calendar_of(replica.db).on(day)
    grace = grace_end(profile, "group", period_of("day", day)) if grace_ms is None else grace_ms
    returned = row is not None and row.event in duty_queries.returns_of(replica.db, [row.event])
    return duty_state(
        replica.env.now_ms(),
        at_time(day, time(0)),
        grace,
        row.result if row else None,  # type: ignore[arg-type]
        row.first_recorded_at if row else None,
        row is None and excuse_of(replica, unit, day) is not None,
        returned,
    )


def send_back(replica: Replica, account: Account, event: str, body: Mapping[str, Any], key: str | None) -> Answer:
    """A reviewer of a higher unit returns a check with a reason."""
    return returning.send_back(replica, account, event, body, key, _reported)


def _reported(db: Database, event: str) -> Reported | None:
    """Whose check an event is, and the one that stands for its day now; None if it is no check held here."""
    report = queries.report_by_event(db, event)
    if report is None:
        return None
    row = queries.duty_row(db, (report.unit, report.date.isoformat(), report.occasion))
    return Reported(report.unit, row.event if row else "")
