"""Forms and their rules: what may be published, what a value may be, that a broken rule names its difference."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.directory import shipped_forms
from schemas.cadence import Calendar
from schemas.errors import Invalid
from schemas.form_fields import FormField
from schemas.forms import Forms, form_payload, read_form, stored_form
from schemas.periods import parse_period
from schemas.returns import (
    broken_rules,
    owed_between,
    read_values,
    require_values,
    scaled,
    unscaled,
)

SUPERVISED: Final = {
    "on_register": 2062, "controlled": 2, "probation": 1982, "parole": 47, "outside": 31,
    "received": 900, "released": 477, "corrected": 423,
}  # fmt: skip


def words(text: str) -> dict[str, str]:
    return {"zh_CN": text, "en": text}


def number(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "integer", "label": words(key), **more}


def body(**change: Any) -> dict[str, Any]:
    """A form with a field of each type."""
    made: dict[str, Any] = {
        "id": "visits", "from": "2026-01-01", "title": words("走访"), "levels": ["village", "township"],
        "cadence": "month",
        "fields": [
            number("total"), number("a"), number("b", max=50), number("spare", required=False),
            {"key": "hours", "type": "decimal", "label": words("h"), "places": 2, "min": "-1.5"},
            {"key": "how", "type": "choice", "label": words("how"), "required": False,
             "choices": [{"code": "foot", **words("步行")}, {"code": "car", **words("车")}]},
            {"key": "on", "type": "date", "label": words("on"), "required": False},
            {"key": "words", "type": "text", "label": words("w"), "required": False, "max_length": 5},
        ],
        "sums": ["total = a + b"], "bounds": ["a <= total"], "rollup": ["hours", "total"],
    }  # fmt: skip
    return made | change


def field(place: int, **change: Any) -> dict[str, Any]:
    """The form with one field changed."""
    made = copy.deepcopy(body())
    made["fields"][place] |= change
    return made


def shipped(form: str) -> Any:
    return next(one for one in shipped_forms() if one.id == form)


@pytest.mark.parametrize(
    ("entry", "code", "where"),
    [
        (body(colour="red"), "unknown_field", "colour"),
        (body(id="Visits"), "bad_form_id", "id"),
        (body(id=None), "bad_form_id", "id"),
        (body(version=2), "form_version", "version"),
        (body(version=True), "form_version", "version"),
        (body(**{"from": "1 Jan"}), "bad_date", "from"),
        (body(to="2025-12-31"), "bad_form_span", "to"),
        (body(title={"zh_CN": "走访"}), "bad_form_words", "title.en"),
        (body(title=words(" ")), "bad_form_words", "title.zh_CN"),
        (body(title=words("x") | {"fr": "x"}), "unknown_field", "title.fr"),
        (body(title="走访"), "bad_form_words", "title"),
        (body(levels=[]), "bad_form_levels", "levels"),
        (body(levels=["hamlet"]), "bad_form_levels", "levels"),
        (body(levels=[["village"]]), "bad_form_levels", "levels"),
        (body(cadence="fortnight"), "bad_cadence", "cadence"),
        (body(cadence=["month"]), "bad_cadence", "cadence"),
        (body(fields=[]), "bad_form_fields", "fields"),
        (body(fields=[number(f"k{n}") for n in range(61)]), "bad_form_fields", "fields"),
        (body(fields=["a"]), "bad_form_field", "fields.0"),
        (body(fields=[number("a"), number("a")], sums=[], bounds=[], rollup=[]), "form_key_twice", "fields.1.key"),
        (body(fields=[number(f"k{n}", label=words("长" * 60)) | {"type": "choice", "choices": [
            {"code": f"c{m}", **words("长" * 60)} for m in range(50)]} for n in range(9)],
            sums=[], bounds=[], rollup=[]), "form_too_big", "fields"),
        (field(0, key="Total"), "bad_form_key", "fields.0.key"),
        (field(0, type="float"), "bad_form_type", "fields.0.type"),
        (field(0, type=["integer"]), "bad_form_type", "fields.0.type"),
        (field(0, required="yes"), "bad_form_required", "fields.0.required"),
        (field(0, places=2), "unknown_field", "fields.0.places"),
        (field(0, label="总数"), "bad_form_words", "fields.0.label"),
        (field(0, min=5, max=4), "bad_form_limits", "fields.0.max"),
        (field(0, max=10**9), "bad_form_limits", "fields.0.max"),
        (field(0, max="7"), "bad_form_limits", "fields.0.max"),
        (field(4, min="0.001"), "bad_form_limits", "fields.4.min"),
        (field(4, places=5), "out_of_range", "fields.4.places"),
        (field(5, choices=[]), "bad_form_choices", "fields.5.choices"),
        (field(5, choices=[{"code": "x", **words("x")}] * 2), "bad_form_choices", "fields.5.choices.1"),
        (field(7, max_length=501), "out_of_range", "fields.7.max_length"),
        (field(7, key="id_card"), "form_field_forbidden", "fields.7.key"),
        (field(7, key="health_state"), "form_field_forbidden", "fields.7.key"),
        (field(7, label={"zh_CN": "当事人姓名", "en": "n"}), "form_field_forbidden", "fields.7.label"),
        (body(sums=["total = a"]), "bad_form_rule", "sums.0"),
        (body(sums=["total == a + b"]), "bad_form_rule", "sums.0"),
        (body(sums="total = a + b"), "bad_form_rule", "sums"),
        (body(sums=[["total", "a"]]), "bad_form_rule", "sums.0"),
        (body(sums=["total = a + c"]), "form_rule_field", "sums.0"),
        (body(sums=["total = a + spare"]), "form_rule_field", "sums.0"),  # may be left out: is no zero
        (body(sums=["total = a + words"]), "form_rule_field", "sums.0"),
        (body(sums=["total = a + a"]), "form_rule_twice", "sums.0"),
        (body(sums=["total = a + total"]), "form_rule_twice", "sums.0"),
        (body(sums=["total = a + b", "total = b + a"]), "form_rule_twice", "sums.1"),
        (body(bounds=["a < total"]), "bad_form_rule", "bounds.0"),
        (body(bounds=["a <= how"]), "form_rule_field", "bounds.0"),
        (body(bounds=["a <= a"]), "form_rule_twice", "bounds.0"),
        (body(bounds=["a <= b", "a<=b"]), "form_rule_twice", "bounds.1"),
        (body(rollup=["words"]), "form_rule_field", "rollup.0"),
        (body(rollup=["spare"]), "form_rule_field", "rollup.0"),
        (body(rollup=["total", "total"]), "bad_form_rollup", "rollup.1"),
        (body(rollup="total"), "bad_form_rollup", "rollup"),
    ],
)  # fmt: skip
def test_a_form_that_breaks_a_rule_is_refused_by_field(entry: dict[str, Any], code: str, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_form(entry, Forms([]))
    assert (refused.value.code, refused.value.field) == (code, where)


def test_a_form_comes_back_from_its_payload_as_it_was_published() -> None:
    made = read_form(body(to="2026-12-31", levels="village"), Forms([]))
    assert made.levels == ("village",)
    assert made.rollup == ("total", "hours")  # in the order of the fields
    assert stored_form(form_payload(made)) == made


def test_versions_follow_each_other_and_the_one_that_began_last_is_in_force() -> None:
    first = read_form(body(), Forms([]))
    with pytest.raises(Invalid, match="form_from_earlier"):
        read_form(body(**{"from": "2025-12-31"}), Forms([first]))
    with pytest.raises(Invalid, match="form_version"):
        read_form(body(version=1), Forms([first]))
    second = read_form(body(version=2, to="2026-07-31", **{"from": "2026-07-01"}), Forms([first]))
    forms = Forms([second, first])
    assert stored_form(form_payload(second)) == second
    days = ["2025-12-31", "2026-01-01", "2026-06-30", "2026-07-01", "2026-07-31", "2026-08-01"]
    held = [forms.on("visits", date.fromisoformat(day)) for day in days]
    assert [one and one.version for one in held] == [None, 1, 1, 2, 2, None]


def test_what_is_owed_follows_the_version_in_force_on_the_last_day() -> None:
    first = read_form(body(), Forms([]))
    second = read_form(body(cadence="quarter", levels=["township"], **{"from": "2026-06-15"}), Forms([first]))
    forms, span = Forms([first, second]), parse_period("2026-04-01..2026-12-31")
    owed = {
        level: [one.period.key for one in owed_between(forms, Calendar([]), "visits", level, span)]
        for level in ("group", "village", "township")
    }
    assert owed == {
        "group": [], "village": ["2026-04", "2026-05"],
        "township": ["2026-04", "2026-05", "2026-Q2", "2026-Q3", "2026-Q4"],
    }  # fmt: skip


# ---- values

GOOD: Final = {"total": 7, "a": 3, "b": 4, "hours": "1.50"}


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"c": 1}, "unknown_field", "values.c"),
        ({"a": None}, "value_missing", "values.a"),
        ({"a": " "}, "value_missing", "values.a"),
        ({"a": "3"}, "bad_integer_value", "values.a"),
        ({"a": True}, "bad_integer_value", "values.a"),
        ({"a": -1}, "value_out_of_range", "values.a"),
        ({"b": 51}, "value_out_of_range", "values.b"),
        ({"hours": "1.505"}, "bad_decimal_value", "values.hours"),
        ({"hours": "1e3"}, "bad_decimal_value", "values.hours"),
        ({"hours": "١"}, "bad_decimal_value", "values.hours"),
        ({"hours": True}, "bad_decimal_value", "values.hours"),
        ({"hours": "-1.51"}, "value_out_of_range", "values.hours"),
        ({"how": "plane"}, "bad_choice_value", "values.how"),
        ({"how": 1}, "not_a_text", "values.how"),
        ({"on": "2026-02-30"}, "bad_date", "values.on"),
        ({"words": "123456"}, "too_long", "values.words"),
        ({"words": "a\x00"}, "bad_text_value", "values.words"),
        ({"total": 8}, "sum_broken", "values.total"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_field(change: dict[str, Any], code: str, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_values(read_form(body(), Forms([])), GOOD | change)
    assert (refused.value.code, refused.value.field) == (code, where)


def test_values_are_kept_in_the_order_of_the_form_and_decimals_with_all_their_places() -> None:
    made = read_form(body(), Forms([]))
    given_values = {"words": " 好 ", "hours": 2, "b": 4, "a": 3, "total": 7, "how": "", "on": "2026-02-28"}
    assert list(require_values(made, given_values).items()) == [
        ("total", 7), ("a", 3), ("b", 4), ("hours", "2.00"), ("on", "2026-02-28"), ("words", "好"),
    ]  # fmt: skip
    assert require_values(made, GOOD | {"hours": "-0"})["hours"] == "0.00"


def test_the_shipped_totals_take_the_figures_that_add_up() -> None:
    assert require_values(shipped("supervised"), SUPERVISED) == SUPERVISED


def test_a_total_that_its_parts_do_not_make_is_refused_with_the_difference() -> None:
    with pytest.raises(Invalid) as refused:
        require_values(shipped("supervised"), SUPERVISED | {"on_register": 2063})
    error = refused.value
    assert (error.code, error.field, error.value) == ("sum_broken", "values.on_register", 2063)
    assert error.params == {
        "rule": "on_register = controlled + probation + parole + outside", "makes": 2062, "difference": 1,
    }  # fmt: skip


def test_a_part_above_its_bound_is_refused_with_the_difference() -> None:
    values = {"visits": 9, "guided": 8, "agreed": 5, "not_agreed": 3, "confirmed": 7}
    with pytest.raises(Invalid) as refused:
        require_values(shipped("judges"), values)
    error = refused.value
    assert (error.code, error.field, error.value) == ("bound_broken", "values.confirmed", 7)
    assert error.params == {"rule": "confirmed <= agreed", "limit": 5, "other": "agreed", "difference": 2}


@pytest.mark.parametrize(("confirmed", "broken"), [(5, []), (6, ["bound_broken"])])
def test_a_bound_may_be_reached_and_not_passed(confirmed: int, broken: list[str]) -> None:
    values, _ = read_values(
        shipped("judges"), {"visits": 9, "guided": 8, "agreed": 5, "not_agreed": 3, "confirmed": confirmed}
    )
    assert [one.code for one in broken_rules(shipped("judges"), values)] == broken


def test_every_broken_rule_is_told_at_once() -> None:
    values, wrong = read_values(shipped("supervised"), SUPERVISED | {"on_register": 2063, "received": 899})
    assert wrong == []
    broken = broken_rules(shipped("supervised"), values)
    assert [(one.field, one.params["difference"]) for one in broken] == [
        ("values.on_register", 1),
        ("values.received", 1),
    ]


def test_no_shipped_form_asks_for_a_text_where_there_are_totals_of_people() -> None:
    assert {one.type for one in shipped("supervised").fields} == {"integer"}
    assert [one.id for one in shipped_forms()] == ["training", "meetings", "judges", "supervised"]


decimals = st.decimals(-999_999, 999_999, allow_nan=False, places=2)


@settings(max_examples=60)
@given(parts=st.lists(decimals, min_size=2, max_size=6), off=st.integers(-500, 500), bound=decimals)
def test_a_sum_holds_exactly_when_the_parts_make_it_and_else_names_the_difference(
    parts: list[Decimal], off: int, bound: Decimal
) -> None:
    keys = [f"p{n}" for n in range(len(parts))]
    fields = [
        {"key": key, "type": "decimal", "label": words(key), "places": 2, "min": -999_999_999}
        for key in ("t", *keys, "m")
    ]
    made = read_form(body(fields=fields, sums=[f"t = {' + '.join(keys)}"], bounds=["p0 <= m"], rollup=["t"]), Forms([]))
    said = sum(parts, Decimal(0)) + Decimal(off) / 100
    values: dict[str, object] = {"t": f"{said:.2f}", "m": f"{bound:.2f}"}
    values |= {key: f"{part:.2f}" for key, part in zip(keys, parts, strict=True)}
    read, wrong = read_values(made, values)
    assert wrong == []
    expected: dict[str, Decimal] = {}
    if off:
        expected["sum_broken"] = abs(Decimal(off)) / 100
    if parts[0] > bound:
        expected["bound_broken"] = parts[0] - bound
    assert {one.code: Decimal(str(one.params["difference"])) for one in broken_rules(made, read)} == expected
    assert Decimal(unscaled(sum(scaled(read[key]) for key in keys), made.fields[0])) == sum(parts, Decimal(0))


def test_a_scaled_sum_keeps_the_places_that_any_version_had() -> None:
    whole, half = FormField("a", {}, "integer"), FormField("a", {}, "decimal", places=1)
    assert [unscaled(30_000, whole), unscaled(35_000, whole)] == [3, "3.5"]
    assert [unscaled(30_000, half), unscaled(30_500, half)] == ["3.0", "3.05"]
