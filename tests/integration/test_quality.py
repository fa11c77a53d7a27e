"""考评: shares of what was owed, each opened to its records; nothing that rewards silence about cases."""

from __future__ import annotations

from typing import Any

import pytest
from casework import Caseworker

from builders import CITY, EAST, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, told
from node.cases.review_queries import LISTS
from schemas.cases.measures import CASE_MEASURES
from schemas.confirmations import CONFIRMATION_MEASURES
from schemas.measures import CHECK_MEASURES
from schemas.quality import CRITERIA, QUALITY_MEASURES, review

NAMES = (*CHECK_MEASURES, *CONFIRMATION_MEASURES, *CASE_MEASURES, *QUALITY_MEASURES)
NOTHING = dict.fromkeys(NAMES, 0)


@pytest.mark.parametrize("name", ["registered", "checks_zero", "checks_found", "accepted", "handed_up", "taken"])
def test_no_criterion_scores_the_number_of_cases_or_the_share_of_zeros(name: str) -> None:
    base = NOTHING | {"checks_zero": 10, "checks_found": 10, "open": 4, "overdue": 1, "agreed": 4, "performed": 2}
    swapped = {"checks_zero": "checks_found", "checks_found": "checks_zero"}.get(name)
    more = base | {name: base[name] + 5} | ({swapped: base[swapped] - 5} if swapped else {})
    assert review(more) == review(base)


def test_where_nothing_was_owed_there_is_no_value() -> None:
    assert review(NOTHING) == {name: {"value": None, "numerator": 0, "denominator": 0} for name in CRITERIA}


def test_each_share_has_its_base_and_opens_to_measures_that_exist() -> None:
    measures = NOTHING | {
        "checks_zero": 5, "checks_found": 1, "checks_late": 2, "checks_missing": 4, "checks_excused": 9, "open": 8,
        "overdue": 2, "agreed": 4, "performed": 3, "confirmations_done": 3, "confirmations_late": 1,
        "confirmations_missing": 1, "confirmations_due": 6, "follow_ups_due": 5, "follow_ups_done": 4,
        "follow_ups_in_time": 3, "records_judged": 8, "records_complete": 6,
    }  # fmt: skip
    found = {name: (one["numerator"], one["denominator"], one["value"]) for name, one in review(measures).items()}
    assert found == {
        "checks_complete": (6, 10, "60.00"), "checks_on_time": (4, 10, "40.00"),
        "confirmations_complete": (3, 4, "75.00"), "confirmations_on_time": (2, 4, "50.00"),
        "limits_kept": (6, 8, "75.00"), "agreements_performed": (3, 4, "75.00"),
        "follow_ups_done": (4, 5, "80.00"), "follow_ups_in_time": (3, 5, "60.00"), "records_complete": (6, 8, "75.00"),
    }  # fmt: skip
    assert {name for one in CRITERIA.values() for name in one.opens} <= {*NAMES, *LISTS}


def test_the_review_of_a_unit_lists_those_below_and_its_gaps_open() -> None:
    city = City(seed=5)
    hub = city.hub
    reviewer, viewer = hub.user("r", "reviewer"), hub.user("v", "viewer")
    for group in W_GROUPS[:2]:
        hub.check(group, "2026-11-20")
    client = hub.browser()

    def get(path: str, headers: Any = reviewer) -> Any:
        return client.get(path, headers=headers)

    found = get(f"/api/v1/quality?unit={W_TOWN}&period=2026-11-20").json
    assert found["criteria"]["checks_complete"] == {"value": "66.67", "numerator": 2, "denominator": 3}
    assert [row["key"] for row in found["rows"]] == [W_VILLAGE]
    gap = found["opens"]["checks_complete"][0]
    records = get(f"/api/v1/rollup/records?unit={W_TOWN}&period=2026-11-20&measure={gap}").json["items"]
    assert [one["unit"] for one in records] == [W_GROUPS[2]]
    assert told(get(f"/api/v1/quality?unit={W_TOWN}&period=2026-13"))["code"] == "bad_period"
    assert get(f"/api/v1/quality?unit={CITY}&period=2026-11", viewer).status_code == 403
    page = get(f"/quality?unit={W_TOWN}&period=2026-11-20").text
    assert "66.67" in page
    assert f"measure={gap}" in page
    hub.db.conn.close()


def test_a_case_past_its_limit_lowers_the_share_of_limits_kept(people: dict[str, Caseworker], city: City) -> None:
    worker = next(iter(people.values()))
    worker.register(date="2026-11-23", complexity="simple")
    worker.register(date="2026-11-01", complexity="simple")
    answer = city.hub.browser().get(
        f"/api/v1/quality?unit={worker.unit}&period=2026-11", headers=city.hub.user("q", "admin")
    ).json  # fmt: skip
    kept = answer["criteria"]["limits_kept"]
    assert kept == {"value": "50.00", "numerator": 1, "denominator": 2}


def test_it_opens_on_the_newest_month_that_holds_anything_and_says_where_one_is_empty(city: City) -> None:
    hub, client = city.hub, city.hub.browser()
    reviewer = hub.user("r", "reviewer")

    def get(**query: str) -> str:
        return str(client.get("/quality", query_string=query, headers=reviewer).text)

    assert "<b>2026年10月</b>" in get()  # its checks are missing
    for county in (EAST, WEST):  # not yet taking part
        body = {"unit": county, "from": "2026-01-01", "to": "2026-11-19", "reason_code": "other", "reason": "尚未参加"}
        assert client.post("/api/v1/excuses", json=body, headers=reviewer).status_code == 201
    assert "<b>2026年11月</b>" in get()
    empty = get(period="2026-10")
    assert "2026年10月没有可考评的内容" in empty
    assert f'href="/quality?unit={CITY}&amp;period=2026-11">看本月' in empty
