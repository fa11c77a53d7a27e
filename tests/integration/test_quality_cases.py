"""考评 of cases: follow-ups that the schedule asked for, and complete records; each figure is as long as its list."""

from __future__ import annotations

from typing import Any

import pytest
from casework import Caseworker, done

from builders import CITY, DAY_MS, EAST, HOUR_MS, WEST, City, told
from node.migrations import DERIVED
from sync.rebuild import rebuild

FULL = {"scale": "3-9", "amount_band": "under_10k"}
WORDS = {"parties": [{"role": "applicant", "name": "赵甲", "phone": ""}], "place": "", "narrative": "漏水"}
LISTS = {
    "follow_ups_done": "follow_ups_missed", "follow_ups_in_time": "follow_ups_late",
    "records_complete": "records_incomplete",
}  # fmt: skip


@pytest.fixture
def west(city: City) -> Caseworker:
    return Caseworker(city.hub, "west-r", "reviewer", WEST)


def get(who: Caseworker, path: str, status: int = 200, **query: str) -> Any:
    return done(who._client.get(path, query_string=query, headers=who.headers), status)


def shares(who: Caseworker, period: str, unit: str | None = None) -> dict[str, tuple[int, int]]:
    """(numerator, denominator) of each criterion of cases; what lacks is as many as its list has rows."""
    asked = {"unit": unit or who.unit, "period": period}
    found = get(who, "/api/v1/quality", **asked)
    counts = {name: (found["criteria"][name]["numerator"], found["criteria"][name]["denominator"]) for name in LISTS}
    for name, (above, below) in counts.items():
        lacking, every = found["opens"][name]
        assert lacking == LISTS[name]
        assert len(get(who, "/api/v1/quality/records", list=lacking, **asked)["items"]) == below - above
        assert len(get(who, "/api/v1/quality/records", list=every, **asked)["items"]) == below
    rows = [row["criteria"][name]["denominator"] for row in found["rows"] for name in LISTS]
    assert sum(rows) == sum(below for _, below in counts.values())
    return counts


def agreed(who: Caseworker, **fields: Any) -> dict[str, Any]:
    case = who.register()
    for action in ("accept", "mediate"):
        case = who.act(case, action)
    return who.act(case, "agree", **(fields or {"performance_due": "2026-12-20"}))


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"list": "workers"}, 422, "list"), ({"period": "2026-13"}, 422, "period"), ({"after": "x"}, 422, "after"),
        ({"unit": EAST}, 403, "unit"), ({"unit": "421099000000"}, 404, "unit"),
    ],
)  # fmt: skip
def test_a_wrong_question_names_its_field(west: Caseworker, query: dict[str, str], status: int, field: str) -> None:
    asked = {"unit": WEST, "period": "2026-11", "list": "follow_ups_due", **query}
    reply = west._client.get("/api/v1/quality/records", query_string=asked, headers=west.headers)
    assert (reply.status_code, told(reply)["field"]) == (status, field)


def test_follow_ups_are_owed_on_the_days_of_the_schedule_and_judged_two_days_later(
    city: City, west: Caseworker
) -> None:
    case = agreed(west)  # on 2026-11-23: due on 11-30, 12-20 and 2027-01-19
    city.clock.set("2026-12-02", 12)
    assert shares(west, "2026-11")["follow_ups_done"] == (0, 0)
    city.clock.set("2026-12-03", 12)
    assert shares(west, "2026-11")["follow_ups_done"] == (0, 1)
    case = west.act(case, "follow_up", result="not_yet", next_date="2026-12-10")
    found = shares(west, "2026-11")
    assert (found["follow_ups_done"], found["follow_ups_in_time"]) == ((1, 1), (0, 1))
    (row,) = get(west, "/api/v1/quality/records", unit=WEST, period="2026-11", list="follow_ups_late")["items"]
    assert row == {"case": case["id"], "unit": WEST, "date": "2026-11-30", "done_on": "2026-12-03", "lacking": []}
    city.clock.set("2026-12-21", 12)
    west.act(case, "follow_up", result="performed")
    found = shares(west, "2026-12")
    assert (found["follow_ups_done"], found["follow_ups_in_time"]) == ((1, 1), (1, 1))
    city.clock.set("2027-02-01", 12)
    assert shares(west, "2027-01")["follow_ups_done"] == (0, 0)  # performed: nothing more is owed


def test_performed_at_once_owes_no_follow_up(city: City, west: Caseworker) -> None:
    agreed(west, performed_at_once=True)
    city.clock.forward(60 * DAY_MS)
    assert shares(west, "2026")["follow_ups_done"] == (0, 0)


def test_a_record_names_what_it_lacks_and_is_complete_once_it_is_written(west: Caseworker) -> None:
    bare = west.register()
    west.register(**FULL, private=WORDS)
    west.register(kind="hazard", category="fire", private=WORDS)
    assert shares(west, "2026-11")["records_complete"] == (2, 3)
    (row,) = get(west, "/api/v1/quality/records", unit=WEST, period="2026-11", list="records_incomplete")["items"]
    assert (row["case"], row["lacking"]) == (bare["id"], ["scale", "amount_band", "parties"])
    page = west._client.get(
        f"/quality/records?unit={WEST}&period=2026-11&list=records_incomplete", headers=west.headers
    ).text
    assert "涉及人数、涉及金额、当事人和经过" in page
    assert f"/cases/{bare['id']}" in page


def test_an_agreement_without_its_text_is_incomplete(west: Caseworker) -> None:
    case = west.register(**FULL, private=WORDS)
    for action in ("accept", "mediate"):
        case = west.act(case, action)
    west.act(case, "agree", performance_due="2026-12-20")
    (row,) = get(west, "/api/v1/quality/records", unit=WEST, period="2026-11", list="records_incomplete")["items"]
    assert row["lacking"] == ["agreement"]


def test_a_level_that_holds_no_private_text_counts_the_same(city: City, people: dict[str, Caseworker]) -> None:
    east, above = people["east"], people["city"]
    east.register(**FULL, private=WORDS)
    east.register(**FULL)
    agreed(east)
    city.settle()
    city.clock.forward(10 * DAY_MS + HOUR_MS)
    reviewer = Caseworker(east._node, "east-r", "reviewer", EAST)
    here, there = shares(reviewer, "2026-11"), shares(above, "2026-11", EAST)
    assert here == there == {"follow_ups_done": (0, 1), "follow_ups_in_time": (0, 1), "records_complete": (1, 3)}
    assert shares(above, "2026-11", CITY) == there


def test_what_the_review_looks_at_is_made_again_the_same(city: City, west: Caseworker) -> None:
    west.act(agreed(west), "follow_up", result="reneged")
    west.register(**FULL, private=WORDS)

    def kept() -> list[Any]:
        return [
            tuple(row) for row in city.hub.db.execute("SELECT * FROM case_review ORDER BY kind, day, unit, case_id")
        ]

    before = kept()
    assert ("case_review" in DERIVED, len(before)) == (True, 2)
    rebuild(city.hub.replica)
    assert kept() == before


def test_every_share_on_the_page_opens_and_no_worker_is_named(city: City, west: Caseworker) -> None:
    agreed(west)
    city.clock.set("2026-12-05", 12)
    page = west._client.get(f"/quality?unit={WEST}&period=2026-11", headers=west.headers).text
    for name in ("follow_ups_missed", "follow_ups_late", "records_incomplete"):
        assert f"list={name}" in page
    assert "west-r" not in page.split('id="main"')[1].split("/account")[0]
