"""待办 and 应报未报 of periodic reports: due, missing, returned, and what takes each off the lists."""

from __future__ import annotations

import re
from typing import Any

import pytest
from casework import Caseworker, done
from test_pages import post, signed_in

from builders import CITY, EAST, W_GROUPS, W_TOWN, W_VILLAGE, City, told

H1, H2 = "2026-11-H1", "2026-11-H2"
PERIODIC = ("confirm", "unconfirmed", "confirm_returned")


def rows(who: Caseworker, unit: str | None = None) -> list[dict[str, Any]]:
    query = {"unit": unit} if unit else {}
    items = done(who._client.get("/api/v1/todo", query_string=query, headers=who.headers), 200)["items"]
    return [one for one in items if one["kind"] in PERIODIC]


def brief(who: Caseworker, unit: str | None = None) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in ("kind", "period", "count", "action", "signal")) for one in rows(who, unit)]


def confirm(who: Caseworker, unit: str, period: str) -> str:
    body = {"unit": unit, "period": period, "remarks": ""}
    event = done(who._client.post("/api/v1/confirmations", json=body, headers=who.headers), 201)["event"]
    return str(event)


def send_back(who: Caseworker, event: str, reason: str = "数字不符") -> Any:
    path = f"/api/v1/confirmations/{event}/return"
    return who._client.post(path, json={"reason": reason}, headers=who.headers)


@pytest.fixture
def village(city: City) -> Caseworker:
    return Caseworker(city.hub, "head", "reviewer", W_VILLAGE)


def test_a_unit_sees_its_period_from_its_end_with_the_time_that_is_left_until_it_is_confirmed(
    city: City, village: Caseworker
) -> None:
    city.clock.set("2026-11-15", 23)
    assert [one["period"] for one in rows(village)] == ["2026-10-H2"]
    city.clock.set("2026-11-16", 1)
    (row,) = rows(village)
    assert (row["period"], row["due_at"], row["signal"]) == (H1, "2026-11-17T12:00:00.000Z", None)
    city.clock.set("2026-11-17", 13)
    assert brief(village) == [("confirm", H1, 1, "confirm", "orange")]
    city.clock.set("2026-11-18", 21)
    assert [(one["state"], one["signal"]) for one in rows(village)] == [("missing", "red")]
    confirm(village, W_VILLAGE, H1)
    assert rows(village) == []


def test_who_may_not_confirm_has_no_such_rows(people: dict[str, Caseworker]) -> None:
    assert rows(people["village"]) == []  # a worker
    assert rows(people["west"]) == []  # a mediator


def test_an_excused_period_is_on_no_list(city: City, village: Caseworker, people: dict[str, Caseworker]) -> None:
    town = people["western reviewer"]
    body = {"unit": W_VILLAGE, "from": "2026-11-01", "to": "2026-11-15", "reason": "洪水", "reason_code": "disaster"}
    assert [one["kind"] for one in rows(town)] == ["confirm", "unconfirmed"]
    done(town._client.post("/api/v1/excuses", json=body, headers=town.headers), 201)
    assert rows(village) == []
    assert [one["kind"] for one in rows(town)] == ["confirm"]


def test_a_returned_report_comes_back_to_its_units_node_with_the_reason_until_it_is_confirmed_again(
    city: City, people: dict[str, Caseworker]
) -> None:
    east = Caseworker(people["east"]._node, "e", "reviewer", EAST)
    above = people["city"]
    event = confirm(east, EAST, "2026-Q3")
    city.settle()
    done(send_back(above, event), 201)
    city.settle()
    (row,) = (one for one in rows(east) if one["kind"] == "confirm_returned")
    assert (row["ref"], row["about"], row["by"], row["period"], row["action"]) == (
        event, EAST, CITY, "2026-Q3", "amend",
    )  # fmt: skip
    page = east._client.get(f"/reports/period?unit={EAST}&period=2026-Q3", headers=east.headers).text
    assert ("退回了这期报告" in page, "原因：数字不符" in page) == (True, True)
    # one word for one act, wherever it is offered
    for path in ("/todo", "/reports", f"/reports/period?unit={EAST}&period=2026-Q3"):
        shown = east._client.get(path, headers=east.headers).text
        assert ("重新确认</a>" in shown, "更正</a>" in shown) == (True, False)
    again = told(send_back(above, event))
    assert again["report"] == event
    confirm(east, EAST, "2026-Q3")
    assert "confirm_returned" not in [one["kind"] for one in rows(east)]
    city.settle()
    items = done(above._client.get(f"/api/v1/confirmations?unit={EAST}", headers=above.headers), 200)["items"]
    assert [(one["amends"], one["returned"]) for one in items] == [(event, None)]


# ---- 退回更正 on the page


def test_a_higher_level_returns_a_report_on_its_page_with_a_reason(city: City, village: Caseworker) -> None:
    event = confirm(village, W_VILLAGE, H1)
    town = signed_in(city.hub, "reviewer", W_TOWN)
    path = f"/reports/period?unit={W_VILLAGE}&period={H1}"
    assert "退回更正" in town.get(path).text
    form = {"unit": W_VILLAGE, "period": H1, "event": event, "reason": "请核对刘家湾的数字", "confirm": "yes"}
    for wrong in ({"reason": "  "}, {"reason": "长" * 501}):
        refused = post(town, path, "/reports/period/return", form | wrong)
        assert refused.status_code == 422
        assert (form | wrong)["reason"].strip() in refused.text
        assert city.hub.count("check_return") == 0
    assert post(town, path, "/reports/period/return", form).status_code == 302
    page = town.get(path).text
    assert ("原因：请核对刘家湾的数字" in page, "/reports/period/return" in page) == (True, False)
    assert [one["kind"] for one in rows(village)] == ["confirm_returned"]


def test_nobody_returns_the_own_report_or_one_above(city: City, village: Caseworker) -> None:
    event = confirm(village, W_VILLAGE, H1)
    own = signed_in(city.hub, "reviewer", W_VILLAGE)
    path = f"/reports/period?unit={W_VILLAGE}&period={H1}"
    assert "/reports/period/return" not in own.get(path).text
    form = {"unit": W_VILLAGE, "period": H1, "event": event, "reason": "错", "confirm": "yes"}
    assert post(own, path, "/reports/period/return", form).status_code == 403
    assert city.hub.count("check_return") == 0


# ---- 应报未报


def missing(who: Caseworker, status: int = 200, **query: str) -> str:
    reply = who._client.get("/missing/reports", query_string=query, headers=who.headers)
    assert reply.status_code == status, reply.text[-800:]
    return str(reply.text)


def section(page: str, name: str) -> str:
    found = re.search(rf'aria-labelledby="{name}".*?</section>', page, re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found[0])) if found else ""


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"level": "group"}, 422),
        ({"level": "city", "unit": W_TOWN}, 422),
        ({"period": "2026-10"}, 422),
        ({"state": "x"}, 422),
    ],
)
def test_a_wrong_question_is_refused(people: dict[str, Caseworker], query: dict[str, str], status: int) -> None:
    missing(people["city"], status, **({"level": "village"} | query))


def test_units_that_have_not_confirmed_are_listed_apart_by_whether_their_node_is_heard_of(
    city: City, village: Caseworker, people: dict[str, Caseworker]
) -> None:
    city.clock.set("2026-11-19", 10)
    above = people["city"]
    city.settle()
    page = missing(above, level="village", period=H1)
    heard = section(page, "m-rows")
    assert ("已同步未报 · 2" in heard, "m-silent" in page) == (True, False)
    city.clock.set("2026-12-05", 10)
    page = missing(above, level="village", period=H2)
    assert "节点失联 · 1" in section(page, "m-silent")
    assert "已同步未报 · 1" in section(page, "m-rows")
    confirm(village, W_VILLAGE, H2)
    assert section(missing(above, level="village", period=H2), "m-rows") == ""
    assert "已确认 · 1" in section(missing(above, level="village", period=H2, state="done"), "m-rows")
    assert "2026年第三季度" in missing(above)  # the level right below, its newest period
    assert "按天填报" in missing(Caseworker(city.hub, "g", "worker", W_GROUPS[0]))


def test_a_unit_is_reminded_of_a_period_from_the_list_and_sees_it_until_it_has_confirmed(
    city: City, village: Caseworker
) -> None:
    for group in W_GROUPS:
        for day in range(1, 16):
            city.hub.check(group, f"2026-11-{day:02}")
    town = signed_in(city.hub, "reviewer", W_TOWN)
    path = f"/missing/reports?unit={W_TOWN}&level=village&period={H1}"
    page = town.get(path).text
    assert f'name="to" value="{W_VILLAGE}"' in page
    sent = post(town, path, "/reminders", {"period": H1, "to": W_VILLAGE, "text": "请尽快确认"})
    assert sent.status_code == 302, sent.text[-500:]
    assert "已催 " in section(town.get(path).text, "m-rows")
    items = done(village._client.get("/api/v1/todo", headers=village.headers), 200)["items"]
    (row,) = (one for one in items if one["kind"] == "reminder")
    assert (row["period"], row["lacking"], row["text"]) == (H1, 0, "请尽快确认")
    assert "这一期还没有确认。请尽快确认" in village._client.get("/todo", headers=village.headers).text
    confirm(village, W_VILLAGE, H1)
    items = done(village._client.get("/api/v1/todo", headers=village.headers), 200)["items"]
    assert "reminder" not in [one["kind"] for one in items]
