"""Small figures below township level: `<5` for a viewer and in every file, exact for who may open the records."""

from __future__ import annotations

from typing import Any

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, City
from schemas.labels import label

MASK = {"value": None, "masked": True}


def reported() -> City:
    city = City()
    for day in ("2026-11-20", "2026-11-21"):
        city.hub.check(E_GROUPS[0], day)
    city.hub.check(E_GROUPS[1], "2026-11-20", 1)
    return city


def asked(city: City, role: str, unit: str, **query: str) -> Any:
    headers = city.hub.user(f"{role}-{city.hub.count('account')}", role, unit)
    return city.hub.browser().get("/api/v1/rollup", query_string={"period": "2026-11", **query}, headers=headers)


def test_a_viewer_of_a_village_sees_no_small_figure_and_a_worker_sees_all() -> None:
    city = reported()
    seen = asked(city, "viewer", E_VILLAGE, by="children").json
    assert seen["measures"]["checks_zero"] == MASK
    assert seen["measures"]["checks_found"] == MASK
    assert seen["rates"]["coverage"]["value"] is None
    exact = asked(city, "worker", E_VILLAGE, by="children").json
    assert (exact["measures"]["checks_zero"], exact["measures"]["checks_found"]) == (2, 1)
    assert asked(city, "viewer", EAST).json["measures"]["checks_zero"] == 2


def test_a_file_is_masked_whoever_asks_for_it() -> None:
    city = reported()
    text = asked(city, "admin", E_VILLAGE, by="children", format="csv").get_data().decode("utf-8-sig")
    header, *rows = [line.split(",") for line in text.splitlines()]
    at = header.index(label("zh_CN", "measure.checks_zero"))
    assert {row[at] for row in rows} <= {"<5", "*", "0"}
    assert "<5" in {row[at] for row in rows}


def test_the_figures_page_of_a_viewer_prints_masks_and_shows_no_single_report() -> None:
    city = reported()
    headers = city.hub.user("ding", "viewer", E_VILLAGE)
    for unit, by in ((E_VILLAGE, "children"), (E_VILLAGE, "day"), (E_GROUPS[0], "day"), (E_VILLAGE, "category")):
        page = city.hub.browser().get(f"/rollup?unit={unit}&period=2026-11&by={by}&about=checks", headers=headers)
        text = page.get_data(as_text=True)
        assert page.status_code == 200
        assert "&lt;5" in text or by == "category"
        assert 'class="badge' not in text.split("<table")[-1]
    matrix = city.hub.browser().get(f"/matrix?unit={E_VILLAGE}&period=2026-11", headers=headers)
    assert matrix.status_code == 200
    assert city.hub.browser().get(f"/rollup?unit={E_TOWN}", headers=headers).status_code == 403


def test_a_comparison_is_the_answer_for_the_other_period_and_is_masked_like_it() -> None:
    city = reported()
    city.hub.check(E_GROUPS[0], "2026-10-20")
    city.hub.check(E_GROUPS[0], "2025-11-02", 1)
    exact = asked(city, "admin", E_VILLAGE, compare="both").json
    for kind, period in (("previous", "2026-10"), ("last_year", "2025-11")):
        other = asked(city, "admin", E_VILLAGE, period=period).json
        beside = exact["comparison"][kind]
        assert (beside["period"], beside["measures"], beside["rates"]) == (period, other["measures"], other["rates"])
    assert exact["comparison"]["previous"]["change"]["checks_zero"] == {"difference": 1, "percent": "100.00"}
    seen = asked(city, "viewer", E_VILLAGE, compare="both").json
    assert seen["comparison"]["previous"]["measures"]["checks_zero"] == MASK
    assert seen["comparison"]["previous"]["change"]["checks_zero"] == MASK
    assert asked(city, "admin", E_VILLAGE, compare="week").status_code == 422
    headers = city.hub.user("chen", "viewer", E_VILLAGE)
    page = city.hub.browser().get(f"/rollup?unit={E_VILLAGE}&period=2026-11", headers=headers).get_data(as_text=True)
    assert "环比" in page
    assert "2025-11" in page
