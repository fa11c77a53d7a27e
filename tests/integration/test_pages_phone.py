"""The phone's pages at the node, without JavaScript: what was found, several units, taking in from a phone."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from test_pages import signed_in, token_in

from builders import E_GROUPS, E_VILLAGE, EAST, NOW_MS, W_GROUPS, City, Node
from schemas.entries import FILE_FORMAT, FORM, MAX_ENTRIES

CASE_URL = f"/today/case?unit={E_GROUPS[0]}&date=2026-11-23"


@pytest.fixture
def county() -> Node:
    city = City()
    return city.join(city.hub, EAST)


def checks(node: Node) -> list[tuple[Any, ...]]:
    return node.db.execute(
        "SELECT unit, day, result, disputes, hazards FROM check_report ORDER BY unit, day"
    ).fetchall()


def form(browser: FlaskClient, **changed: str) -> dict[str, str]:
    page = browser.get(CASE_URL).get_data(as_text=True)
    idem = re.search(r'name="idem" value="([^"]+)"', page)
    assert idem is not None
    fields = {
        "csrf_token": token_in(page), "idem": idem[1], "unit": E_GROUPS[0], "date": "2026-11-23",
        "category": "hazard.fire", "urgency": "red", "place": "晒谷场", "party_0_role": "applicant",
        "party_0_name": "甲某", "party_0_phone": "１３８００００００００", "narrative": "电线老化",
    }  # fmt: skip
    return {**fields, **changed}


@pytest.mark.parametrize(
    ("changed", "status", "word"),
    [
        ({"category": ""}, 422, "没有保存"),
        ({"category": "dispute.77"}, 422, "没有保存"),
        ({"urgency": "purple"}, 422, "没有保存"),
        ({"party_0_phone": "1" * 31}, 422, "没有保存"),
        ({"place": "长" * 201}, 422, "没有保存"),
        ({"unit": W_GROUPS[0]}, 403, ""),
    ],
)
def test_a_form_with_a_mistake_comes_back_with_what_was_typed_and_stores_nothing(
    county: Node, changed: dict[str, str], status: int, word: str
) -> None:
    browser = signed_in(county, "worker", E_GROUPS[0])
    before = county.count()
    reply = browser.post("/today/case", data=form(browser, **changed))
    page = reply.get_data(as_text=True)
    assert (reply.status_code, word in page, county.count()) == (status, True, before)
    if status == 422:
        assert "电线老化" in page


def test_what_was_found_is_one_form_without_a_script_and_a_double_tap_is_one_case(county: Node) -> None:
    browser = signed_in(county, "worker", E_GROUPS[0])
    fields = form(browser)
    for _ in range(2):
        assert browser.post("/today/case", data=fields).status_code == 302
    assert checks(county) == [(E_GROUPS[0], "2026-11-23", "found", 0, 1)]
    (private,) = county.db.execute("SELECT text FROM part WHERE name = 'per'").fetchall()
    assert json.loads(private[0])["parties"] == [{"role": "applicant", "name": "甲某", "phone": "13800000000"}]
    again = browser.post("/today/case", data={**fields, "narrative": "另一件"})  # gone back to, and changed
    assert again.status_code == 409
    assert "另一件" in again.get_data(as_text=True)


def test_a_worker_of_several_groups_sees_the_first_and_chooses_among_them(county: Node) -> None:
    browser = signed_in(county, "worker", E_VILLAGE)
    page = browser.get("/today").get_data(as_text=True)
    assert "今日无事" in page
    assert [group in page for group in E_GROUPS] == [True, True, True]
    assert f'name="unit" value="{E_GROUPS[0]}"' in page
    assert f'name="unit" value="{E_GROUPS[1]}"' in browser.get(f"/today?unit={E_GROUPS[1]}").get_data(as_text=True)


def phone_file(*entries: dict[str, Any], **changed: Any) -> bytes:
    document = {"format": FILE_FORMAT, "account": "网格员甲", "entries": list(entries), **changed}
    return json.dumps(document).encode()


def entry(number: int, **changed: Any) -> dict[str, Any]:
    body = {"form": FORM, "kind": "zero", "unit": E_GROUPS[0], "date": "2026-11-23", "made_at": NOW_MS, **changed}
    return {"id": f"{number:032x}", "body": body}


def upload(browser: FlaskClient, content: bytes) -> Any:
    token = token_in(browser.get("/today/take-in").get_data(as_text=True))
    data = {"csrf_token": token, "file": (io.BytesIO(content), "grid.json")}
    return browser.post("/today/take-in", data=data, content_type="multipart/form-data")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[]", 422),
        (phone_file(format="other/1"), 422),
        (phone_file(), 422),
        (phone_file(*[entry(number) for number in range(MAX_ENTRIES + 1)]), 422),
        (phone_file({"id": "x", "body": {}}), 422),
        (phone_file({"id": "0" * 32}), 422),
        (b" " * 20_001, 413),
    ],
    ids=["empty", "text", "list", "format", "none", "many", "id", "body", "large"],
)
def test_a_file_that_is_none_of_a_phone_is_told_and_stores_nothing(
    county: Node, content: bytes, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.pages.taking_in.MAX_FILE_BYTES", 20_000 if status == 413 else 10**6)
    browser = signed_in(county, "worker", E_GROUPS[0])
    before = county.count()
    reply = upload(browser, content)
    assert (reply.status_code, "没有保存" in reply.get_data(as_text=True)) == (status, True)
    assert county.count() == before


def test_each_entry_of_a_file_is_taken_once_or_refused_by_itself_with_the_reason(county: Node) -> None:
    browser = signed_in(county, "worker", E_VILLAGE)
    file = phone_file(
        entry(1),
        entry(2, unit=W_GROUPS[0]),
        entry(3, unit=E_GROUPS[1], date="2026-11-20"),
        entry(4, unit=5),
        entry(5, form=[]),
        entry(6, kind="found", case={"kind": []}),
    )
    first, again = upload(browser, file).get_data(as_text=True), upload(browser, file).get_data(as_text=True)
    assert "收下 2 条，早已有 0 条，没收 4 条" in first
    assert "收下 0 条，早已有 2 条，没收 4 条" in again
    assert "网格员甲" in first
    assert [row[:3] for row in checks(county)] == [
        (E_GROUPS[0], "2026-11-23", "zero"),
        (E_GROUPS[1], "2026-11-20", "zero"),
    ]


def test_the_phone_is_told_its_units_their_days_and_the_clock(county: Node) -> None:
    county.check(E_GROUPS[0], "2026-11-20", 1)
    headers = county.user("w", "worker", E_VILLAGE)
    told = county.browser().get("/api/v1/phone", headers=headers).get_json()
    assert [one["id"] for one in told["units"]] == list(E_GROUPS)
    assert (told["account"], told["home"], told["now"], told["lang"]) == ("w", True, NOW_MS, "zh_CN")
    first = told["units"][0]
    states = {one["day"]: (one["state"], one["found"]) for one in first["days"]}
    assert (states["2026-11-23"], states["2026-11-22"], states["2026-11-20"]) == (
        ("due", 0),
        ("missing", 0),
        ("late_found", 1),
    )
    assert len(states) == 8
    assert (first["due_ms"], first["grace_ms"], first["owed"]) == (20 * 3_600_000, 34 * 3_600_000, True)
    assert first["path"] == ["试点市", "东县", "东镇", "东村"]
    (record,) = first["records"]
    assert (record["day"], [step["key"] for step in record["steps"]]) == (
        "2026-11-20",
        ["saved", "village", "township", "county", "city"],
    )


def test_who_reports_for_nobody_is_told_no_units(county: Node) -> None:
    told = county.browser().get("/api/v1/phone", headers=county.user("v", "viewer")).get_json()
    assert (told["units"], told["home"]) == ([], False)
