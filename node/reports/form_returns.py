"""Filling a form for a unit and period: returns that are sent, amended and sent back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlite_utils import Database

from node import answers
from node.answers import Answer, Document, request_bytes
from node.daily import duty_queries, returning
from node.daily.calendars import calendar_of
from node.daily.returning import Reported
from node.evidence.records import path_json, returned_json
from node.people.accounts import Account
from node.reports import form_queries
from node.reports.confirmation_excuses import lifted
from node.reports.form_projection import RETURN_FORM_KIND, RETURN_FORM_SCHEMA, valid_among, values_by
from node.reports.form_queries import Key, Sent
from node.reports.forms import forms_of
from node.scope import require_hosted
from schemas.cadence import Calendar
from schemas.clock import iso_instant
from schemas.confirmations import Owed
from schemas.duties import on_time
from schemas.errors import Corrupt, Invalid, NotFound
from schemas.forms import Form, Forms
from schemas.periods import Period, parse_period, period_of
from schemas.returns import effective_return, owed_on, require_values, return_payload, state_unsent
from schemas.strict_json import loads
from schemas.units.tree import Unit
from sync import clocks, log
from sync.directory import tree_of
from sync.intake import Intake
from sync.replica import Replica

COMMIT: Final = "check"  # a report of a unit, as a check is


def submit(replica: Replica, account: Account, body: Mapping[str, Any], key: str | None) -> Answer:
    """Fills a form for a unit and period; a second return amends the first.

    Raises GridError naming the field or rule that is broken, with the difference; nothing is stored then.
    """

    def act(intake: Intake) -> Document:
        return enter(intake, body)

    return answers.once(replica, account.name, key, request_bytes(body), COMMIT, act)


def enter(intake: Intake, body: Mapping[str, Any]) -> Document:
    """Signs and stores one filled form inside the caller's transaction."""
    replica, period = intake.replica, parse_period(body.get("period"))
    unit = require_hosted(replica, str(body.get("unit")), period.last)
    form, owed = require_owed(forms_of(replica.db), calendar_of(replica.db), body.get("form"), unit, period)
    _refuse_early(replica, form, owed)
    values = require_values(form, body.get("values"))
    standing = form_queries.sent(replica.db, (form.id, unit.id, period.key))
    amends = standing.event if standing else None
    event = intake.author(
        kind=RETURN_FORM_KIND, schema=RETURN_FORM_SCHEMA, unit=unit.id, day=period.last,
        public=return_payload(form, period, values, amends),
    )  # fmt: skip
    late = not on_time(standing.first_recorded_at if standing else intake.now_ms, owed.grace_ms)
    told = {"form": form.id, "version": form.version, "unit": unit.id, "period": period.key}
    return {"id": event.hash, "event": event.hash, **told, "state": "late" if late else "sent", "amends": amends}


def require_form(forms: Forms, form: object, unit: Unit, period: Period) -> Form:
    """The version of a form in force on the last day of a period, if the unit's level fills it. Raises NotFound for a
    form that nobody published, Invalid where it is not in force or not for that level.
    """
    if not isinstance(form, str) or not forms.versions(form):
        raise NotFound("unknown_form", field="form", value=form)
    found = forms.on(form, period.last)
    if found is None:
        since = min(one.first for one in forms.versions(form))
        raise Invalid("form_not_in_force", field="period", value=period.key, form=form, since=since.isoformat())
    if unit.level not in found.levels:
        raise Invalid("form_not_for_level", field="unit", value=unit.name, form=form, levels=", ".join(found.levels))
    return found


def require_owed(forms: Forms, calendar: Calendar, form: object, unit: Unit, period: Period) -> tuple[Form, Owed]:
    """The form and what the unit owes of it for the period. Raises Invalid with the period that it does owe."""
    found = require_form(forms, form, unit, period)
    owed = owed_on(forms, calendar, found.id, unit.level, period.last)
    if owed is None or owed.period.key != period.key:
        right = period_of(found.cadence, period.last)
        raise Invalid("form_period", field="period", value=period.key, form=found.id, owed=right.key)
    return found, owed


def _refuse_early(replica: Replica, form: Form, owed: Owed) -> None:
    """Raises Invalid before the last day of the period, by the latest of the clocks."""
    known = [at for at in clocks.known(replica) if at is not None]
    if max(known) < owed.opens_ms:
        raise Invalid("return_too_early", field="period", value=owed.period.key, form=form.id, last=owed.period.last)


def send_back(replica: Replica, account: Account, event: str, body: Mapping[str, Any], key: str | None) -> Answer:
    """A reviewer of a higher unit returns a filled form with a reason."""
    return returning.send_back(replica, account, event, body, key, _reported)


def _reported(db: Database, event: str) -> Reported | None:
    held = form_queries.one_held(db, event)
    standing = form_queries.sent(db, (held.form, held.unit, held.period)) if held else None
    return Reported(standing.unit, standing.event) if standing else None


# ---- reading


def documents(replica: Replica, form: str, sent: Sequence[Sent]) -> list[Document]:
    """Returns of a form that count, at most a page of them, each with its values and how far it has come."""
    forms = forms_of(replica.db)
    duties = _judged(replica, forms, form, sent)
    returns = duty_queries.returns_of(replica.db, [one.event for one in sent])
    return [_document(replica, forms, one, duties[one.event], returns.get(one.event)) for one in sent]


def _document(
    replica: Replica, forms: Forms, one: Sent, duty: tuple[str, Owed | None], returned: duty_queries.Return | None
) -> Document:
    held, stored = form_queries.one_held(replica.db, one.event), log.load(replica.db, one.event)
    if held is None or stored is None:
        raise Corrupt("unreadable", field="event", value=one.event, why="a return that counts is not held")
    _, values = values_by(forms, held.form, held.version, loads(held.content))
    return {
        "event": one.event,
        "form": one.form,
        "version": one.version,
        "unit": one.unit,
        "period": one.period,
        "date": one.day,
        "values": values,
        "state": duty[0],
        "counted": duty[1] is not None,
        "amends": held.amends,
        "recorded_at": iso_instant(held.recorded_ms),
        "first_recorded_at": iso_instant(one.first_recorded_at),
        "received_at": iso_instant(stored.received_at),
        "conflicts": _conflicts(replica.db, forms, (one.form, one.unit, one.period)) if one.conflicts else [],
        **path_json(replica, one.event),
        "returned": returned_json(replica, returned),
    }


def _conflicts(db: Database, forms: Forms, key: Key) -> list[str]:
    """Returns of a key that nobody amended and that stand beside the one that counts."""
    valid = valid_among(forms, form_queries.held_for(db, key))
    return list(effective_return([one for one, _, _ in valid.values()]).conflicts)


def _judged(replica: Replica, forms: Forms, form: str, sent: Sequence[Sent]) -> dict[str, tuple[str, Owed | None]]:
    """(state, what was owed or None) of returns of a form that count, by event."""
    calendar, tree = calendar_of(replica.db), tree_of(replica)
    returned = duty_queries.returned_among(replica.db, [one.event for one in sent])
    found: dict[str, tuple[str, Owed | None]] = {}
    for one in sent:
        period = parse_period(one.period)
        unit = tree.at(one.unit, period.last)
        owed = owed_on(forms, calendar, form, unit.level, period.last) if unit else None
        if owed is not None and owed.period.key != one.period:
            owed = None
        found[one.event] = (state_of_sent(owed, one, returned), owed)
    return found


def state_of_sent(owed: Owed | None, one: Sent, returned: frozenset[str]) -> str:
    """`sent`, `late` or `returned`; what nobody owed can't be late."""
    if one.event in returned:
        return "returned"
    late = owed is not None and not on_time(one.first_recorded_at, owed.grace_ms)
    return "late" if late else "sent"


def duty_of(replica: Replica, unit: Unit, form: str, owed: Owed) -> tuple[str, Sent | None]:
    """(state, the return) of what a unit owes of a form for a period."""
    sent = form_queries.sent(replica.db, (form, unit.id, owed.period.key))
    if sent is not None:
        return state_of_sent(owed, sent, duty_queries.returned_among(replica.db, [sent.event])), sent
    excused = unit.id in lifted(replica.db, tree_of(replica), unit.level, owed.period, [unit])
    return state_unsent(owed, replica.env.now_ms(), excused=excused), None
