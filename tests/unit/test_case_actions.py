from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.cases.actions import ACTIONS, read_action, read_register, readable
from schemas.cases.table import EVERY_FIELD
from schemas.errors import Invalid
from schemas.labels import LANGUAGES, explain

TOWNSHIP = "421083101000"
DAY = date(2026, 11, 23)
REGISTER: dict[str, object] = {
    "kind": "dispute",
    "category": "04",
    "source": "self_found",
    "complexity": "complex",
    "urgency": "orange",
}
# For each act a body that is taken, with every field that it knows.
WHOLE: dict[str, dict[str, object]] = {
    "accept": {"text": "w"},
    "decline": {"reason": "in_court", "text": "w"},
    "assign": {"body": "traffic", "text": "w"},
    "mediate": {"text": "w", "private": {"place": "w"}},
    "agree": {"performance_due": "2026-12-24", "text": "w", "private": {"agreement": "w"}},
    "fail": {"advice": "arbitration", "text": "w"},
    "terminate": {"reason": "w", "reason_code": "party_away", "text": "w"},
    "follow_up": {"result": "partly", "next_date": "2026-12-24", "text": "w"},
    "remediate": {"text": "w"},
    "refer": {"to": "litigation", "text": "w"},
    "apply_confirmation": {"text": "w"},
    "confirm": {"text": "w"},
    "refuse_confirmation": {"reason": "w", "text": "w"},
    "withdraw_confirmation": {"reason": "w", "reason_code": "mistake"},
    "close": {"text": "w"},
    "hand_up": {"to_unit": TOWNSHIP, "reason": "w", "reason_code": "beyond_means"},
    "hand_down": {"to_unit": TOWNSHIP, "reason": "w", "text": "w"},
    "hand_across": {"to_unit": TOWNSHIP, "reason": "w"},
    "take": {"text": "w"},
    "send_back": {"reason": "w", "reason_code": "incomplete"},
    "recall": {"reason": "w"},
    "seize": {"reason": "w", "reason_code": "urgent"},
    "supervise": {"due": "2026-11-30", "text": "w"},
    "answer": {"reply": "w", "supervision": "A" * 43},
    "extend": {"until": "2026-12-01", "reason": "w"},
    "note": {"text": "w", "private": {"parties": [{"role": "applicant", "name": "w"}]}},
}


def refusal(action: str, body: dict[str, object], on: date | None = None) -> tuple[str, str | None]:
    with pytest.raises(Invalid) as caught:
        read_register(body) if action == "register" else read_action(action, body, on)
    for language in LANGUAGES:
        assert explain(language, caught.value)
    return caught.value.code, caught.value.field


# Reading a registration


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        *(({name: None}, "missing_field", name) for name in REGISTER),
        *(({name: " "}, "missing_field", name) for name in REGISTER),
        ({"kind": "person"}, "not_one_of", "kind"),
        ({"category": "15"}, "not_one_of", "category"),
        ({"category": "fire"}, "not_one_of", "category"),
        ({"category": "０４"}, "bad_code", "category"),
        ({"category": 4}, "bad_code", "category"),
        ({"kind": "hazard"}, "not_one_of", "category"),
        ({"source": "rumour"}, "not_one_of", "source"),
        ({"complexity": "hard"}, "not_one_of", "complexity"),
        ({"urgency": "green"}, "not_one_of", "urgency"),
        ({"urgency": ["red"]}, "not_one_of", "urgency"),
        ({"scale": "1"}, "not_one_of", "scale"),
        ({"amount_band": "5"}, "not_one_of", "amount_band"),
        ({"reason": "w"}, "not_for_action", "reason"),
        ({"private": []}, "private_shape", "private"),
        ({"private": {"id_card": "w"}}, "unknown_field", "private.id_card"),
        ({"private": {"place": "w" * 201}}, "words_too_long", "private.place"),
        ({"private": {"narrative": "w" * 5001}}, "words_too_long", "private.narrative"),
        ({"private": {"narrative": "a\x00b"}}, "words_unreadable", "private.narrative"),
        ({"private": {"narrative": "a\ud800b"}}, "words_unreadable", "private.narrative"),
        ({"private": {"place": 5}}, "words_missing", "private.place"),
        ({"private": {"parties": {}}}, "bad_parties", "private.parties"),
        ({"private": {"parties": [{}] * 21}}, "bad_parties", "private.parties"),
        ({"private": {"parties": ["w"]}}, "bad_parties", "private.parties.0"),
        ({"private": {"parties": [{"name": "w"}]}}, "not_one_of", "private.parties.0.role"),
        ({"private": {"parties": [{"role": "suspect", "name": "w"}]}}, "not_one_of", "private.parties.0.role"),
        (
            {"private": {"parties": [{"role": "other", "name": "w", "religion": "w"}]}},
            "unknown_field",
            "private.parties.0.religion",
        ),
        (
            {"private": {"parties": [{"role": "other", "name": "w" * 61}]}},
            "words_too_long",
            "private.parties.0.name",
        ),
        (
            {"private": {"parties": [{"role": "other", "phone": "w" * 31}]}},
            "words_too_long",
            "private.parties.0.phone",
        ),
    ],
)
def test_a_registration_that_breaks_a_rule_is_refused_by_field(
    change: dict[str, object], code: str, field: str
) -> None:
    assert refusal("register", {**REGISTER, **change}) == (code, field)


def test_a_registration_needs_only_its_coded_facts() -> None:
    expected = {"action": "register", "list": "hubei-15/1", **REGISTER}
    assert read_register(REGISTER) == (expected, None)
    blank = {"place": "", "narrative": None, "parties": [{"role": "", "name": " ", "phone": ""}]}
    assert read_register({**REGISTER, "scale": "", "private": blank}) == (expected, None)


def test_people_and_narrative_are_private_and_nothing_else_is_taken() -> None:
    body = {
        **REGISTER,
        "unit": TOWNSHIP,
        "date": "2026-11-23",
        "list": "of-another/3",
        "ethnicity": "w",
        "scale": "30+",
        "amount_band": "10k_100k",
        "private": {
            "parties": [{"role": "applicant", "name": " 程某　甲 ", "phone": "1"}, {"role": "other", "phone": "2"}],
            "place": "村口",
            "narrative": "一\r\n二",
        },
    }
    public, private = read_register(body)
    assert public == {
        "action": "register",
        "list": "hubei-15/1",
        **REGISTER,
        "scale": "30+",
        "amount_band": "10k_100k",
    }
    assert private == {
        "parties": [{"role": "applicant", "name": "程某　甲", "phone": "1"}, {"role": "other", "phone": "2"}],
        "place": "村口",
        "narrative": "一\n二",
    }


def test_a_hazard_has_categories_of_its_own() -> None:
    public, _ = read_register({**REGISTER, "kind": "hazard", "category": "fire"})
    assert (public["category"], public["list"]) == ("fire", "hazards/1")


# Reading an act


@pytest.mark.parametrize("action", [None, 5, "", "register", "ask", "got", "Accept", "delete"])
def test_what_is_no_act_is_refused(action: object) -> None:
    with pytest.raises(Invalid) as caught:
        read_action(action, {})
    assert (caught.value.code, caught.value.field) == ("not_one_of", "action")


@pytest.mark.parametrize(
    ("action", "field"),
    [(name, field.name) for name, action in ACTIONS.items() for field in action.fields if field.needed],
)
def test_a_needed_field_is_missed_by_name(action: str, field: str) -> None:
    whole = REGISTER if action == "register" else WHOLE[action]
    assert refusal(action, {**whole, field: None}) == ("missing_field", field)
    assert refusal(action, {**whole, field: ""}) == ("missing_field", field)


@pytest.mark.parametrize("action", list(WHOLE))
def test_a_field_of_another_act_is_refused_not_dropped(action: str) -> None:
    known = {field.name for field in ACTIONS[action].fields}
    for field in EVERY_FIELD - known:
        assert refusal(action, {**WHOLE[action], field: "w"}) == ("not_for_action", field)


@pytest.mark.parametrize(
    ("action", "change", "code", "field"),
    [
        ("decline", {"reason": "because"}, "not_one_of", "reason"),
        ("assign", {"body": "police"}, "not_one_of", "body"),
        ("agree", {"performed_at_once": 1}, "not_true_or_false", "performed_at_once"),
        ("agree", {"performed_at_once": "true"}, "not_true_or_false", "performed_at_once"),
        ("agree", {"performed_at_once": True}, "at_once_or_due", "performance_due"),
        ("agree", {"performance_due": None}, "at_once_or_due", "performance_due"),
        ("agree", {"performance_due": None, "performed_at_once": False}, "at_once_or_due", "performance_due"),
        ("agree", {"performance_due": "2026-12-1"}, "bad_date", "performance_due"),
        ("agree", {"performance_due": "2026-02-30"}, "bad_date", "performance_due"),
        ("agree", {"performance_due": "２０２６-12-01"}, "bad_date", "performance_due"),
        ("agree", {"performance_due": 20261201}, "bad_date", "performance_due"),
        ("agree", {"performance_due": "2026-W48-1"}, "bad_date", "performance_due"),
        ("agree", {"private": {"agreement": "w" * 5001}}, "words_too_long", "private.agreement"),
        ("fail", {"advice": "none"}, "not_one_of", "advice"),
        ("terminate", {"reason": "w" * 501}, "words_too_long", "reason"),
        ("terminate", {"reason": 7}, "words_missing", "reason"),
        ("terminate", {"reason_code": "in a word"}, "not_one_of", "reason_code"),
        ("follow_up", {"result": "agreed"}, "not_one_of", "result"),
        ("follow_up", {"next_date": "soon"}, "bad_date", "next_date"),
        ("follow_up", {"result": "performed"}, "no_next_date", "next_date"),
        ("follow_up", {"result": "reneged"}, "no_next_date", "next_date"),
        ("refer", {"to": "administrative"}, "not_one_of", "to"),
        ("hand_up", {"to_unit": "421083101"}, "bad_unit", "to_unit"),
        ("hand_up", {"to_unit": 421083101000}, "bad_unit", "to_unit"),
        ("hand_across", {"to_unit": TOWNSHIP + "\n"}, "bad_unit", "to_unit"),
        ("supervise", {"due": "2026-11-31"}, "bad_date", "due"),
        ("answer", {"supervision": "A" * 42}, "bad_event", "supervision"),
        ("extend", {"until": "1999-12-31"}, "bad_date", "until"),
        ("note", {"text": "w" * 501}, "words_too_long", "text"),
        ("note", {"text": "\x07"}, "words_unreadable", "text"),
    ],
)
def test_an_act_that_breaks_a_rule_is_refused_by_field(
    action: str, change: dict[str, object], code: str, field: str
) -> None:
    assert refusal(action, {**WHOLE[action], **change}) == (code, field)


@pytest.mark.parametrize(
    ("action", "field"),
    [("agree", "performance_due"), ("follow_up", "next_date"), ("supervise", "due"), ("extend", "until")],
)
def test_no_date_that_an_act_sets_lies_before_the_act(action: str, field: str) -> None:
    body = {**WHOLE[action], field: "2026-11-22"}
    assert refusal(action, body, DAY) == ("date_before_act", field)
    assert read_action(action, {**body, field: "2026-11-23"}, DAY)[0][field] == "2026-11-23"


def test_an_agreement_is_performed_at_once_or_by_a_day() -> None:
    by_day = {"action": "agree", "performed_at_once": False, "performance_due": "2026-12-01"}
    assert read_action("agree", {"performance_due": "2026-12-01"}) == (by_day, None)
    assert read_action("agree", {"performance_due": "2026-12-01", "performed_at_once": False}) == (by_day, None)
    at_once = {"action": "agree", "performed_at_once": True}
    assert read_action("agree", {"performed_at_once": True, "performance_due": ""}) == (at_once, None)


@pytest.mark.parametrize("action", list(WHOLE))
def test_words_are_private_and_codes_are_public(action: str) -> None:
    words = "某某 13800000000"

    def telling(value: object) -> object:
        return words if value == "w" else value

    body: dict[str, object] = {}
    for name, value in WHOLE[action].items():
        body[name] = {"narrative": words} if name == "private" else telling(value)
    public, private = read_action(action, {**body, "name": words, "phone": words})
    assert words not in str(public)
    hidden = {name for name, value in body.items() if value == words}
    assert set(private or {}) == hidden | ({"narrative"} if "private" in body else set())
    assert set(public) <= {"action", "performed_at_once", "reason_code"} | (body.keys() - hidden)
    assert readable(action, public)


def test_a_reason_code_is_other_unless_given() -> None:
    body = {"to_unit": TOWNSHIP, "reason": "w"}
    assert read_action("hand_up", body)[0] == {"action": "hand_up", "to_unit": TOWNSHIP, "reason_code": "other"}
    assert read_action("hand_up", {**body, "reason_code": "urgent"})[0]["reason_code"] == "urgent"
    assert "reason_code" not in read_action("decline", {"reason": "other"})[0]


def test_500_characters_are_taken_and_line_breaks_are_kept() -> None:
    text = "调解中\n" * 124 + "双方同意"
    assert len(text) == 500
    assert read_action("note", {"text": f"  {text}\n"}) == ({"action": "note"}, {"text": text})
    assert refusal("note", {"text": text + "。"}) == ("words_too_long", "text")


@given(
    st.sampled_from(sorted(EVERY_FIELD)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(sorted(ACTIONS)),
)
def test_whatever_a_field_holds_is_read_or_refused_by_name(field: str, value: object, action: str) -> None:
    whole = REGISTER if action == "register" else WHOLE[action]
    body = {**whole, field: value}
    readable(action, body)
    blamed = None
    try:
        read_register(body) if action == "register" else read_action(action, body, DAY)
    except Invalid as refused:
        blamed = (refused.field or "").split(".")[0]
    assert blamed in (None, field, "performance_due", "next_date", "category")
