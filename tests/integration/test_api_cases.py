"""What `/api/v1/cases` refuses: each refusal names its field, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

import pytest
from casework import CASE, URL, Caseworker, done
from werkzeug.test import TestResponse

from builders import CITY, E_GROUPS, E_TOWN, W_TOWN, W_VILLAGE, City, told

NOBODY = "0" * 8 + "-0000-7000-8000-" + "0" * 12
NO_EVENT = "A" * 43
TABLES = ("event", "part", "answer", "case_event", "case_now", "audit")


def counts(city: City) -> list[int]:
    """How much the hub and the county hold."""
    return [node.count(table) for node in city.nodes for table in TABLES]


@dataclass(frozen=True)
class Wrong:
    """A request that has to be refused."""

    name: str
    status: int
    code: str
    field: str
    change: dict[str, Any] = default(default_factory=dict)
    without: tuple[str, ...] = ()
    who: str = "west"
    headers: dict[str, str] = default(default_factory=dict)


def assert_refused(reply: TestResponse, wrong: Wrong) -> None:
    """A problem document that names the field."""
    problem = told(reply)
    assert (reply.status_code, problem["code"], problem["field"]) == (wrong.status, wrong.code, wrong.field)
    assert (reply.content_type, problem["status"]) == ("application/problem+json", wrong.status)
    assert problem["detail"]
    assert "error." not in problem["detail"]


def private(**part: object) -> dict[str, Any]:
    """The change that gives a private part."""
    return {"private": part}


def party(**part: object) -> dict[str, Any]:
    """The change that gives one party."""
    return private(parties=[part])


NAMELESS = {"role": "other", "name": "某人"}
WRONG_REGISTRATIONS = [
    *(
        Wrong(f"no {name}", 422, "bad_shape", name, without=(name,))
        for name in ("unit", "kind", "category", "source", "complexity", "urgency")
    ),
    *(
        Wrong(f"a number for {name}", 422, "bad_shape", name, {name: 2})
        for name in ("unit", "date", "kind", "category", "source", "complexity", "urgency", "scale", "amount_band")
    ),
    *(
        Wrong(f"a {name} that is on no list", 422, "not_one_of", name, {name: "none_such"})
        for name in ("kind", "category", "source", "complexity", "urgency", "scale", "amount_band")
    ),
    Wrong("an unknown field", 422, "bad_shape", "colour", {"colour": "red"}),
    Wrong("a field of another act", 422, "bad_shape", "reason", {"reason": "因为"}),
    Wrong("a category of the other kind", 422, "not_one_of", "category", {"category": "fire"}),
    Wrong("full-width digits in the category", 422, "bad_code", "category", {"category": "０２"}),
    Wrong("full-width digits in the unit", 422, "bad_shape", "unit", {"unit": "４２１００２００１０００"}),
    Wrong("full-width digits in the date", 422, "bad_shape", "date", {"date": "２０２６-11-23"}),
    Wrong("a unit with a newline", 422, "bad_shape", "unit", {"unit": f"{W_TOWN}\n"}),
    Wrong("an unknown unit", 404, "unknown_unit", "unit", {"unit": "429999999999"}),
    Wrong("a unit beside the user's", 403, "unit_out_of_scope", "unit", {"unit": E_GROUPS[0]}),
    Wrong("a unit above the user's", 403, "unit_out_of_scope", "unit", {"unit": CITY}),
    Wrong("a unit served elsewhere", 409, "served_elsewhere", "unit", {"unit": E_TOWN}, who="city"),
    Wrong("the day after tomorrow", 422, "date_in_future", "date", {"date": "2026-11-25"}),
    Wrong("a day that is none", 422, "bad_date", "date", {"date": "2026-02-30"}),
    Wrong("a day before the unit opened", 422, "bad_date", "date", {"date": "1999-12-31"}),
    Wrong("an identity number", 422, "bad_shape", "private.id_card", private(id_card="421002199001010000")),
    Wrong(
        "an identity number of a party", 422, "bad_shape", "private.parties.0.id_card", party(**NAMELESS, id_card="1")
    ),
    Wrong("a party without a role", 422, "bad_shape", "private.parties.0.role", party(name="某人")),
    Wrong("a party of no known role", 422, "not_one_of", "private.parties.0.role", party(role="judge", name="某人")),
    Wrong("21 parties", 422, "bad_parties", "private.parties", private(parties=[NAMELESS] * 21)),
    Wrong("parties that are no list", 422, "bad_shape", "private.parties", private(parties="某人")),
    Wrong("a party that is no object", 422, "bad_shape", "private.parties.0", private(parties=["某人"])),
    Wrong(
        "a name of 61 characters", 422, "words_too_long", "private.parties.0.name", party(role="other", name="某" * 61)
    ),
    Wrong("a place of 201 characters", 422, "words_too_long", "private.place", private(place="村" * 201)),
    Wrong("a narrative of 5,001 characters", 422, "bad_shape", "private.narrative", private(narrative="事" * 5_001)),
    Wrong("a control character", 422, "words_unreadable", "private.narrative", private(narrative="a\x00b")),
    Wrong("private words that are a number", 422, "bad_shape", "private.place", private(place=3)),
    Wrong("a private part that is a text", 422, "bad_shape", "private", {"private": "某人"}),
    Wrong("a role of figures only", 403, "role_not_allowed", "role", who="viewer"),
    Wrong("an analyst", 403, "role_not_allowed", "role", who="analyst"),
    Wrong("a key of 129 characters", 400, "idempotency_key", "Idempotency-Key", headers={"Idempotency-Key": "k" * 129}),
    Wrong("an empty key", 400, "idempotency_key", "Idempotency-Key", headers={"Idempotency-Key": ""}),
]


@pytest.mark.parametrize("wrong", WRONG_REGISTRATIONS, ids=lambda one: one.name)
def test_a_wrong_registration_is_refused_by_its_field_and_leaves_nothing(
    city: City, people: dict[str, Caseworker], wrong: Wrong
) -> None:
    before = counts(city)
    body = {"unit": W_TOWN, **CASE, **wrong.change}
    reply = people[wrong.who].post("", {k: v for k, v in body.items() if k not in wrong.without}, **wrong.headers)
    assert_refused(reply, wrong)
    assert counts(city) == before


@pytest.mark.parametrize("path", ["", f"/{NOBODY}", f"/{NOBODY}/actions"])
def test_nobody_gets_in_without_a_token(city: City, path: str) -> None:
    method = "GET" if path.endswith(NOBODY) else "POST"
    for headers, code in (({}, "sign_in_needed"), ({"Authorization": "Bearer nonsense"}, "token_wrong")):
        reply = city.hub.browser().open(URL + path, method=method, json=dict(CASE), headers=headers)
        assert (reply.status_code, told(reply)["code"]) == (401, code)


WRONG_ACTS = [
    Wrong("no action", 422, "bad_shape", "action", without=("action",)),
    Wrong("no act that it follows", 422, "bad_shape", "after", without=("after",)),
    Wrong("a hash that is none", 422, "bad_shape", "after", {"after": "abc"}),
    Wrong("an unknown field", 422, "bad_shape", "colour", {"colour": "red"}),
    Wrong("the term, which nobody states", 422, "bad_shape", "term", {"term": 0}),
    Wrong("an unknown action", 422, "not_one_of", "action", {"action": "adjourn"}),
    Wrong("a second registration", 422, "not_one_of", "action", {"action": "register"}),
    Wrong("an action that is a number", 422, "bad_shape", "action", {"action": 1}),
    Wrong("a field of another act", 422, "not_for_action", "to_unit", {"to_unit": W_TOWN}),
    Wrong("words of 501 characters", 422, "words_too_long", "text", {"text": "字" * 501}),
    Wrong("words that are a number", 422, "bad_shape", "text", {"text": 5}),
    Wrong("a reason that is missing", 422, "missing_field", "reason", {"action": "decline"}),
    Wrong("a reason of blanks", 422, "missing_field", "reason", {"action": "decline", "reason": " 　"}),
    Wrong("a reason on no list", 422, "not_one_of", "reason", {"action": "decline", "reason": "因为"}),
    Wrong("an unknown reason code", 422, "not_one_of", "reason_code", {"action": "hand_up", "to_unit": CITY,
          "reason": "多方", "reason_code": "none_such"}),
    Wrong("a note without words", 422, "missing_field", "text", {"action": "note"}),
    Wrong("handing to an unknown unit", 404, "unknown_unit", "to_unit", {"action": "hand_up", "reason": "多方",
          "to_unit": "429999999999"}),
    Wrong("handing to full-width digits", 422, "bad_unit", "to_unit", {"action": "hand_up", "reason": "多方",
          "to_unit": "４２１００００００００"}),
    Wrong("handing up to a unit below", 422, "case_wrong_unit", "to_unit", {"action": "hand_up", "reason": "多方",
          "to_unit": W_VILLAGE}),
    Wrong("handing down to a unit above", 422, "case_wrong_unit", "to_unit", {"action": "hand_down", "reason": "多方",
          "to_unit": CITY}),
    Wrong("handing across to itself", 422, "case_wrong_unit", "to_unit", {"action": "hand_across", "reason": "多方",
          "to_unit": W_TOWN}),
    Wrong("a limit beyond 30 days", 422, "case_limit", "until", {"action": "extend", "reason": "鉴定",
          "until": "2026-12-30"}),
    Wrong("a limit before the act", 422, "date_before_act", "until", {"action": "extend", "reason": "鉴定",
          "until": "2026-11-01"}),
    Wrong("a limit on no day", 422, "bad_date", "until", {"action": "extend", "reason": "鉴定", "until": "2026-02-30"}),
    Wrong("the day after tomorrow", 422, "date_in_future", "date", {"date": "2026-11-25"}),
    Wrong("a day before the last act", 422, "act_too_early", "date", {"date": "2026-11-21"}),
    Wrong("a day that is none", 422, "bad_date", "date", {"date": "2026-02-30"}),
    Wrong("an identity number", 422, "bad_shape", "private.id_card", private(id_card="421002199001010000")),
    Wrong("a role of figures only", 403, "role_not_allowed", "role", who="viewer"),
    Wrong("an analyst", 403, "role_not_allowed", "role", who="analyst"),
    Wrong("a worker who settles", 403, "act_not_allowed", "action", who="village"),
    Wrong("a mediator who supervises", 403, "act_not_allowed", "action", {"action": "supervise", "due": "2026-12-01"}),
    Wrong("somebody of another subtree", 404, "unknown_case", "id", who="stranger"),
    Wrong("an empty key", 400, "idempotency_key", "Idempotency-Key", headers={"Idempotency-Key": ""}),
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_ACTS, ids=lambda one: one.name)
def test_a_wrong_act_is_refused_by_its_field_and_leaves_nothing(
    city: City, people: dict[str, Caseworker], wrong: Wrong
) -> None:
    case = people["west"].register(date="2026-11-22")
    before = counts(city)
    body = {"action": "accept", "after": case["event"], **wrong.change}
    body = {name: value for name, value in body.items() if name not in wrong.without}
    assert_refused(people[wrong.who].post(f"/{case['id']}/actions", body, **wrong.headers), wrong)
    assert counts(city) == before


@pytest.mark.parametrize("case_id", [NOBODY, "1", NOBODY.upper().replace("0", "A"), "０" * 8 + NOBODY[8:]])
def test_a_case_that_nobody_knows_is_not_found(people: dict[str, Caseworker], case_id: str) -> None:
    who = people["west"]
    acted = who.post(f"/{case_id}/actions", {"action": "accept", "after": NO_EVENT})
    for reply in (acted, who.get(f"/{case_id}")):
        assert (reply.status_code, told(reply)["code"], told(reply)["field"]) == (404, "unknown_case", "id")


def test_a_case_of_another_subtree_is_not_found(people: dict[str, Caseworker]) -> None:
    case = people["west"].register()
    reply = people["stranger"].get(f"/{case['id']}")
    assert (reply.status_code, told(reply)["code"]) == (404, "unknown_case")


def test_an_act_after_one_that_is_not_the_last_is_told_where_the_case_stands(
    city: City, people: dict[str, Caseworker]
) -> None:
    who = people["west"]
    first = who.register()
    case = who.act(first, "accept")
    before = counts(city)
    for stale in (first["event"], NO_EVENT):
        problem = done(who.try_to({**case, "event": stale}, "mediate"), 409)
        found = {name: problem[name] for name in ("code", "field", "state", "event", "allowed")}
        assert found == {
            "code": "case_moved_on", "field": "after", "state": "accepted", "event": case["event"],
            "allowed": ["assign", "mediate", "terminate", "hand_up", "hand_down", "hand_across", "extend", "note"],
        }  # fmt: skip
    assert counts(city) == before


def test_an_act_that_is_not_allowed_now_is_told_where_the_case_stands(
    city: City, people: dict[str, Caseworker]
) -> None:
    who = people["west"]
    case = who.register()
    before = counts(city)
    problem = done(who.try_to(case, "agree"), 409)
    found = {name: problem[name] for name in ("code", "field", "state", "event", "allowed")}
    assert found == {
        "code": "case_not_now", "field": "action", "state": "registered", "event": case["event"],
        "allowed": ["accept", "decline", "hand_up", "hand_down", "hand_across", "extend", "note"],
    }  # fmt: skip
    assert counts(city) == before


def test_a_case_of_a_unit_that_another_node_serves_is_only_noted_on(city: City, people: dict[str, Caseworker]) -> None:
    case = people["east"].register()
    city.settle()
    seen = people["city"].see(case)
    assert (seen["state"], seen["allowed"]) == ("registered", ["seize", "supervise", "note"])
    problem = done(people["city"].try_to(case, "accept"), 409)
    assert (problem["code"], problem["allowed"]) == ("case_not_now", ["seize", "supervise", "note"])


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"", "json_syntax"), (b"{", "json_syntax"), (b"[]", "not_an_object"), (b'"x"', "not_an_object"),
     (b'{"unit": 1, "unit": 2}', "json_duplicate_key"), (rb'{"private": {"place": "\ud800"}}', "json_surrogate")],
)  # fmt: skip
def test_a_body_that_is_no_object_is_refused(city: City, people: dict[str, Caseworker], raw: bytes, code: str) -> None:
    case = people["west"].register()
    before = counts(city)
    for path in ("", f"/{case['id']}/actions"):
        reply = city.hub.browser().post(
            URL + path, data=raw, headers=people["west"].headers, content_type="application/json"
        )
        assert (reply.status_code, told(reply)["code"]) == (400, code)
    assert counts(city) == before
