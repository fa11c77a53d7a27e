"""`/api/v1/checks` and what is asked of the records afterwards: refusals first, each leaving nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from builders import E_GROUPS, EAST, W_GROUPS, W_VILLAGE, WEST, City, Node, check_body, told

URL = "/api/v1/checks"
GROUP = W_GROUPS[0]
KEYED = {"Idempotency-Key": "k-1"}


@pytest.fixture(scope="module")
def city() -> City:
    """A hub, and a county with a node of its own: the hub hosts the west, the east is served elsewhere."""
    city = City()
    city.join(city.hub, EAST)
    city.settle()
    return city


@pytest.fixture(scope="module")
def people(city: City) -> dict[str, dict[str, str]]:
    """Headers that act as each of them at the hub."""
    return {
        "city": city.hub.user("city", "worker"),
        "west": city.hub.user("west", "worker", W_VILLAGE),
        "eastern": city.hub.user("eastern", "worker", EAST),
        "viewer": city.hub.user("viewer", "viewer"),
        "reviewer": city.hub.user("reviewer", "reviewer"),
        "nobody": {},
        "wrong token": {"Authorization": "Bearer nonsense"},
        "no bearer": {"Authorization": "Basic Y2l0eTpjaXR5"},
    }


@pytest.fixture
def fresh() -> Iterator[tuple[Node, FlaskClient, dict[str, str]]]:
    """A hub of its own with one worker: what is stored here disturbs nobody."""
    hub = City().hub
    yield hub, hub.browser(), hub.user("w", "worker")
    hub.db.conn.close()


@dataclass(frozen=True)
class Case:
    """One request that has to be refused."""

    name: str
    status: int
    code: str
    field: str
    change: dict[str, Any] = default(default_factory=dict)
    raw: bytes | None = None
    headers: dict[str, str] = default(default_factory=lambda: KEYED)
    who: str = "city"
    content_type: str = "application/json"
    without: tuple[str, ...] = ()


def found(disputes: object, hazards: object = 0, **more: object) -> dict[str, Any]:
    """The change that makes a check a found one."""
    return {"result": "found", "found": {"disputes": disputes, "hazards": hazards, **more}}


def text(change: dict[str, Any]) -> str:
    """A body as JSON text."""
    return json.dumps(check_body(GROUP) | change, ensure_ascii=False)


REFUSED = [
    Case("no idempotency key", 400, "idempotency_key", "Idempotency-Key", headers={}),
    Case("an empty key", 400, "idempotency_key", "Idempotency-Key", headers={"Idempotency-Key": ""}),
    Case("a key of 129 characters", 400, "idempotency_key", "Idempotency-Key", headers={"Idempotency-Key": "k" * 129}),
    Case("a key with a space", 400, "idempotency_key", "Idempotency-Key", headers={"Idempotency-Key": "a b"}),
    Case("nobody signed in", 401, "sign_in_needed", "Authorization", who="nobody"),
    Case("a token nobody has", 401, "token_wrong", "Authorization", who="wrong token"),
    Case("another scheme than bearer", 401, "bearer_needed", "Authorization", who="no bearer"),
    Case("a role that sees figures only", 403, "role_not_allowed", "role", who="viewer"),
    Case("an unknown unit", 404, "unknown_unit", "unit", {"unit": "429999999999"}),
    Case("a unit out of the user's scope", 403, "unit_out_of_scope", "unit", {"unit": W_GROUPS[0]}, who="eastern"),
    Case("a unit above the user's own", 403, "unit_out_of_scope", "unit", {"unit": WEST}, who="west"),
    Case("a unit served by its own node", 409, "served_elsewhere", "unit", {"unit": EAST}),
    Case("a unit below another node", 409, "served_elsewhere", "unit", {"unit": E_GROUPS[0]}),
    Case("the day after tomorrow", 422, "date_in_future", "date", {"date": "2026-11-25"}),
    Case("a day before the unit opened", 422, "bad_date", "date", {"date": "1999-12-31"}),
    Case("a day that is none", 422, "bad_date", "date", {"date": "2026-02-30"}),
    Case("another grammar of dates", 422, "bad_shape", "date", {"date": "2026-W48-1"}),
    Case("a date with a newline", 422, "bad_shape", "date", {"date": "2026-11-23\n"}),
    Case("full-width digits in the date", 422, "bad_shape", "date", {"date": "２０２６-11-23"}),
    Case("full-width digits in the unit", 422, "bad_shape", "unit", {"unit": "４２" + GROUP[2:]}),
    Case("a unit with a newline", 422, "bad_shape", "unit", {"unit": GROUP + "\n"}),
    Case("a unit that is a number", 422, "bad_shape", "unit", {"unit": int(GROUP)}),
    Case("no unit", 422, "bad_shape", "unit", without=("unit",)),
    Case("no date", 422, "bad_shape", "date", without=("date",)),
    Case("no result", 422, "bad_shape", "result", without=("result",)),
    Case("a null unit", 422, "bad_shape", "unit", {"unit": None}),
    Case("an unknown result", 422, "bad_shape", "result", {"result": "none"}),
    Case("an unknown field", 422, "bad_shape", "disputes", {"disputes": 1}),
    Case("an unknown field inside found", 422, "bad_shape", "found.persons", found(1, persons=1)),
    Case("found without figures", 422, "found_missing", "found", {"result": "found"}),
    Case("zero with figures", 422, "found_with_zero", "found", {"found": {"disputes": 1, "hazards": 0}}),
    Case("found that sums to zero", 422, "found_nothing", "found", found(0, 0)),
    Case("found without hazards", 422, "bad_shape", "found.hazards", {"result": "found", "found": {"disputes": 1}}),
    Case("a count as text", 422, "bad_shape", "found.disputes", found("1")),
    Case("a count that is true", 422, "bad_shape", "found.disputes", found(True)),
    Case("a negative count", 422, "bad_shape", "found.disputes", found(-1, 2)),
    Case("a thousand disputes", 422, "bad_shape", "found.disputes", found(1000)),
    Case("a float count", 400, "json_number", "found.disputes", raw=text(found(1.5)).encode()),
    Case("a float that is whole", 400, "json_number", "found.disputes", raw=text(found(1.0)).encode()),
    Case("NaN", 400, "json_number", "found.disputes", raw=text(found(float("nan"))).encode()),
    Case("infinity", 400, "json_number", "found.disputes", raw=text(found(float("inf"))).encode()),
    Case("an integer of 2^53", 400, "json_big_integer", "found.disputes", raw=text(found(2**53)).encode()),
    Case("an integer of a million digits", 413, "body_too_large", "body", raw=b'{"unit":' + b"9" * 1_000_000 + b"}"),
    Case("text of 1 MB", 413, "body_too_large", "body", {"theme": "x" * 2**20}),
    Case("text of 3 MB", 413, "body_too_large", "body", {"theme": "x" * 3 * 2**20}),
    Case("a key twice", 400, "json_duplicate_key", "unit", raw=b'{"unit":"1",' + text({}).encode()[1:]),
    Case("a lone surrogate", 400, "json_surrogate", "theme", raw=text({"theme": "@"}).replace("@", "\\ud800").encode()),
    Case("a key that is not ASCII", 400, "json_key", "body", {"备注": "x"}),
    Case("UTF-16", 400, "json_encoding", "body", raw=text({}).encode("utf-16")),
    Case("a byte order mark", 400, "json_encoding", "body", raw=text({}).encode("utf-8-sig")),
    Case("GBK", 400, "json_encoding", "body", raw=text({"theme": "中文"}).encode("gbk")),
    Case("half a document", 400, "json_syntax", "body", raw=text({}).encode()[:-3]),
    Case("an empty body", 400, "json_syntax", "body", raw=b""),
    Case("a list", 400, "not_an_object", "body", raw=b"[]"),
    Case("17 levels", 400, "json_too_deep", "body", raw=b'{"a":' + b"[" * 16 + b"]" * 16 + b"}"),
    Case("a hundred thousand levels", 400, "json_too_deep", "body", raw=b"[" * 100_000),
    Case("a form", 415, "media_type", "Content-Type", content_type="application/x-www-form-urlencoded"),
    Case("text", 415, "media_type", "Content-Type", content_type="text/plain"),
    Case("no content type", 415, "media_type", "Content-Type", content_type=""),
    Case("an unknown campaign", 422, "unknown_campaign", "occasion", {"occasion": "campaign:flood"}),
    Case("another occasion", 422, "bad_occasion", "occasion", {"occasion": "daily"}),
    Case("an unknown depth", 422, "bad_shape", "depth", {"depth": "deep"}),
    Case("amends that is no hash", 422, "bad_shape", "amends", {"amends": "abc"}),
    Case("amends of an event not held", 422, "amends_other", "amends", {"amends": "A" * 43}),
    Case("an instant without a zone", 422, "bad_instant", "recorded_at", {"recorded_at": "2026-11-23T08:00:00"}),
    Case("an instant in the future", 422, "date_in_future", "recorded_at", {"recorded_at": "2026-11-30T08:00:00Z"}),
    Case("an instant that is true", 422, "bad_shape", "recorded_at", {"recorded_at": True}),
    Case("a case id that is none", 422, "bad_shape", "found.cases.0", found(1, cases=["x"])),
    Case("a theme that is no code", 422, "bad_theme", "theme", {"theme": "Fire!"}),
    Case("a staff of a thousand", 422, "bad_shape", "staff_no", {"staff_no": 1000}),
]


def send(client: FlaskClient, case: Case, who: dict[str, str]) -> TestResponse:
    """The request of a case."""
    body = {name: value for name, value in (check_body(GROUP) | case.change).items() if name not in case.without}
    raw = json.dumps(body, ensure_ascii=False).encode() if case.raw is None else case.raw
    return client.post(URL, data=raw, headers=who | case.headers, content_type=case.content_type)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_wrong_check_is_refused_by_its_field_and_leaves_nothing(
    city: City, people: dict[str, dict[str, str]], case: Case
) -> None:
    before = (city.hub.count("event"), city.hub.count("answer"), city.hub.count("check_report"))
    reply = send(city.hub.browser(), case, people[case.who])
    problem = told(reply)
    assert (reply.status_code, problem["code"], problem["field"]) == (case.status, case.code, case.field)
    assert reply.content_type == "application/problem+json"
    assert problem["status"] == case.status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    assert (city.hub.count("event"), city.hub.count("answer"), city.hub.count("check_report")) == before


def test_a_refusal_speaks_english_to_who_asks_for_it(city: City, people: dict[str, dict[str, str]]) -> None:
    who = people["city"] | KEYED | {"Accept-Language": "en"}
    reply = city.hub.browser().post(URL, json=check_body(GROUP, "2026-11-25"), headers=who)
    assert "2026-11-25" in told(reply)["detail"]
    assert told(reply)["detail"].isascii()


def test_a_refused_key_is_free_for_the_corrected_check(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    _hub, client, who = fresh
    assert client.post(URL, json=check_body(GROUP, "2026-11-25"), headers=who | KEYED).status_code == 422
    assert client.post(URL, json=check_body(GROUP), headers=who | KEYED).status_code == 201


def test_a_check_is_recorded_once_however_often_it_is_sent(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    hub, client, who = fresh
    events = hub.count()
    first = client.post(URL, json=check_body(GROUP), headers=who | KEYED)
    again = client.post(URL, json=check_body(GROUP), headers=who | KEYED)
    assert (first.status_code, again.status_code) == (201, 200)
    assert told(first) == told(again)
    assert told(first) == {"id": told(first)["id"], "event": told(first)["id"], "state": "zero", "amends": None}
    other = client.post(URL, json=check_body(GROUP, disputes=1), headers=who | KEYED)
    assert (other.status_code, told(other)["code"], told(other)["field"]) == (409, "key_reused", "Idempotency-Key")
    assert hub.count() == events + 1


def test_the_order_of_fields_does_not_make_another_body(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    _hub, client, who = fresh
    body = check_body(GROUP)
    turned = json.dumps(dict(reversed(body.items())))
    assert client.post(URL, json=body, headers=who | KEYED).status_code == 201
    again = client.post(URL, data=turned, headers=who | KEYED, content_type="application/json")
    assert again.status_code == 200


def test_a_key_belongs_to_one_user(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    hub, client, who = fresh
    other = hub.user("other", "worker")
    assert client.post(URL, json=check_body(GROUP), headers=who | KEYED).status_code == 201
    assert client.post(URL, json=check_body(W_GROUPS[1]), headers=other | KEYED).status_code == 201


def test_an_entry_wakes_the_sync_loop(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    hub, client, who = fresh
    client.post(URL, json=check_body(GROUP), headers=who | KEYED)
    assert hub.woken == 1


def test_a_second_report_amends_the_first(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    hub, client, who = fresh
    first = told(client.post(URL, json=check_body(GROUP), headers=who | {"Idempotency-Key": "1"}))
    second = told(client.post(URL, json=check_body(GROUP, disputes=2), headers=who | {"Idempotency-Key": "2"}))
    assert (second["amends"], second["state"]) == (first["id"], "found")
    assert hub.db.execute("SELECT zero, found FROM check_day WHERE unit = ?", [GROUP]).fetchall() == [(0, 1)]


def test_amends_of_another_day_or_unit_is_refused(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    hub, client, who = fresh
    event = hub.check(GROUP, "2026-11-22")
    for number, body in enumerate(
        (check_body(GROUP, amends=event), check_body(W_GROUPS[1], "2026-11-22", amends=event))
    ):
        reply = client.post(URL, json=body, headers=who | {"Idempotency-Key": f"k{number}"})
        assert (reply.status_code, told(reply)["code"], told(reply)["field"]) == (422, "amends_other", "amends")
    named = client.post(URL, json=check_body(GROUP, "2026-11-22", amends=event), headers=who | KEYED)
    assert (named.status_code, told(named)["amends"]) == (201, event)


def test_an_old_date_is_accepted_and_shown_as_late(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    _hub, client, who = fresh
    reply = client.post(URL, json=check_body(GROUP, "2026-01-05"), headers=who | KEYED)
    assert (reply.status_code, told(reply)["state"]) == (201, "late_zero")


def test_tomorrow_is_accepted_for_a_clock_that_is_behind(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    _hub, client, who = fresh
    reply = client.post(URL, json=check_body(GROUP, "2026-11-24"), headers=who | KEYED)
    assert reply.status_code == 201
