"""Pages as people use them, without JavaScript: sign in, report, correct, look."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from builders import E_GROUPS, EAST, WEST, City, Node
from node.people import accounts

PASSWORD = "a-password-1"
PAGES = ["/today", f"/today?unit={E_GROUPS[0]}", f"/today/found?unit={E_GROUPS[0]}&date=2026-11-20", "/records"]
PAGES += [
    "/rollup",
    f"/rollup?unit={E_GROUPS[0]}",
    "/rollup?by=day&period=2026-11",
    "/sync",
    "/users",
    "/nodes",
    "/more",
]


@pytest.fixture
def county() -> Node:
    city = City()
    return city.join(city.hub, EAST)


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None, page[:300]
    return found[1]


def post(browser: FlaskClient, shown_at: str, action: str, form: dict[str, Any]) -> Any:
    page = browser.get(shown_at).get_data(as_text=True)
    return browser.post(action, data={"csrf_token": token_in(page), **form})


def signed_in(node: Node, role: str = "admin", unit: str | None = None) -> FlaskClient:
    code = accounts.add(node.replica, role, role, unit)
    browser = node.browser()
    assert post(browser, "/sign-in", "/sign-in", {"name": role, "secret": code}).status_code == 302
    done = post(browser, "/set-password", "/set-password", {"password": PASSWORD, "again": PASSWORD})
    assert done.status_code == 302
    return browser


def events(node: Node) -> int:
    return node.count("event", "kind = 'chk'")


def test_a_wrong_secret_is_told_and_signs_nobody_in(county: Node) -> None:
    accounts.add(county.replica, "worker", "worker", None)
    browser = county.browser()
    refused = post(browser, "/sign-in", "/sign-in", {"name": "worker", "secret": "WRONG"})
    assert (refused.status_code, "密码不对" in refused.get_data(as_text=True)) == (401, True)
    assert browser.get("/today").status_code == 302


def test_without_the_forms_token_nothing_is_taken(county: Node) -> None:
    assert county.browser().post("/sign-in", data={"name": "a", "secret": "b"}).status_code == 400
    browser = signed_in(county)
    form = {"unit": E_GROUPS[0], "date": "2026-11-20", "result": "zero", "idem": "x"}
    assert browser.post("/today/check", data=form).status_code == 400
    assert events(county) == 0


def test_the_one_time_code_opens_once_then_the_password_does(county: Node) -> None:
    code = accounts.add(county.replica, "worker", "worker", None)
    browser = county.browser()
    post(browser, "/sign-in", "/sign-in", {"name": "worker", "secret": code})
    differ = post(browser, "/set-password", "/set-password", {"password": PASSWORD, "again": "other-one"})
    short = post(browser, "/set-password", "/set-password", {"password": "short", "again": "short"})
    assert (differ.status_code, short.status_code) == (422, 422)
    post(browser, "/set-password", "/set-password", {"password": PASSWORD, "again": PASSWORD})
    assert browser.get("/today").status_code == 200
    other = county.browser()
    assert post(other, "/sign-in", "/sign-in", {"name": "worker", "secret": code}).status_code == 401
    assert post(other, "/sign-in", "/sign-in", {"name": "worker", "secret": PASSWORD}).status_code == 302
    assert post(browser, "/today", "/sign-out", {}).status_code == 302
    assert browser.get("/today").status_code == 302


def test_one_tap_reports_zero_and_a_double_tap_reports_it_once(county: Node) -> None:
    browser = signed_in(county, "worker", E_GROUPS[0])
    page = browser.get("/today").get_data(as_text=True)
    key = re.search(r'name="idem" value="([^"]+)"', page)
    day = re.search(r'name="date" value="([^"]+)"', page)
    assert "今日无事" in page
    assert key is not None
    assert day is not None
    form = {"csrf_token": token_in(page), "unit": E_GROUPS[0], "date": day[1], "result": "zero", "idem": key[1]}
    for _ in range(2):
        assert browser.post("/today/check", data=form).status_code == 302
    assert events(county) == 1
    assert county.woken >= 1
    after = browser.get("/today").get_data(as_text=True)
    assert "已保存" in after
    assert "零报告" in after


def test_full_width_digits_are_what_chinese_keyboards_type(county: Node) -> None:
    browser = signed_in(county, "worker", E_GROUPS[0])
    form = {
        "unit": E_GROUPS[0],
        "date": "２０２６－１１－２０",
        "result": "found",
        "disputes": "２",
        "hazards": "",
        "idem": "k",
    }
    assert post(browser, "/today", "/today/check", form).status_code == 302
    row = county.db.execute("SELECT day, disputes, hazards FROM check_report").fetchone()
    assert row == ("2026-11-20", 2, 0)


@pytest.mark.parametrize(
    ("disputes", "hazards"), [("", ""), ("0", "0"), ("x", "1"), ("-1", "2"), ("1.5", "0"), ("99999", "0")]
)
def test_a_wrong_figure_comes_back_with_its_field_and_nothing_is_stored(
    county: Node, disputes: str, hazards: str
) -> None:
    browser = signed_in(county, "worker", E_GROUPS[0])
    form = {
        "unit": E_GROUPS[0],
        "date": "2026-11-20",
        "result": "found",
        "disputes": disputes,
        "hazards": hazards,
        "idem": "k",
    }
    refused = post(browser, "/today", "/today/check", form)
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.get_data(as_text=True)
    assert events(county) == 0


def test_a_correction_amends_and_both_stay_visible(county: Node) -> None:
    browser = signed_in(county, "worker", E_GROUPS[0])
    first = county.check(E_GROUPS[0], "2026-11-20")
    form = {"unit": E_GROUPS[0], "date": "2026-11-20", "result": "found", "disputes": "1", "hazards": "0"}
    assert post(browser, "/today", "/today/check", {**form, "amends": first, "idem": "k"}).status_code == 302
    assert events(county) == 2
    assert county.db.execute("SELECT result, conflicts FROM check_duty").fetchall() == [("found", 0)]
    assert browser.get("/records").get_data(as_text=True).count("11月20日") == 2


@pytest.mark.parametrize("path", PAGES)
def test_every_page_speaks_chinese_and_english(county: Node, path: str) -> None:
    county.check(E_GROUPS[0], "2026-11-20", 1)
    browser = signed_in(county)
    for language, word in (("zh_CN", "退出"), ("en", "Sign out")):
        assert browser.get(f"/language/{language}?next=/more").status_code == 302
        reply = browser.get(path)
        page = reply.get_data(as_text=True)
        assert (reply.status_code, word in page) == (200, True), path
        assert " style=" not in page
        assert "<script>" not in page


def test_a_refusal_is_a_page_with_a_way_back(county: Node) -> None:
    browser = signed_in(county)
    for path, status in (("/nosuch", 404), ("/today?unit=999999999999", 404), ("/rollup?period=2026-13", 422)):
        reply = browser.get(path)
        assert (
            reply.status_code,
            "返回" in reply.get_data(as_text=True) or "首页" in reply.get_data(as_text=True),
        ) == (status, True)


def test_a_refusal_names_role_and_units_in_words(county: Node) -> None:
    worker = signed_in(county, "worker")
    assert "您的角色（网格员）不能做这件事" in worker.get("/users").text
    assert "西县不在东县管辖之内" in worker.get(f"/todo?unit={WEST}").text


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_a_link_leads_nobody_to_another_site(county: Node, target: str) -> None:
    reply = county.browser().get("/language/en", query_string={"next": target})
    assert reply.headers["Location"] == "/"


def test_an_administrator_adds_a_user_and_invites_a_node(county: Node) -> None:
    browser = signed_in(county)
    added = post(browser, "/users", "/users", {"name": "李某", "role": "worker", "unit": ""})
    assert re.search(r"[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}", added.get_data(as_text=True))
    again = post(browser, "/users", "/users", {"name": "李某", "role": "worker", "unit": ""})
    assert again.status_code == 409
    town = county.db.execute("SELECT 1").fetchone() and E_GROUPS[0][:9] + "000"
    invited = post(browser, "/nodes", "/nodes/invite", {"unit": town})
    assert re.search(r"(?:[A-Z2-7]{4}-){7}[A-Z2-7]{4}", invited.get_data(as_text=True))


def test_pages_forbid_what_is_not_their_own(county: Node) -> None:
    headers = county.browser().get("/sign-in").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"
