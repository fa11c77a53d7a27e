"""Confirming the figures of a period: they come from the rollup, nobody types a number twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlite_utils import Database

from node import answers, link_queries
from node.answers import Answer, Document, request_bytes
from node.daily import duty_queries, returning
from node.daily.calendars import calendar_of
from node.daily.returning import Reported
from node.figures.rollup_figures import Rollup
from node.figures.rollup_question import asked
from node.people.accounts import Account
from node.reports import confirmation_queries
from node.reports.confirmation_duties import judged
from node.reports.confirmation_figures import ConfirmationFigures
from node.reports.confirmation_projection import CONFIRMATION_KIND, CONFIRMATION_SCHEMA, confirmation_from
from node.reports.confirmation_queries import Duty
from node.scope import require_hosted
from schemas.cadence import Calendar
from schemas.clock import iso_instant
from schemas.confirmations import Confirmation, Owed, confirmation_payload, differences, owed_on
from schemas.errors import Corrupt, Invalid, NotFound
from schemas.measures import Measures
from schemas.periods import Period, parse_period, period_of
from schemas.units.tree import LEVELS, Unit
from sync import clocks, log
from sync.database import read
from sync.directory import tree_of
from sync.intake import Intake
from sync.replica import Replica

COMMIT: Final = "check"  # a report of a unit, as a check is


def confirm(replica: Replica, account: Account, body: Mapping[str, Any], key: str | None) -> Answer:
    """Confirms a period of a unit. Raises GridError naming the field that breaks a rule; nothing is stored then."""

    def act(intake: Intake) -> Document:
        return enter(intake, body)

    return answers.once(replica, account.name, key, request_bytes(body, confirm=True), COMMIT, act)


def enter(intake: Intake, body: Mapping[str, Any]) -> Document:
    """Signs and stores one confirmation inside the caller's transaction, with the figures as they are known at its
    instant.
    """
    replica, now = intake.replica, intake.now_ms
    unit, owed = owed_by_unit(replica, str(body.get("unit")), parse_period(body.get("period")))
    _refuse_early(replica, owed)
    standing = confirmation_queries.duty(replica.db, (unit.id, owed.period.key))
    amends = standing.event if standing else None
    payload = confirmation_payload(
        owed.period, figures(replica, unit.id, owed.period, now), own_part(replica, unit.id, owed.period, now),
        link_queries.events_held(replica.db), str(iso_instant(now)), body.get("remarks") or "", amends,
    )  # fmt: skip
    event = intake.author(
        kind=CONFIRMATION_KIND, schema=CONFIRMATION_SCHEMA, unit=unit.id, day=owed.period.last, public=payload
    )
    (found,) = judged(replica, [(unit, owed)])
    told = {name: payload[name] for name in ("period", "position", "as_of")}
    return {"id": event.hash, "event": event.hash, "unit": unit.id, **told, "state": found.state, "amends": amends}


def owed_by_unit(replica: Replica, unit: str, period: Period) -> tuple[Unit, Owed]:
    """The unit as of the period's last day and what it owes for it. Raises GridError when it owes none, or not here."""
    found = require_hosted(replica, unit, period.last)
    return found, require_owed(calendar_of(replica.db), found, period)


def require_owed(calendar: Calendar, unit: Unit, period: Period) -> Owed:
    """What the unit owes for the period. Raises Invalid when it owes none, with the period that it does owe."""
    if unit.level == LEVELS[0]:
        raise Invalid("confirmation_of_group", field="unit", value=unit.id)
    owed = owed_on(calendar, unit.level, period.last)
    if owed is None or owed.period.key != period.key:
        right = period_of(calendar.on(period.last).cadences[unit.level], period.last)
        raise Invalid("period_not_owed", field="period", value=period.key, unit=unit.name, owed=right.key)
    return owed


def _refuse_early(replica: Replica, owed: Owed) -> None:
    """Raises Invalid before the period is over, by the latest of the clocks."""
    known = [at for at in clocks.known(replica) if at is not None]
    if max(known) < owed.opens_ms:
        raise Invalid("period_not_over", field="period", value=owed.period.key, last=owed.period.last)


def figures(replica: Replica, unit: str, period: Period, now_ms: int) -> Measures:
    """Every measure of the unit's subtree in the period, as a rollup gives it."""
    with read(replica.db):
        question = asked(replica, unit, period, "then", now_ms)
        return Rollup(replica, question).measures(unit, period.first, period.last)


def own_part(replica: Replica, unit: str, period: Period, now_ms: int) -> Measures:
    """What the unit's own confirmations add to these figures: by confirming it changes them itself."""
    found = ConfirmationFigures(replica.db, tree_of(replica), calendar_of(replica.db), now_ms)
    return found.totals([(unit, 1)], [(period.first, period.last)])


def send_back(replica: Replica, account: Account, event: str, body: Mapping[str, Any], key: str | None) -> Answer:
    """A reviewer of a higher unit returns a confirmation with a reason."""
    return returning.send_back(replica, account, event, body, key, _reported)


def _reported(db: Database, event: str) -> Reported | None:
    """Whose confirmation an event is, and the one that stands for its period now; None if it is none held here."""
    key = confirmation_queries.event_key(db, event)
    duty = confirmation_queries.duty(db, key) if key else None
    return Reported(duty.unit, duty.event) if duty else None


# ---- reading


def document(replica: Replica, duty: Duty) -> Document:
    """One confirmation with what arrived after it: for each measure what was confirmed, what it is now, and the
    difference. What the unit's own confirmations changed is left out.
    """
    one, received_at = _load(replica, duty.event)
    now_ms = replica.env.now_ms()
    now, own = figures(replica, one.unit, one.period, now_ms), own_part(replica, one.unit, one.period, now_ms)
    changed = differences(_without(one.measures, one.own), _without(now, own))
    returned = duty_queries.returns_of(replica.db, [one.event]).get(one.event)
    return {
        "event": one.event,
        "unit": one.unit,
        "period": one.period.key,
        "first": one.period.first.isoformat(),
        "last": one.period.last.isoformat(),
        "result": one.result,
        "counted": duty.counted,
        "late": duty.late,
        "measures": dict(one.measures),
        "rates": dict(one.rates),
        "position": one.position,
        "as_of": one.as_of,
        "remarks": one.remarks,
        "amends": one.amends,
        "recorded_at": iso_instant(one.recorded_ms),
        "first_recorded_at": iso_instant(duty.first_recorded_at),
        "received_at": iso_instant(received_at),
        "conflicts": duty.conflicts,
        "returned": None if returned is None else {"by": returned[0], "at": iso_instant(returned[1])},
        "arrived_after": {
            name: {"confirmed": one.measures[name], "now": one.measures[name] + by, "difference": by}
            for name, by in changed.items()
        },
    }


def _load(replica: Replica, event: str) -> tuple[Confirmation, int]:
    stored = log.load(replica.db, event)
    if stored is None:
        raise NotFound("unknown_event", field="event", value=event)
    try:
        return confirmation_from(stored), stored.received_at
    except Invalid as error:  # it could be read when it came
        raise Corrupt("unreadable", field="event", value=event, why=error) from error


def _without(measures: Measures, own: Measures) -> dict[str, int]:
    return {name: value - own.get(name, 0) for name, value in measures.items()}
