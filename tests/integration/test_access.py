"""One table of role x route, enforced before the view runs; a route without an entry is refused."""

from __future__ import annotations

import pytest
from flask import Flask

from builders import E_GROUPS, E_VILLAGE, EAST, W_GROUPS, WEST, City, Node
from node.access import RULES, rule_for
from node.people import accounts
from schemas.roles import ROLES

GET_ROUTES = {
    "/api/v1/checks": {"worker", "mediator", "reviewer", "admin"},
    "/api/v1/duties": set(ROLES) - {"viewer"},
    "/api/v1/units": set(ROLES),
    f"/api/v1/units/{EAST}": set(ROLES),
    "/api/v1/rollup?period=2026-11": set(ROLES),
    "/api/v1/sync": set(ROLES),
    "/api/v1/users": {"admin"},
    "/today": {"worker", "mediator", "reviewer", "admin"},
    "/records": {"worker", "mediator", "reviewer", "admin"},
    "/rollup": set(ROLES),
    "/sync": set(ROLES) - {"viewer"},
    "/users": {"admin"},
    "/nodes": {"admin"},
    "/audit": {"admin"},
    "/audit/export": {"admin"},
    "/more": set(ROLES),
}


@pytest.fixture(scope="module")
def hub() -> Node:
    return City().hub


def endpoints(app: Flask) -> set[str]:
    found = set()
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            found.add(f"{rule.endpoint}:{method}")
    return found


def test_every_route_has_an_entry_and_no_entry_is_dead(hub: Node) -> None:
    routes = endpoints(hub.app)
    assert {route for route in routes if rule_for(*route.rsplit(":", 1)) is None} == set()
    named = {route.rsplit(":", 1)[0] for route in routes} | routes
    assert set(RULES) - named == set()


def test_a_route_without_an_entry_is_refused(hub: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = hub.user("nobody-yet", "admin")
    monkeypatch.setattr("node.access.RULES", {})
    reply = hub.browser().get("/api/v1/units", headers=headers)
    assert (reply.status_code, reply.get_json()["code"]) == (403, "no_access_entry")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reads_what_is_its_own_and_nothing_else(hub: Node, role: str) -> None:
    headers = hub.user(f"reads-{role}", role)
    for path, roles in GET_ROUTES.items():
        reply = hub.browser().get(path, headers=headers)
        assert reply.status_code == (200 if role in roles else 403), (path, reply.get_data(as_text=True)[:200])


@pytest.mark.parametrize("path", [path for path in GET_ROUTES if path.startswith("/api/")])
def test_without_credentials_the_api_says_401(hub: Node, path: str) -> None:
    reply = hub.browser().get(path)
    assert (reply.status_code, reply.content_type) == (401, "application/problem+json")


@pytest.mark.parametrize("path", [path for path in GET_ROUTES if not path.startswith("/api/")])
def test_without_credentials_a_page_leads_to_the_sign_in(hub: Node, path: str) -> None:
    reply = hub.browser().get(path)
    assert (reply.status_code, reply.headers["Location"].split("?")[0]) == (302, "/sign-in")


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic YTpi", "token"])
def test_credentials_that_do_not_hold_are_401(hub: Node, header: str) -> None:
    assert hub.browser().get("/api/v1/units", headers={"Authorization": header}).status_code == 401


def test_a_user_acts_in_the_subtree_of_the_own_unit_only(hub: Node) -> None:
    headers = hub.user("village-worker", "worker", E_VILLAGE)
    own = {"unit": E_GROUPS[0], "date": "2026-11-20", "result": "zero"}
    other = {**own, "unit": W_GROUPS[0]}
    browser = hub.browser()
    assert browser.post("/api/v1/checks", json=own, headers={**headers, "Idempotency-Key": "a"}).status_code == 201
    refused = browser.post("/api/v1/checks", json=other, headers={**headers, "Idempotency-Key": "b"})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "unit_out_of_scope")
    for path in (f"/api/v1/duties?unit={WEST}", f"/api/v1/rollup?period=2026-11&unit={EAST}", f"/today?unit={WEST}"):
        assert browser.get(path, headers=headers).status_code == 403


def test_a_session_writes_only_with_its_csrf_token(hub: Node) -> None:
    accounts.add(hub.replica, "with-session", "admin", None)
    browser = hub.browser()
    browser.set_cookie("grid_session", accounts.open_session(hub.replica, "with-session"))
    assert browser.get("/api/v1/units").status_code == 200
    body = {"unit": E_GROUPS[1], "date": "2026-11-20", "result": "zero"}
    refused = browser.post("/api/v1/checks", json=body, headers={"Idempotency-Key": "c"})
    assert (refused.status_code, refused.get_json()["code"]) == (400, "csrf")
    assert browser.post("/nodes/invite", data={"unit": EAST}).status_code == 400
