"""One step of a case: whether an act is allowed in the situation reached, and what it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypeAlias

from schemas.cases.actions import may_apply, readable, stored_day
from schemas.cases.events import CaseEvent
from schemas.cases.limits import Clock, LimitRules, moment
from schemas.cases.lists import COURT
from schemas.cases.table import (
    ACTIONS,
    CONFIRMING,
    HANDS,
    NAMES_OFFER,
    NEVER_VOID,
    OPEN,
    OWNING,
    REGISTER,
    Viewpoint,
)

# Whether the first unit is above the second on a day; never so for a unit and itself.
Ancestor: TypeAlias = Callable[[str, str, date], bool]

# Why an act is void; the words stand under `void.<code>`.
WHYS: Final = (
    "outside",
    "second_register",
    "unknown_action",
    "unreadable",
    "term",
    "state",
    "not_owner",
    "not_offered",
    "not_ancestor",
    "offer_standing",
    "no_offer",
    "wrong_unit",
    "cannot_apply",
    "no_application",
    "limit",
)
_WHO_ELSE: Final = {"owner": "not_owner", "offered": "not_offered", "ancestor": "not_ancestor"}
_SETTLED_AS: Final = {"performed": "performed", "reneged": "reneged"}
_CONFIRMED_AS: Final = {
    "apply_confirmation": "applied",
    "confirm": "confirmed",
    "refuse_confirmation": "refused",
    "withdraw_confirmation": "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a case has come. `offer` is the hash of the standing offer; dates of agreement are of this round."""

    state: str
    owner: str
    level: int
    term: int
    clock: Clock
    complexity: str
    court: bool
    offer: str | None = None
    offered_to: str | None = None
    round: int = 1
    confirmation: str | None = None
    agreed_on: date | None = None
    performance_due: date | None = None
    last_follow_up: date | None = None
    next_date: date | None = None

    @property
    def open(self) -> bool:
        """Whether the dispute itself still waits to be settled."""
        return self.state in OPEN

    def who(self, unit: str, day: date, ancestor: Ancestor) -> frozenset[Viewpoint]:
        """What a unit is to the case on a day; never empty."""
        found: set[Viewpoint] = set()
        if unit == self.owner:
            found.add("owner")
        elif ancestor(unit, self.owner, day):
            found.add("ancestor")
        if unit == self.offered_to:
            found.add("offered")
        return frozenset(found) or frozenset(("other",))


def begin(event: CaseEvent) -> Progress | None:
    """The progress after a registration; None if the event is none, or can't be read."""
    if event.action != REGISTER.name or event.after is not None or event.term != 0:
        return None
    if not readable(event.action, event.public):
        return None
    clock = Clock.begin(event.level, moment(event.day, event.rtime))
    complexity, court = event.text("complexity") or "", event.text("source") == COURT
    return Progress("registered", event.unit, event.level, 0, clock, complexity, court)


def step(now: Progress, event: CaseEvent, ancestor: Ancestor, rules: LimitRules) -> tuple[Progress, str | None]:
    """The progress after an act and None; or the progress unchanged and why the act is void, one of WHYS."""
    if event.action in NEVER_VOID:
        return now, None
    why = _why_void(now, event, ancestor, rules)
    return (now, why) if why else (_applied(now, event, rules), None)


def _why_void(now: Progress, event: CaseEvent, ancestor: Ancestor, rules: LimitRules) -> str | None:
    if event.action == REGISTER.name:
        return "second_register"
    action = ACTIONS.get(event.action)
    if action is None:
        return "unknown_action"
    if not readable(event.action, event.public):
        return "unreadable"
    if event.term != now.term + (event.action in OWNING):
        return "term"
    if now.state not in action.states:
        return "state"
    if event.action in NAMES_OFFER and (now.offer is None or event.offer != now.offer):
        return "no_offer"
    if not any(one in action.by for one in now.who(event.unit, event.day, ancestor)):
        return _WHO_ELSE[next(iter(action.by))]
    return _why_not_now(now, event, ancestor, rules)


def _why_not_now(now: Progress, event: CaseEvent, ancestor: Ancestor, rules: LimitRules) -> str | None:
    """What the table can't say: offers, applications and limits."""
    if event.action in HANDS:
        if now.offer is not None:
            return "offer_standing"
        return None if _fits(now.owner, event, ancestor) else "wrong_unit"
    if event.action == "apply_confirmation":
        ago = None if now.agreed_on is None else (event.day - now.agreed_on).days
        return None if may_apply(now.confirmation, ago) else "cannot_apply"
    if event.action in CONFIRMING:
        return None if now.confirmation == "applied" else "no_application"
    if event.action == "extend":
        return None if _extended(now, event, rules) else "limit"
    return None


def _fits(owner: str, event: CaseEvent, ancestor: Ancestor) -> bool:
    """Whether the unit that a case is handed to stands where the act says: above, below or beside the owner."""
    to = event.text("to_unit") or ""
    above, below = ancestor(to, owner, event.day), ancestor(owner, to, event.day)
    if event.action == "hand_up":
        return above
    return below if event.action == "hand_down" else not above and not below and to != owner


def _extended(now: Progress, event: CaseEvent, rules: LimitRules) -> Clock | None:
    until = stored_day(event.public, "until")
    return None if until is None else now.clock.extend(until, now.level, now.complexity, now.court, rules)


def _applied(now: Progress, event: CaseEvent, rules: LimitRules) -> Progress:
    """The progress after an act that is allowed."""
    to = ACTIONS[event.action].to
    if event.action in OWNING:
        clock = now.clock.arrive(event.level, moment(event.day, event.rtime))
        return replace(
            now, owner=event.unit, level=event.level, term=event.term, clock=clock, offer=None, offered_to=None
        )
    if event.action in HANDS:
        return replace(now, offer=event.hash, offered_to=event.text("to_unit"))
    if event.action in ("send_back", "recall"):
        return replace(now, offer=None, offered_to=None)
    if event.action in _CONFIRMED_AS:
        return replace(now, confirmation=_CONFIRMED_AS[event.action])
    if event.action == "extend":
        return replace(now, clock=_extended(now, event, rules) or now.clock)
    if event.action == "agree":
        now = _agreed(now, event)
    elif event.action == "follow_up":
        now = _followed_up(now, event)
    elif event.action == "remediate":
        now = replace(now, round=now.round + 1, confirmation=None, agreed_on=None, performance_due=None)
    now = replace(now, state=to or now.state)
    # What is settled is not handed on: an offer that stood ends with the case's being open.
    return now if now.open else replace(now, offer=None, offered_to=None)


def _agreed(now: Progress, event: CaseEvent) -> Progress:
    state = "performed" if event.public.get("performed_at_once") is True else "agreed"
    due = stored_day(event.public, "performance_due")
    return replace(now, state=state, agreed_on=event.day, performance_due=due, last_follow_up=None, next_date=None)


def _followed_up(now: Progress, event: CaseEvent) -> Progress:
    state = _SETTLED_AS.get(event.text("result") or "", now.state)
    next_date = stored_day(event.public, "next_date")
    clock = now.clock
    if state == "reneged":  # the dispute is open again, and so is its time
        clock = Clock.begin(now.level, moment(event.day, event.rtime))
    return replace(now, state=state, last_follow_up=event.day, next_date=next_date, clock=clock)
