"""Who may write what, and how far an account bound to a lower unit reaches: nowhere beyond its subtree."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from builders import CITY, E_GROUPS, E_VILLAGE, EAST, W_GROUPS, W_VILLAGE, WEST, City, Node, check_body, told
from node.people import accounts
from schemas.roles import ROLES

ENTER = {"worker", "mediator", "reviewer", "admin"}
NOBODY: set[str] = set()
WRITES: dict[tuple[str, str], set[str]] = {
    ("api", "/api/v1/checks"): ENTER,
    ("api", f"/api/v1/checks/{'A' * 43}/return"): {"reviewer", "admin"},
    ("api", "/api/v1/sync"): ENTER,
    ("api", "/api/v1/users"): {"admin"},
    ("api", "/api/v1/units"): {"admin"},
    ("form", "/today/check"): ENTER,
    ("form", "/sync/run"): ENTER,
    ("form", "/users"): {"admin"},
    ("form", "/nodes/invite"): {"admin"},
}


@pytest.fixture(scope="module")
def hub() -> Node:
    """A hub that hosts the whole tree."""
    return City().hub


def session(node: Node, name: str) -> FlaskClient:
    """A browser that is signed in, its forms' token in hand."""
    browser = node.browser()
    browser.set_cookie("grid_session", accounts.open_session(node.replica, name))
    return browser


def csrf(browser: FlaskClient) -> str:
    """The token of a page with a form."""
    return browser.get("/more").text.partition('name="csrf_token" value="')[2].partition('"')[0]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("kind", "path"), list(WRITES), ids=lambda part: str(part)[:30])
def test_each_role_writes_what_is_its_own_and_nothing_else(hub: Node, role: str, kind: str, path: str) -> None:
    name = f"{role}-{kind}-{abs(hash(path)) % 10**8}"
    headers = hub.user(name, role)
    before = hub.count()
    if kind == "api":
        reply = hub.browser().post(path, json={}, headers=headers | {"Idempotency-Key": "k"})
    else:
        browser = session(hub, name)
        token = csrf(browser)
        assert token
        reply = browser.post(path, data={"csrf_token": token})
    refused = reply.status_code == 403
    assert refused == (role not in WRITES[kind, path]), (reply.status_code, reply.text[:200])
    assert hub.count() == before


@pytest.mark.parametrize(("kind", "path"), list(WRITES), ids=lambda part: str(part)[:30])
def test_a_post_without_its_csrf_token_does_nothing_for_a_session(hub: Node, kind: str, path: str) -> None:
    name = f"session-{kind}-{abs(hash(path)) % 10**8}"
    hub.user(name, "admin")
    browser = session(hub, name)
    for forged in ("", "x" * 80):
        form = {"csrf_token": forged, "unit": W_GROUPS[0], "date": "2026-11-20", "result": "zero", "name": "new"}
        reply = browser.post(path, data=form)
        assert reply.status_code == 400, (path, reply.text[:200])
    assert hub.count("event", "kind = 'chk'") == 0
    assert hub.count("account", "name = 'new'") == 0


def test_the_csrf_token_of_one_browser_is_none_for_another(hub: Node) -> None:
    hub.user("one", "admin")
    mine, other = session(hub, "one"), session(hub, "one")
    assert csrf(mine)
    csrf(other)
    assert other.post("/sync/run", data={"csrf_token": csrf(mine)}).status_code == 400
    assert mine.post("/sync/run", data={"csrf_token": csrf(mine)}).status_code == 302


def test_a_token_beats_the_cookie_and_acts_for_its_own_account_only(hub: Node) -> None:
    hub.user("boss", "admin")
    headers = hub.user("small", "viewer", W_VILLAGE)
    browser = session(hub, "boss")
    assert browser.get("/api/v1/users").status_code == 200
    refused = browser.get("/api/v1/users", headers=headers)
    assert (refused.status_code, told(refused)["code"]) == (403, "role_not_allowed")


@pytest.fixture(scope="module")
def village_admin(hub: Node) -> dict[str, str]:
    """An administrator of one village, with an account at the hub."""
    return hub.user("village-admin", "admin", W_VILLAGE)


@pytest.mark.parametrize("unit", [CITY, WEST, EAST, E_VILLAGE])
def test_an_administrator_of_a_village_makes_no_user_beyond_it(
    hub: Node, village_admin: dict[str, str], unit: str
) -> None:
    body = {"name": f"crony-{unit}", "role": "admin", "unit": unit}
    reply = hub.browser().post("/api/v1/users", json=body, headers=village_admin)
    assert (reply.status_code, told(reply)["code"]) == (403, "unit_out_of_scope")
    browser = session(hub, "village-admin")
    assert browser.post("/users", data=body | {"csrf_token": csrf(browser)}).status_code == 403
    assert hub.count("account", f"name = 'crony-{unit}'") == 0


def test_a_user_made_without_a_unit_stands_where_its_maker_stands(hub: Node, village_admin: dict[str, str]) -> None:
    made = hub.browser().post("/api/v1/users", json={"name": "helper", "role": "admin"}, headers=village_admin)
    assert (made.status_code, told(made)["unit"]) == (201, W_VILLAGE)
    browser = session(hub, "village-admin")
    form = {"name": "helper-2", "role": "worker", "unit": "", "csrf_token": csrf(browser)}
    assert browser.post("/users", data=form).status_code == 200
    rows = hub.db.execute("SELECT DISTINCT unit FROM account WHERE name LIKE 'helper%'").fetchall()
    assert rows == [(W_VILLAGE,)]


def test_an_administrator_of_a_village_sees_the_users_of_the_village_only(
    hub: Node, village_admin: dict[str, str]
) -> None:
    hub.user("in-the-group", "worker", W_GROUPS[0])
    hub.user("in-the-east", "worker", EAST)
    listed = told(hub.browser().get("/api/v1/users", headers=village_admin))["items"]
    assert {one["unit"] for one in listed} <= {W_VILLAGE, *W_GROUPS}
    assert "in-the-group" in {one["name"] for one in listed}
    page = session(hub, "village-admin").get("/users").text
    assert ("in-the-group" in page, "in-the-east" in page) == (True, False)


@pytest.mark.parametrize("unit", [WEST, EAST])
def test_an_administrator_of_a_village_invites_no_node_beyond_it(
    hub: Node, village_admin: dict[str, str], unit: str
) -> None:
    browser = session(hub, "village-admin")
    assert browser.post("/nodes/invite", data={"unit": unit, "csrf_token": csrf(browser)}).status_code == 403
    assert hub.count("invite") == 0


def test_the_directory_is_changed_by_the_city_s_administrator_only(hub: Node, village_admin: dict[str, str]) -> None:
    act = {"act": "rename", "unit": W_VILLAGE, "date": "2026-11-20", "name": "新名"}
    refused = hub.browser().post("/api/v1/units", json=act, headers=village_admin)
    assert (refused.status_code, told(refused)["code"]) == (403, "unit_out_of_scope")
    city_admin = hub.user("city-admin", "admin")
    assert hub.browser().post("/api/v1/units", json={**act, "date": "x"}, headers=city_admin).status_code == 422
    other = hub.browser().post("/api/v1/units", json={"type": "cadence", **act}, headers=city_admin)
    assert (other.status_code, told(other)["field"]) == (422, "type")
    done = hub.browser().post("/api/v1/units", json=act, headers=city_admin)
    assert (done.status_code, told(done)["unit"]) == (201, W_VILLAGE)


def test_evidence_of_another_unit_s_record_is_refused() -> None:
    hub = City().hub
    event = hub.check(E_GROUPS[0])
    near, far = hub.user("near", "worker", E_VILLAGE), hub.user("far", "worker", W_VILLAGE)
    assert hub.browser().get(f"/api/v1/events/{event}", headers=near).status_code == 200
    refused = hub.browser().get(f"/api/v1/events/{event}", headers=far)
    assert (refused.status_code, told(refused)["code"]) == (403, "unit_out_of_scope")


def test_a_report_of_another_unit_is_returned_by_nobody_else() -> None:
    hub = City().hub
    event = hub.check(E_GROUPS[0])
    for unit in (W_VILLAGE, E_GROUPS[0], E_GROUPS[1]):
        headers = hub.user(f"r-{unit}", "reviewer", unit)
        reply = hub.browser().post(f"/api/v1/checks/{event}/return", json={"reason": "看"}, headers=headers)
        assert reply.status_code in (403, 409)
    assert hub.count("check_return") == 0
    above = hub.user("above", "reviewer", E_VILLAGE)
    reply = hub.browser().post(f"/api/v1/checks/{event}/return", json={"reason": "看"}, headers=above)
    assert reply.status_code == 201


@pytest.mark.parametrize(
    "path", ["/api/v1/checks", "/api/v1/duties", "/api/v1/rollup", "/today", "/records", "/rollup", "/today/found"]
)
def test_no_question_reaches_beyond_the_own_subtree(hub: Node, path: str) -> None:
    name = f"asks-{abs(hash(path)) % 10**8}"
    headers = hub.user(name, "reviewer", W_VILLAGE)
    for unit, status in ((W_VILLAGE, 200), (W_GROUPS[0], 200), (E_GROUPS[0], 403), (CITY, 403), (WEST, 403)):
        query: dict[str, Any] = {"unit": unit} | ({"date": "2026-11-20"} if path.endswith("found") else {})
        assert hub.browser().get(path, query_string=query, headers=headers).status_code == status, unit


def test_what_is_asked_for_without_a_unit_is_the_own_unit(hub: Node) -> None:
    headers = hub.user("asks-for-own", "reviewer", W_VILLAGE)
    browser = hub.browser()
    assert told(browser.get("/api/v1/rollup", headers=headers))["unit"] == W_VILLAGE
    assert told(browser.get("/api/v1/duties", headers=headers))["unit"] == W_VILLAGE
    body = check_body(E_GROUPS[2])
    refused = browser.post("/api/v1/checks", json=body, headers=headers | {"Idempotency-Key": "own"})
    assert (refused.status_code, told(refused)["code"]) == (403, "unit_out_of_scope")
