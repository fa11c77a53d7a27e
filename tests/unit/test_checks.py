from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.checks import Effective, Report, effective, read_check, read_payload
from schemas.errors import Invalid

CASE = "0190f3b2-1c1a-7abc-8def-0123456789ab"
OTHER_CASE = "0190f3b2-1c1a-7abc-8def-0123456789ac"
EVENT = "A" * 42 + "-"
FOUND = {"disputes": 1, "hazards": 0}


def report(event: str, result: str = "zero", amends: str | None = None, recorded_ms: int = 5) -> Report:
    found = 1 if result == "found" else 0
    return Report(event, "u", date(2026, 11, 23), "regular", result, found, 0, amends, recorded_ms, 9)


# Reading


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "not_one_of", "result"),
        ({"result": "none"}, "not_one_of", "result"),
        ({"result": ["zero"]}, "not_one_of", "result"),
        ({"result": "zero", "found": {"disputes": 0, "hazards": 0}}, "found_with_zero", "found"),
        ({"result": "zero", "found": FOUND}, "found_with_zero", "found"),
        ({"result": "found"}, "found_missing", "found"),
        ({"result": "found", "found": 3}, "found_missing", "found"),
        ({"result": "found", "found": {"disputes": 0, "hazards": 0}}, "found_nothing", "found"),
        ({"result": "found", "found": {"disputes": 1}}, "out_of_range", "found.hazards"),
        ({"result": "found", "found": {**FOUND, "disputes": 1000}}, "out_of_range", "found.disputes"),
        ({"result": "found", "found": {**FOUND, "disputes": -1}}, "out_of_range", "found.disputes"),
        ({"result": "found", "found": {**FOUND, "disputes": True}}, "out_of_range", "found.disputes"),
        ({"result": "found", "found": {**FOUND, "disputes": "1"}}, "out_of_range", "found.disputes"),
        ({"result": "found", "found": {**FOUND, "cases": CASE}}, "bad_cases", "found.cases"),
        ({"result": "found", "found": {**FOUND, "cases": [CASE.upper()]}}, "bad_cases", "found.cases"),
        ({"result": "found", "found": {**FOUND, "cases": [CASE, CASE]}}, "bad_cases", "found.cases"),
        ({"result": "found", "found": {**FOUND, "cases": [7]}}, "bad_cases", "found.cases"),
        ({"result": "found", "found": {**FOUND, "cases": [CASE] * 51}}, "bad_cases", "found.cases"),
        ({"result": "zero", "occasion": "holiday"}, "bad_occasion", "occasion"),
        ({"result": "zero", "occasion": "campaign:"}, "bad_occasion", "occasion"),
        ({"result": "zero", "occasion": "campaign:春节"}, "bad_occasion", "occasion"),
        ({"result": "zero", "occasion": "campaign:a\n"}, "bad_occasion", "occasion"),
        ({"result": "zero", "depth": "deep"}, "not_one_of", "depth"),
        ({"result": "zero", "direction": "down"}, "not_one_of", "direction"),
        ({"result": "zero", "theme": "A"}, "bad_theme", "theme"),
        ({"result": "zero", "theme": "a" * 41}, "bad_theme", "theme"),
        ({"result": "zero", "places_visited": 10_000}, "out_of_range", "places_visited"),
        ({"result": "zero", "places_visited": 1.5}, "out_of_range", "places_visited"),
        ({"result": "zero", "staff_no": 1000}, "out_of_range", "staff_no"),
        ({"result": "zero", "recorded_at": -1}, "out_of_range", "recorded_at"),
        ({"result": "zero", "recorded_at": "2026-11-23T08:40:00Z"}, "out_of_range", "recorded_at"),
        ({"result": "zero", "clock_offset_s": "1"}, "out_of_range", "clock_offset_s"),
        ({"result": "zero", "clock_offset_s": 2**53}, "out_of_range", "clock_offset_s"),
        ({"result": "zero", "amends": "x"}, "bad_amends", "amends"),
        ({"result": "zero", "amends": EVENT + "\n"}, "bad_amends", "amends"),
    ],
)
def test_a_check_that_breaks_a_rule_is_refused_by_field(body: dict[str, object], code: str, field: str) -> None:
    for reader in (read_check, read_payload):
        with pytest.raises(Invalid) as caught:
            reader(body)
        assert (caught.value.code, caught.value.field) == (code, field)


def test_a_zero_report_needs_one_word() -> None:
    expected = {"result": "zero", "occasion": "regular", "depth": "general", "direction": "vertical"}
    assert read_check({"result": "zero"}) == expected
    assert read_check({"result": "zero", "found": None, "theme": None, "amends": None}) == expected


def test_only_allowed_fields_reach_the_payload() -> None:
    body = {
        "unit": "421002100201001",
        "date": "2026-11-23",
        "recorded_at": 5,
        "clock_offset_s": -900,
        "name": "somebody",
        "result": "found",
        "found": {"disputes": 2, "hazards": 999, "cases": [CASE, OTHER_CASE], "text": "somebody"},
        "occasion": "campaign:spring-2027",
        "depth": "key",
        "direction": "horizontal",
        "theme": "fire_safety",
        "places_visited": 9999,
        "staff_no": 0,
        "amends": EVENT,
    }
    assert read_check(body) == {
        "result": "found",
        "found": {"disputes": 2, "hazards": 999, "cases": [CASE, OTHER_CASE]},
        "occasion": "campaign:spring-2027",
        "depth": "key",
        "direction": "horizontal",
        "theme": "fire_safety",
        "places_visited": 9999,
        "staff_no": 0,
        "amends": EVENT,
        "recorded_at": 5,
        "clock_offset_s": -900,
    }


def test_a_check_in_an_event_is_read_with_every_field() -> None:
    assert read_payload({"result": "zero", "later": "version"}) == {
        "result": "zero",
        "found": {"disputes": 0, "hazards": 0, "cases": []},
        "occasion": "regular",
        "depth": "general",
        "direction": "vertical",
        "theme": None,
        "places_visited": None,
        "staff_no": None,
        "amends": None,
        "recorded_at": None,
        "clock_offset_s": None,
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(("zero", "found", CASE)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("disputes", "cases")), inner),
    max_leaves=6,
)
fields = st.sampled_from(("result", "found", "occasion", "depth", "direction", "theme", "staff_no", "amends"))


@given(st.dictionaries(fields, json_values))
def test_whatever_json_comes_is_read_or_refused(body: dict[str, object]) -> None:
    try:
        payload = read_check(body)
    except Invalid:
        return
    assert read_check(json.loads(json.dumps(payload))) == payload


# Which report counts


def test_without_a_report_nothing_is_effective() -> None:
    with pytest.raises(ValueError, match="no report"):
        effective([])


def test_the_last_amendment_counts_and_the_first_report_decides_the_time() -> None:
    first, second = report("a", "found", recorded_ms=1), report("b", "zero", "a", recorded_ms=2)
    third = report("c", "found", "b", recorded_ms=3)
    assert effective([third, first, second]) == Effective(third, 1, ())
    assert effective([first, second]) == Effective(second, 1, ())


def test_found_beats_zero_then_the_greater_hash_and_the_others_show_as_conflict() -> None:
    zero, found, greater = report("z"), report("a", "found"), report("b", "found")
    assert effective([zero, found]) == Effective(found, 5, ("z",))
    assert effective([zero, found, greater]) == Effective(greater, 5, ("a", "z"))


def test_an_amendment_of_a_report_that_is_not_held_stands() -> None:
    late = report("b", "zero", "missing")
    assert effective([late]) == Effective(late, 5, ())


def test_where_forged_reports_amend_each_other_all_stand() -> None:
    one, other = report("a", "zero", "b"), report("b", "found", "a")
    assert effective([one, other]) == Effective(other, 5, ("a",))
    itself = report("a", "zero", "a")
    assert effective([itself]) == Effective(itself, 5, ())


@st.composite
def held(draw: st.DrawFn) -> list[Report]:
    events = draw(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True))
    return [
        report(
            event,
            draw(st.sampled_from(("zero", "found"))),
            draw(st.none() | st.sampled_from("abcdefg")),
            draw(st.integers(0, 5)),
        )
        for event in events
    ]


@given(held(), st.randoms(use_true_random=False), st.data())
def test_neither_order_nor_repeats_change_what_counts(
    reports: list[Report], shuffler: random.Random, data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(reports), max_size=4))
    mixed = [*reports, *(replace(one, received_ms=one.received_ms + 7) for one in again)]
    shuffler.shuffle(mixed)
    expected = effective(reports)
    assert effective(mixed) == expected
    assert expected.report in reports
    assert expected.report.event not in expected.conflicts
    assert expected.first_recorded_ms == min(one.recorded_ms for one in reports)
