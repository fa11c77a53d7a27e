"""下级节点: one node's page; revoking, replacing and readmitting it, refused first."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from test_renewal import renew
from test_users_pages import OLD, post, sign_in

from builders import CITY, E_TOWN, E_VILLAGE, EAST, W_TOWN, WEST, City, Node
from node.people import accounts
from sync import directory, enrol

POSTS = ("/nodes/revoke", "/nodes/replace", "/nodes/readmit")
EAST_NAME, TOWN_NAME = "东县", "东镇"


def people(node: Node) -> None:
    for name, role, unit in (("boss", "admin", None), ("li", "reviewer", None)):
        accounts.add(node.replica, name, role, unit)
        accounts.set_password(node.replica, name, OLD)


def staffed() -> City:
    """A hub with a county and its township, each with a node, and somebody at each."""
    city = City()
    for node in (city.hub, *city.line(EAST, E_TOWN)):
        people(node)
    return city


@pytest.fixture(scope="module")
def untouched() -> City:
    """One for all that is refused: it stays as it was."""
    return staffed()


@pytest.fixture
def city() -> City:
    """One for a test that changes it."""
    return staffed()


def one(unit: str) -> str:
    return f"/nodes/one?unit={unit}"


def do(browser: FlaskClient, path: str, unit: str, **form: Any) -> Any:
    return post(browser, path, {"unit": unit, **form}, shown_at=one(unit))


def nodes(node: Node, unit: str) -> list[str]:
    return directory.live_nodes(node.db, unit)


@pytest.mark.parametrize("path", POSTS)
def test_without_the_forms_token_or_the_role_nothing_is_done(untouched: City, path: str) -> None:
    city = untouched
    before = nodes(city.hub, EAST)
    boss = sign_in(city.hub, "boss")
    assert boss.post(path, data={"unit": EAST, "typed": EAST_NAME}).status_code == 400
    reviewer = sign_in(city.hub, "li")
    assert post(reviewer, path, {"unit": EAST, "typed": EAST_NAME}, shown_at="/sync").status_code == 403
    assert reviewer.get(one(EAST)).status_code == 403
    assert nodes(city.hub, EAST) == before
    assert city.hub.count("invite", "used_by IS NULL") == 0


@pytest.mark.parametrize("path", POSTS)
def test_what_is_not_typed_out_is_not_done(untouched: City, path: str) -> None:
    city = untouched
    before, browser = nodes(city.hub, EAST), sign_in(city.hub, "boss")
    for given in ("", "东", TOWN_NAME, E_TOWN, "yes", "确认"):
        reply = do(browser, path, EAST, typed=given)
        assert reply.status_code == 422, given
        assert EAST_NAME in reply.text
    assert nodes(city.hub, EAST) == before
    assert city.hub.count("invite", "used_by IS NULL") == 0


def test_units_outside_and_unknown_ones_are_refused(untouched: City) -> None:
    town = next(node for node in untouched.nodes if node.unit == E_TOWN)
    browser = sign_in(town, "boss")
    for unit, status in ((E_TOWN, 404), (WEST, 403), (CITY, 403), ("429999999999", 404)):
        assert browser.get(one(unit)).status_code == status, unit


def test_an_administrator_of_a_county_at_the_hub_does_not_reach_another_county_s_node(untouched: City) -> None:
    city = untouched
    accounts.add(city.hub.replica, "west", "admin", WEST)
    accounts.set_password(city.hub.replica, "west", OLD)
    browser = sign_in(city.hub, "west")
    assert browser.get(one(EAST)).status_code == 403
    reply = post(browser, "/nodes/revoke", {"unit": EAST, "typed": EAST_NAME}, shown_at=one(W_TOWN))
    assert (reply.status_code, len(nodes(city.hub, EAST))) == (403, 1)
    assert f'href="{one(EAST)}"' not in browser.get("/nodes").text


@pytest.mark.parametrize("given", [EAST_NAME, " ４２１００１００００００ "])
def test_a_node_is_revoked_once_its_unit_is_typed_out(city: City, given: str) -> None:
    browser = sign_in(city.hub, "boss")
    before = browser.get(one(EAST)).text
    assert "不能恢复" in before
    assert TOWN_NAME in before  # whose records wait until a successor is there
    reply = do(browser, "/nodes/revoke", EAST, typed=given)
    assert reply.status_code == 200
    assert nodes(city.hub, EAST) == []
    assert "已作废" in reply.text
    assert "作废这个节点" not in reply.text
    east = next(node for node in city.nodes if node.unit == EAST)
    assert east.sync().last.problem == "revoked"
    assert city.hub.count("audit", "act = 'node_revoked'") == 1
    listed = browser.get("/nodes").text
    assert f'href="{one(EAST)}"' in listed
    assert "已作废" in listed


def test_a_machine_is_replaced_with_the_code_that_the_page_shows(city: City) -> None:
    browser = sign_in(city.hub, "boss")
    (earlier,) = nodes(city.hub, EAST)
    reply = do(browser, "/nodes/replace", EAST, typed=EAST_NAME)
    assert nodes(city.hub, EAST) == [earlier]  # until the code is used
    found = re.search(r'<b class="mono">([A-Z2-7-]+)</b>', reply.text)
    assert found is not None
    assert f"--code {found[1]} --replace" in reply.text
    assert found[1] not in browser.get(one(EAST)).text
    key = type(city.hub.replica.signer)(bytes(32))
    enrol.ask(city.hub.env, city.hub.url, EAST, found[1], key, replace=True)
    assert nodes(city.hub, EAST) == [key.node]
    page = browser.get(one(EAST)).text
    assert (page.count("已作废"), page.count(earlier[:10]), page.count(key.node[:10])) == (1, 1, 1)


def test_a_node_whose_issuer_was_revoked_asks_on_its_page_and_is_readmitted() -> None:
    city = City()
    east, town = city.line(EAST, E_TOWN)
    position = east.snapshot()
    village = city.join(town, E_VILLAGE)  # certified by the township after the county's copy was made
    east.restore(position)
    city.nodes.remove(village)
    new = city.replace(town, east)
    village.parent = new
    kept = village.check(E_VILLAGE, "2026-11-20")
    assert village.sync().last.problem == "unknown_key"
    people(new)
    browser = sign_in(new, "boss")
    waiting = village.replica.identity.node
    assert waiting[:10] in browser.get(one(E_VILLAGE)).text
    assert do(browser, "/nodes/readmit", E_VILLAGE, node=waiting, typed="").status_code == 422
    reply = do(browser, "/nodes/readmit", E_VILLAGE, node=waiting, typed="东村")
    assert (reply.status_code, nodes(new, E_VILLAGE)) == (200, [waiting])
    assert "重新接纳" in reply.text
    city.nodes.append(village)
    city.settle(20)
    assert city.hub.count("check_report", f"event = '{kept}'") == 1


def test_after_the_own_key_was_renewed_the_nodes_below_are_still_listed(city: City) -> None:
    east = city.nodes[1]
    renew(east)
    city.settle(20)
    listed = sign_in(east, "boss").get("/nodes").text
    assert f'href="{one(E_TOWN)}"' in listed
    assert listed.count("已作废") == 0
