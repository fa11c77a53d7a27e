"""Laws of the fold, over random cases with forks, competing takes and seizes, wrong acts, and late arrivals."""

from __future__ import annotations

import random
from itertools import pairwise

from case_stories import CASE, DAY, NEEDED, PARENTS, UNITS, ancestor, days, level, noon
from case_stories import REGISTRATION as FACTS
from hypothesis import given
from hypothesis import strategies as st

from schemas.cases.events import CaseEvent
from schemas.cases.fold import Case, allowed_now, fold, why_void
from schemas.cases.measures import FACT_MEASURES, facts, open_spans
from schemas.cases.table import ACTIONS, HANDS, NAMES_OFFER, NEVER_VOID, OWNING

MOST_EVENTS = 16
UNIT_OF = {"hand_up": PARENTS, "hand_down": {parent: unit for unit, parent in PARENTS.items() if parent}}


def register(dice: random.Random, number: int) -> CaseEvent:
    unit = dice.choice(UNITS)
    source = dice.choice(("self_found", "court"))
    public = {**FACTS, "source": source, "complexity": dice.choice(("simple", "complex"))}
    return CaseEvent(
        f"{dice.randrange(100):02}r{number}", None, CASE, "register", unit, level(unit), DAY, noon(DAY), 0, None, public
    )


def public_of(dice: random.Random, action: str, owner: str) -> dict[str, object]:
    if action in HANDS:
        target = UNIT_OF.get(action, {}).get(owner)
        return {"to_unit": target if target and dice.random() < 0.7 else dice.choice(UNITS)}
    if action == "agree" and dice.random() < 0.4:
        return {"performed_at_once": True}
    if action == "follow_up":
        return {"result": dice.choice(("performed", "not_yet", "reneged"))}
    return NEEDED.get(action, {})


def follow(dice: random.Random, path: list[CaseEvent], number: int) -> CaseEvent:
    """An act behind a path: four of five times one that is allowed there, else any."""
    before = fold(path, ancestor)
    assert before is not None
    day = path[-1].day + days(dice.choice((0, 0, 1, 9, -1)))
    choices = [(unit, action) for unit in UNITS for action in allowed_now(before, unit, day, ancestor)]
    busy = [one for one in choices if one[1] not in NEVER_VOID] or choices
    if dice.random() < 0.8:
        unit, action = dice.choice(busy)
    else:
        unit, action = dice.choice(UNITS), dice.choice(tuple(ACTIONS))
    offers = [event.hash for event in path if event.action in HANDS]
    offer = before.offer or (dice.choice(offers) if offers else None)
    term = before.term + (action in OWNING) + (dice.random() < 0.05)
    return CaseEvent(
        f"{dice.randrange(100):02}e{number}",
        path[-1].hash,
        CASE,
        action,
        unit,
        level(unit),
        day,
        noon(day),
        term,
        offer if action in NAMES_OFFER else None,
        public_of(dice, action, before.owner),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[CaseEvent]:
    """The events of one case: mostly after the last one, often a fork, now and then a second registration."""
    dice = random.Random(draw(st.integers(0, 2**32)))
    number = draw(st.integers(1, MOST_EVENTS))
    events = [register(dice, 0)]
    paths = {events[0].hash: events[:]}
    for count in range(1, number):
        if dice.random() < 0.03:
            event = register(dice, count)
            paths[event.hash] = [event]
        else:
            after = events[-1] if dice.random() < 0.7 else dice.choice(events)
            event = follow(dice, paths[after.hash], count)
            paths[event.hash] = [*paths[after.hash], event]
        events.append(event)
    return events


def folded(events: list[CaseEvent]) -> Case:
    case = fold(events, ancestor)
    assert case is not None
    return case


@given(histories(), st.randoms(use_true_random=False))
def test_every_order_of_arrival_and_every_repeat_gives_the_same_case(
    events: list[CaseEvent], dice: random.Random
) -> None:
    shuffled = events + dice.sample(events, dice.randrange(len(events) + 1))
    dice.shuffle(shuffled)
    assert folded(shuffled) == folded(events)


@given(histories(), st.data())
def test_what_follows_a_missing_act_waits_and_comes_to_hold_when_it_arrives(
    events: list[CaseEvent], data: st.DataObject
) -> None:
    gone = data.draw(st.sets(st.sampled_from([event.hash for event in events])), label="late")
    held = [event for event in events if event.hash not in gone]
    waiting = set()
    for event in events:  # a predecessor always stands before those who follow it
        if event.after is not None and (event.after in gone or event.after in waiting) and event.hash not in gone:
            waiting.add(event.hash)
    before = fold(held, ancestor)
    assert before is None or before.waiting == tuple(sorted(waiting))
    assert folded(held + [event for event in events if event.hash in gone]) == folded(events)


@given(histories())
def test_an_act_that_waits_changes_nothing_but_the_audience(events: list[CaseEvent]) -> None:
    lost = CaseEvent("w", "nobody", CASE, "seize", "city", 4, DAY, noon(DAY), 9, None, {})
    case, more = folded(events), folded([*events, lost])
    assert more.waiting == (*case.waiting, "w")
    assert (more.now, more.effective, more.void, more.owners) == (case.now, case.effective, case.void, case.owners)


@given(histories())
def test_every_act_either_holds_or_is_void_or_stands_aside(events: list[CaseEvent]) -> None:
    case = folded(events)
    kept = [*(event.hash for event in case.effective), *case.void, *case.aside, *case.waiting]
    assert sorted(kept) == sorted(event.hash for event in events)
    assert not [event.hash for event in events if event.action in NEVER_VOID and event.hash in case.void]


@given(histories())
def test_there_is_one_owner_and_terms_count_up_by_one(events: list[CaseEvent]) -> None:
    case = folded(events)
    assert [owner.term for owner in case.owners] == list(range(case.term + 1))
    assert case.owners[-1].unit == case.owner
    assert case.owner in case.audience
    effective = {event.hash for event in case.effective}
    assert [owner.event for owner in case.owners if owner.event not in effective] == []
    assert case.offered_to != case.owner


@given(histories())
def test_nobody_has_a_claim_greater_than_the_owner_s(events: list[CaseEvent]) -> None:
    """The rule said once more, over each path by itself: term, level, length of the history, hash."""
    by_hash = {event.hash: event for event in events}
    claims = []
    for event in events:
        path = [event]
        while path[-1].after is not None:
            path.append(by_hash[path[-1].after])
        alone = folded(path)
        if event.action in OWNING and event.hash not in alone.void:
            claims.append((event.term, event.level, len(path), event.hash))
    assert max(claims)[3] == folded(events).owners[-1].event


@given(histories(), st.sampled_from(UNITS))
def test_a_note_moves_nothing(events: list[CaseEvent], unit: str) -> None:
    case = folded(events)
    note = CaseEvent("n", case.follows("note"), CASE, "note", unit, level(unit), DAY, noon(DAY), 0, None, {})
    more = folded([*events, note])
    assert (more.now, more.void, more.event) == (case.now, case.void, "n")


@given(histories(), st.sampled_from(UNITS), st.integers(0, 3))
def test_what_is_shown_as_allowed_holds_when_it_is_done(events: list[CaseEvent], unit: str, later: int) -> None:
    case, day = folded(events), DAY + days(later)
    for action in allowed_now(case, unit, day, ancestor):
        public = dict(NEEDED.get(action, {}))
        if action in HANDS:
            target = _target(action, case.owner)
            if target is None:  # the table does not know whether any unit stands above or below
                continue
            public["to_unit"] = target
        if action == "extend":
            public["until"] = case.now.clock.last_day(case.now.court).isoformat()
        term, offer = case.term + (action in OWNING), case.offer if action in NAMES_OFFER else None
        after = case.follows(action)
        event = CaseEvent("zz", after, CASE, action, unit, level(unit), day, noon(day), term, offer, public)
        assert why_void(events, event, ancestor) is None, action


def _target(action: str, owner: str) -> str | None:
    for unit in UNITS:
        above, below = ancestor(unit, owner, DAY), ancestor(owner, unit, DAY)
        fits = {"hand_up": above, "hand_down": below, "hand_across": not above and not below and unit != owner}
        if fits[action]:
            return unit
    return None


@given(histories(), st.data())
def test_what_is_not_shown_as_allowed_is_void(events: list[CaseEvent], data: st.DataObject) -> None:
    """But for takes and seizes: those are judged by their own path, which need not know of a fork."""
    case = folded(events)
    unit = data.draw(st.sampled_from(UNITS))
    shown = allowed_now(case, unit, DAY, ancestor)
    for action in ACTIONS:
        if action in shown or action in NEVER_VOID or action in OWNING:
            continue
        public = dict(NEEDED.get(action, {"to_unit": "elsewhere"}))
        term, after = case.term + (action in OWNING), case.follows(action)
        offer = case.offer or "none"
        event = CaseEvent("zz", after, CASE, action, unit, level(unit), DAY, noon(DAY), term, offer, public)
        assert why_void(events, event, ancestor) is not None, action


@given(histories())
def test_a_case_counts_at_most_once_in_a_measure(events: list[CaseEvent]) -> None:
    case = folded(events)
    found = facts(case)
    names = [fact.measure for fact in found]
    assert names == [name for name in FACT_MEASURES if name in names]
    assert names.count("registered") == 1
    assert ("mediated" in names) == ("agreed" in names or "not_agreed" in names)
    assert not {"agreed", "not_agreed"} <= set(names)
    effective = {event.hash: event for event in case.effective}
    assert [(fact.unit, fact.day) for fact in found] == [
        (effective[fact.event].unit, effective[fact.event].day) for fact in found
    ]


@given(histories())
def test_the_spans_in_which_a_case_is_open_follow_each_other(events: list[CaseEvent]) -> None:
    case = folded(events)
    spans = open_spans(case)
    assert all(one.until is not None and one.until <= other.first for one, other in pairwise(spans))
    assert all(span.until is None or span.first < span.until for span in spans)
    assert case.open == bool(spans and spans[-1].until is None)
    if case.open:
        last = spans[-1]
        assert (last.unit, last.deadline_ms) == (case.owner, case.deadline_ms)
