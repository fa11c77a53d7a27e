"""What a case goes through by `/api/v1/cases`: registered, acted on, handed on, settled; and acting once per key."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from casework import CASE, PRIVATE, CaseFloor, Caseworker, done

from builders import CITY, E_TOWN, TODAY, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, told


def test_a_registration_answers_with_the_case_as_it_stands(city: City, people: dict[str, Caseworker]) -> None:
    reply = people["west"].post("", {"unit": W_GROUPS[0], **CASE, "private": dict(PRIVATE)})
    case = done(reply, 201)
    assert case == {
        "id": case["id"], "event": case["event"], "state": "registered", "owner": W_GROUPS[0], "term": 0,
    }  # fmt: skip
    (row,) = city.hub.db.execute("SELECT header FROM event WHERE hash = ?", [case["event"]]).fetchall()
    assert TODAY.isoformat() in row[0]


def test_the_same_key_and_body_make_one_case(city: City, people: dict[str, Caseworker]) -> None:
    who, body = people["west"], {"unit": W_TOWN, **CASE}
    key = {"Idempotency-Key": "k-1"}
    first, again = who.post("", body, **key), who.post("", dict(reversed(body.items())), **key)
    assert (first.status_code, again.status_code, told(again)) == (201, 200, told(first))
    other = who.post("", {**body, "urgency": "red"}, **key)
    assert (other.status_code, told(other)["code"], told(other)["field"]) == (409, "key_reused", "Idempotency-Key")
    assert city.hub.count("case_now") == 1


def test_without_a_key_every_registration_is_a_case_of_its_own(city: City, people: dict[str, Caseworker]) -> None:
    first, second = people["west"].register(), people["west"].register()
    assert first["id"] != second["id"]
    assert city.hub.count("case_now") == 2


def test_an_act_under_a_used_key_is_done_once(city: City, people: dict[str, Caseworker]) -> None:
    who, key = people["west"], {"Idempotency-Key": "k-1"}
    case = who.register()
    body = {"action": "accept", "after": case["event"]}
    first, again = (who.post(f"/{case['id']}/actions", body, **key) for _ in range(2))
    assert (first.status_code, again.status_code, told(again)) == (200, 200, told(first))
    assert city.hub.count("case_event") == 2
    other_case = who.register()
    for path, other in ((f"/{case['id']}/actions", {**body, "text": "补充"}), (f"/{other_case['id']}/actions", body)):
        reply = who.post(path, other, **key)
        assert (reply.status_code, told(reply)["code"]) == (409, "key_reused")


def test_a_refused_key_is_free_for_the_corrected_act(people: dict[str, Caseworker]) -> None:
    who, key = people["west"], {"Idempotency-Key": "k-1"}
    case = who.register()
    path, body = f"/{case['id']}/actions", {"action": "decline", "after": case["event"]}
    assert who.post(path, body, **key).status_code == 422
    assert who.post(path, {**body, "reason": "other"}, **key).status_code == 200


def test_an_entry_wakes_the_sync_loop(city: City, people: dict[str, Caseworker]) -> None:
    woken = city.hub.woken
    case = people["west"].register()
    assert city.hub.woken == woken + 1
    people["west"].act(case, "accept")
    assert city.hub.woken == woken + 2


def states(who: Caseworker, case: dict[str, Any], *acts: str | tuple[str, dict[str, Any]]) -> list[tuple[Any, ...]]:
    """(state, owner, term) after each act; the answers are the documents of the contract."""
    found = []
    for act in acts:
        name, fields = act if isinstance(act, tuple) else (act, {})
        case = who.act(case, name, **fields)
        assert sorted(case) == ["event", "id", "owner", "state", "term"]
        found.append((case["state"], case["owner"], case["term"]))
    return found


WEEK = ("agree", {"performance_due": "2026-12-20"})
LIVES: dict[str, tuple[list[Any], list[str]]] = {
    "settled at once": (
        ["accept", ("assign", {"body": "traffic"}), "mediate", "agree", "close"],
        ["accepted", "assigned", "mediating", "performed", "closed"],
    ),
    "performed later": (
        ["accept", "mediate", WEEK, "follow_up", ("follow_up", {"result": "performed"}), "close"],
        ["accepted", "mediating", "agreed", "agreed", "performed", "closed"],
    ),
    "declined": (["decline"], ["closed"]),
    "failed and referred": (["accept", "mediate", "fail", "refer"], ["accepted", "mediating", "not_agreed", "closed"]),
    "failed and closed": (["accept", "mediate", "fail", "close"], ["accepted", "mediating", "not_agreed", "closed"]),
    "terminated": (["accept", "terminate", "close"], ["accepted", "terminated", "closed"]),
    "reneged and settled again": (
        ["accept", "mediate", WEEK, ("follow_up", {"result": "reneged"}), "remediate", "agree", "close"],
        ["accepted", "mediating", "agreed", "reneged", "mediating", "performed", "closed"],
    ),
    "reneged and referred": (
        ["accept", "mediate", WEEK, ("follow_up", {"result": "reneged"}), "refer"],
        ["accepted", "mediating", "agreed", "reneged", "closed"],
    ),
}


@pytest.mark.parametrize("name", LIVES)
def test_a_case_goes_through_its_life(people: dict[str, Caseworker], name: str) -> None:
    acts, wanted = LIVES[name]
    case = people["west"].register()
    assert states(people["west"], case, *acts) == [(state, W_TOWN, 0) for state in wanted]


def test_a_confirmation_is_applied_for_refused_applied_for_again_and_granted(people: dict[str, Caseworker]) -> None:
    who = people["west"]
    case = who.register()
    for act in ("accept", "mediate", "agree"):
        case = who.act(case, act)
    found = []
    for act in ("apply_confirmation", "withdraw_confirmation", "apply_confirmation", "refuse_confirmation",
                "apply_confirmation", "confirm"):  # fmt: skip
        case = who.act(case, act)
        found.append((case["state"], who.see(case)["confirmation"]))
    assert found == [
        ("performed", one) for one in ("applied", "withdrawn", "applied", "refused", "applied", "confirmed")
    ]
    assert done(who.try_to(case, "apply_confirmation"), 409)["allowed"] == ["close", "note"]


def test_a_confirmation_can_be_applied_for_until_the_thirtieth_day(people: dict[str, Caseworker]) -> None:
    who = people["west"]
    case = who.register(date="2026-10-23")
    for act in ("accept", "mediate"):
        case = who.act(case, act, date="2026-10-23")
    case = who.act(case, "agree", date="2026-10-23", performed_at_once=True)
    reply = who.try_to(case, "apply_confirmation", date="2026-11-23")
    assert (reply.status_code, told(reply)["allowed"]) == (409, ["close", "note"])
    assert who.act(case, "apply_confirmation", date="2026-11-22")["state"] == "performed"


def test_a_case_handed_on_stays_with_its_owner_until_it_is_taken(people: dict[str, Caseworker]) -> None:
    west, city = people["west"], people["city"]
    case = west.register()
    offered = west.act(case, "hand_up")
    assert (offered["owner"], offered["term"], west.see(offered)["offered_to"]) == (W_TOWN, 0, CITY)
    back = city.act(offered, "send_back")
    assert (back["owner"], west.see(back)["offered_to"]) == (W_TOWN, None)
    recalled = west.act(west.act(back, "hand_up"), "recall", text="自行处理")
    assert (recalled["owner"], west.see(recalled)["offered_to"]) == (W_TOWN, None)
    taken = city.act(west.act(recalled, "hand_up"), "take")
    assert (taken["owner"], taken["term"], west.see(taken)["allowed"]) == (CITY, 1, ["note"])


def test_a_unit_above_seizes_supervises_and_is_answered(people: dict[str, Caseworker]) -> None:
    west, city = people["west"], people["city"]
    case = city.act(west.register(), "supervise")
    asked = west.see(case)["supervisions"]
    assert asked == [{"event": case["event"], "unit": CITY, "date": "2026-11-23", "due": "2026-11-30", "answers": []}]
    answered = west.act(case, "answer")
    assert west.see(answered)["supervisions"] == [{**asked[0], "answers": [answered["event"]]}]
    seized = city.act(answered, "seize")
    assert (seized["state"], seized["owner"], seized["term"]) == ("registered", CITY, 1)


def test_an_extension_moves_the_limit_to_the_end_of_its_day(people: dict[str, Caseworker]) -> None:
    who = people["west"]
    case = who.register()
    assert who.see(case)["deadline_at"] == "2026-11-30T10:00:00.000Z"
    assert who.see(who.act(case, "extend"))["deadline_at"] == "2026-12-10T16:00:00.000Z"


def test_a_worker_registers_hands_up_recalls_and_notes(people: dict[str, Caseworker]) -> None:
    worker = people["village"]
    case = worker.register()
    case = worker.act(case, "note", text="已到现场")
    case = worker.act(case, "hand_up", to_unit=W_TOWN, reason="村里办不了")
    case = worker.act(case, "recall", text="双方愿意再谈")
    assert (case["state"], case["owner"], worker.see(case)["allowed"]) == ("registered", W_VILLAGE, ["hand_up", "note"])


def test_a_case_goes_from_one_node_to_another_and_both_say_the_same(city: City, people: dict[str, Caseworker]) -> None:
    east, county = people["east"], people["county"]
    case = east.register()
    offered = east.act(case, "hand_across", to_unit=W_TOWN, reason="当事人在西镇")
    city.settle()
    taken = people["western reviewer"].act(offered, "take")
    assert (taken["owner"], taken["term"]) == (W_TOWN, 1)
    city.settle()
    seen = county.see(taken)
    assert (seen["owner"], seen["event"], seen["allowed"]) == (W_TOWN, taken["event"], ["note"])


def test_who_is_offered_a_case_gets_all_that_was_done_before(city: City, people: dict[str, Caseworker]) -> None:
    west, county = people["west"], people["county"]
    case = west.act(west.act(west.register(), "accept"), "mediate")
    city.settle()
    assert county.get(f"/{case['id']}").status_code == 404
    offered = west.act(case, "hand_across", to_unit=E_TOWN, reason="当事人在东镇")
    city.settle()
    assert [step["action"] for step in county.see(case)["timeline"]] == ["register", "accept", "mediate", "hand_across"]
    taken = county.act(offered, "take")
    city.settle()
    assert (west.see(taken)["owner"], west.see(taken)["allowed"]) == (E_TOWN, ["note"])


def test_a_unit_that_gets_a_node_of_its_own_later_is_given_the_cases_it_has_to_do_with() -> None:
    with closing(CaseFloor()) as floor:
        city, people = floor.city, floor.people
        own = people["west"].register()
        offered = people["east"].act(people["east"].register(), "hand_across")
        other = people["east"].register()
        city.settle()
        west = city.join(city.hub, WEST)
        city.settle()
        clerk = Caseworker(west, "clerk", "reviewer", W_TOWN)
        for case in (own, offered):
            assert clerk.see(case)["event"] == case["event"]
        assert clerk.get(f"/{other['id']}").status_code == 404
        taken = clerk.act(offered, "take")
        city.settle()
        assert people["county"].see(taken)["owner"] == W_TOWN
