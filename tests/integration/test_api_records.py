"""What is asked of the records afterwards: lists, their way to the city, evidence, duties, units, returns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from builders import CITY, EAST, GROUPS, TODAY, W_GROUPS, W_VILLAGE, WEST, City, Node, told
from node.figures import rollup_queries

URL = "/api/v1/checks"
GROUP = W_GROUPS[0]


@pytest.fixture
def fresh() -> Iterator[tuple[Node, FlaskClient, dict[str, str]]]:
    """A hub of its own with one worker: what is stored here disturbs nobody."""
    hub = City().hub
    yield hub, hub.browser(), hub.user("w", "worker")
    hub.db.conn.close()


def test_the_list_of_checks_is_paged_by_key_and_loses_none(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    hub, client, who = fresh
    entered = [hub.check(group, f"2026-11-{day}") for day in (20, 21, 22) for group in GROUPS]
    seen: list[dict[str, Any]] = []
    after: str | None = ""
    pages = 0
    while after is not None:
        query = {"unit": CITY, "from": "2026-11-01", "limit": "4"} | ({"after": after} if after else {})
        page = told(client.get(URL, query_string=query, headers=who))
        assert len(page["items"]) <= 4
        seen += page["items"]
        after = page["next"]
        pages += 1
    assert pages == 5
    assert sorted(item["event"] for item in seen) == sorted(entered)
    assert [item["date"] for item in seen] == sorted((item["date"] for item in seen), reverse=True)


def test_a_later_page_of_what_is_owed_looks_at_no_day_of_the_pages_before_it(
    fresh: tuple[Node, FlaskClient, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, client, who = fresh
    hub.check(GROUP, "2026-11-03")
    real, looked_at = rollup_queries.reported_units, list[date]()
    monkeypatch.setattr(rollup_queries, "reported_units", lambda db, day: looked_at.append(day) or real(db, day))
    asked = {"unit": CITY, "period": "2026-11-01..2026-11-10", "measure": "checks_missing"}
    whole = told(client.get("/api/v1/rollup/records", query_string={**asked, "limit": "500"}, headers=who))["items"]
    assert len(whole) == 10 * len(GROUPS) - 1
    looked_at.clear()
    found, pages = [], 0
    after: dict[str, str] | None = {}
    while after is not None:
        query = {**asked, "limit": "4", **after}
        page = told(client.get("/api/v1/rollup/records", query_string=query, headers=who))
        found, pages = found + page["items"], pages + 1
        after = {"after": page["next"]} if page["next"] else None
    assert found == whole
    assert pages == -(-len(whole) // 4)
    assert len(looked_at) <= 10 + 2 * pages  # the day on which a page begins, and the one in which it ends


@pytest.mark.parametrize(
    ("query", "field_named"),
    [
        ({"limit": "501"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"limit": "１０"}, "limit"),
        ({"limit": "1e2"}, "limit"),
        ({"from": "2026-11-32"}, "from"),
        ({"from": "2026-11-20", "to": "2026-11-19"}, "to"),
        ({"to": "２０２６-11-20"}, "to"),
        ({"after": "x"}, "after"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_question_is_refused_by_its_field(
    fresh: tuple[Node, FlaskClient, dict[str, str]], query: dict[str, str], field_named: str
) -> None:
    _hub, client, who = fresh
    reply = client.get(URL, query_string=query, headers=who)
    assert (reply.status_code, told(reply)["field"]) == (422, field_named)
    assert reply.content_type == "application/problem+json"


def test_each_record_shows_its_way_from_the_village_to_the_city() -> None:
    city = City()
    village = city.line(WEST, W_VILLAGE)[-1]
    who = village.user("w", "worker")
    event = village.check(GROUP)

    def way() -> list[tuple[str, bool]]:
        item = told(village.browser().get(URL, headers=who))["items"][0]
        return [(stop["hop"], stop["at"] is not None) for stop in item["sync"]]

    assert way() == [("saved", True), (WEST, False), ("city", False)]
    village.sync()
    assert way() == [("saved", True), (WEST, True), ("city", False)]
    city.settle()
    assert way() == [("saved", True), (WEST, True), ("city", True)]
    proof = told(village.browser().get(f"/api/v1/events/{event}", headers=who))
    assert (proof["verified"], proof["standing"], proof["kind"], proof["unit"]) == (True, "ok", "chk", GROUP)
    assert [stop["hop"] for stop in proof["marks"]] == ["saved", WEST, "city"]


def test_evidence_of_an_event_that_is_not_held_is_404(fresh: tuple[Node, FlaskClient, dict[str, str]]) -> None:
    _hub, client, who = fresh
    assert client.get(f"/api/v1/events/{'A' * 43}", headers=who).status_code == 404
    assert told(client.get("/api/v1/events/abc", headers=who))["field"] == "event"


def test_the_states_of_duties_follow_the_clock_and_the_reports() -> None:
    city = City()
    hub, client, who = city.hub, city.hub.browser(), city.hub.user("w", "worker")
    hub.check(W_GROUPS[0], "2026-11-23")
    hub.check(W_GROUPS[1], "2026-11-23", hazards=1)

    def states(day: str) -> list[str]:
        query = {"unit": W_VILLAGE, "date": day}
        return [item["state"] for item in told(client.get("/api/v1/duties", query_string=query, headers=who))["items"]]

    assert states("2026-11-23") == ["zero", "found", "due"]
    assert states("2026-11-24") == ["not_due"] * 3
    city.clock.set("2026-11-24", 9, 59)
    assert states("2026-11-23")[2] == "due"
    city.clock.set("2026-11-24", 10, 1)
    assert states("2026-11-23")[2] == "missing"
    hub.check(W_GROUPS[2], "2026-11-23")
    assert states("2026-11-23")[2] == "late_zero"


def test_duties_name_since_when_a_node_was_not_heard_of() -> None:
    city = City()
    city.join(city.hub, EAST)
    city.settle()
    who = city.hub.user("w", "worker")
    city.clock.forward(3_600_000)
    document = told(city.hub.browser().get("/api/v1/duties", headers=who))
    assert [(node["unit"], node["last_synced_at"]) for node in document["nodes"]] == [
        (CITY, "2026-11-23T11:00:00.000Z"),
        (EAST, "2026-11-23T10:00:00.000Z"),
    ]


def test_units_are_listed_by_parent_and_level_and_told_with_their_versions() -> None:
    city = City()
    rename = {"type": "unit", "act": "rename", "unit": WEST, "date": "2026-06-01", "name": "新西县"}
    city.hub.publish(rename)
    client, who = city.hub.browser(), city.hub.user("w", "worker")

    def names(query: dict[str, str]) -> list[str]:
        return [item["name"] for item in told(client.get("/api/v1/units", query_string=query, headers=who))["items"]]

    assert names({"parent": CITY}) == ["东县", "新西县"]
    assert names({"parent": CITY, "at": "2026-05-31"}) == ["东县", "西县"]
    assert len(names({"level": "group"})) == 6
    one = told(client.get(f"/api/v1/units/{WEST}", headers=who))
    assert [version["name"] for version in one["versions"]] == ["西县", "新西县"]
    assert (one["name"], one["ancestors"]) == ("新西县", [CITY])
    assert client.get("/api/v1/units/429999999999", headers=who).status_code == 404


def test_a_returned_check_counts_on_and_is_mended_by_the_next_report(
    fresh: tuple[Node, FlaskClient, dict[str, str]],
) -> None:
    hub, client, worker = fresh
    reviewer = hub.user("r", "reviewer")
    event = hub.check(GROUP, disputes=1)
    refused = client.post(f"{URL}/{event}/return", json={"reason": "少报"}, headers=worker)
    assert (refused.status_code, told(refused)["code"]) == (403, "role_not_allowed")
    assert told(client.post(f"{URL}/{event}/return", json={}, headers=reviewer))["field"] == "reason"
    reply = client.post(f"{URL}/{event}/return", json={"reason": "少报"}, headers=reviewer)
    assert (reply.status_code, told(reply)["state"], told(reply)["report"]) == (201, "returned", event)
    item = told(client.get(URL, headers=worker))["items"][0]
    assert item["state"] == "returned"
    assert hub.db.execute("SELECT found FROM check_day WHERE unit = ?", [GROUP]).fetchone() == (1,)
    better = hub.check(GROUP, disputes=2)
    assert {item["event"]: item["state"] for item in told(client.get(URL, headers=worker))["items"]}[better] == "found"
    stale = client.post(f"{URL}/{event}/return", json={"reason": "再看"}, headers=reviewer)
    assert (stale.status_code, told(stale)["code"]) == (409, "return_not_standing")


def test_the_words_of_a_return_travel_to_nobody_else() -> None:
    city = City()
    county = city.join(city.hub, WEST)
    event = county.check(GROUP, disputes=1)
    county.user("r", "reviewer")
    headers = county.user("r2", "reviewer")
    county.browser().post(f"{URL}/{event}/return", json={"reason": "机密的话"}, headers=headers)
    city.settle()
    kept: Callable[[Node], list[tuple[str | None]]] = lambda node: node.db.execute(  # noqa: E731
        "SELECT p.text FROM part p JOIN event e ON e.n = p.event WHERE e.kind = 'return' AND p.name = 'per'"
    ).fetchall()
    assert [json.loads(row[0] or "") for row in kept(county)] == [{"reason": "机密的话"}]
    assert kept(city.hub) == [(None,)]


def test_today_is_the_day_in_shanghai() -> None:
    city = City()
    city.clock.at_ms = 1_795_449_600_000  # 2026-11-23T16:00:00Z, midnight in Shanghai
    who = city.hub.user("w", "worker")
    document = told(city.hub.browser().get("/api/v1/duties", headers=who))
    assert (TODAY.isoformat(), document["date"]) == ("2026-11-23", "2026-11-24")
