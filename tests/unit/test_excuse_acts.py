"""Excuses: what may be written, which acts stand, and the arithmetic of their days."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import GridError, Invalid
from schemas.excuses import ExcuseAct, merged, read_excuse, read_stored, standing, without

TODAY = date(2026, 11, 23)
ABOVE = {"group": "village", "village": "town", "town": "county"}
BODY = {"unit": "group", "from": "2026-11-24", "to": "2026-11-30", "reason": "春节放假"}


def below(unit: str, above: str) -> bool:
    return unit == above or (unit in ABOVE and below(ABOVE[unit], above))


def act(event: str, unit: str = "group", by: str = "town", author: str = "town", **more: Any) -> ExcuseAct:
    given = {"amends": None, "cancelled": False, **more}
    return ExcuseAct(event, unit, by, author, TODAY, TODAY, reason_code="other", **given)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"from": "2026-11-31"}, "bad_date", "from"),
        ({"to": None}, "bad_date", "to"),
        ({"to": "2026-11-23"}, "bad_span", "to"),
        ({"from": "2026-01-01", "to": "2027-01-02"}, "excuse_too_long", "to"),
        ({"from": "2027-11-25", "to": "2027-11-25"}, "excuse_too_far", "to"),
        ({"reason": " "}, "words_missing", "reason"),
        ({"reason": "因" * 501}, "words_too_long", "reason"),
        ({"reason_code": "holiday"}, "not_one_of", "reason_code"),
        ({"amends": "x"}, "bad_event", "amends"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_its_field(change: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_excuse({**BODY, **change}, TODAY)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_days_and_a_code_are_public_words_are_not() -> None:
    public, private = read_excuse(BODY, TODAY)
    assert public == {"from": "2026-11-24", "to": "2026-11-30", "reason_code": "other"}
    assert private == {"reason": "春节放假"}


def test_a_whole_year_and_days_gone_by_may_be_excused() -> None:
    assert read_excuse({**BODY, "from": "2025-11-24", "to": "2026-11-24"}, TODAY)[0]["from"] == "2025-11-24"


@pytest.mark.parametrize(
    "change",
    [
        {"by": None}, {"by": ""}, {"by": "9" * 41}, {"from": None}, {"to": "2020-01-01"}, {"to": "2030-01-01"},
        {"cancelled": 1}, {"cancelled": True}, {"amends": 3}, {"reason_code": "Ä"},
    ],
)  # fmt: skip
def test_an_act_that_cannot_be_read_has_no_effect(change: dict[str, Any]) -> None:
    stored = {"by": "town", "from": "2026-11-24", "to": "2026-11-30", **change}
    with pytest.raises(GridError):
        read_stored("e", "group", "town", stored)


@pytest.mark.parametrize(
    "odd",
    [
        act("a", by="group"),  # itself
        act("a", by="elsewhere"),
        act("a", unit="village", by="group"),  # from below
        act("a", by="county"),  # in the name of a unit above the node that signed
    ],
)
def test_only_a_unit_above_can_excuse_and_only_by_a_node_that_may_speak_for_it(odd: ExcuseAct) -> None:
    assert standing([odd], below) == []


def test_a_node_speaks_for_every_unit_below_its_own() -> None:
    assert standing([act("a", by="village", author="county")], below)


def test_an_act_is_replaced_or_taken_back_by_the_same_unit_or_one_above_only() -> None:
    first = act("a")
    correction, cancelled = act("b", amends="a"), act("b", amends="a", cancelled=True)
    assert standing([first, correction], below) == [correction]
    assert standing([first, cancelled], below) == []
    higher = act("b", by="county", author="county", amends="a", cancelled=True)
    assert standing([first, higher], below) == []
    lower = act("b", by="village", author="town", amends="a", cancelled=True)
    assert standing([first, lower], below) == [first]
    another = act("b", unit="village", amends="a", cancelled=True)
    assert standing([first, another], below) == [first]


def test_the_order_of_arrival_does_not_decide() -> None:
    acts = [act("a"), act("b", amends="a"), act("c", amends="b", cancelled=True), act("d")]
    found = [standing(order, below) for order in permutations(acts)]
    assert all(one == [acts[3]] for one in found)


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 9)).map(
        lambda pair: (TODAY + timedelta(days=pair[0]), TODAY + timedelta(days=sum(pair)))
    ),
    max_size=6,
)


@given(spans, st.integers(-3, 45), st.integers(0, 45))
def test_the_days_inside_and_outside_of_spans_make_up_the_whole(
    drawn: list[tuple[date, date]], start: int, length: int
) -> None:
    first = TODAY + timedelta(days=start)
    last = first + timedelta(days=length)
    joined = merged(drawn)

    def days(parts: list[tuple[date, date]]) -> list[date]:
        return [begin + timedelta(days=n) for begin, end in parts for n in range((end - begin).days + 1)]

    assert days(joined) == sorted(set(days(drawn)))
    asked = days([(first, last)])
    assert days(without(first, last, joined)) == [day for day in asked if day not in set(days(joined))]
