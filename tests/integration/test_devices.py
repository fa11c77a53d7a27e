"""A phone signs in once by a code, stays signed in, and is taken off the list."""

from __future__ import annotations

import re

import pytest
from test_users_pages import OLD, post, sign_in, who

from builders import E_GROUPS, E_VILLAGE, EAST, City, Node
from node.pages import devices as pages
from node.people import accounts, sessions
from node.people.account_queries import Account
from node.phones import devices
from schemas.errors import GridError

CODE = re.compile(r"<b class=\"mono\">([A-Z2-7]{4}-[A-Z2-7]{4})</b>")
PHONE = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/109.0.0.0 Mobile Safari/537.36"
LI = Account("li", "worker", E_GROUPS[0])
BOSS = Account("boss", "admin", EAST)


@pytest.fixture
def county() -> Node:
    """A county where li works and boss administers; a village has an administrator of its own."""
    city = City()
    node = city.join(city.hub, EAST)
    for name, role, unit in (("li", "worker", E_GROUPS[0]), ("boss", "admin", None), ("vboss", "admin", E_VILLAGE)):
        accounts.add(node.replica, name, role, unit)
        accounts.set_password(node.replica, name, OLD)
    return node


def code_of(page: str) -> str:
    found = CODE.search(page)
    assert found, page
    return found[1]


def enter(node: Node, code: str, status: int = 302) -> object:
    phone = node.browser()
    phone.environ_base["HTTP_USER_AGENT"] = PHONE
    reply = post(phone, "/phones/in", {"code": code}, "/phones/in")
    assert reply.status_code == status, reply.text
    return phone


def test_a_wrong_used_replaced_or_old_code_signs_nobody_in(county: Node) -> None:
    for code in ("", "AAAA-AAAA", "x" * 20):
        enter(county, code, 401)
    first = devices.new_code(county.replica, LI, "li")
    second = devices.new_code(county.replica, LI, "li")
    enter(county, first, 401)
    enter(county, second)
    enter(county, second, 401)
    late = devices.new_code(county.replica, LI, "li")
    county.env.clock.forward(devices.CODE_LIFE_MS + 1)
    enter(county, late, 401)
    assert county.count("session") == 1


def test_nobody_makes_a_code_for_somebody_else_s_account_but_its_administrator(county: Node) -> None:
    for actor, name in ((LI, "boss"), (Account("vboss", "admin", E_VILLAGE), "boss")):
        with pytest.raises(GridError):
            devices.new_code(county.replica, actor, name)
    worker = sign_in(county, "li")
    assert post(worker, "/users/phone", {"name": "boss"}, "/phones").status_code == 403
    assert county.count("phone_code") == 0


def test_a_disabled_account_gets_no_code_and_its_code_opens_nothing(county: Node) -> None:
    code = devices.new_code(county.replica, LI, "li")
    boss = sign_in(county, "boss")
    post(boss, "/users/disable", {"name": "li", "confirm": "yes"}, "/users/one?name=li")
    enter(county, code, 401)
    with pytest.raises(GridError, match="account_disabled"):
        devices.new_code(county.replica, BOSS, "li")


def test_after_thirty_wrong_codes_the_way_in_is_shut_for_a_quarter_of_an_hour_even_for_the_right_one(
    county: Node,
) -> None:
    code = devices.new_code(county.replica, LI, "li")
    for at in range(devices.MAX_GUESSES):
        with pytest.raises(GridError, match="phone_code_wrong"):
            devices.redeem(county.replica, f"AAAA-{at:04d}")
    enter(county, code, 429)
    county.env.clock.forward(devices.GUESSES_WITHIN_MS + 1)
    enter(county, code)


def test_a_link_shows_the_code_and_a_tap_signs_the_phone_in_for_half_a_year(county: Node) -> None:
    desk = sign_in(county, "li")
    shown = post(desk, "/phones/code", {}, "/phones").text
    code = code_of(shown)
    assert "<svg" in shown
    looked = county.browser().get(f"/phones/in?code={code}")
    assert code in looked.text
    assert county.count("phone_code") == 1  # a preview does not use it up
    phone = enter(county, code.replace("-", " ").lower())
    assert who(phone) == "li"  # type: ignore[arg-type]
    county.env.clock.forward(sessions.SESSION_LIFE_MS + 1)
    assert who(desk) is None
    assert who(phone) == "li"  # type: ignore[arg-type]
    county.env.clock.forward(devices.DEVICE_LIFE_MS)
    assert who(phone) is None  # type: ignore[arg-type]


def test_an_administrator_gives_a_worker_a_code_sees_the_phone_and_signs_it_out(county: Node) -> None:
    boss = sign_in(county, "boss")
    code = code_of(post(boss, "/users/phone", {"name": "li"}, "/users/one?name=li").text)
    phone = enter(county, code)
    page = boss.get("/users/one?name=li").text
    assert "Chrome · Android" in page
    handle = re.search(r'action="/users/device">.*?name="id" value="([^"]+)"', page, re.S)
    assert handle, page
    form = {"name": "li", "id": handle[1]}
    assert post(boss, "/users/device", form, "/users/one?name=li").status_code == 303
    assert who(phone) is None  # type: ignore[arg-type]
    assert post(boss, "/users/device", form, "/users/one?name=li").status_code == 404
    acts = [row[0] for row in county.db.execute("SELECT act FROM audit ORDER BY n DESC LIMIT 2")]
    assert acts == ["device_ended", "phone_code"]


def test_an_administrator_of_a_village_ends_no_device_of_the_county(county: Node) -> None:
    sign_in(county, "boss")
    (open_now,) = sessions.sessions_of(county.replica, "boss", None)
    village = sign_in(county, "vboss")
    assert post(village, "/users/device", {"name": "boss", "id": open_now.id}, "/users").status_code == 403
    assert len(sessions.sessions_of(county.replica, "boss", None)) == 1


def test_the_address_for_phones_is_the_configured_one_else_the_reader_s_and_never_localhost_if_there_is_a_network(
    county: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = county.browser()
    assert "http://192.168.3.4:8080" in browser.get("/phones", base_url="http://192.168.3.4:8080").text
    monkeypatch.setattr(pages, "lan_address", lambda: "192.168.9.9")
    assert "http://192.168.9.9:8080" in browser.get("/phones", base_url="http://localhost:8080").text
    monkeypatch.setattr(pages, "lan_address", lambda: None)
    assert "只有本机能打开" in browser.get("/phones", base_url="http://127.0.0.1:8080").text
    county.app.extensions["grid"].address = "https://honghu.internal"
    assert "https://honghu.internal" in browser.get("/phones").text
