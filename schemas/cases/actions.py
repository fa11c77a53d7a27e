"""Reading the acts that people write and that stand in events, and which of them are allowed now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from schemas.cases import fields as read
from schemas.cases.lists import CURRENT, DEFAULT_REASON, CategoryList
from schemas.cases.table import (
    ACTIONS,
    CONFIRM_WITHIN_DAYS,
    CONFIRMATIONS,
    CONFIRMING,
    DATES,
    EVERY_FIELD,
    HANDS,
    NAMES_OFFER,
    NEVER_VOID,
    OPEN,
    OWNING,
    REASON_CODE,
    REGISTER,
    STATES,
    VIEWPOINTS,
    Action,
    Viewpoint,
)
from schemas.errors import Invalid
from schemas.periods import read_day

__all__ = [
    "ACTIONS",
    "CONFIRMATIONS",
    "CONFIRMING",
    "CONFIRM_WITHIN_DAYS",
    "HANDS",
    "NAMES_OFFER",
    "NEVER_VOID",
    "OPEN",
    "OWNING",
    "STATES",
    "VIEWPOINTS",
    "Situation",
    "Viewpoint",
    "allowed",
    "may_apply",
    "read_action",
    "read_register",
    "readable",
    "stored_day",
]

# Reading what people write


def read_register(
    body: Mapping[str, object], lists: Mapping[str, CategoryList] = CURRENT
) -> tuple[dict[str, object], dict[str, object] | None]:
    """The public payload and the private part (None if there is none) of a registration.

    `lists` are the category lists in force, by kind. Raises: Invalid naming the field that breaks a rule.
    """
    public, private = _read(REGISTER, body)
    categories = lists[str(public["kind"])]
    public["category"] = read.one_of(categories.codes)(public["category"], "category")
    public["list"] = categories.key
    return public, private


def read_action(
    action: object, body: Mapping[str, object], on: date | None = None
) -> tuple[dict[str, object], dict[str, object] | None]:
    """The public payload and the private words (None if there are none) of an act other than register.

    What goes with every act (unit, date, after, term, offer) is not read here. `on` is the act's business date: no
    date that it sets may lie before it. Raises: Invalid naming the field that breaks a rule.
    """
    if not isinstance(action, str) or action == REGISTER.name or action not in ACTIONS:
        allowed = ", ".join(name for name in ACTIONS if name != REGISTER.name)
        raise Invalid("not_one_of", field="action", value=action, allowed=allowed)
    public, private = _read(ACTIONS[action], body)
    if on is not None:
        _check_dates(public, on)
    return public, private


def _check_dates(public: Mapping[str, object], on: date) -> None:
    for name in DATES:
        day = stored_day(public, name)
        if day is not None and day < on:
            raise Invalid("date_before_act", field=name, value=public[name], on=on.isoformat())


def _read(action: Action, body: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object] | None]:
    known = {field.name for field in action.fields}
    for name in body:
        if name in EVERY_FIELD and name not in known and not read.is_blank(body[name]):
            raise Invalid("not_for_action", field=name, value=body[name], action=action.name)
    public: dict[str, object] = {"action": action.name}
    private: dict[str, object] = {}
    for field in action.fields:
        value = body.get(field.name)
        if not read.is_blank(value):
            found = field.read(value, field.name)
            if field.name == "private":
                private.update(found if isinstance(found, dict) else {})
            else:
                (private if field.private else public)[field.name] = found
        elif field.needed:
            raise Invalid("missing_field", field=field.name, value=value)
        elif field is REASON_CODE:
            public[field.name] = DEFAULT_REASON
    _check_together(action.name, public)
    return public, private or None


def _check_together(action: str, public: dict[str, object]) -> None:
    """What the fields of one act must be to each other."""
    if action == "agree":
        at_once, due = public.get("performed_at_once") is True, public.get("performance_due")
        if at_once == (due is not None):
            raise Invalid("at_once_or_due", field="performance_due", value=due or "")
        public["performed_at_once"] = at_once
    if action == "follow_up" and public["result"] in ("performed", "reneged") and "next_date" in public:
        raise Invalid("no_next_date", field="next_date", value=public["next_date"], result=public["result"])


# Reading what stands in events


def readable(action: str, public: Mapping[str, object]) -> bool:
    """Whether the public fields of a stored act have the shapes that the table says; codes may be of later lists.

    Private words may be withheld or erased, so nothing is said about them.
    """
    try:
        found: dict[str, object] = {}
        for field in ACTIONS[action].fields:
            value = public.get(field.name)
            if value is not None and not field.private:
                found[field.name] = (field.stored or field.read)(value, field.name)
            elif field.needed and not field.private:
                return False
        _check_together(action, found)
    except Invalid:
        return False
    return True


def stored_day(public: Mapping[str, object], name: str) -> date | None:
    """The day that a public field holds, None if there is none."""
    value = public.get(name)
    return read_day(value) if isinstance(value, str) else None


# What may be done now


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides, beside who acts, which acts are allowed. `level` is the owner's, 0 for a group to 4 for the city.

    `agreed_ago` is the age of the last agreement in days, `unanswered` says that a supervision waits for its answer,
    `extendable` that the limit can still be moved.
    """

    state: str
    level: int
    offered: bool = False
    confirmation: str | None = None
    agreed_ago: int | None = None
    unanswered: bool = False
    extendable: bool = True


_TOP: Final = 4
_NOT_AT: Final[Mapping[str, int]] = MappingProxyType(
    {"hand_up": _TOP, "hand_down": 0, "seize": _TOP, "supervise": _TOP}
)


def allowed(now: Situation, who: Collection[str]) -> tuple[str, ...]:
    """The names of the acts that a unit may do now, in the order of the table; `who` are its viewpoints."""
    return tuple(name for name, action in ACTIONS.items() if _may(action, now, who))


def _may(action: Action, now: Situation, who: Collection[str]) -> bool:
    if now.state not in action.states or not any(one in action.by for one in who):
        return False
    if _NOT_AT.get(action.name) == now.level:
        return False
    if action.name in HANDS:
        return not now.offered
    if action.name in NAMES_OFFER:
        return now.offered
    if action.name == "apply_confirmation":
        return may_apply(now.confirmation, now.agreed_ago)
    if action.name in CONFIRMING:
        return now.confirmation == "applied"
    if action.name == "answer":
        return now.unanswered
    return now.extendable or action.name != "extend"


def may_apply(confirmation: str | None, agreed_ago: int | None) -> bool:
    """Whether judicial confirmation can be applied for: within 30 days of the agreement, none standing or granted."""
    in_time = agreed_ago is not None and 0 <= agreed_ago <= CONFIRM_WITHIN_DAYS
    return in_time and confirmation not in ("applied", "confirmed")
