"""Confirmations: refusals first, each leaving nothing behind; then what is pinned, amended, late, sent back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from builders import CITY, E_VILLAGE, EAST, TODAY, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node, told
from node.figures import rollup
from node.reports.confirmation_projection import CONFIRMATION_KIND
from schemas.confirmations import CONFIRMATION_MEASURES
from schemas.measures import CHECK_MEASURES
from sync.database import write
from sync.intake import Intake
from sync.rebuild import rebuild
from sync.verify import verify

URL = "/api/v1/confirmations"
H1 = "2026-11-H1"


class People:
    """Who confirms at a node."""

    def __init__(self, node: Node) -> None:
        self.node, self.client = node, node.browser()
        self.by_role = {
            "reviewer": node.user("r", "reviewer"),
            "mediator": node.user("m", "mediator"),
            "worker": node.user("w", "worker"),
            "viewer": node.user("v", "viewer"),
        }
        if node.replica.identity.is_top:
            self.by_role["western"] = node.user("west", "reviewer", W_TOWN)

    def post(self, body: dict[str, Any], who: str = "reviewer", path: str = URL, **headers: str) -> TestResponse:
        """A POST."""
        return self.client.post(path, json=body, headers=self.by_role[who] | headers)

    def get(self, path: str, who: str = "reviewer") -> Any:
        """The document of a GET."""
        answer = self.client.get(path, headers=self.by_role[who])
        assert answer.status_code == 200, answer.text
        return answer.json

    def confirm(self, unit: str, period: str, remarks: str = "", who: str = "reviewer") -> Any:
        """A confirmation, stored."""
        answer = self.post({"unit": unit, "period": period, "remarks": remarks}, who)
        assert answer.status_code == 201, answer.text
        return answer.json

    def duty(self, unit: str, day: str) -> Any:
        """A unit's item in the list of duties of a day."""
        items = self.get(f"/api/v1/duties?unit={unit}&date={day}")["items"]
        return next(one for one in items if one["unit"] == unit)


@pytest.fixture(scope="module")
def shared() -> People:
    """A hub that serves the west, the east with a node of its own; nothing is stored here."""
    city = City()
    city.join(city.hub, EAST)
    city.settle()
    return People(city.hub)


@pytest.fixture
def people() -> Iterator[People]:
    """A hub of its own."""
    city = City()
    yield People(city.hub)
    city.hub.db.conn.close()


@pytest.mark.parametrize(
    ("status", "code", "field", "change", "who"),
    [
        (422, "bad_shape", "unit", {"unit": "42"}, "reviewer"),
        (404, "unknown_unit", "unit", {"unit": "421099000000"}, "reviewer"),
        (422, "bad_period", "period", {"period": "2026-11-H3"}, "reviewer"),
        (422, "period_not_owed", "period", {"period": "2026-10"}, "reviewer"),
        (422, "period_not_owed", "period", {"period": "2026-11-01..2026-11-15"}, "reviewer"),
        (422, "period_not_over", "period", {"period": "2026-11-H2"}, "reviewer"),
        (422, "confirmation_of_group", "unit", {"unit": W_GROUPS[0]}, "reviewer"),
        (422, "bad_shape", "remarks", {"remarks": "长" * 1001}, "reviewer"),
        (422, "bad_shape", "remarks", {"remarks": 5}, "reviewer"),
        (422, "bad_shape", "measures", {"measures": {}}, "reviewer"),  # nobody types a number
        (409, "served_elsewhere", "unit", {"unit": E_VILLAGE}, "reviewer"),
        (403, "role_not_allowed", "role", {}, "mediator"),
        (403, "role_not_allowed", "role", {}, "worker"),
        (403, "role_not_allowed", "role", {}, "viewer"),
        (403, "unit_out_of_scope", "unit", {"unit": CITY}, "western"),
    ],
)
def test_what_may_not_be_confirmed_is_refused_by_name_and_leaves_nothing(
    shared: People, status: int, code: str, field: str, change: dict[str, Any], who: str
) -> None:
    before = shared.node.count()
    answer = shared.post({"unit": W_VILLAGE, "period": H1, "remarks": ""} | change, who)
    assert (answer.status_code, told(answer)["code"], told(answer)["field"]) == (status, code, field)
    assert shared.node.count() == before


def test_another_period_is_refused_with_the_one_that_is_owed(shared: People) -> None:
    assert told(shared.post({"unit": W_VILLAGE, "period": "2026-10", "remarks": ""}))["owed"] == "2026-10-H2"
    assert told(shared.post({"unit": W_TOWN, "period": "2026-10-H2", "remarks": ""}))["owed"] == "2026-10"


def test_a_confirmation_pins_the_figures_of_the_rollup_and_the_position(people: People) -> None:
    for group in W_GROUPS[:2]:
        people.node.check(group, "2026-11-03")
    people.node.check(W_GROUPS[2], "2026-11-04", 2, 1)
    position = people.node.count()
    expected: Any = rollup.answer(
        people.node.replica, W_VILLAGE, H1, by=None, tree="then", now_ms=people.node.env.now_ms()
    )
    told_now = people.confirm(W_VILLAGE, H1, "  本期无异常  ")
    assert told_now == {
        "id": told_now["event"], "event": told_now["event"], "unit": W_VILLAGE, "period": H1, "position": position,
        "as_of": expected["as_of"], "state": "late_found", "amends": None,
    }  # fmt: skip
    (item,) = people.get(f"{URL}?unit={W_VILLAGE}")["items"]
    assert (item["measures"], item["position"], item["as_of"]) == (expected["measures"], position, expected["as_of"])
    assert item["rates"]["coverage"] == {"value": "6.67", "numerator": 3, "denominator": 45}
    assert (item["first"], item["last"], item["remarks"]) == ("2026-11-01", "2026-11-15", "本期无异常")
    assert item["arrived_after"] == {}  # by confirming, the unit itself changes confirmations_done: no late arrival


def test_what_arrives_later_is_shown_with_the_difference_and_never_changes_what_was_confirmed(people: People) -> None:
    people.confirm(W_VILLAGE, H1)
    people.node.check(W_GROUPS[0], "2026-11-03", 1)
    (item,) = people.get(f"{URL}?unit={W_VILLAGE}")["items"]
    assert item["measures"]["checks_found"] == 0
    assert item["arrived_after"] == {
        "checks_found": {"confirmed": 0, "now": 1, "difference": 1},
        "checks_late": {"confirmed": 0, "now": 1, "difference": 1},
        "checks_missing": {"confirmed": 45, "now": 44, "difference": -1},
    }


def test_a_township_sees_what_its_villages_confirmed_after_it_did(people: People) -> None:
    people.confirm(W_TOWN, "2026-10")
    people.confirm(W_VILLAGE, "2026-10-H2")
    (item,) = people.get(f"{URL}?unit={W_TOWN}")["items"]
    assert {name: one["difference"] for name, one in item["arrived_after"].items()} == {
        "confirmations_done": 1, "confirmations_late": 1, "confirmations_missing": -1,
    }  # fmt: skip


def test_a_second_confirmation_amends_the_first_and_counts_once(people: People) -> None:
    first = people.confirm(W_VILLAGE, H1)
    people.node.check(W_GROUPS[0], "2026-11-03", 1)
    second = people.confirm(W_VILLAGE, H1, "补报一件")
    assert second["amends"] == first["event"]
    (item,) = people.get(f"{URL}?unit={W_VILLAGE}")["items"]
    assert (item["event"], item["remarks"], item["arrived_after"]) == (second["event"], "补报一件", {})
    assert item["measures"]["checks_found"] == 1
    answer: Any = people.get(f"/api/v1/rollup?unit={W_VILLAGE}&period={H1}")
    figures = {name: answer["measures"][name] for name in CONFIRMATION_MEASURES}
    assert list(figures.values()) == [1, 1, 1, 0]


def test_the_same_key_gets_the_same_answer(people: People) -> None:
    body = {"unit": W_VILLAGE, "period": H1, "remarks": ""}
    key = {"Idempotency-Key": "k"}
    once, again = people.post(body, **key), people.post(body, **key)
    assert (once.status_code, again.status_code, once.json) == (201, 200, again.json)
    other = people.post(body | {"remarks": "x"}, **key)
    assert (other.status_code, told(other)["code"]) == (409, "key_reused")


def test_a_duty_goes_from_not_due_to_due_to_missing_and_a_late_one_stays_late(people: People) -> None:
    clock = people.node.env.clock
    village = {"unit": W_VILLAGE, "level": "village", "kind": "confirmation", "period": H1, "event": None}
    village |= {"due_at": "2026-11-17T12:00:00.000Z", "grace_until": "2026-11-18T12:00:00.000Z"}  # 20:00 in Shanghai
    for day, hour, minute, state in (
        ("2026-11-15", 23, 59, "not_due"), ("2026-11-16", 0, 0, "due"), ("2026-11-18", 20, 0, "due"),
        ("2026-11-18", 20, 1, "missing"),
    ):  # fmt: skip
        clock.set(day, hour, minute)
        found = people.duty(W_VILLAGE, "2026-11-15")
        assert {name: found[name] for name in village} == village
        assert found["state"] == state, (day, hour)
    people.confirm(W_VILLAGE, H1)
    assert people.duty(W_VILLAGE, "2026-11-15")["state"] == "late_zero"


def test_a_report_on_time_answers_the_duty_by_what_was_found(people: People) -> None:
    clock = people.node.env.clock
    clock.set("2026-11-16", 9)
    assert people.confirm(W_VILLAGE, H1)["state"] == "zero"
    people.node.check(W_GROUPS[0], "2026-11-03", 1)
    assert people.confirm(W_VILLAGE, H1)["state"] == "found"


def test_old_periods_are_accepted_and_late_by_the_profile_of_their_day(people: People) -> None:
    assert people.confirm(WEST, "2024-Q1")["state"] == "late_zero"
    assert people.confirm(CITY, "2025-S2")["state"] == "late_zero"
    profile = {
        "name": "weekly", "cadences": dict(zip(("group", "village", "township", "county", "city"),
                                               ("day", "week", "week", "week", "week"), strict=True)),
    }  # fmt: skip
    people.node.publish({"type": "cadence", "date": "2026-11-01", "profile": profile})
    refused = told(people.post({"unit": W_VILLAGE, "period": H1, "remarks": ""}))
    assert (refused["code"], refused["owed"]) == ("period_not_owed", "2026-W46")
    people.confirm(W_VILLAGE, "2026-W46")
    people.confirm(W_VILLAGE, "2026-10-H2")  # as it was owed then


def test_duties_can_be_asked_for_by_level_and_state_and_page_by_key(people: People) -> None:
    people.confirm(W_VILLAGE, "2026-10-H2")

    def listed(query: str) -> list[tuple[str, str]]:
        found = people.get(f"/api/v1/duties?date=2026-10-31&{query}")
        return [(one["unit"], one["state"]) for one in found["items"]]

    assert listed("level=village") == [(E_VILLAGE, "missing"), (W_VILLAGE, "late_zero")]
    assert listed("level=village&state=missing") == [(E_VILLAGE, "missing")]
    assert len(listed("")) == 6 + 2 + 2  # groups, villages, townships: no quarter ends on that day
    page = people.get("/api/v1/duties?date=2026-10-31&limit=4")
    rest = people.get(f"/api/v1/duties?date=2026-10-31&after={page['next']}")
    assert len(page["items"]) == 4
    assert [one["unit"] for one in page["items"] + rest["items"]] == [unit for unit, _ in listed("")]


def test_a_returned_confirmation_counts_on_until_it_is_amended(people: People) -> None:
    event = people.confirm(W_VILLAGE, H1)["event"]
    path = f"{URL}/{event}/return"
    own = people.node.user("village", "reviewer", W_VILLAGE)
    refused = people.client.post(path, json={"reason": "x"}, headers=own)
    assert (refused.status_code, told(refused)["code"]) == (403, "return_not_above")
    missing = people.post({"reason": "x"}, path=f"{URL}/{'A' * 43}/return")
    assert (missing.status_code, told(missing)["code"]) == (404, "unknown_event")
    assert people.post({"reason": "请补备注"}, "western", path).status_code == 201
    assert people.duty(W_VILLAGE, "2026-11-15")["state"] == "returned"
    again = people.confirm(W_VILLAGE, H1, "已补")
    assert people.duty(W_VILLAGE, "2026-11-15")["state"] == "late_zero"
    stale = people.post({"reason": "x"}, "western", path)
    assert (told(stale)["code"], told(stale)["standing"]) == ("return_not_standing", again["event"])


def test_a_period_is_excused_when_each_of_its_days_is_and_a_report_beats_it(people: People) -> None:
    def lift(first: str, last: str) -> str:
        body = {"unit": W_VILLAGE, "from": first, "to": last, "reason": "洪水"}
        answer = people.client.post("/api/v1/excuses", json=body, headers=people.by_role["western"])
        assert answer.status_code == 201, answer.text
        return str(answer.json["event"])

    def missing() -> int:
        return int(people.get(f"/api/v1/rollup?unit={W_TOWN}&period={H1}")["measures"]["confirmations_missing"])

    lift("2026-11-02", "2026-11-15")
    assert (people.duty(W_VILLAGE, "2026-11-15")["state"], missing()) == ("missing", 1)
    event = lift("2026-10-30", "2026-11-01")
    assert missing() == 0
    found = people.duty(W_VILLAGE, "2026-11-15")
    assert found["state"] == "excused"
    assert found["excuse"] is not None
    assert event != found["excuse"]
    people.confirm(W_VILLAGE, H1)
    assert people.duty(W_VILLAGE, "2026-11-15")["state"] == "late_zero"


def test_a_confirmation_goes_up_and_every_level_shows_the_same(people: People) -> None:
    city = City(seed=3)
    county = city.join(city.hub, EAST)
    below = People(county)
    county.check("421001001001001", "2026-11-03", 1)
    below.confirm(E_VILLAGE, H1, "已核")
    city.settle()
    above = People(city.hub)
    (mine,), (theirs,) = (one.get(f"{URL}?unit={E_VILLAGE}")["items"] for one in (below, above))
    assert mine.pop("received_at")
    assert theirs.pop("received_at")
    assert theirs == mine
    answer: Any = above.get(f"/api/v1/rollup?unit={CITY}&period={H1}&by=children")
    assert [answer["measures"][name] for name in CONFIRMATION_MEASURES] == [2, 1, 1, 1]
    tables = city.hub.derived()
    rebuild(city.hub.replica)
    assert city.hub.derived() == tables


def test_a_cnf_about_something_else_is_no_duty(people: People) -> None:
    with write(people.node.db, "check", people.node.env):
        intake = Intake(people.node.replica, people.node.env.now_ms())
        intake.author(
            kind=CONFIRMATION_KIND, schema="cnf/1", unit=CITY, day=TODAY,
            public={"about": "something", "period": "2026-10"},
        )  # fmt: skip
        intake.finish()
    assert people.node.count("confirmation") == 0
    assert verify(people.node.replica).problems == []


def test_a_tally_that_was_tampered_with_is_found_by_verify(people: People) -> None:
    people.confirm(W_VILLAGE, H1)
    assert verify(people.node.replica).problems == []
    people.node.db.execute("UPDATE confirmation_day SET done = done + 1 WHERE unit = ?", [W_TOWN])
    (problem,) = verify(people.node.replica).problems
    assert problem.code == "bad_tally"
    assert W_TOWN in problem.text


def test_every_measure_is_present_in_every_row(people: People) -> None:
    names = {*CHECK_MEASURES, *CONFIRMATION_MEASURES}
    for by in ("children", "day", "category", "matrix"):
        answer: Any = people.get(f"/api/v1/rollup?unit={CITY}&period=2026-11-03&by={by}")
        for row in (answer, *answer["rows"]):
            assert names <= row["measures"].keys()
