"""Cases by a word of their private text: only where it may be read, never by a person, every case found logged."""

from __future__ import annotations

from typing import Any

import pytest
from casework import Caseworker, done
from test_pages import post, signed_in
from werkzeug.test import TestResponse

from builders import E_TOWN, EAST, W_TOWN, City, told
from node.cases.searching import MAX_FOUND

PARTY = {"role": "applicant", "name": "欧阳水渠", "phone": "139 8765 4321"}
STORY = {
    "parties": [PARTY], "place": "二组晒谷场", "narrative": "欧阳水渠与邻居为灌溉水渠用水发生争执，电话13987654321。",
}  # fmt: skip


def ask(who: Caseworker, text: Any, purpose: Any = "核对同类纠纷") -> TestResponse:
    return who._client.post("/api/v1/cases/search", json={"text": text, "purpose": purpose}, headers=who.headers)


def found(who: Caseworker, text: str) -> list[str]:
    return [one["id"] for one in done(ask(who, text), 200)["items"]]


def readings(city: City) -> list[tuple[str, str]]:
    rows = city.hub.db.execute("SELECT subject, purpose FROM audit WHERE act = 'private_read' ORDER BY n")
    return [(row[0], row[1]) for row in rows.fetchall()]


@pytest.mark.parametrize(
    ("text", "purpose", "field"),
    [
        ("渠", "核对", "text"),
        (" ", "核对", "text"),
        ("很" * 21, "x", "text"),
        ("水渠", " ", "purpose"),
        (1, "x", "text"),
    ],
)
def test_a_word_or_purpose_out_of_bounds_is_refused_by_its_field(
    people: dict[str, Caseworker], text: Any, purpose: str, field: str
) -> None:
    answer = ask(people["western reviewer"], text, purpose)
    assert (answer.status_code, told(answer)["field"]) == (422, field)


def test_who_may_not_read_private_text_can_t_search_it(city: City, people: dict[str, Caseworker]) -> None:
    case = people["western reviewer"].register(private=STORY)
    for role in ("worker", "viewer", "analyst"):
        assert ask(Caseworker(city.hub, f"s-{role}", role, W_TOWN), "晒谷场").status_code == 403
    east = Caseworker(city.nodes[1], "e-reviewer", "reviewer", E_TOWN)
    city.settle()
    assert found(east, "晒谷场") == []
    assert found(people["western reviewer"], "晒谷场") == [case["id"]]


def test_a_case_that_somebody_else_handles_now_is_not_searched_though_a_copy_is_still_here(
    city: City, people: dict[str, Caseworker]
) -> None:
    east, above = people["east"], people["city"]
    case = east.register(private=STORY)
    assert found(east, "晒谷场") == [case["id"]]
    city.settle()
    above.act(case, "seize", reason="重大")
    city.settle()
    assert (found(east, "晒谷场"), found(above, "晒谷场")) == ([], [case["id"]])
    mine = above.register(private={"narrative": "鱼塘承包"})
    mine = above.act(mine, "hand_down", to_unit=EAST, reason="就近办理")
    city.settle()
    county = people["county"]
    county.act(county.see(mine), "take")
    city.settle()
    assert (found(county, "鱼塘"), found(above, "鱼塘")) == ([mine["id"]], [])


def test_each_case_found_is_a_reading_with_its_purpose_and_no_other(city: City, people: dict[str, Caseworker]) -> None:
    reviewer = people["western reviewer"]
    case = reviewer.register(private=STORY)
    reviewer.register(private={"narrative": "噪音"})
    before = len(readings(city))
    assert found(reviewer, "用水 ") == [case["id"]]
    assert readings(city)[before:] == [(case["id"], "核对同类纠纷")]
    assert found(reviewer, "没有的词") == []
    assert len(readings(city)) == before + 1
    for (line,) in city.hub.db.execute("SELECT group_concat(purpose || subject) FROM audit").fetchall():
        assert "用水" not in line


@pytest.mark.parametrize("text", ["欧阳水渠", "欧阳", "13987654321", "8765", "139 8765"])
def test_a_person_is_found_by_no_name_and_no_number(people: dict[str, Caseworker], text: str) -> None:
    reviewer = people["western reviewer"]
    reviewer.register(private=STORY)
    reviewer.register(private={"narrative": "邻居欧阳水渠反映噪音", "parties": []})  # named elsewhere only
    assert found(reviewer, text) == []
    assert len(found(reviewer, "灌溉水渠")) == 1  # the word itself is no name


def test_too_many_cases_are_refused_and_none_is_read(city: City, people: dict[str, Caseworker]) -> None:
    reviewer = people["western reviewer"]
    for _ in range(MAX_FOUND + 1):
        reviewer.register(private={"narrative": "同一句话"})
    before = readings(city)
    answer = ask(reviewer, "同一句话")
    assert (answer.status_code, told(answer)["code"], readings(city)) == (422, "search_too_many", before)


def test_a_restored_database_is_not_searched_before_it_has_synced(
    people: dict[str, Caseworker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.cases.searching.is_covered", lambda _db: True)
    answer = ask(people["western reviewer"], "晒谷场")
    assert (answer.status_code, told(answer)["code"]) == (409, "search_covered")


def test_the_page_finds_keeps_what_was_typed_and_puts_no_word_into_an_address(
    city: City, people: dict[str, Caseworker]
) -> None:
    case = people["western reviewer"].register(private=STORY)
    browser = signed_in(city.hub, "reviewer", W_TOWN)
    assert 'href="/cases/search"' in browser.get("/cases").text
    answer = post(browser, "/cases/search", "/cases/search", {"text": "晒谷场", "purpose": "核对"})
    assert (answer.status_code, "查到 1 件" in answer.text, f"/cases/{case['id']}" in answer.text) == (200, True, True)
    refused = post(browser, "/cases/search", "/cases/search", {"text": "晒谷场", "purpose": ""})
    assert (refused.status_code, 'value="晒谷场"' in refused.text, "aria-invalid" in refused.text) == (422, True, True)
    assert 'method="post"' in refused.text
