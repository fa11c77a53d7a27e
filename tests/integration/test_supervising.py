"""督办 at every level, and silence as an alarm."""

from __future__ import annotations

from typing import Any

import pytest
from casework import NEEDED, Caseworker, done
from test_pages import signed_in

from builders import CITY, DAY_MS, EAST, HOUR_MS, W_TOWN, City, told
from node.desk import silence
from node.status import status


def listed(who: Caseworker, **query: Any) -> dict[str, Any]:
    reply = who._client.get("/api/v1/supervisions", query_string=query, headers=who.headers)
    return done(reply, 200)


def states(who: Caseworker, **query: Any) -> list[tuple[str, str, str]]:
    return [(one["case"], one["state"], one["due"]) for one in listed(who, **query)["items"]]


@pytest.mark.parametrize(
    ("query", "field"), [({"side": "both"}, "side"), ({"state": "late"}, "state"), ({"after": "x"}, "after")]
)
def test_a_wrong_question_names_its_field(people: dict[str, Caseworker], query: dict[str, str], field: str) -> None:
    who = people["city"]
    reply = who._client.get("/api/v1/supervisions", query_string=query, headers=who.headers)
    assert (reply.status_code, told(reply)["field"]) == (422, field)


@pytest.mark.parametrize("name", ["viewer", "analyst"])
def test_who_sees_figures_only_sees_none(people: dict[str, Caseworker], name: str) -> None:
    who = people[name]
    assert who._client.get("/api/v1/supervisions", headers=who.headers).status_code == 403
    assert who._client.get("/supervisions", headers=who.headers).status_code == 403


def test_both_sides_see_what_is_due_answered_and_silent(city: City, people: dict[str, Caseworker]) -> None:
    west, above, east, county = people["west"], people["city"], people["east"], people["county"]
    first, second, third = west.register(), west.register(), east.register()
    first = above.act(first, "supervise", due="2026-11-25")
    above.act(second, "supervise", due="2026-11-24")
    county.act(third, "supervise", due="2026-11-26")
    city.settle()
    waiting = [(second["id"], "waiting", "2026-11-24"), (first["id"], "waiting", "2026-11-25")]
    assert states(above) == waiting
    assert states(west, side="received") == waiting
    assert states(west) == []
    assert states(county) == [(third["id"], "waiting", "2026-11-26")]
    west.act(first, "answer", **NEEDED["answer"])
    city.clock.forward(2 * DAY_MS)
    assert states(above) == [(second["id"], "silent", "2026-11-24"), (first["id"], "answered", "2026-11-25")]
    assert states(above, state="answered") == [(first["id"], "answered", "2026-11-25")]
    assert listed(above)["counts"] == {
        "given": {"waiting": 0, "silent": 1, "answered": 1},
        "received": {"waiting": 0, "silent": 0, "answered": 0},
    }
    page_one = listed(above, limit=1)
    assert [one["case"] for one in page_one["items"]] == [second["id"]]
    assert [one["case"] for one in listed(above, limit=1, after=page_one["next"])["items"]] == [first["id"]]


def test_the_page_shows_them_with_a_count_in_the_menu(city: City, people: dict[str, Caseworker]) -> None:
    case = people["west"].register(category="10")
    people["city"].act(case, "supervise", due="2026-11-24")
    city.clock.forward(2 * DAY_MS)
    given = signed_in(city.hub, "reviewer").get("/supervisions").text
    assert "到期未答复" in given
    assert "劳动争议" in given
    assert '督办<span class="count">1</span>' in given
    received = signed_in(city.hub, "admin", W_TOWN).get("/supervisions?side=received").text
    assert f"/cases/{case['id']}/answer" in received
    assert "没有督办" in signed_in(city.hub, "mediator", W_TOWN).get("/supervisions").text


def alarms(node: Any) -> dict[str, str]:
    return {one["code"]: one["text"] for one in status(node.replica)["alarms"]}


def test_silence_is_an_alarm_after_days_and_ends_with_a_word(city: City, people: dict[str, Caseworker]) -> None:
    west, village, town = people["west"], people["village"], people["western reviewer"]
    offered, asked = village.register(), west.register()
    offered = village.act(offered, "hand_up", to_unit=W_TOWN, reason="超出权限")
    people["city"].act(asked, "supervise", due="2026-11-25")
    city.clock.forward(3 * DAY_MS)
    assert alarms(city.hub) == {"supervision_silent": "本单位的 1 件督办到期没有答复，请联系责任单位。"}
    city.clock.forward(HOUR_MS)
    found = alarms(city.hub)
    assert set(found) == {"offer_silent", "supervision_silent", "child_silent"}
    assert found["offer_silent"].startswith("1 件移交超过 3 天没有被接收")
    assert (silence.offers(city.hub.replica).count, silence.children(city.hub.replica)[0].count) == (1, 1)
    page = signed_in(city.hub, "reviewer", CITY).get("/sync").text
    assert "没有被接收" in page
    town.act(offered, "take")
    west.act(west.see(asked), "answer", **NEEDED["answer"])
    city.settle()
    assert alarms(city.hub) == {}
    assert city.nodes[1].unit == EAST
