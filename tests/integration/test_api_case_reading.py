"""Reading one case: the whole document, the private part, and the log of who read it."""

from __future__ import annotations

from typing import Any

import pytest
from casework import CASE, PRIVATE, Caseworker

from builders import CITY, DAY_MS, E_GROUPS, E_TOWN, E_VILLAGE, EAST, NOW_MS, W_TOWN, W_VILLAGE, WEST, City, Node, told
from sync.rebuild import rebuild


def readings(node: Node) -> list[tuple[Any, ...]]:
    """The log of who read a private part."""
    rows = node.db.execute(
        "SELECT at, account, role, subject, purpose FROM audit WHERE act = 'private_read' ORDER BY n"
    ).fetchall()
    return [tuple(row) for row in rows]


def test_who_sees_figures_only_reads_no_case(people: dict[str, Caseworker]) -> None:
    case = people["west"].register()
    for name in ("viewer", "analyst"):
        for path in ("", f"/{case['id']}"):
            reply = people[name].get(path)
            assert (reply.status_code, told(reply)["code"]) == (403, "role_not_allowed")


# ---- one case


def test_one_case_shows_what_holds_what_is_allowed_and_every_act(city: City, people: dict[str, Caseworker]) -> None:
    west = people["west"]
    first = west.register(private=dict(PRIVATE), scale="2")
    city.clock.forward(1_000)
    last = west.act(first, "accept", text="已通知双方")
    shown = west.see(first)
    timeline = shown.pop("timeline")
    private = shown.pop("private")
    assert shown == {
        "id": first["id"], "event": last["event"], "state": "accepted", "open": True, "owner": W_TOWN,
        "level": "township", "term": 0, "offered_to": None, "kind": "dispute", "category": "02",
        "source": "self_applied", "source_group": "self", "complexity": "ordinary", "urgency": "yellow", "scale": "2",
        "amount_band": None, "found_by": W_TOWN, "date": "2026-11-23", "confirmation": None,
        "deadline_at": "2026-11-30T10:00:00.000Z", "signal": None, "follow_up": None,
        "allowed": ["assign", "mediate", "terminate", "hand_up", "hand_down", "hand_across", "extend", "note"],
        "tip": last["event"], "offer": None, "round": 1, "agreed_on": None, "performance_due": None,
        "follow_ups_due": [],
        "limits": {
            "level": {"from": "2026-11-23T10:00:00.000Z", "until": "2026-11-30T10:00:00.000Z", "signal": None},
            "total": {"from": "2026-11-23T10:00:00.000Z", "until": "2026-12-23T10:00:00.000Z", "signal": None},
        },
        "supervisions": [],
        "owners": [
            {"unit": W_TOWN, "level": "township", "term": 0, "event": first["event"], "date": "2026-11-23"}
        ],
    }  # fmt: skip
    assert private == {**PRIVATE, "agreement": "", "not_held": []}
    told_of = ("event", "action", "term", "unit", "level", "date", "void", "waiting", "public", "words")
    assert [{name: step[name] for name in told_of} for step in timeline] == [
        {
            "event": first["event"], "action": "register", "term": 0, "unit": W_TOWN, "level": "township",
            "date": "2026-11-23", "void": None, "waiting": False,
            "public": {**CASE, "list": "hubei-15/1", "scale": "2"}, "words": None,
        },
        {
            "event": last["event"], "action": "accept", "term": 0, "unit": W_TOWN, "level": "township",
            "date": "2026-11-23", "void": None, "waiting": False, "public": {}, "words": {"text": "已通知双方"},
        },
    ]  # fmt: skip


def test_an_agreement_shows_the_days_of_its_follow_ups(people: dict[str, Caseworker]) -> None:
    west = people["west"]
    case = west.act(west.act(west.register(), "accept"), "mediate")
    case = west.act(case, "agree", performance_due="2026-12-20", private={"agreement": "十二月二十日前修好"})
    shown = west.see(case)
    found = {name: shown[name] for name in ("agreed_on", "performance_due", "follow_up", "follow_ups_due", "limits")}
    assert found == {
        "agreed_on": "2026-11-23", "performance_due": "2026-12-20", "follow_up": "2026-11-30",
        "follow_ups_due": ["2026-11-30", "2026-12-20", "2027-01-19"], "limits": None,
    }  # fmt: skip
    assert shown["private"]["agreement"] == "十二月二十日前修好"


@pytest.mark.parametrize(
    ("left_percent", "signal"), [(51, None), (50, "yellow"), (21, "yellow"), (20, "orange"), (0, "orange"), (-1, "red")]
)
def test_the_signal_follows_the_time_that_is_left(
    city: City, people: dict[str, Caseworker], left_percent: int, signal: str | None
) -> None:
    case = people["west"].register()
    city.clock.at_ms = NOW_MS + 7 * DAY_MS * (100 - left_percent) // 100
    shown = people["west"].see(case)
    assert (shown["signal"], shown["limits"]["level"]["signal"]) == (signal, signal)


# ---- the private part


def test_each_reading_of_the_private_part_is_logged_with_its_purpose(city: City, people: dict[str, Caseworker]) -> None:
    case = people["west"].register(private=dict(PRIVATE))
    assert people["west"].see(case, "?purpose=调解前准备")["private"] is not None
    assert people["western reviewer"].see(case)["private"] is not None
    at = city.hub.env.now_ms()
    assert readings(city.hub) == [
        (at, "west", "mediator", case["id"], "调解前准备"), (at, "wreviewer", "reviewer", case["id"], ""),
    ]  # fmt: skip


def test_a_worker_sees_a_case_without_its_private_part_and_nothing_is_logged(
    city: City, people: dict[str, Caseworker]
) -> None:
    case = people["village"].register(private=dict(PRIVATE))
    case = people["village"].act(case, "note", text="已到现场")
    shown = people["village"].see(case, "?purpose=看看")
    assert (shown["private"], [step["words"] for step in shown["timeline"]]) == (None, [None, None])
    assert readings(city.hub) == []
    assert not any(part in str(shown) for part in ("甲某", "13800000000", "晒场", "排水沟", "已到现场"))


def test_only_the_unit_that_handles_a_case_reads_its_private_part(city: City, people: dict[str, Caseworker]) -> None:
    west, hub = people["west"], people["city"]
    case = west.register(private=dict(PRIVATE))
    taken = hub.act(west.act(case, "hand_up"), "take")
    assert west.see(taken)["private"] is None
    assert readings(city.hub) == []
    assert hub.see(taken)["private"]["place"] == PRIVATE["place"]
    assert [row[1] for row in readings(city.hub)] == ["city"]


def test_a_node_above_shows_the_case_and_never_held_a_private_word(city: City, people: dict[str, Caseworker]) -> None:
    case = people["east"].register(unit=E_VILLAGE, private=dict(PRIVATE))
    case = people["east"].act(case, "accept", text="已通知双方")
    city.settle()
    here, above = people["county"].see(case), people["city"].see(case)
    assert here["private"]["place"] == PRIVATE["place"]
    assert (above["private"], above["state"], above["owner"], above["event"]) == (
        None, "accepted", E_VILLAGE, case["event"],
    )  # fmt: skip
    assert [step["public"] for step in above["timeline"]] == [step["public"] for step in here["timeline"]]
    held = "SELECT p.text FROM part p JOIN event e ON e.n = p.event WHERE p.name = 'per' AND e.kind = 'case'"
    assert [tuple(row) for row in city.hub.db.execute(held).fetchall()] == [(None,), (None,)]
    dumped = "\n".join(city.hub.db.conn.iterdump())
    assert not any(part in dumped for part in ("甲某", "13800000000", "晒场", "排水沟", "已通知双方"))
    assert readings(city.hub) == []


# ---- made again from the log


def test_made_again_from_the_log_every_case_table_is_the_same(city: City, people: dict[str, Caseworker]) -> None:
    east, west, hub = people["east"], people["west"], people["city"]
    settled = east.register(private=dict(PRIVATE))
    for act in ("accept", "mediate", "agree", "apply_confirmation", "confirm", "close"):
        settled = east.act(settled, act)
    offered = east.act(east.register(unit=E_GROUPS[0], date="2026-10-30"), "hand_across")
    reneged = west.act(west.act(west.register(), "accept"), "mediate")
    reneged = west.act(reneged, "agree", performance_due="2026-12-01")
    reneged = west.act(reneged, "follow_up", result="reneged")
    city.settle()
    taken = people["western reviewer"].act(offered, "take")
    hub.act(west.act(west.register(), "note"), "seize")
    people["county"].act(people["eastern worker"].register(), "supervise")
    city.settle()
    for node in city.nodes:
        before = node.derived()
        assert before["case_now"]
        rebuild(node.replica)
        after = node.derived()
        assert {name: rows for name, rows in after.items() if rows != before[name]} == {}, node.unit
    assert people["county"].see(taken)["owner"] == W_TOWN


def test_a_unit_that_moved_takes_its_cases_along_as_they_are_made_again_from_the_log(
    city: City, people: dict[str, Caseworker]
) -> None:
    case = people["west"].register(unit=W_VILLAGE, date="2026-11-01")
    people["west"].act(case, "accept", date="2026-11-20")
    city.hub.publish({"type": "unit", "act": "move", "unit": W_VILLAGE, "parent": E_TOWN, "date": "2026-11-10"})
    before = city.hub.derived()
    rebuild(city.hub.replica)
    assert {name: rows for name, rows in city.hub.derived().items() if rows != before[name]} == {}
    rows = before["case_fact_in"]
    under = {name: {row[0] for row in rows if row[1] == name} for name in ("registered", "accepted")}
    assert under == {"registered": {W_VILLAGE, W_TOWN, WEST, CITY}, "accepted": {W_VILLAGE, E_TOWN, EAST, CITY}}
