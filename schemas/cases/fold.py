"""A case from the set of its events: a pure function of the set, whatever the order of arrival (2-domain, Cases)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from schemas.cases.actions import Situation, allowed
from schemas.cases.events import CaseEvent, case_payload, read_case_event
from schemas.cases.limits import DEFAULT_RULES, LimitRules, Limits, follow_up_dates
from schemas.cases.lists import SOURCE_GROUPS
from schemas.cases.steps import Ancestor, Progress, step
from schemas.cases.supervision import Supervision, supervisions
from schemas.cases.table import HANDS, NEVER_VOID, OWNING
from schemas.cases.tree import CaseTree, Node

__all__ = [
    "Ancestor",
    "Case",
    "CaseEvent",
    "Ownership",
    "Progress",
    "Supervision",
    "allowed_now",
    "case_payload",
    "fold",
    "read_case_event",
    "why_void",
]


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who owned the case from which act on: the registration, then each take or seize on the winning path."""

    unit: str
    level: int
    term: int
    event: str
    day: date


@dataclass(frozen=True, slots=True)
class Case:
    """A folded case.

    `now` is the situation reached, `trail` the situations after each of `effective`, the acts that hold, in their
    order. `void` says by hash why an act does not hold, `aside` are notes, supervisions and answers written off the
    winning path, `waiting` events whose predecessor is not held; all three are kept and shown, none is counted.

    `event` is the last effective act, the one that people refer to; a new act follows `follows(action)`.
    `audience` are all units that must hold the case: authors, owners and those to whom it was offered.
    """

    id: str
    registered: CaseEvent
    now: Progress
    effective: tuple[CaseEvent, ...]
    trail: tuple[Progress, ...]
    void: Mapping[str, str]
    aside: tuple[str, ...]
    waiting: tuple[str, ...]
    owners: tuple[Ownership, ...]
    supervisions: tuple[Supervision, ...]
    audience: frozenset[str]
    tip: str
    offer_tip: str | None
    open_tip: str | None
    rules: LimitRules

    @property
    def event(self) -> str:
        """The hash of the last effective act."""
        return self.effective[-1].hash

    @property
    def state(self) -> str:
        """One of STATES."""
        return self.now.state

    @property
    def owner(self) -> str:
        """The unit that is responsible."""
        return self.now.owner

    @property
    def term(self) -> int:
        """How often the owner changed."""
        return self.now.term

    @property
    def offered_to(self) -> str | None:
        """The unit that may take the case, None if no offer stands."""
        return self.now.offered_to

    @property
    def offer(self) -> str | None:
        """The hash of the standing offer, which take, send_back and recall name."""
        return self.now.offer

    @property
    def open(self) -> bool:
        """Whether it is registered, accepted, assigned, mediating or reneged."""
        return self.now.open

    @property
    def limits(self) -> Limits | None:
        """The limits of the owner's level and in all; None once the case is no longer open."""
        return limits_of(self.now, self.rules)

    @property
    def deadline_ms(self) -> int | None:
        """The instant (unix ms) at which the nearer limit ends; None once the case is no longer open."""
        return None if self.limits is None else self.limits.nearest.end_ms

    @property
    def follow_ups_due(self) -> tuple[date, ...]:
        """The days on which the agreement is to be followed up; empty unless the state is `agreed`."""
        now = self.now
        if now.state != "agreed" or now.agreed_on is None or now.performance_due is None:
            return ()
        return follow_up_dates(now.agreed_on, now.performance_due, now.last_follow_up, now.next_date, self.rules)

    @property
    def unanswered(self) -> tuple[Supervision, ...]:
        """The supervisions that wait for an answer, the one due first in front."""
        return tuple(sorted((one for one in self.supervisions if not one.answers), key=lambda one: one.due))

    def fact(self, name: str) -> str:
        """A coded fact of the registration (kind, category, list, source, scale, …); empty where it was not given."""
        return self.registered.text(name) or ""

    @property
    def source_group(self) -> str:
        """`self`, `court`, `petition` or `transfer`."""
        return SOURCE_GROUPS[self.fact("source")]

    def follows(self, action: str) -> str:
        """The hash that a new act names as `after`.

        It is the last of the winning path, void ones included, lest a new act should bring a void one to life. What
        makes a new owner must be right on its own path: a take follows its offer, a seize an act that left it open.
        """
        own_path = {"take": self.offer_tip, "seize": self.open_tip}.get(action)
        return own_path or self.tip


def limits_of(now: Progress, rules: LimitRules) -> Limits | None:
    """The limits in a situation; None if the case is not open in it."""
    return now.clock.limits(now.level, now.complexity, rules) if now.open else None


def fold(events: Iterable[CaseEvent], ancestor: Ancestor, rules: LimitRules = DEFAULT_RULES) -> Case | None:
    """The case that these events make; None while no registration that can be read is among them.

    `ancestor(above, unit, day)` says whether one unit is above another on a day. The result is the same for every
    order of the events and however often one is given, and never raises on what an event holds.

    Of the valid registrations, takes and seizes the greatest of (term, level, length of history, hash) wins. What
    leads to it and what follows it is effective, unless it is not allowed in the situation reached; the rest is void.
    """
    tree = CaseTree(events, ancestor, rules)
    winner = tree.winner()
    if winner is None:
        return None
    path, after = winner.path(), tree.below(winner)
    steps = [(node, node.now, node.why) for node in path]
    now = winner.now
    for node in after:
        # A valid take or seize would have won: what is left of them is void by its own path.
        why = node.why
        if node.event.action not in OWNING:
            now, why = step(now, node.event, ancestor, rules)
        steps.append((node, now, why))
    return _case(tree, steps, [node for node in path if node.owns], supervisions(tree, ancestor), rules)


def _case(
    tree: CaseTree,
    steps: list[tuple[Node, Progress, str | None]],
    owning: list[Node],
    supervised: tuple[Supervision, ...],
    rules: LimitRules,
) -> Case:
    void, aside = _off_path(tree, {node.event.hash for node, _, _ in steps})
    void.update((node.event.hash, why) for node, _, why in steps if why)
    now, latest = steps[-1][1], [node for node, _, _ in reversed(steps)]
    return Case(
        id=owning[0].event.case,
        registered=owning[0].event,
        now=now,
        effective=tuple(node.event for node, _, why in steps if not why),
        trail=tuple(progress for _, progress, why in steps if not why),
        void=dict(sorted(void.items())),
        aside=aside,
        waiting=tree.waiting,
        owners=tuple(
            Ownership(event.unit, event.level, event.term, event.hash, event.day)
            for event in (node.event for node in owning)
        ),
        supervisions=supervised,
        audience=_audience(tree.events.values()),
        tip=steps[-1][0].event.hash,
        offer_tip=next((one.event.hash for one in latest if now.offer and one.now.offer == now.offer), None),
        open_tip=next((one.event.hash for one in latest if now.open and one.now.open), None),
        rules=rules,
    )


def _off_path(tree: CaseTree, on_path: set[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Why each event off the winning path is void, and those that never are."""
    void: dict[str, str] = {}
    aside: list[str] = []
    for event in (tree.events[key] for key in (*tree.nodes, *tree.rootless)):
        if event.hash in on_path:
            continue
        if event.action in NEVER_VOID:
            aside.append(event.hash)
        elif event.hash in tree.rootless:
            void[event.hash] = "unreadable"
        else:
            void[event.hash] = "second_register" if event.after is None else "outside"
    return void, tuple(sorted(aside))


def _audience(events: Iterable[CaseEvent]) -> frozenset[str]:
    units: set[str] = set()
    for event in events:
        units.add(event.unit)
        to = event.text("to_unit")
        if event.action in HANDS and to:
            units.add(to)
    return frozenset(units)


def allowed_now(case: Case, unit: str, day: date, ancestor: Ancestor) -> tuple[str, ...]:
    """The names of the acts that a unit may do on a case on a day, in the order of the table."""
    now = case.now
    last_day = now.clock.last_day(now.court, case.rules)
    situation = Situation(
        now.state,
        now.level,
        offered=now.offer is not None,
        confirmation=now.confirmation,
        agreed_ago=None if now.agreed_on is None else (day - now.agreed_on).days,
        unanswered=bool(case.unanswered),
        extendable=now.clock.extend(last_day, now.level, now.complexity, now.court, case.rules) is not None,
    )
    return allowed(situation, now.who(unit, day, ancestor))


def why_void(
    events: Iterable[CaseEvent], event: CaseEvent, ancestor: Ancestor, rules: LimitRules = DEFAULT_RULES
) -> str | None:
    """Why an act that is not yet written would be void among the events held, one of WHYS; None if it would hold."""
    case = fold((*events, event), ancestor, rules)
    return "outside" if case is None or event.hash in case.waiting else case.void.get(event.hash)
