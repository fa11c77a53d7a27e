"""Entries made on a phone: refused by field, recorded once, dated right whatever its clock says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from builders import DAY_MS, E_GROUPS, EAST, HOUR_MS, NOW_MS, W_GROUPS, City, Node
from node.phones.entries import take
from schemas.entries import FORM

ID = "0123456789abcdef0123456789abcdef"
CASE: dict[str, Any] = {
    "kind": "dispute", "category": "02", "source": "self_found", "complexity": "ordinary", "urgency": "yellow",
    "private": {"parties": [{"role": "applicant", "name": "甲某"}], "place": "晒谷场", "narrative": "排水沟"},
}  # fmt: skip


def entry(**changed: Any) -> dict[str, Any]:
    body = {"form": FORM, "kind": "zero", "unit": E_GROUPS[0], "date": "2026-11-23", "today": True, "made_at": NOW_MS}
    return {name: value for name, value in {**body, **changed}.items() if value is not ...}


@pytest.fixture
def county() -> Node:
    city = City()
    return city.join(city.hub, EAST)


class Phone:
    """A worker's phone that sends."""

    def __init__(self, node: Node, unit: str = E_GROUPS[0]) -> None:
        self.headers = node.user("worker", "worker", unit)
        self.browser = node.browser()

    def send(self, body: dict[str, Any], key: str = ID, now: int | None = NOW_MS) -> TestResponse:
        headers = {**self.headers, "Idempotency-Key": key} | ({} if now is None else {"Grid-Phone-Now": str(now)})
        return self.browser.post("/api/v1/entries", json=body, headers=headers)


def payloads(node: Node) -> list[dict[str, Any]]:
    rows = node.db.execute(
        "SELECT p.text FROM event e JOIN part p ON p.event = e.n AND p.name = 'pub' WHERE e.kind = 'chk' ORDER BY e.n"
    )
    return [json.loads(text) for (text,) in rows]


@pytest.mark.parametrize(
    ("changed", "status", "code", "field"),
    [
        ({"form": 99}, 422, "entry_form", "form"),
        ({"form": True}, 422, "bad_shape", "form"),
        ({"kind": "none"}, 422, "bad_shape", "kind"),
        ({"unit": "1"}, 422, "bad_shape", "unit"),
        ({"unit": W_GROUPS[0]}, 403, "unit_out_of_scope", "unit"),
        ({"date": "2026-11-31"}, 422, "bad_date", "date"),
        ({"date": "2026-11-25", "today": False}, 422, "date_in_future", "date"),
        ({"made_at": -1}, 422, "bad_instant", "made_at"),
        ({"made_at": ...}, 422, "bad_shape", "made_at"),
        ({"offset_ms": 2**60}, 400, None, None),
        ({"case": CASE}, 422, "found_with_zero", "case"),
        ({"kind": "found"}, 422, "entry_case", "case"),
        ({"kind": "found", "case": {**CASE, "category": "98"}}, 422, "not_one_of", "category"),
        ({"kind": "found", "case": {**CASE, "colour": "red"}}, 422, "bad_shape", "case.colour"),
        ({"person": "x"}, 422, "bad_shape", "person"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused_by_field_and_nothing_is_stored(
    county: Node, changed: dict[str, Any], status: int, code: str | None, field: str | None
) -> None:
    before = county.count()
    reply = Phone(county).send(entry(**changed))
    told = reply.get_json()
    assert reply.status_code == status, told
    if code is not None:
        assert (told["code"], told["field"]) == (code, field)
    assert county.count() == before


@pytest.mark.parametrize("key", ["short", "UPPER-CASE-0123456789", "x" * 65])
def test_an_id_that_is_none_is_refused(county: Node, key: str) -> None:
    assert Phone(county).send(entry(), key).get_json()["code"] == "entry_id"


def test_one_tap_is_recorded_once_however_often_it_comes_and_whoever_brings_it(county: Node) -> None:
    phone = Phone(county)
    first, again = phone.send(entry()), phone.send(entry(), now=NOW_MS + HOUR_MS)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert take(county.replica, ID, entry(), None).repeated  # a clerk who brings the same entry in a file
    assert phone.send(entry(kind="found", case=CASE)).get_json()["code"] == "key_reused"
    assert payloads(county) == [
        {"result": "zero", "occasion": "regular", "depth": "general", "direction": "vertical", "recorded_at": NOW_MS}
    ]


def test_what_was_found_is_a_case_and_a_report_that_names_it_in_one_transaction(county: Node) -> None:
    answer = Phone(county).send(entry(kind="found", case=CASE)).get_json()
    (payload,) = payloads(county)
    assert payload["found"] == {"disputes": 1, "hazards": 0, "cases": [answer["case"]]}
    assert answer["state"] == "found"
    assert county.count("event", "kind = 'case'") == 1


def test_each_thing_found_adds_one_to_what_stands(county: Node) -> None:
    phone = Phone(county)
    assert phone.send(entry(), "0" * 32).status_code == 201
    first = phone.send(entry(kind="found", case=CASE), "1" * 32).get_json()
    hazard = {**CASE, "kind": "hazard", "category": "fire"}
    second = phone.send(entry(kind="found", case=hazard), "2" * 32).get_json()
    assert payloads(county)[-1]["found"] == {"disputes": 1, "hazards": 1, "cases": [first["case"], second["case"]]}
    assert county.db.execute("SELECT result, conflicts FROM check_duty").fetchall() == [("found", 0)]


def test_a_tap_does_not_wipe_out_what_somebody_found(county: Node) -> None:
    county.check(E_GROUPS[0], "2026-11-23", 2, 1)
    reply = Phone(county).send(entry())
    told = reply.get_json()
    assert (reply.status_code, told["code"], told["disputes"], told["hazards"]) == (409, "found_stands", 2, 1)
    assert len(payloads(county)) == 1


@pytest.mark.parametrize("error", [-56 * 365 * DAY_MS, -2 * DAY_MS, -HOUR_MS, HOUR_MS, 400 * DAY_MS])
def test_a_phone_with_a_wrong_clock_is_recorded_on_the_right_day_with_its_error_beside_it(
    county: Node, error: int
) -> None:
    made = NOW_MS - 2 * HOUR_MS
    reply = Phone(county).send(entry(made_at=made + error, date="2020-01-01"), now=NOW_MS + error)
    answer = reply.get_json()
    assert (reply.status_code, answer["date"], answer["clock_offset_s"]) == (201, "2026-11-23", -error // 1000)
    (payload,) = payloads(county)
    assert (payload["recorded_at"], payload["clock_offset_s"]) == (made, -error // 1000)


def test_a_day_that_was_chosen_stays_as_it_was_chosen_whatever_the_clock_says(county: Node) -> None:
    body = entry(made_at=NOW_MS - DAY_MS, date="2026-11-20", today=False)
    assert Phone(county).send(body, now=NOW_MS - DAY_MS).get_json()["date"] == "2026-11-20"


def test_an_entry_that_was_made_in_time_is_in_time_though_it_arrives_late(county: Node) -> None:
    phone = Phone(county)
    in_time = entry(date="2026-11-20", made_at=NOW_MS - 3 * DAY_MS)
    made_up = entry(date="2026-11-21", today=False)
    states = [phone.send(body, key).get_json()["state"] for body, key in ((in_time, "0" * 32), (made_up, "1" * 32))]
    assert states == ["zero", "late_zero"]
