"""案件 at the desk: filters by owner and limit, what others did in between, the agreement on paper, who reads what."""

from __future__ import annotations

import html
from typing import Any

import pytest
from casework import PRIVATE, Caseworker, done
from test_pages import post, signed_in

from builders import HOUR_MS, W_TOWN, W_VILLAGE, City, told


def found(who: Caseworker, query: str) -> list[str]:
    return [one["id"] for one in done(who.get(query), 200)["items"]]


@pytest.mark.parametrize("query", ["?signal=green", "?signal=", "?owner=x"])
def test_a_filter_that_does_not_exist_is_refused(people: dict[str, Caseworker], query: str) -> None:
    assert people["west"].get(query).status_code == 422


def test_cases_are_found_by_owner_and_by_how_much_time_is_left(city: City, people: dict[str, Caseworker]) -> None:
    west, village = people["west"], people["village"]
    quick, slow = west.register(complexity="simple")["id"], village.register()["id"]
    assert found(west, f"?owner={W_VILLAGE}") == [slow]
    seen = []
    for hours in (0, 13, 7, 5):
        city.clock.forward(hours * HOUR_MS)
        seen.append([signal for signal in ("yellow", "orange", "red") if quick in found(west, f"?signal={signal}")])
        listed = {one["id"]: one["signal"] for one in done(west.get(), 200)["items"]}
        assert seen[-1] == [one for one in [listed[quick]] if one]
    assert seen == [[], ["yellow"], ["orange"], ["red"]]
    browser = signed_in(city.hub, "mediator", W_TOWN)
    assert slow not in browser.get("/cases?limit=overdue").text
    assert quick in browser.get("/cases?limit=overdue").text
    assert quick not in browser.get(f"/cases?owner={W_VILLAGE}").text


def test_who_acted_in_between_is_told_by_act_unit_and_time(city: City, people: dict[str, Caseworker]) -> None:
    west, reviewer = people["west"], people["western reviewer"]
    case = west.register()
    accepted = reviewer.act(case, "accept")
    mediating = reviewer.act(accepted, "mediate")
    refused = west.try_to(case, "accept")
    document = told(refused)
    assert (refused.status_code, document["code"], document["event"]) == (409, "case_moved_on", mediating["event"])
    assert [(one["event"], one["action"], one["unit"]) for one in document["since"]] == [
        (accepted["event"], "accept", W_TOWN), (mediating["event"], "mediate", W_TOWN),
    ]  # fmt: skip
    unknown = told(west.try_to({**case, "event": "A" * 43}, "accept"))
    assert [one["event"] for one in unknown["since"]] == [mediating["event"]]


def test_the_page_says_who_acted_and_keeps_what_was_typed(city: City, people: dict[str, Caseworker]) -> None:
    case = people["west"].register()
    browser = signed_in(city.hub, "mediator", W_TOWN)
    path = f"/cases/{case['id']}/note"
    form: dict[str, Any] = {"after": case["event"], "text": "明天上午再约双方", "date": "2026-11-23", "idem": "one"}
    people["western reviewer"].act(case, "accept")
    reply = post(browser, path, path, form)
    page = html.unescape(reply.text)
    assert reply.status_code == 409
    assert "别的单位已经办了" in page
    assert "<b>受理</b> 西镇" in page
    assert "明天上午再约双方" in page
    again = post(browser, path, path, {**form, "after": people["west"].see(case)["event"], "idem": "two"})
    assert again.status_code == 302


def test_the_agreement_is_printed_for_who_may_read_it_and_that_is_logged(
    city: City, people: dict[str, Caseworker]
) -> None:
    west = people["west"]
    case = west.register(private=PRIVATE)
    browser = signed_in(city.hub, "mediator", W_TOWN)
    path = f"/cases/{case['id']}"
    assert post(browser, path, f"{path}/agreement", {}).status_code == 404  # none yet
    for action in ("accept", "mediate"):
        case = west.act(case, action)
    words = "乙方于十二月二十日前修复排水沟"
    case = west.act(case, "agree", performance_due="2026-12-20", private={"agreement": words})
    before = city.hub.count("audit", "act = 'private_read'")
    page = post(browser, path, f"{path}/agreement", {}).text
    assert words in page
    assert "甲某" in page
    assert "2026-12-20 前履行" in page
    assert city.hub.count("audit", "act = 'private_read' AND purpose = '打印协议'") == 1
    assert city.hub.count("audit", "act = 'private_read'") == before + 1
    worker = signed_in(city.hub, "worker", W_TOWN)
    assert post(worker, path, f"{path}/agreement", {}).status_code == 403
    above = signed_in(city.hub, "reviewer")
    assert words in post(above, path, f"{path}/agreement", {}).text  # the hub serves the township


def test_a_node_that_is_not_the_handlers_has_no_text_and_says_so(city: City, people: dict[str, Caseworker]) -> None:
    case = people["east"].register(private=PRIVATE)
    city.settle()
    above = people["city"]
    assert above.see(case)["private"] is None
    assert city.hub.count("part", "name = 'per' AND text IS NOT NULL") == 0
    browser = signed_in(city.hub, "reviewer")
    page = browser.get(f"/cases/{case['id']}").text
    assert PRIVATE["narrative"] not in page
    before = city.hub.count("audit")
    assert PRIVATE["narrative"] not in post(browser, "/cases", f"/cases/{case['id']}/private", {"purpose": "看看"}).text
    assert city.hub.count("audit", "act = 'private_read'") == 0
    assert city.hub.count("audit") >= before
