"""待办: each thing that a unit must do is there with its reason, time and action, and goes when it is done."""

from __future__ import annotations

from typing import Any

import pytest
from casework import NEEDED, Caseworker, done
from test_pages import post, signed_in

from builders import CITY, DAY_MS, E_TOWN, EAST, HOUR_MS, W_GROUPS, W_TOWN, W_VILLAGE, City, Node, told
from node.cases import list_queries, todo_queries
from node.cases.list_queries import Filter
from node.desk import todo

NOON_AFTER = 20 * HOUR_MS  # from 18:00 to 14:00 the next day


def listed(who: Caseworker, **query: Any) -> dict[str, Any]:
    reply = who._client.get("/api/v1/todo", query_string=query, headers=who.headers)
    return done(reply, 200)


def about_cases(who: Caseworker, **query: Any) -> list[tuple[str, str, str | None, str | None]]:
    """(kind, case, action, signal) of the rows about cases."""
    rows = [one for one in listed(who, **query)["items"] if one["case"]]
    return [(one["kind"], one["case"], one["action"], one["signal"]) for one in rows]


# ---- refusals


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"kind": "urgent"}, 422, "kind"),
        ({"after": "soon"}, 422, "after"),
        ({"after": "1 2"}, 422, "after"),
        ({"limit": "501"}, 422, "limit"),
        ({"unit": E_TOWN}, 403, "unit"),
    ],
)
def test_a_wrong_question_names_its_field(
    people: dict[str, Caseworker], query: dict[str, str], status: int, field: str
) -> None:
    who = people["western reviewer"]
    reply = who._client.get("/api/v1/todo", query_string=query, headers=who.headers)
    assert (reply.status_code, told(reply)["field"]) == (status, field)


@pytest.mark.parametrize("name", ["viewer", "analyst"])
def test_who_sees_figures_only_has_no_list(people: dict[str, Caseworker], name: str) -> None:
    who = people[name]
    assert who._client.get("/api/v1/todo", headers=who.headers).status_code == 403
    assert who._client.get("/todo", headers=who.headers).status_code == 403


# ---- cases


def test_a_hand_over_is_on_both_lists_until_it_is_taken(people: dict[str, Caseworker]) -> None:
    village, town = people["village"], people["western reviewer"]
    case = village.register()
    assert about_cases(village) == [("handle", case["id"], None, None)]  # accepting is not a worker's
    case = village.act(case, "hand_up", to_unit=W_TOWN, reason="超出权限")
    assert about_cases(village) == [("offered", case["id"], None, None)]
    assert about_cases(town) == [("take", case["id"], "take", None)]
    (row,) = (one for one in listed(town)["items"] if one["case"])
    assert (row["reason_code"], row["by"], row["owner"], row["found_by"]) == ("other", *[W_VILLAGE] * 3)
    case = town.act(case, "take")
    assert about_cases(village) == []
    assert about_cases(town) == [("handle", case["id"], "accept", None)]


def test_rows_stand_by_their_end_and_change_colour_as_time_runs_out(city: City, people: dict[str, Caseworker]) -> None:
    west = people["west"]
    slow, quick = west.register(complexity="complex"), west.register(complexity="simple")
    assert [row[1] for row in about_cases(west)] == [quick["id"], slow["id"]]
    city.clock.forward(13 * HOUR_MS)
    assert [row[3] for row in about_cases(west)] == ["yellow", None]
    city.clock.forward(7 * HOUR_MS)
    assert [row[3] for row in about_cases(west)] == ["orange", None]
    city.clock.forward(5 * HOUR_MS)
    assert [row[3] for row in about_cases(west)] == ["red", None]
    counts = listed(west)["counts"]
    assert (counts["red"], counts["chips"]["handle"], counts["all"]) == (1, 2, 2)


def test_an_agreement_comes_back_on_the_day_of_its_follow_up(city: City, people: dict[str, Caseworker]) -> None:
    west = people["west"]
    case = west.register()
    for action in ("accept", "mediate"):
        case = west.act(case, action)
    case = west.act(case, "agree", performance_due="2026-12-20")
    assert about_cases(west) == []
    city.clock.forward(6 * DAY_MS + 6 * HOUR_MS)
    assert about_cases(west) == [("follow_up", case["id"], "follow_up", None)]
    case = west.act(case, "follow_up", result="performed")
    assert about_cases(west) == [("close", case["id"], "close", None)]
    west.act(case, "close")
    assert about_cases(west) == []


def test_a_supervision_is_to_be_answered_and_its_silence_is_told_to_who_asked(
    city: City, people: dict[str, Caseworker]
) -> None:
    west, above = people["west"], people["city"]
    case = west.register()
    case = above.act(case, "supervise", due="2026-11-24")
    assert [row[0] for row in about_cases(west)] == ["answer", "handle"]
    assert about_cases(above) == []
    city.clock.forward(2 * DAY_MS)
    assert about_cases(above, kind="supervise") == [("unanswered", case["id"], None, "red")]
    west.act(case, "answer", **NEEDED["answer"])
    assert about_cases(above) == []
    assert [row[0] for row in about_cases(west)] == ["handle"]


def test_a_void_act_stays_on_its_authors_list_until_somebody_has_seen_it(
    city: City, people: dict[str, Caseworker]
) -> None:
    east, county = people["east"], people["city"]
    case = east.register()
    city.settle()
    seized = county.act(case, "seize", reason="重大")
    east.act(case, "accept")  # cut off: it does not know yet
    city.settle()
    assert about_cases(east, kind="void") == [("void", case["id"], None, None)]
    (row,) = listed(east, kind="void")["items"]
    assert row["ref"] != seized["event"]
    stranger = people["stranger"]._client.post(
        "/api/v1/todo/seen", json={"ref": "A" * 43}, headers=people["stranger"].headers
    )
    assert stranger.status_code == 404
    reply = east._client.post("/api/v1/todo/seen", json={"ref": row["ref"]}, headers=east.headers)
    assert done(reply, 200) == {"ref": row["ref"]}
    assert about_cases(east) == []
    assert [one["void"] for one in east.see(case)["timeline"]].count(None) == 2  # it is shown as void as before


# ---- what no case made


def others(who: Caseworker) -> dict[str, tuple[int, str]]:
    return {one["kind"]: (one["count"], one["action"]) for one in listed(who)["items"] if not one["case"]}


def confirm(who: Caseworker, period: str) -> dict[str, Any]:
    body = {"unit": W_TOWN, "period": period, "remarks": ""}
    return done(who._client.post("/api/v1/confirmations", json=body, headers=who.headers), 201)


def test_a_periodic_report_is_on_the_list_until_it_is_confirmed_and_again_when_sent_back(
    city: City, people: dict[str, Caseworker]
) -> None:
    reviewer, above = people["western reviewer"], Caseworker(city.hub, "above", "reviewer", CITY)
    assert "confirm" not in others(people["west"])  # confirming is a reviewer's
    (row,) = (one for one in listed(reviewer)["items"] if one["kind"] == "confirm")
    assert (row["ref"], row["about"], row["action"], row["signal"]) == ("2026-10", W_TOWN, "confirm", "red")
    assert row["due_at"] == "2026-11-03T12:00:00.000Z"
    confirmed = confirm(reviewer, "2026-10")
    assert not {"confirm", "confirm_returned"} & others(reviewer).keys()
    path = f"/api/v1/confirmations/{confirmed['event']}/return"
    for blank in ("", "   "):
        refused = above._client.post(path, json={"reason": blank}, headers=above.headers)
        assert (refused.status_code, told(refused)["field"]) == (422, "reason")
    done(above._client.post(path, json={"reason": "数字不对"}, headers=above.headers), 201)
    (row,) = (one for one in listed(reviewer, kind="report")["items"] if one["kind"] == "confirm_returned")
    assert (row["ref"], row["period"], row["by"], row["action"]) == (confirmed["event"], "2026-10", CITY, "amend")
    browser = signed_in(city.hub, "reviewer", W_TOWN)
    assert f'href="/reports/period?unit={W_TOWN}&amp;period=2026-10"' in browser.get("/todo").text
    confirm(reviewer, "2026-10")
    assert "confirm_returned" not in others(reviewer)


def test_who_has_not_reported_is_on_the_list_of_the_units_above_in_time(
    city: City, people: dict[str, Caseworker]
) -> None:
    west, reviewer, hub = people["west"], people["western reviewer"], city.hub
    confirm(reviewer, "2026-10")
    below = {"unconfirmed": (1, "remind")}  # the village's first half of November
    assert others(west) == {}  # reminding is a reviewer's
    assert others(reviewer) == {"missing": (3, "remind"), "due": (3, "remind"), **below}
    for group in W_GROUPS:
        hub.check(group, "2026-11-22")
    hub.check(W_GROUPS[0])
    assert others(reviewer) == {"due": (2, "remind"), **below}
    city.clock.set("2026-11-24", 11)
    assert others(reviewer) == {"missing": (2, "remind"), **below}
    city.clock.set("2026-11-24", 14)
    assert others(reviewer) == {"missing": (2, "remind"), "due": (3, "remind"), **below}


def test_a_group_finds_its_own_report_what_was_returned_and_of_what_it_was_reminded(
    city: City, people: dict[str, Caseworker]
) -> None:
    worker = Caseworker(city.hub, "group", "worker", W_GROUPS[0])
    reviewer = people["western reviewer"]
    assert [(one["kind"], one["ref"]) for one in listed(worker)["items"]] == [
        ("own_report", "2026-11-22"), ("own_report", "2026-11-23"),
    ]  # fmt: skip
    body = {"unit": W_GROUPS[0], "period": "2026-11-22", "text": "请补报"}
    assert reviewer._client.post("/api/v1/reminders", json=body, headers=reviewer.headers).status_code == 201
    assert others(worker)["reminder"] == (1, "report")
    event = city.hub.check(W_GROUPS[0], "2026-11-22")
    assert "reminder" not in others(worker)
    path = f"/api/v1/checks/{event}/return"
    assert reviewer._client.post(path, json={"reason": "数字不对"}, headers=reviewer.headers).status_code == 201
    (row,) = (one for one in listed(worker)["items"] if one["kind"] == "returned")
    assert (row["event"], row["date"], row["by"], row["action"]) == (event, "2026-11-22", W_TOWN, "amend")
    city.hub.check(W_GROUPS[0], "2026-11-22", disputes=1)
    assert "returned" not in others(worker)
    city.hub.check(W_GROUPS[0])
    assert listed(worker)["items"] == []


def test_a_node_below_that_has_not_synced_is_on_the_list_of_the_node_above(
    city: City, people: dict[str, Caseworker]
) -> None:
    above = people["city"]
    assert "silent" not in others(above)
    city.clock.forward(3 * DAY_MS + HOUR_MS)
    (row,) = (one for one in listed(above)["items"] if one["kind"] == "silent")
    assert (row["about"], row["ref"]) == (EAST, EAST)
    assert "silent" not in others(people["western reviewer"])
    city.settle()
    assert "silent" not in others(above)


# ---- pages of it


def test_pages_go_on_where_the_last_one_ended_and_chips_pick(people: dict[str, Caseworker]) -> None:
    reviewer = people["western reviewer"]
    cases = [reviewer.register(category=code)["id"] for code in ("02", "10", "02", "03")]
    seen: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    for _ in range(9):
        found = listed(reviewer, limit=1, **after)
        seen += found["items"]
        if found["next"] is None:
            break
        after = {"after": found["next"]}
    assert len(seen) == 8
    assert seen == listed(reviewer)["items"]
    assert sorted(row[1] for row in about_cases(reviewer, kind="handle")) == sorted(cases)
    assert sorted(row[1] for row in about_cases(reviewer, category="02")) == sorted((cases[0], cases[2]))
    assert [one["kind"] for one in listed(reviewer, kind="report")["items"]] == [
        "confirm", "unconfirmed", "missing", "due",
    ]  # fmt: skip


def test_the_page_shows_rows_counts_and_one_main_action(city: City, people: dict[str, Caseworker]) -> None:
    people["western reviewer"].register(category="10")
    browser = signed_in(city.hub, "reviewer", W_TOWN)
    page = browser.get("/todo").text
    assert "待办 5 件" in page
    assert page.count("btn--main") == 1
    assert 'href="/todo" aria-current="page">待办<span class="count">5</span>' in page.replace("\n", "")
    assert "劳动争议 · 尾号" in page
    assert "劳动争议 · 尾号" not in browser.get("/todo?kind=report").text
    assert browser.get("/todo?kind=x").status_code == 422
    empty = browser.get("/todo?kind=void").text
    assert "这一类没有待办" in empty
    assert post(browser, "/todo", "/todo/seen", {"ref": "A" * 43}).status_code == 404


# ---- one indexed query


def plan(node: Node, sql: str, params: Any) -> list[str]:
    return [row[3] for row in node.db.execute(f"EXPLAIN QUERY PLAN {sql}", params)]


def test_the_case_part_is_one_query_in_the_order_of_its_index(city: City, people: dict[str, Caseworker]) -> None:
    people["west"].register()
    asked: list[str] = []
    city.hub.db.conn.set_trace_callback(asked.append)
    todo_queries.page(city.hub.db, W_TOWN, city.clock.at_ms, todo_queries.START, 51)
    list_queries.cases(city.hub.db, Filter(W_TOWN), None, 51)
    city.hub.db.conn.set_trace_callback(None)
    assert len(asked) == 2
    for sql, alias in zip(asked, ("t", "s"), strict=True):
        steps = plan(city.hub, sql, [])
        assert steps[0].startswith(f"SEARCH {alias} USING PRIMARY KEY (unit=?"), steps
        assert not [one for one in steps if one.startswith("SCAN") or "TEMP B-TREE" in one], steps


def test_the_menu_counts_from_the_index_alone(city: City) -> None:
    for sql in (todo_queries.COUNTS, todo_queries.FEW):
        steps = plan(city.hub, sql, {"unit": W_TOWN, "now": 0, "limit": 1_000})
        assert [one for one in steps if one.startswith("SEARCH t USING PRIMARY KEY (unit=?)")], steps
        assert not [one for one in steps if one.startswith("SCAN t")], steps


def test_units_below_that_have_a_node_are_no_part_of_ones_own_list(city: City) -> None:
    assert CITY in todo.served_below(city.hub.replica, CITY)
    assert W_GROUPS[0] in todo.served_below(city.hub.replica, CITY)
    assert EAST not in todo.served_below(city.hub.replica, CITY)
    assert E_TOWN not in todo.served_below(city.hub.replica, CITY)
