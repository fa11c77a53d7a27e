"""Reminders (催报) at a node: sending them, what became of them, and those that units served here have received."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from node import answers
from node.answers import Answer, Document, request_bytes
from node.daily import excuse_queries
from node.daily.calendars import calendar_of
from node.daily.checks import state_of
from node.daily.duties import missing_in
from node.desk import reminder_queries as kept
from node.people.accounts import Account
from node.reports.confirmation_duties import judged
from node.scope import in_scope, require_hosted, today_of
from schemas.clock import business_day, iso_instant
from schemas.confirmations import owed_on
from schemas.duties import ANSWERED
from schemas.errors import Conflict, Forbidden, Invalid, NotFound
from schemas.periods import Period, parse_period
from schemas.reminders import KIND, MAX_AT_ONCE, SCHEMA, Reminder, read_text
from schemas.units.tree import LEVELS
from sync.directory import tree_of
from sync.heads import is_covered
from sync.intake import Intake
from sync.replica import Replica

SHOWN_DAYS: Final = timedelta(days=31)  # how long an unanswered reminder stays on the list of the unit
MAX_RECEIVED: Final = 200


def remind(replica: Replica, account: Account, body: Mapping[str, Any], key: str | None = None) -> Answer:
    """Reminds one unit. Raises GridError naming the field that breaks a rule; nothing is stored then."""
    unit = str(body.get("unit"))

    def act(intake: Intake) -> Document:
        _require_above(replica, account, unit, business_day(intake.now_ms))
        period = _asked(replica, unit, body.get("period"))
        if not _lacks(replica, unit, period):
            raise Conflict("nothing_missing", field="unit", value=unit, period=period.key)
        return _sign(intake, account, unit, period, read_text(body))

    return answers.once(replica, account.name, key, request_bytes(body, route="reminders"), "remind", act)


def remind_all(
    replica: Replica, account: Account, units: Sequence[str], period: object, text: str, key: str | None
) -> Answer:
    """Reminds those of some units that still lack the report, in one transaction: `{reminded, reported}` counts.

    Raises GridError when one unit may not be reminded at all, or there are none or too many; nothing is stored then.
    """
    if not 0 < len(units) <= MAX_AT_ONCE:
        raise Invalid("too_many_units", field="unit", value=len(units), limit=MAX_AT_ONCE)

    def act(intake: Intake) -> Document:
        words, lacking = read_text({"text": text}), 0
        for unit in dict.fromkeys(units):
            _require_above(replica, account, unit, business_day(intake.now_ms))
            span = _asked(replica, unit, period)
            if _lacks(replica, unit, span):
                _sign(intake, account, unit, span, words)
                lacking += 1
        return {"reminded": lacking, "reported": len(set(units)) - lacking}

    request = request_bytes({"units": sorted(units), "period": str(period), "text": text})
    return answers.once(replica, account.name, key, request, "remind", act)


def _require_above(replica: Replica, account: Account, unit: str, day: date) -> None:
    if not tree_of(replica).exists(unit):
        raise NotFound("unknown_unit", field="unit", value=unit)
    if unit == account.unit or not in_scope(replica, account, unit):
        raise Forbidden("not_above", field="unit", value=unit, own=account.unit)
    require_hosted(replica, account.unit, day)


def _asked(replica: Replica, unit: str, text: object) -> Period:
    period = parse_period(text)
    if period.first > today_of(replica):
        raise Invalid("period_ahead", field="period", value=period.key)
    if tree_of(replica).level(unit) == LEVELS[0] and period.days > 1:
        raise Invalid("reminder_of_a_day", field="period", value=period.key)
    return period


def _lacks(replica: Replica, unit: str, period: Period) -> bool:
    return outcome(replica, unit, period)["state"] not in ANSWERED


def _sign(intake: Intake, account: Account, unit: str, period: Period, private: dict[str, object] | None) -> Document:
    public: dict[str, object] = {"by": account.unit, "period": period.key}
    day = business_day(intake.now_ms)
    event = intake.author(kind=KIND, schema=SCHEMA, unit=unit, day=day, public=public, private=private).hash
    return {"id": event, "event": event, "unit": unit, **public}


def outcome(replica: Replica, unit: str, period: Period) -> dict[str, Any]:
    """`{state, lacking}`: the duty state of a group's day; of a unit above, `missing` with the number of group days
    that are not reported below it; when there are none, the state of its confirmation, `zero` if it owes none.
    """
    if tree_of(replica).level(unit) == LEVELS[0]:
        return {"state": state_of(replica, unit, period.first), "lacking": None}
    lacking = missing_in(replica, unit, period.first, min(period.last, today_of(replica)))
    return {"state": "missing" if lacking else _confirmation_state(replica, unit, period), "lacking": lacking}


def _confirmation_state(replica: Replica, unit: str, period: Period) -> str:
    known = tree_of(replica).at(unit, period.last)
    owed = owed_on(calendar_of(replica.db), known.level, period.last) if known else None
    if known is None or owed is None or owed.period.key != period.key:
        return "zero"
    return judged(replica, [(known, owed)])[0].state


# ---- lists


def sent(replica: Replica, unit: str, before: int | None, limit: int) -> dict[str, Any]:
    """The reminders that a unit sent, the latest first, each with what became of it."""
    rows = kept.sent_by(replica.db, unit, 2**62 if before is None else before, limit + 1)
    items = [item(replica, one) for _, one in rows[:limit]]
    return {"items": items, "next": str(rows[limit - 1][0]) if len(rows) > limit else None}


def received(replica: Replica, units: Sequence[str]) -> list[dict[str, Any]]:
    """The reminders of the last days that some units have not answered, one a unit and period, the oldest period
    first.
    """
    found: list[Reminder] = []
    since = (today_of(replica) - SHOWN_DAYS).isoformat()
    for start in range(0, len(units), 500):
        found += kept.received(replica.db, units[start : start + 500], since, MAX_RECEIVED)
    below = tree_of(replica).ever_below
    shown = [item(replica, one) for one in found[:MAX_RECEIVED] if one.holds(below)]
    return [one for one in shown if one["state"] not in ANSWERED]


def item(replica: Replica, one: Reminder) -> dict[str, Any]:
    """One reminder as a document; `text` where it is held here."""
    text = "" if is_covered(replica.db) else excuse_queries.words_of(replica.db, one.event, "text")
    return {
        "id": one.event,
        "event": one.event,
        "unit": one.unit,
        "by": one.by,
        "period": one.period.key,
        "at": iso_instant(one.at),
        "text": text or None,
        **outcome(replica, one.unit, one.period),
    }
