"""The transition table of cases as data: from which states, by whom, with which fields (2-domain, Cases)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from schemas.cases import fields as read
from schemas.cases.fields import MAX_WORDS, Reader, words
from schemas.cases.lists import (
    ADVICE,
    AMOUNT_BANDS,
    BODIES,
    COMPLEXITIES,
    DECLINE_REASONS,
    KINDS,
    REASONS,
    REFER_TO,
    RESULTS,
    SCALES,
    SOURCES,
    URGENCIES,
)

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
REASON_CODE: Final = _listed("reason_code", REASONS, needed=False)
_TEXT: Final = Field("text", words(MAX_WORDS), needed=False, private=True)
_PARTICULARS: Final = Field("private", read.particulars, needed=False, private=True)
_TO_UNIT: Final = Field("to_unit", read.unit, stored=read.any_unit)
_HAND: Final = (_TO_UNIT, _REASON, REASON_CODE, _TEXT)
# Which supervision is answered; without it, all that the answer follows.
_SUPERVISION: Final = Field("supervision", read.event, needed=False)
_NEXT_DATE: Final = Field("next_date", read.day, needed=False)

REGISTER: Final = Action(
    "register",
    (),
    "registered",
    VIEWPOINTS,
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
    Action("terminate", ("accepted", "assigned", "mediating"), "terminated", _OWNER, (_REASON, REASON_CODE, _TEXT)),
    Action("follow_up", ("agreed",), None, _OWNER, (Field("result", read.one_of(RESULTS)), _NEXT_DATE, _TEXT)),
    Action("remediate", ("reneged",), "mediating", _OWNER, (_TEXT, _PARTICULARS)),
    Action("refer", ("reneged", "not_agreed"), "closed", _OWNER, (_listed("to", REFER_TO), _TEXT)),
    Action("apply_confirmation", ("agreed", "performed"), None, _OWNER, (_TEXT,)),
    Action("confirm", ("agreed", "performed"), None, _OWNER, (_TEXT,)),
    Action("refuse_confirmation", ("agreed", "performed"), None, _OWNER, (_REASON_IF_ANY, REASON_CODE, _TEXT)),
    Action("withdraw_confirmation", ("agreed", "performed"), None, _OWNER, (_REASON_IF_ANY, REASON_CODE, _TEXT)),
    Action("close", ("performed", "not_agreed", "terminated"), "closed", _OWNER, (_TEXT,)),
    Action("hand_up", OPEN, None, _OWNER, _HAND),
    Action("hand_down", OPEN, None, _OWNER, _HAND),
    Action("hand_across", OPEN, None, _OWNER, _HAND),
    Action("take", OPEN, None, _OFFERED, (_TEXT,)),
    Action("send_back", OPEN, None, _OFFERED, (_REASON, REASON_CODE, _TEXT)),
    Action("recall", OPEN, None, _OWNER, (_REASON_IF_ANY, REASON_CODE, _TEXT)),
    Action("seize", OPEN, None, _ABOVE, (_REASON, REASON_CODE, _TEXT)),
    Action("supervise", OPEN, None, _ABOVE, (Field("due", read.day), _TEXT)),
    Action("answer", OPEN, None, _OWNER, (Field("reply", words(MAX_WORDS), private=True), _SUPERVISION)),
    Action("extend", OPEN, None, _OWNER, (Field("until", read.day), _REASON, REASON_CODE, _TEXT)),
    Action("note", STATES, None, VIEWPOINTS, (Field("text", words(MAX_WORDS), private=True), _PARTICULARS)),
)
ACTIONS: Final[Mapping[str, Action]] = MappingProxyType({action.name: action for action in _TABLE})
HANDS: Final = ("hand_up", "hand_down", "hand_across")
OWNING: Final = ("register", "take", "seize")  # acts that make their unit the owner
NAMES_OFFER: Final = ("take", "send_back", "recall")
CONFIRMING: Final = ("confirm", "refuse_confirmation", "withdraw_confirmation")
NEVER_VOID: Final = ("note", "supervise", "answer", "ask", "got")  # ask and got belong to disclosure (3-sync)
EVERY_FIELD: Final = frozenset(field.name for action in _TABLE for field in action.fields)
DATES: Final = ("performance_due", "next_date", "due", "until")
