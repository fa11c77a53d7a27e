"""A printed table can be printed again to the byte; what came since is listed, and is the whole difference."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, GROUPS, HOUR_MS, W_VILLAGE, City, check_body, many_checks
from node.figures import asof
from node.figures.arrivals import arrived, position_at
from schemas.clock import iso_instant
from schemas.errors import Invalid

FORMATS = ("json", "csv", "xlsx")
DIMENSIONS = ("children", "day", "category", "matrix", "campaign")


def printed(city: City, headers: dict[str, str], **more: str) -> dict[tuple[str, str], bytes]:
    """Every table of the city's two months in every format."""
    browser, found = city.hub.browser(), {}
    for by in DIMENSIONS:
        for kind in FORMATS:
            asked = {"unit": CITY, "period": "2026-10-01..2026-11-22", "by": by, "format": kind, **more}
            said = browser.get("/api/v1/rollup", query_string=asked, headers=headers)
            assert said.status_code == 200, said.json
            found[by, kind] = said.get_data()
    return found


def test_a_table_asked_for_again_is_the_same_to_the_byte_after_late_records_and_corrections() -> None:
    city = City()
    hub = city.hub
    hub.publish({"type": "campaign", "id": "fire", "name": "消防", "from": "2026-11-01", "to": "2026-11-20"})
    hub.check_all(many_checks(GROUPS, _day("2026-10-20"), 120))
    headers = hub.user("ann", "admin")
    case = {
        "unit": E_VILLAGE, "date": "2026-11-02", "kind": "dispute", "category": "02", "source": "self_found",
        "complexity": "simple", "urgency": "yellow",
    }  # fmt: skip
    assert hub.browser().post("/api/v1/cases", json=case, headers=headers).status_code == 201
    at = iso_instant(city.clock.at_ms)
    assert at is not None
    issued = printed(city, headers)
    position = position_at(hub.db, city.clock.at_ms)
    before = hub.browser().get(f"/api/v1/rollup?unit={CITY}&period=2026-10-01..2026-11-22", headers=headers).json
    city.clock.forward(HOUR_MS)
    late = [
        check_body(group, f"2026-{month}-{day:02}", day % 3, occasion=occasion)
        for month, days in (("08", range(1, 32)), ("09", range(1, 31)), ("10", range(1, 20)), ("11", range(10, 23)))
        for day in days
        for group in GROUPS
        for occasion in ("regular", *(["campaign:fire"] if month == "11" and day <= 20 else []))
    ]
    extra = [check_body(E_TOWN, f"2026-{month}-{day:02}") for month in ("07", "08", "09") for day in range(1, 31)]
    more = [check_body(unit, f"2026-{month:02}-{day:02}") for unit in (E_VILLAGE, W_VILLAGE, E_TOWN)
            for month in (1, 2, 3, 4) for day in range(1, 29)]  # fmt: skip
    assert len(hub.check_all([*late, *extra, *more][:1000])) == 1000
    corrected = hub.check_all(check_body(GROUPS[n % 6], _day("2026-10-20", n // 6), 2) for n in range(100))
    hub.browser().post("/api/v1/cases", json=case, headers=headers)
    hub.publish({"type": "unit", "act": "move", "unit": W_VILLAGE, "parent": E_TOWN, "date": "2026-11-10"})
    hub.publish({"type": "campaign", "id": "fire", "name": "消防二", "from": "2026-11-01", "to": "2026-11-12"})
    assert printed(city, headers, as_of=at) == issued
    asked = f"/api/v1/rollup/arrived?unit={CITY}&period=2026-10-01..2026-11-22"
    told = hub.browser().get(f"{asked}&as_of={at}&limit=500", headers=headers).json
    now = hub.browser().get(f"/api/v1/rollup?unit={CITY}&period=2026-10-01..2026-11-22", headers=headers).json
    assert (told["since"], told["then"], told["now"]) == (position, before["measures"], now["measures"])
    assert told["difference"] == {
        name: value - before["measures"][name]
        for name, value in now["measures"].items()
        if value != before["measures"][name]
    }
    assert told["difference"]["checks_found"] > 0
    events = _all(city, headers, f"{asked}&since={position}&limit=400")
    assert set(corrected) <= {one["event"] for one in events if one["amends"]}
    assert [one["position"] for one in events] == sorted(one["position"] for one in events)
    assert {one["kind"] for one in events} == {"chk", "case", "dir", "campaign"}
    dated = [one["date"] for one in events if one["kind"] == "chk"]
    assert len(dated) == sum(body["date"] >= "2026-10" for body in [*late, *extra, *more][:1000]) + 100
    page = hub.browser().get(f"/rollup?unit={CITY}&period=2026-11&as_of={at}", headers=headers).get_data(as_text=True)
    assert "此后补到的记录" in page
    listing = hub.browser().get(f"/rollup/arrived?unit={CITY}&period=2026-11&since={position}", headers=headers)
    assert "更正排查上报" in listing.get_data(as_text=True) or "排查上报" in listing.get_data(as_text=True)


def _day(text: str, later: int = 0) -> Any:
    return date.fromisoformat(text) + timedelta(days=later)


def _all(city: City, headers: dict[str, str], asked: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        page = city.hub.browser().get(f"{asked}{after}", headers=headers).json
        items += page["items"]
        if page["next"] is None:
            return items
        after = f"&after={page['next']}"


def test_only_what_concerns_the_unit_and_period_is_listed() -> None:
    city = City()
    start = position_at(city.hub.db, city.clock.at_ms)
    event = city.hub.check(E_GROUPS[0], "2026-11-20")
    city.hub.check(E_GROUPS[0], "2026-10-20")
    items = arrived(city.hub.replica, E_VILLAGE, "2026-11", start)["items"]
    assert [(one["event"], one["kind"], one["amends"]) for one in items] == [(event, "chk", None)]
    assert arrived(city.hub.replica, W_VILLAGE, "2026-11", start)["items"] == []
    with pytest.raises(Invalid):
        arrived(city.hub.replica, CITY, "2026-11", 10_000)


@pytest.mark.parametrize("query", ["", "&since=1&as_of=2026-11-01T00:00:00Z", "&since=x", "&since=1&after=z"])
def test_a_question_without_one_position_is_refused(query: str) -> None:
    city = City()
    headers = city.hub.user("ann", "admin")
    said = city.hub.browser().get(f"/api/v1/rollup/arrived?unit={CITY}&period=2026-11{query}", headers=headers)
    assert said.status_code == 422


def test_a_log_too_large_to_replay_says_so_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    city = City()
    monkeypatch.setattr(asof, "MAX_REPLAYED", 2)
    headers = city.hub.user("ann", "admin")
    said = city.hub.browser().get("/api/v1/rollup?period=2026-11&as_of=2026-11-01T00:00:00Z", headers=headers)
    assert (said.status_code, said.json["code"]) == (422, "as_of_too_large")


def test_a_unit_that_was_not_known_at_the_instant_is_told_apart_from_one_that_never_was() -> None:
    city = City()
    browser, headers = city.hub.browser(), city.hub.user("ann", "admin")
    asked = {"period": "2026-11", "as_of": "2026-01-01T00:00:00Z"}
    early = browser.get("/api/v1/rollup", query_string={"unit": CITY, **asked}, headers=headers)
    assert (early.status_code, early.json["code"], early.json["field"]) == (404, "unit_not_known_then", "unit")
    never = browser.get("/api/v1/rollup", query_string={"unit": "429999999999", **asked}, headers=headers)
    assert (never.status_code, never.json["code"]) == (404, "unknown_unit")


def test_a_table_made_while_the_clock_was_set_back_can_be_printed_again() -> None:
    city = City()
    hub = city.hub
    hub.check(E_GROUPS[0], "2026-11-20")
    stored = city.clock.at_ms
    city.clock.at_ms = 0  # a dead battery
    browser, headers = hub.browser(), hub.user("ann", "admin")
    asked = f"/api/v1/rollup?unit={CITY}&period=2026-11"
    issued = browser.get(asked, headers=headers)
    assert (issued.json["as_of"], issued.json["measures"]["checks_zero"]) == (iso_instant(stored), 1)
    assert issued.json["measures"]["checks_missing"] > 0  # judged then, not in 1970
    city.clock.at_ms = stored + HOUR_MS
    hub.check(E_GROUPS[1], "2026-11-20")
    again = browser.get(f"{asked}&as_of={issued.json['as_of']}", headers=headers)
    assert again.get_data() == issued.get_data()
