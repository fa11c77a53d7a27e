"""The city's rooms: pages and entries of the menu that a hub adds to a node's, under the same door."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Blueprint, Response
from flask.testing import FlaskClient

from builders import E_VILLAGE, EAST, City
from hub import pages as city_pages
from node.access import RULES, Rule
from node.app import create_app
from node.grid import Grid
from node.pages.frame import GROUPS
from node.people import accounts
from node.rooms import Rooms
from schemas.roles import EVERYBODY

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def city() -> City:
    """A hub and the node of a county."""
    city = City()
    city.line(EAST)
    return city


def signed_in(city: City, at: int, role: str, unit: str | None = None) -> FlaskClient:
    """A browser of somebody at the hub (0) or the county (1)."""
    node, name = city.nodes[at], f"{role}-{unit or 'own'}"
    if node.count("account", f"name = '{name}'") == 0:
        accounts.add(node.replica, name, role, unit)
    browser = node.browser()
    browser.set_cookie("grid_session", accounts.open_session(node.replica, name))
    return browser


def test_a_room_without_an_entry_in_the_role_table_is_refused(city: City) -> None:
    room = Blueprint("annex", __name__)
    room.add_url_rule("/annex", "door", lambda: Response("in"))
    app = create_app(Grid(lambda: city.hub.replica, city.hub.secret, lambda: True), Rooms(pages=(room,)))
    browser = app.test_client()
    headers = city.hub.user("annex", "admin")
    refused = browser.get("/annex", headers=headers)
    assert (refused.status_code, refused.mimetype) == (403, "text/html")


def test_a_room_with_an_entry_opens_and_stands_in_the_menu_on_top(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Blueprint("annex", __name__)
    room.add_url_rule("/annex", "door", lambda: Response("in"))
    monkeypatch.setattr("node.access.RULES", {**RULES, "annex.door": Rule(EVERYBODY)})
    rooms = Rooms(pages=(room,), menu={"nav.group.city": (("annex.door", "nav.matrix", "list"),)}, home="annex.door")
    app = create_app(Grid(lambda: city.hub.replica, city.hub.secret, lambda: True), rooms)
    browser, headers = app.test_client(), city.hub.user("annexed", "viewer")
    assert browser.get("/annex", headers=headers).text == "in"
    menu = browser.get("/more", headers=headers).text
    assert menu.index('href="/annex"') < menu.index('href="/rollup"')
    assert browser.get("/", headers=headers).headers["Location"] == "/annex"


def test_the_citys_pages_are_at_the_hub_only(city: City) -> None:
    assert signed_in(city, 0, "admin").get("/matrix").status_code == 200
    assert signed_in(city, 1, "admin").get("/matrix").status_code == 404
    assert "/matrix" not in signed_in(city, 1, "admin").get("/more").text


def test_a_page_of_the_city_keeps_to_the_unit_of_its_reader(city: City) -> None:
    browser = signed_in(city, 0, "viewer", E_VILLAGE)
    assert browser.get(f"/matrix?unit={EAST}").status_code == 403
    assert browser.get("/matrix?unit=999999999999").status_code == 404


def test_every_entry_of_the_menu_is_a_page_of_the_application(city: City) -> None:
    endpoints = {rule.endpoint for rule in city.hub.app.url_map.iter_rules()}
    entries = [entry for group in (*city_pages.MENU.values(), *GROUPS.values()) for entry in group]
    assert {endpoint for endpoint, _, _ in entries} - endpoints == set()
    inside = {one for pages in city_pages.INSIDE.values() for one in pages}
    assert inside - endpoints == set()


def test_no_template_of_the_city_hides_behind_a_nodes_of_the_same_name() -> None:
    node, hub = ({path.name for path in (ROOT / room / "templates").rglob("*.html")} for room in ("node", "hub"))
    assert node & hub == set()
    assert "matrix.html" in hub
