"""Registering cases and acting on them: what may be done is decided by `schemas`, then one event in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from node import answers
from node.access import may_act
from node.answers import Answer, Document, request_bytes
from node.cases.projection import CASE_KIND, CASE_SCHEMA, ancestor_in, events_of, fold_of
from node.figures.category_lists import lists_of
from node.people.accounts import Account
from node.scope import hosts, in_scope, refuse_future, require_hosted, today_of
from schemas.cases.actions import ACTIONS, OWNING, read_action, read_register
from schemas.cases.events import case_payload, read_case_event
from schemas.cases.fold import Case, allowed_now, why_void
from schemas.clock import iso_instant
from schemas.encoding import UUID7_RANDOM_BYTES, uuid7
from schemas.errors import Conflict, Invalid, NotFound
from schemas.periods import parse_day
from schemas.units.acts import LEVELS
from sync.directory import tree_of
from sync.intake import Intake
from sync.replica import Replica

# What a request says beside the fields of the act itself.
ENVELOPE = ("unit", "date", "action", "after")
MAX_SINCE = 20


def register(replica: Replica, account: Account, body: Mapping[str, Any], key: str | None = None) -> Answer:
    """Registers a case. Raises GridError naming the field that breaks a rule; nothing is stored then."""

    def act(intake: Intake) -> Document:
        return _answer(intake, enter(intake, body))

    return answers.once(replica, account.name, key, request_bytes(body, route="cases"), "case", act)


def enter(intake: Intake, body: Mapping[str, Any]) -> str:
    """Signs and stores one registration inside the caller's transaction; returns the case's id."""
    replica = intake.replica
    unit = str(body.get("unit"))
    day = _day(replica, body)
    require_hosted(replica, unit, day)
    refuse_future(replica, day, "date")
    public, private = read_register(_fields(body), lists_of(replica.db).on(day))
    case_id = uuid7(intake.now_ms, replica.env.random_bytes(UUID7_RANDOM_BYTES))
    intake.author(
        kind=CASE_KIND, schema=CASE_SCHEMA, unit=unit, day=day, public=case_payload(case_id, public), private=private
    )
    return case_id


def act_on(replica: Replica, account: Account, case_id: str, body: Mapping[str, Any], key: str | None = None) -> Answer:
    """One act on a case. Raises NotFound for a case that the user does not see, Conflict with `state`, `allowed` and
    `event` when somebody acted in between or the act is not allowed now; nothing is stored then.
    """

    def act(intake: Intake) -> Document:
        enter_act(intake, account, case_id, body)
        return _answer(intake, case_id)

    request = request_bytes(body, case=case_id)
    return answers.once(replica, account.name, key, request, "case", act)


def enter_act(intake: Intake, account: Account, case_id: str, body: Mapping[str, Any]) -> str:
    """Signs and stores one act inside the caller's transaction; returns the event's hash."""
    replica, action = intake.replica, body.get("action")
    case = require_case(replica, account, case_id)
    day = _day(replica, body)
    if not isinstance(action, str) or action == "register" or action not in ACTIONS:
        read_action(action, {})  # says which there are
    may = Allowed.now(replica, account, case, day)
    if body.get("after") not in (case.event, case.tip):
        named = body.get("after")
        raise Conflict("case_moved_on", field="after", value=named, **may.told(case), since=since(case, named))
    unit = may.units.get(str(action))
    if unit is None:
        raise Conflict("case_not_now", field="action", value=action, **may.told(case))
    refuse_future(replica, day, "date")
    if day < min(case.effective[-1].day, today_of(replica)):
        raise Invalid("act_too_early", field="date", value=day, last=case.effective[-1].day)
    public, private = read_action(action, _fields(body), day)
    return _sign(intake, case, unit, day, public, private)


def since(case: Case, named: object) -> list[dict[str, object]]:
    """The acts that hold behind the one that somebody saw last, oldest first, at most MAX_SINCE; the last one alone
    where that one does not hold, or is not known here.
    """
    hashes = [event.hash for event in case.effective]
    behind = hashes.index(str(named)) + 1 if named in hashes else len(hashes) - 1
    return [
        {
            "event": one.hash,
            "action": one.action,
            "unit": one.unit,
            "date": one.day.isoformat(),
            "recorded_at": iso_instant(one.rtime),
        }
        for one in case.effective[behind:][-MAX_SINCE:]
    ]


def _sign(
    intake: Intake, case: Case, unit: str, day: date, public: dict[str, object], private: dict[str, object] | None
) -> str:
    action = str(public["action"])
    after, term = case.follows(action), case.term + (action in OWNING)
    payload = case_payload(case.id, public, after, term, case.offer)
    _refuse_void(intake, case, unit, day, payload)
    event = intake.author(kind=CASE_KIND, schema=CASE_SCHEMA, unit=unit, day=day, public=payload, private=private)
    return event.hash


def _refuse_void(intake: Intake, case: Case, unit: str, day: date, payload: Mapping[str, object]) -> None:
    """What the table can't tell without the act's fields: a unit in the wrong place, a limit too far."""
    tree = tree_of(intake.replica)
    to = payload.get("to_unit")
    if isinstance(to, str) and tree.at(to, day) is None:
        raise NotFound("unknown_unit", field="to_unit", value=to)
    level = LEVELS.index(tree.level(unit) or LEVELS[0])
    candidate = read_case_event("-" * 43, unit, level, day, intake.now_ms, payload)
    why = why_void(events_of(intake.db, tree, case.id), candidate, ancestor_in(tree), case.rules)
    if why == "wrong_unit":
        raise Invalid("case_wrong_unit", field="to_unit", value=to, owner=case.owner)
    if why == "limit":
        last = case.now.clock.last_day(case.now.court, case.rules)
        raise Invalid("case_limit", field="until", value=payload.get("until"), last=last)
    if why is not None:
        told = {"state": case.state, "allowed": [], "event": case.event}
        raise Conflict("case_not_now", field="action", value=payload["action"], **told)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The acts that a user may do on a case now, in the order of the table, each with the unit that it is done for."""

    units: Mapping[str, str]

    @staticmethod
    def now(replica: Replica, account: Account, case: Case, day: date | None = None) -> Allowed:
        """A user acts for the owner and for the unit that the case is offered to where these stand in the user's
        subtree and are served here; else for the own unit.
        """
        on = day or today_of(replica)
        ancestor = ancestor_in(tree_of(replica))
        found: dict[str, str] = {}
        for unit in (case.owner, case.offered_to, account.unit):
            if unit is not None and in_scope(replica, account, unit) and hosts(replica, unit):
                for action in allowed_now(case, unit, on, ancestor):
                    if may_act(account.role, action):
                        found.setdefault(action, unit)
        return Allowed({action: found[action] for action in ACTIONS if action in found})

    @property
    def actions(self) -> list[str]:
        """Their names."""
        return list(self.units)

    def told(self, case: Case) -> dict[str, object]:
        """What a 409 says."""
        return {"state": case.state, "allowed": self.actions, "event": case.event}


def require_case(replica: Replica, account: Account, case_id: str) -> Case:
    """The case, if somebody in the user's subtree has to do with it. Raises NotFound, whatever was given for an id."""
    case = fold_of(replica, case_id)
    if case is None or not any(in_scope(replica, account, unit) for unit in case.audience):
        raise NotFound("unknown_case", field="id", value=case_id)
    return case


def _answer(intake: Intake, case_id: str) -> Document:
    case = fold_of(intake.replica, case_id)
    assert case is not None  # its registration was just stored, or folded before
    return {"id": case.id, "event": case.event, "state": case.state, "owner": case.owner, "term": case.term}


def _day(replica: Replica, body: Mapping[str, Any]) -> date:
    stated = body.get("date")
    return today_of(replica) if stated is None else parse_day(stated, "date")


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ENVELOPE}
