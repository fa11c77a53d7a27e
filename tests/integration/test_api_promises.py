"""What every route of the API promises alike: methods, queries, bodies, keys, and problem documents for refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from casework import CASE, NEEDED
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from builders import E_TOWN, W_GROUPS, W_TOWN, W_VILLAGE, City, Node, check_body, told
from hub.directory import SHIPPED_FORMS

API = "/api/v1"
SHIPPED = json.loads(SHIPPED_FORMS.read_text("utf-8"))
LISTS = {
    "checks": "", "cases": "", "duties": "", "todo": "", "units": "", "users": "", "forms": "", "campaigns": "",
    "excuses": "", "reminders": "", "confirmations": "", "supervisions": "", "returns": "form=training",
    "returns/duties": "form=training&period=2026", "rollup/records": "measure=checks_due&period=2026-11",
    "rollup/arrived": "since=0", "quality/records": "period=2026-11&list=follow_ups_due",
}  # fmt: skip
WITHOUT_UNIT = {"units", "users", "forms", "campaigns"}
NO_SUCH_UNIT = "429999999999"
# Every POST of the API with a body that is refused by its meaning at the latest.
EVENT, CASE_ID = "A" * 43, "0193a1b2-0000-7000-8000-000000000000"
POSTS = (
    "checks", f"checks/{EVENT}/return", "entries", "cases", "cases/search", f"cases/{CASE_ID}/actions", "confirmations",
    f"confirmations/{EVENT}/return", "returns", f"returns/{EVENT}/return", "excuses", f"excuses/{EVENT}/cancel",
    "reminders", "todo/seen", "users", "units",
)  # fmt: skip
ROUGH = {
    "empty": b"", "cut": b"{", "list": b"[]", "null": b"null", "number": b"1", "NaN": b'{"a":NaN}',
    "float": b'{"a":1.5}',
    "deep": b'{"a":' * 10_000, "surrogate": b'{"unit":"\\ud800"}', "bytes": b'{"unit":"\xff"}',
    "utf-16": b"\xff\xfe{\x00",
    "huge number": b'{"unit":' + b"9" * 6_000 + b"}", "twice": b'{"unit":1,"unit":2}', "unknown": b'{"ethnicity":"x"}',
    "objects": b'{"unit":{},"date":[],"action":{},"after":[],"act":{},"name":[],"period":{},"values":[],"reason":{}}',
    "NUL": b'{"unit":"\\u0000","date":"\\u0000","reason":"\\u0000","name":"\\u0000","act":"\\u0000","text":"\\u0000"}',
    "large": b'{"a":"' + b"x" * 300_000 + b'"}',
}  # fmt: skip


class Asker:
    """An administrator of a hub that serves everybody."""

    def __init__(self) -> None:
        self.hub: Node = City().hub
        self.hub.publish(*SHIPPED)
        self.client: FlaskClient = self.hub.browser()
        self.headers = self.hub.user("boss", "admin")

    def get(self, path: str) -> TestResponse:
        """A GET below /api/v1."""
        return self.client.get(f"{API}/{path}", headers=self.headers)

    def post(self, path: str, body: object, key: str | None = None, **headers: str) -> TestResponse:
        """A POST below /api/v1."""
        more = {"Idempotency-Key": key} if key else {}
        return self.client.post(f"{API}/{path}", json=body, headers=self.headers | more | headers)


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    """One for all: what is asked here changes little, and nothing that another test looks at."""
    made = Asker()
    yield made
    made.hub.db.conn.close()


def refused(reply: TestResponse) -> tuple[int, str, str | None]:
    """(status, code, field) of a refusal, which has to be a whole problem document in Chinese."""
    document = told(reply)
    assert reply.content_type == "application/problem+json", reply.content_type
    assert {"type", "title", "status", "code", "detail", "field"} <= document.keys(), document
    assert re.search(r"[\u4e00-\u9fff]", document["detail"]), document
    assert not re.search(r"None|True|False|\bNot a valid|may not be|Length must|\['", document["detail"]), document
    return document["status"], document["code"], document["field"]


@pytest.mark.parametrize("route", LISTS)
def test_every_list_is_paged_and_refuses_what_it_does_not_know(asker: Asker, route: str) -> None:
    def ask(query: str) -> TestResponse:
        return asker.get(f"{route}?{LISTS[route]}&{query}" if LISTS[route] else f"{route}?{query}")

    for limit in ("1", "500"):
        reply = ask(f"limit={limit}")
        assert reply.status_code == 200, told(reply)
        assert {"items", "next"} <= told(reply).keys()
        assert len(told(reply)["items"]) <= int(limit)
    for limit in ("0", "-1", "501", "x", "", "1.0", "%2B5", "%EF%BC%95", "9" * 30):
        assert refused(ask(f"limit={limit}"))[::2] == (422, "limit"), limit
    assert refused(ask("limit=1&limit=501")) == (422, "repeated_parameter", "limit")
    assert refused(ask("nonsense=1"))[::2] == (422, "nonsense")
    if route not in WITHOUT_UNIT:
        assert refused(ask(f"unit={NO_SUCH_UNIT}")) == (404, "unknown_unit", "unit")
        assert refused(ask("unit=x"))[::2] == (422, "unit")


def test_users_campaigns_and_forms_are_read_page_by_page_without_gap_or_repeat(asker: Asker) -> None:
    for number in range(4):
        asker.hub.user(f"page{number}", "worker")
    fire = {"type": "campaign", "name": "排查", "theme": "fire", "levels": ["group"]}
    for day in (1, 2, 3):
        asker.hub.publish({**fire, "id": f"c{day}", "from": f"2026-11-0{day}", "to": "2026-11-20"})
    for route, name in (("users", "name"), ("campaigns", "id"), ("forms", "id")):
        whole = [one[name] for one in told(asker.get(route))["items"]]
        seen: list[str] = []
        after: str | None = None
        for _ in range(len(whole)):
            page = told(asker.get(f"{route}?limit=2" + (f"&after={after}" if after else "")))
            assert len(page["items"]) <= 2
            seen += [one[name] for one in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert (seen, len(whole) > 2) == (whole, True), route


@pytest.mark.parametrize("path", ["checks", "rollup", f"cases/{CASE_ID}", f"checks/{EVENT}/return", "users"])
def test_another_method_is_405_and_names_those_that_there_are(asker: Asker, path: str) -> None:
    for method in ("PUT", "DELETE", "PATCH", "FOO"):
        reply = asker.client.open(f"{API}/{path}", method=method, headers=asker.headers)
        assert refused(reply) == (405, "method_not_allowed", "method")
        allowed = set(reply.headers["Allow"].split(", "))
        assert {"GET", "POST"} & allowed
        assert method not in allowed
    assert asker.client.options(f"{API}/{path}", headers=asker.headers).status_code == 200


@pytest.mark.parametrize("path", POSTS)
def test_a_rough_body_is_refused_with_a_field_and_leaves_nothing(asker: Asker, path: str) -> None:
    events = asker.hub.count()
    for name, raw in ROUGH.items():
        headers = {**asker.headers, "Idempotency-Key": f"rough {name}".replace(" ", "-")}
        reply = asker.client.post(f"{API}/{path}", data=raw, content_type="application/json", headers=headers)
        assert refused(reply)[0] in (400, 404, 413, 422), name
        assert refused(reply)[2], name
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        reply = asker.client.post(f"{API}/{path}", data=b"{}", content_type=kind, headers=asker.headers)
        assert refused(reply) == (415, "media_type", "Content-Type"), kind
    assert asker.hub.count() == events


def test_what_may_be_left_out_may_be_null(asker: Asker) -> None:
    nothing = dict.fromkeys(
        ("found", "occasion", "depth", "direction", "theme", "places_visited", "staff_no", "amends", "recorded_at")
    )
    check = check_body(W_GROUPS[2], "2026-11-18")
    reply = asker.post("checks", {**check, **nothing}, "nulls")
    assert (reply.status_code, told(reply)["state"]) == (201, "late_zero")
    body = {"reason": "数字不符", "reason_code": None, "text": None}
    assert asker.post(f"checks/{told(reply)['event']}/return", body).status_code == 201
    confirmed = asker.post("confirmations", {"unit": W_TOWN, "period": "2026-10", "remarks": None})
    assert confirmed.status_code == 201, told(confirmed)
    assert asker.post("users", {"name": "nobody-yet", "role": "worker", "unit": None}).status_code == 201
    assert refused(asker.post("checks", {**check, "result": None}, "nulls2")) == (422, "bad_shape", "result")


def bodies(asker: Asker) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """For each POST that keeps its answer: a body that is taken, and another one."""
    event = asker.hub.check(W_GROUPS[0], "2026-11-17")
    case = told(asker.post("cases", {"unit": W_TOWN, **CASE}))
    offered = told(asker.post("cases", {"unit": E_TOWN, **CASE}))
    period = asker.post("confirmations", {"unit": W_TOWN, "period": "2026-08"})
    excuse = {"unit": W_VILLAGE, "from": "2026-11-24", "to": "2026-11-25", "reason": "防汛"}
    given = told(asker.post("excuses", excuse))["event"]
    month = {"unit": W_TOWN, "period": "2026-09"}
    missed = {"unit": W_GROUPS[1], "period": "2026-11-16"}
    return {
        "checks": (check_body(W_GROUPS[0], "2026-11-19"), check_body(W_GROUPS[0], "2026-11-19", 1)),
        f"checks/{event}/return": ({"reason": "重填"}, {"reason": "再看"}),
        "cases": ({"unit": W_TOWN, **CASE}, {"unit": W_TOWN, **CASE, "urgency": "red"}),
        f"cases/{case['id']}/actions": (
            {"action": "accept", "after": case["event"]},
            {"action": "decline", "after": case["event"], "reason": "other"},
        ),
        f"cases/{offered['id']}/actions": (
            {"action": "hand_across", "after": offered["event"], **NEEDED["hand_across"]},
            {"action": "note", "after": offered["event"], "text": "已联系"},
        ),
        "confirmations": (month, {**month, "remarks": "无"}),
        f"confirmations/{told(period)['event']}/return": ({"reason": "重看"}, {"reason": "再看"}),
        "excuses": (excuse, {**excuse, "to": "2026-11-26"}),
        f"excuses/{given}/cancel": ({"reason": "误发"}, {"reason": "重复"}),
        "reminders": (missed, {**missed, "text": "请补报"}),
        "users": ({"name": "once", "role": "worker"}, {"name": "once-more", "role": "worker"}),
        "units": (
            {"act": "rename", "unit": W_GROUPS[2], "date": "2026-12-01", "name": "新名"},
            {"act": "rename", "unit": W_GROUPS[2], "date": "2026-12-01", "name": "旧名"},
        ),
    }  # fmt: skip


def test_every_post_acts_once_under_a_key(asker: Asker) -> None:
    for place, (path, (body, other)) in enumerate(bodies(asker).items()):
        key = f"once-{place}"
        first = asker.post(path, body, key)
        assert first.status_code in (200, 201), (path, told(first))
        held = asker.hub.count(), asker.hub.count("account")
        again = asker.post(path, body, key)
        assert (again.status_code, told(again)) == (200, told(first)), path
        assert refused(asker.post(path, other, key)) == (409, "key_reused", "Idempotency-Key"), path
        for wrong in ("a b", "x" * 129, "é"):
            assert refused(asker.post(path, body, wrong))[::2] == (400, "Idempotency-Key"), (path, wrong)
        assert (asker.hub.count(), asker.hub.count("account")) == held, path


def test_a_report_is_returned_by_nobody_outside_its_line(asker: Asker) -> None:
    event = asker.hub.check(W_GROUPS[1], "2026-11-15")
    period = told(asker.post("confirmations", {"unit": W_TOWN, "period": "2026-07"}))["event"]
    for path, unit in (
        (f"checks/{event}", W_GROUPS[1]),
        (f"checks/{event}", E_TOWN),
        (f"confirmations/{period}", W_TOWN),
    ):
        who = asker.hub.user(f"r{unit}{path[:3]}", "reviewer", unit)
        reply = asker.client.post(f"{API}/{path}/return", json={"reason": "看"}, headers=who)
        assert refused(reply) == (403, "return_not_above", "event"), (path, unit)


def test_a_public_reason_code_is_one_of_the_list(asker: Asker) -> None:
    event = asker.hub.check(W_GROUPS[1], "2026-11-14")
    body = {"reason": "数字不符", "reason_code": "zhang_san"}  # it would travel to the city in the clear
    assert refused(asker.post(f"checks/{event}/return", body)) == (422, "bad_shape", "reason_code")
    assert asker.post(f"checks/{event}/return", {**body, "reason_code": "incomplete"}).status_code == 201


def test_a_period_that_got_lost_is_not_taken_for_this_month(asker: Asker) -> None:
    for route in ("rollup?", "rollup/records?measure=open&", "rollup/arrived?since=0&", "returns?form=training&"):
        assert refused(asker.get(f"{route}period="))[::2] == (422, "period"), route
    assert refused(asker.get(f"units?parent={NO_SUCH_UNIT}")) == (404, "unknown_unit", "parent")


def test_a_unit_with_others_below_it_is_not_closed(asker: Asker) -> None:
    close = {"act": "close", "unit": W_TOWN, "date": "2026-12-01"}
    assert refused(asker.post("units", close)) == (422, "unit_has_children", "unit")
    assert asker.post("units", {**close, "unit": W_GROUPS[2], "date": "2026-12-02"}).status_code == 201
    listed = {one["id"] for one in told(asker.get("units?at=2026-12-02"))["items"]}
    assert {W_TOWN, W_GROUPS[2]} & listed == {W_TOWN}
