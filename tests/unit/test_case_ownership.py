"""Who owns a case, walked at random: desks of several units act on what each of them knows, records travel between them
in any order and as often as they like. Each desk sees one owner at every moment; all see the same one at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from case_stories import CASE, DAY, NEEDED, PARENTS, REGISTRATION, UNITS, ancestor, days, level, noon
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from schemas.cases import fold as cases
from schemas.cases import tree as case_tree
from schemas.cases.events import CaseEvent
from schemas.cases.fold import Case, allowed_now, fold
from schemas.cases.table import HANDS, NAMES_OFFER, NEVER_VOID, OWNING

DESKS: Final = 3
ACTS: Final = tuple(
    sorted({*HANDS, "take", "send_back", "recall", "seize", "accept", "mediate", "note", "supervise", "answer"})
)
WALK: Final = settings(max_examples=120, stateful_step_count=30, derandomize=True, deadline=None, database=None)
CONTROL: Final = settings(WALK, max_examples=300, phases=[Phase.generate], report_multiple_bugs=False)


class Ownership(RuleBasedStateMachine):
    """Each desk is a node: it holds some of the events, and acts by what these say."""

    events: Bundle[CaseEvent] = Bundle("events")

    def __init__(self) -> None:
        super().__init__()
        self.desks: list[dict[str, CaseEvent]] = [{} for _ in range(DESKS)]
        self.all: dict[str, CaseEvent] = {}

    def _case(self, desk: int) -> Case | None:
        return fold(self.desks[desk].values(), ancestor)

    def _write(self, desk: int, event: CaseEvent) -> CaseEvent:
        self.desks[desk][event.hash] = self.all[event.hash] = event
        return event

    # ---- what people do

    @initialize(target=events, unit=st.sampled_from(UNITS))
    def register(self, unit: str) -> CaseEvent:
        """The finder owns the case first."""
        return self._write(0, _event("a0", None, "register", unit, 0, None, REGISTRATION))

    @rule(
        target=events, desk=st.integers(0, DESKS - 1), unit=st.sampled_from(UNITS), action=st.sampled_from(ACTS),
        to=st.sampled_from(UNITS), luck=st.integers(0, 999), later=st.integers(0, 3),
    )  # fmt: skip
    def act_allowed(self, desk: int, unit: str, action: str, to: str, luck: int, later: int) -> CaseEvent:
        """Somebody does what the desk says is allowed: this act if it is, else one that is."""
        case = self._case(desk)
        if case is None:
            return next(iter(self.all.values()))
        allowed = [(who, act) for who in UNITS for act in allowed_now(case, who, DAY, ancestor) if act in ACTS]
        choice = (unit, action) if (unit, action) in allowed else allowed[luck % len(allowed)] if allowed else None
        if choice is None:
            return next(iter(self.all.values()))
        who, act = choice
        public = {"to_unit": _target(act, case.owner, to)} if act in HANDS else NEEDED.get(act, {})
        event = _event(
            f"{luck:03}{len(self.all)}", case.follows(act), act, who, case.term + (act in OWNING),
            case.offer if act in NAMES_OFFER else None, public, later,
        )  # fmt: skip
        return self._write(desk, event)

    @rule(
        target=events, desk=st.integers(0, DESKS - 1), after=events, unit=st.sampled_from(UNITS),
        action=st.sampled_from(ACTS), to=st.sampled_from(UNITS), luck=st.integers(0, 999), off=st.integers(-1, 1),
    )  # fmt: skip
    def act_at_will(
        self, desk: int, after: CaseEvent, unit: str, action: str, to: str, luck: int, off: int
    ) -> CaseEvent:
        """Somebody writes any act behind any other, as a later version or a dishonest node might."""
        term = max(0, after.term + (action in OWNING) + off)
        offer = after.hash if action in NAMES_OFFER else None
        public = {"to_unit": to} if action in HANDS else NEEDED.get(action, {})
        return self._write(desk, _event(f"{luck:03}{len(self.all)}", after.hash, action, unit, term, offer, public))

    # ---- what travels

    @rule(event=events, desk=st.integers(0, DESKS - 1))
    def arrive(self, event: CaseEvent, desk: int) -> None:
        """One record reaches a desk, perhaps before what it follows, perhaps once more."""
        self.desks[desk][event.hash] = event

    @rule(source=st.integers(0, DESKS - 1), desk=st.integers(0, DESKS - 1))
    def catch_up(self, source: int, desk: int) -> None:
        """A desk gets all that another one has, the latest first."""
        for event in reversed(list(self.desks[source].values())):
            self.desks[desk].setdefault(event.hash, event)

    # ---- what holds

    @invariant()
    def each_desk_sees_one_owner_who_has_the_greatest_claim_and_every_act_has_its_place(self) -> None:
        """L9 at every desk, and nothing that is held is dropped."""
        for desk, held in enumerate(self.desks):
            case = self._case(desk)
            if case is None:
                continue
            claims = [(one.term, one.level, one.event) for one in case.owners]
            assert [term for term, _level, _event in claims] == list(range(case.term + 1))
            assert case.owners[-1].unit == case.owner in case.audience
            assert case.offered_to != case.owner
            placed = [*(one.hash for one in case.effective), *case.void, *case.aside, *case.waiting]
            assert sorted(placed) == sorted(held)
            assert [one for one in case.void if held[one].action in NEVER_VOID] == []

    def teardown(self) -> None:
        """Everything has arrived everywhere, in an order of its own at each desk."""
        orders = [list(self.all.values()), list(self.all.values())[::-1]]
        orders += [[*desk.values(), *(one for one in self.all.values() if one.hash not in desk)] for desk in self.desks]
        seen = [fold(order, ancestor) for order in orders if order]
        assert all(one == seen[0] for one in seen), "two desks see two cases"


def _event(
    name: str, after: str | None, action: str, unit: str, term: int, offer: str | None, public: dict[str, object],
    later: int = 0,
) -> CaseEvent:  # fmt: skip
    day = DAY + days(later)
    return CaseEvent(name, after, CASE, action, unit, level(unit), day, noon(day), term, offer, public)


def _target(action: str, owner: str, to: str) -> str:
    """A unit to which the owner may hand the case in that direction, else the one given."""
    below = [unit for unit, parent in PARENTS.items() if parent == owner]
    fitting = {"hand_up": PARENTS[owner] or to, "hand_down": below[0] if below else to}
    return fitting.get(action, to)


def test_every_desk_comes_to_the_same_owner_whatever_arrives_when() -> None:
    run_state_machine_as_test(Ownership, settings=WALK)


def first_come_wins(patch: pytest.MonkeyPatch) -> None:
    """Of two takes of one term the one that arrived first stands."""
    patch.setattr(case_tree, "_claim", lambda node: node.event.term)


def order_of_arrival(patch: pytest.MonkeyPatch) -> None:
    """Acts that no path orders follow each other as they arrived."""
    patch.setattr(case_tree.Node, "order", property(lambda _self: 0))


def notes_are_void_off_the_path(patch: pytest.MonkeyPatch) -> None:
    """A note is treated as any act."""
    patch.setattr(cases, "NEVER_VOID", ())


def void_is_dropped(patch: pytest.MonkeyPatch) -> None:
    """What stands outside the winning path is forgotten."""
    patch.setattr(cases, "_off_path", lambda _tree, _on_path: ({}, ()))


def terms_are_believed(patch: pytest.MonkeyPatch) -> None:
    """Whatever calls itself a take makes its unit the owner."""
    patch.setattr(case_tree.Node, "owns", property(lambda self: self.event.action in OWNING))


CONTROLS = (first_come_wins, order_of_arrival, notes_are_void_off_the_path, void_is_dropped, terms_are_believed)


@pytest.mark.parametrize("taken_away", CONTROLS, ids=lambda one: one.__name__)
def test_without_the_rule_the_walk_finds_two_owners_or_a_lost_act(
    taken_away: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_away(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Ownership, settings=CONTROL)
