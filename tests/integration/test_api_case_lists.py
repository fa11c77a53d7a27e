"""Lists of cases at `/api/v1/cases`: what a list shows, its filters, its pages."""

from __future__ import annotations

import pytest
from casework import PRIVATE, Caseworker, done

from builders import CITY, E_TOWN, W_GROUPS, W_TOWN, City, told


def ids(who: Caseworker, query: str = "") -> list[str]:
    """The cases that a list names."""
    return [item["id"] for item in done(who.get(query), 200)["items"]]


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("?state=sleeping", 422, "not_one_of", "state"),
        ("?state=open,sleeping", 422, "not_one_of", "state"),
        ("?state=", 422, "not_one_of", "state"),
        ("?limit=0", 422, "bad_shape", "limit"),
        ("?limit=501", 422, "bad_shape", "limit"),
        ("?limit=５", 422, "bad_shape", "limit"),
        ("?after=1", 422, "bad_case", "after"),
        ("?owner=1", 422, "bad_shape", "owner"),
        ("?due_before=soon", 422, "bad_instant", "due_before"),
        ("?due_before=2026-02-30", 422, "bad_instant", "due_before"),
        ("?colour=red", 422, "bad_shape", "colour"),
        ("?unit=429999999999", 404, "unknown_unit", "unit"),
        (f"?unit={E_TOWN}", 403, "unit_out_of_scope", "unit"),
        (f"?unit={CITY}", 403, "unit_out_of_scope", "unit"),
    ],
)
def test_a_wrong_question_is_refused_by_its_field(
    people: dict[str, Caseworker], query: str, status: int, code: str, field: str
) -> None:
    reply = people["west"].get(query)
    assert (reply.status_code, told(reply)["code"], told(reply)["field"]) == (status, code, field)


def test_a_list_holds_the_coded_facts_and_nothing_private(people: dict[str, Caseworker]) -> None:
    case = people["west"].register(private=dict(PRIVATE), scale="3-9", date="2026-11-23")
    assert done(people["west"].get(), 200) == {
        "items": [
            {
                "id": case["id"], "event": case["event"], "state": "registered", "open": True, "owner": W_TOWN,
                "level": "township", "term": 0, "offered_to": None, "kind": "dispute", "category": "02",
                "source": "self_applied", "source_group": "self", "complexity": "ordinary", "urgency": "yellow",
                "scale": "3-9", "amount_band": None, "found_by": W_TOWN, "date": "2026-11-23", "confirmation": None,
                "deadline_at": "2026-11-30T10:00:00.000Z", "signal": None, "follow_up": None,
            }
        ],
        "next": None,
    }  # fmt: skip


def test_a_list_is_filtered_by_each_field(people: dict[str, Caseworker]) -> None:
    west, city = people["west"], people["city"]
    plain = west.register()["id"]
    accepted = west.act(west.register(category="04", source="court"), "accept")["id"]
    closed = west.act(west.register(unit=W_GROUPS[0], kind="hazard", category="fire"), "decline")["id"]
    simple = west.register(complexity="simple")["id"]
    seized = city.act(west.register(), "seize")["id"]
    found = {
        query: sorted(ids(west, query))
        for query in (
            "", "?state=open", "?state=registered", "?state=accepted,closed", f"?owner={CITY}", f"?unit={W_GROUPS[0]}",
            "?category=04", "?kind=hazard", "?level=group", "?source=court", f"?owner={W_TOWN}&state=registered",
            "?due_before=2026-11-25", "?due_before=2026-11-24", "?due_before=2026-11-24T10:00:00Z",
            "?due_before=2026-11-24T10:00:00.001Z",
        )
    }  # fmt: skip
    assert found == {
        "": sorted((plain, accepted, closed, simple, seized)),
        "?state=open": sorted((plain, accepted, simple, seized)),
        "?state=registered": sorted((plain, simple, seized)),
        "?state=accepted,closed": sorted((accepted, closed)),
        f"?owner={CITY}": [seized],
        f"?unit={W_GROUPS[0]}": [closed],
        "?category=04": [accepted],
        "?kind=hazard": [closed],
        "?level=group": [closed],
        "?source=court": [accepted],
        f"?owner={W_TOWN}&state=registered": sorted((plain, simple)),
        "?due_before=2026-11-25": [simple],
        "?due_before=2026-11-24": [],
        "?due_before=2026-11-24T10:00:00Z": [],
        "?due_before=2026-11-24T10:00:00.001Z": [simple],
    }


def test_pages_of_one_have_no_gap_and_repeat_nothing_though_cases_come_in_between(
    city: City, people: dict[str, Caseworker]
) -> None:
    west = people["west"]
    made = []
    for _ in range(4):
        city.clock.forward(1_000)
        made.append(west.register()["id"])
    seen, after = [], ""
    for _ in range(len(made) + 1):
        page = done(west.get(f"?limit=1{after}"), 200)
        seen += [item["id"] for item in page["items"]]
        city.clock.forward(1_000)
        west.register()
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == made[::-1]


def test_a_list_shows_the_cases_that_units_below_found_own_or_were_offered(
    city: City, people: dict[str, Caseworker]
) -> None:
    own = people["west"].register()
    other = people["east"].register()
    offered = people["east"].act(people["east"].register(), "hand_across")
    city.settle()
    assert sorted(ids(people["west"])) == sorted((own["id"], offered["id"]))
    assert sorted(ids(people["city"])) == sorted((own["id"], other["id"], offered["id"]))
    assert sorted(ids(people["county"])) == sorted((other["id"], offered["id"]))
