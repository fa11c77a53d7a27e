"""The acts on a case, as one table: from which states, by whom, with which fields (2-domain, Cases)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from schemas import case_fields as read
from schemas.case_fields import MAX_WORDS, Reader, words
from schemas.case_lists import (
    ADVICE,
    AMOUNT_BANDS,
    BODIES,
    COMPLEXITIES,
    CURRENT,
    DECLINE_REASONS,
    DEFAULT_REASON,
    KINDS,
    REASONS,
    REFER_TO,
    RESULTS,
    SCALES,
    SOURCES,
    URGENCIES,
    CategoryList,
)
from schemas.errors import Invalid
from schemas.periods import read_day

STATES: Final = (
    "registered",
    "accepted",
    "assigned",
    "mediating",
    "agreed",
    "performed",
    "not_agreed",
    "reneged",
    "terminated",
    "closed",
)
OPEN: Final = ("registered", "accepted", "assigned", "mediating", "reneged")
CONFIRMATIONS: Final = ("applied", "confirmed", "refused", "withdrawn")
CONFIRM_WITHIN_DAYS: Final = 30

Viewpoint: TypeAlias = Literal["owner", "offered", "ancestor", "other"]
VIEWPOINTS: Final[tuple[Viewpoint, ...]] = ("owner", "offered", "ancestor", "other")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an act. `stored` reads it from an event, where a code may be of a later list."""

    name: str
    read: Reader
    needed: bool = True
    private: bool = False
    stored: Reader | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One row of the table. `to` is None where the state stays, or follows from a field (agree, follow_up)."""

    name: str
    states: tuple[str, ...]
    to: str | None
    by: Collection[Viewpoint]
    fields: tuple[Field, ...] = ()


_OWNER: Final[tuple[Viewpoint, ...]] = ("owner",)
_OFFERED: Final[tuple[Viewpoint, ...]] = ("offered",)
_ABOVE: Final[tuple[Viewpoint, ...]] = ("ancestor",)


def _listed(name: str, codes: tuple[str, ...], *, needed: bool = True) -> Field:
    """A code that changes nothing but what is shown and counted: later lists may add to it."""
    return Field(name, read.one_of(codes), needed, stored=read.code)


_REASON: Final = Field("reason", words(MAX_WORDS), private=True)
_REASON_IF_ANY: Final = Field("reason", words(MAX_WORDS), needed=False, private=True)
_REASON_CODE: Final = _listed("reason_code", REASONS, needed=False)
_TEXT: Final = Field("text", words(MAX_WORDS), needed=False, private=True)
_PARTICULARS: Final = Field("private", read.particulars, needed=False, private=True)
_TO_UNIT: Final = Field("to_unit", read.unit, stored=words(40))
_HAND: Final = (_TO_UNIT, _REASON, _REASON_CODE, _TEXT)
_NEXT_DATE: Final = Field("next_date", read.day, needed=False)

REGISTER: Final = Action(
    "register",
    (),
    "registered",
    ("other",),
    (
        Field("kind", read.one_of(KINDS)),
        Field("category", read.code),
        # Left out by people: the list that holds now is meant.
        Field("list", read.list_key, needed=False),
        Field("source", read.one_of(SOURCES)),
        Field("complexity", read.one_of(COMPLEXITIES)),
        Field("urgency", read.one_of(URGENCIES)),
        _listed("scale", SCALES, needed=False),
        _listed("amount_band", AMOUNT_BANDS, needed=False),
        _PARTICULARS,
    ),
)
_TABLE: Final = (
    REGISTER,
    Action("accept", ("registered",), "accepted", _OWNER, (_TEXT, _PARTICULARS)),
    Action("decline", ("registered",), "closed", _OWNER, (_listed("reason", DECLINE_REASONS), _TEXT)),
    Action("assign", ("accepted", "assigned"), "assigned", _OWNER, (_listed("body", BODIES), _TEXT)),
    Action("mediate", ("accepted", "assigned"), "mediating", _OWNER, (_TEXT, _PARTICULARS)),
    Action(
        "agree",
        ("mediating",),
        None,
        _OWNER,
        (
            Field("performed_at_once", read.flag, needed=False),
            Field("performance_due", read.day, needed=False),
            _TEXT,
            _PARTICULARS,
        ),
    ),
    Action("fail", ("mediating",), "not_agreed", _OWNER, (_listed("advice", ADVICE), _TEXT)),
    Action("terminate", ("accepted", "assigned", "mediating"), "terminated", _OWNER, (_REASON, _REASON_CODE, _TEXT)),
    Action("follow_up", ("agreed",), None, _OWNER, (Field("result", read.one_of(RESULTS)), _NEXT_DATE, _TEXT)),
    Action("remediate", ("reneged",), "mediating", _OWNER, (_TEXT, _PARTICULARS)),
    Action("refer", ("reneged", "not_agreed"), "closed", _OWNER, (_listed("to", REFER_TO), _TEXT)),
    Action("apply_confirmation", ("agreed", "performed"), None, _OWNER, (_TEXT,)),
    Action("confirm", ("agreed", "performed"), None, _OWNER, (_TEXT,)),
    Action("refuse_confirmation", ("agreed", "performed"), None, _OWNER, (_REASON_IF_ANY, _REASON_CODE, _TEXT)),
    Action("withdraw_confirmation", ("agreed", "performed"), None, _OWNER, (_REASON_IF_ANY, _REASON_CODE, _TEXT)),
    Action("close", ("performed", "not_agreed", "terminated"), "closed", _OWNER, (_TEXT,)),
    Action("hand_up", OPEN, None, _OWNER, _HAND),
    Action("hand_down", OPEN, None, _OWNER, _HAND),
    Action("hand_across", OPEN, None, _OWNER, _HAND),
    Action("take", OPEN, None, _OFFERED, (_TEXT,)),
    Action("send_back", OPEN, None, _OFFERED, (_REASON, _REASON_CODE, _TEXT)),
    Action("recall", OPEN, None, _OWNER, (_REASON_IF_ANY, _REASON_CODE, _TEXT)),
    Action("seize", OPEN, None, _ABOVE, (_REASON, _REASON_CODE, _TEXT)),
    Action("supervise", OPEN, None, _ABOVE, (Field("due", read.day), _TEXT)),
    Action("answer", OPEN, None, _OWNER, (Field("reply", words(MAX_WORDS), private=True),)),
    Action("extend", OPEN, None, _OWNER, (Field("until", read.day), _REASON, _REASON_CODE, _TEXT)),
    Action("note", STATES, None, VIEWPOINTS, (Field("text", words(MAX_WORDS), private=True), _PARTICULARS)),
)
ACTIONS: Final[Mapping[str, Action]] = MappingProxyType({action.name: action for action in _TABLE})
HANDS: Final = ("hand_up", "hand_down", "hand_across")
OWNING: Final = ("register", "take", "seize")  # acts that make their unit the owner
NAMES_OFFER: Final = ("take", "send_back", "recall")
CONFIRMING: Final = ("confirm", "refuse_confirmation", "withdraw_confirmation")
NEVER_VOID: Final = ("note", "supervise", "answer", "ask", "got")  # ask and got belong to disclosure (3-sync)
_EVERY_FIELD: Final = frozenset(field.name for action in _TABLE for field in action.fields)
_DATES: Final = ("performance_due", "next_date", "due", "until")


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
    for name in _DATES if on is not None else ():
        value = public.get(name)
        if isinstance(value, str) and value < on.isoformat():  # type: ignore[union-attr]
            raise Invalid("date_before_act", field=name, value=value, on=on)
    return public, private


def _read(action: Action, body: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object] | None]:
    known = {field.name for field in action.fields}
    for name in body:
        if name in _EVERY_FIELD and name not in known and not read.is_blank(body[name]):
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
        elif field is _REASON_CODE:
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
