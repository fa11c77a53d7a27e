"""Pages of people: own account, quick change of user on a shared PC, an administrator and one account."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from builders import E_GROUPS, E_VILLAGE, EAST, W_GROUPS, City, Node
from node import access
from node.pages.signing import MAX_PEOPLE
from node.people import accounts, accounts_admin, sessions

OLD, NEW = "old-password-1", "new-password-2"
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"
CODE = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}")


@pytest.fixture
def county() -> Node:
    """A county where li and wu work, boss administers, and a viewer looks."""
    city = City()
    node = city.join(city.hub, EAST)
    for name, role, unit in (
        ("li", "worker", E_GROUPS[0]),
        ("wu", "worker", E_GROUPS[1]),
        ("boss", "admin", None),
        ("eye", "viewer", None),
    ):
        accounts.add(node.replica, name, role, unit)
        accounts.set_password(node.replica, name, OLD)
    return node


def post(browser: FlaskClient, action: str, form: dict[str, Any], shown_at: str = "/sign-in") -> Any:
    page = browser.get(shown_at).get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None, page[:300]
    return browser.post(action, data={"csrf_token": token[1], **form})


def sign_in(node: Node, name: str, browser: FlaskClient | None = None) -> FlaskClient:
    browser = browser or node.browser()
    browser.environ_base["HTTP_USER_AGENT"] = AGENT
    assert post(browser, "/sign-in", {"name": name, "secret": OLD}).status_code == 302
    return browser


def who(browser: FlaskClient) -> str | None:
    """The name in the top bar, or None: nobody is signed in."""
    found = re.search(r'href="/account">([^ <]+) ·', browser.get("/switch").text)
    return found[1] if found else None


def tiles(browser: FlaskClient) -> list[str]:
    return re.findall(r'href="/switch\?name=([^&]*)&', browser.get("/switch").text)


# ---- without the form's token, and without anybody


POSTS = [
    "/account/password", "/account/sessions", "/account/tokens", "/users/code", "/users/disable", "/users/enable",
]  # fmt: skip


@pytest.mark.parametrize("path", [*POSTS, "/switch", "/switch/forget"])
def test_without_the_forms_token_nothing_is_done(county: Node, path: str) -> None:
    browser = sign_in(county, "boss")
    form = {"name": "li", "which": "all", "confirm": "yes", "old": OLD, "password": NEW, "again": NEW, "secret": OLD}
    before = [county.db.execute(f"SELECT * FROM {table}").fetchall() for table in ("account", "session")]
    assert browser.post(path, data=form).status_code == 400
    assert before == [county.db.execute(f"SELECT * FROM {table}").fetchall() for table in ("account", "session")]


@pytest.mark.parametrize("path", POSTS)
def test_nobody_and_the_wrong_role_are_led_away(county: Node, path: str) -> None:
    reply = post(county.browser(), path, {"name": "li"})
    assert (reply.status_code, reply.headers["Location"].partition("?")[0]) == (302, "/sign-in")
    if path.startswith("/users"):
        assert post(sign_in(county, "li"), path, {"name": "wu"}).status_code == 403


# ---- the own account


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"old": "nonsense", "password": NEW, "again": NEW}, 422, "原密码不对"),
        ({"old": OLD, "password": NEW, "again": "other-one"}, 422, "两次输入的密码不一样"),
        ({"old": OLD, "password": OLD, "again": OLD}, 422, "新密码和原密码一样"),
        ({"old": OLD, "password": "short", "again": "short"}, 422, "密码须为"),
        ({}, 422, "密码须为"),
    ],
)
def test_a_password_change_that_is_refused_says_which_field(
    county: Node, form: dict[str, str], status: int, words: str
) -> None:
    browser = sign_in(county, "li")
    reply = post(browser, "/account/password", form, "/account")
    assert (reply.status_code, words in reply.text, 'aria-invalid="true"' in reply.text) == (status, True, True)
    assert OLD not in reply.text
    assert accounts.sign_in(county.replica, "li", OLD)


def test_a_changed_password_signs_the_other_devices_out_and_this_one_goes_on(county: Node) -> None:
    here, there = sign_in(county, "li"), sign_in(county, "li")
    token = accounts.new_token(county.replica, "li")
    form = {"old": f" {OLD}", "password": NEW, "again": f"{NEW} "}
    assert post(here, "/account/password", form, "/account").status_code == 302
    assert "密码已改" in here.get("/account").text
    assert (who(here), who(there)) == ("li", None)
    assert accounts.by_token(county.replica, token)
    back = {"old": NEW, "password": OLD, "again": OLD, "end_tokens": "yes"}
    assert post(here, "/account/password", back, "/account").status_code == 302
    assert accounts.by_token(county.replica, token) is None


def test_the_account_page_shows_each_device_and_ends_one_the_others_or_all(county: Node) -> None:
    first, second, third = (sign_in(county, "li") for _ in range(3))
    page = first.get("/account").text
    assert (page.count("Chrome · Windows"), page.count(">当前<")) == (3, 1)
    other = next(one for one in sessions.sessions_of(county.replica, "li", _secret(first)) if not one.current)
    assert post(first, "/account/sessions", {"which": other.id}, "/account").status_code == 302
    gone = post(first, "/account/sessions", {"which": other.id}, "/account")
    assert (gone.status_code, "已经结束" in gone.text) == (404, True)
    assert post(first, "/account/sessions", {"which": "others"}, "/account").status_code == 302
    assert [who(one) for one in (first, second, third)] == ["li", None, None]
    fourth = sign_in(county, "li")
    reply = post(first, "/account/sessions", {"which": "all"}, "/account")
    assert reply.headers["Location"] == "/sign-in"
    assert [who(one) for one in (first, fourth)] == [None, None]


def _secret(browser: FlaskClient) -> str:
    cookie = browser.get_cookie("grid_session")
    assert cookie is not None
    return cookie.value


def test_ending_this_very_session_leads_to_the_sign_in_page(county: Node) -> None:
    browser, other = sign_in(county, "li"), sign_in(county, "li")
    this = next(one for one in sessions.sessions_of(county.replica, "li", _secret(browser)) if one.current)
    assert post(browser, "/account/sessions", {"which": this.id}, "/account").headers["Location"] == "/sign-in"
    assert (who(browser), who(other)) == (None, "li")


def test_nobody_ends_what_is_somebody_elses(county: Node) -> None:
    li, wu = sign_in(county, "li"), sign_in(county, "wu")
    token = accounts.new_token(county.replica, "li")
    (session,), (listed,) = (
        sessions.sessions_of(county.replica, "li", None),
        sessions.tokens_of(county.replica, "li"),
    )
    assert post(wu, "/account/sessions", {"which": session.id}, "/account").status_code == 404
    assert post(wu, "/account/tokens", {"which": listed.id}, "/account").status_code == 404
    assert who(li) == "li"
    assert accounts.by_token(county.replica, token)
    assert post(li, "/account/tokens", {"which": listed.id}, "/account").status_code == 302
    assert accounts.by_token(county.replica, token) is None


# ---- quick change of user


def test_a_browser_knows_who_signed_in_lately_and_nobody_elses_does(county: Node) -> None:
    browser = sign_in(county, "li")
    sign_in(county, "wu", browser)
    assert tiles(browser) == ["wu", "li"]
    assert tiles(county.browser()) == []
    sign_in(county, "li", browser)
    assert tiles(browser) == ["li", "wu"]


def test_the_list_is_short_and_names_leave_it_when_asked_or_disabled(county: Node) -> None:
    browser = county.browser()
    for number in range(MAX_PEOPLE + 1):
        accounts.add(county.replica, f"人{number}", "worker", None)
        accounts.set_password(county.replica, f"人{number}", OLD)
        sign_in(county, f"人{number}", browser)
    names = [quote(f"人{number}") for number in range(MAX_PEOPLE, 0, -1)]
    assert tiles(browser) == names
    assert post(browser, "/switch/forget", {"name": "人3"}).status_code == 302
    accounts_admin.disable(county.replica, accounts.Account("boss", "admin", EAST), "人5")
    assert tiles(browser) == [name for name in names if name not in (quote("人3"), quote("人5"))]
    assert who(browser) == f"人{MAX_PEOPLE}"


@pytest.mark.parametrize("cookie", ["", "x", "WyJib3NzIl0", "WyJib3NzIl0.c2ln"])
def test_a_list_that_we_did_not_sign_is_no_list(county: Node, cookie: str) -> None:
    browser = county.browser()
    browser.set_cookie("grid_people", cookie)
    assert browser.get("/switch").status_code == 200
    assert tiles(browser) == []


def test_the_change_asks_for_the_password_and_keeps_the_session_until_it_is_right(county: Node) -> None:
    browser = sign_in(county, "wu")
    sign_in(county, "li", browser)
    page = browser.get("/switch?name=wu").text
    assert 'type="password"' in page
    refused = post(browser, "/switch", {"name": "wu", "secret": "nonsense"})
    assert (refused.status_code, "密码不对" in refused.text, who(browser)) == (401, True, "li")
    unlisted = post(browser, "/switch", {"name": "boss", "secret": OLD})
    assert (unlisted.status_code, "不在这台电脑的名单里" in unlisted.text, who(browser)) == (409, True, "li")
    assert 'type="password"' not in browser.get("/switch?name=boss").text
    assert post(browser, "/switch", {"name": "wu", "secret": OLD}).status_code == 302
    assert who(browser) == "wu"
    assert sessions.sessions_of(county.replica, "li", None) == []


def test_wrong_passwords_at_the_change_lock_as_at_sign_in(county: Node) -> None:
    browser = sign_in(county, "li")
    for _ in range(accounts.MAX_FAILURES):
        assert post(browser, "/switch", {"name": "li", "secret": "nonsense"}).status_code == 401
    assert post(browser, "/switch", {"name": "li", "secret": OLD}).status_code == 429


def test_signing_in_over_an_open_session_ends_it(county: Node) -> None:
    browser = sign_in(county, "li")
    sign_in(county, "wu", browser)
    assert sessions.sessions_of(county.replica, "li", None) == []


def test_a_form_left_open_by_the_person_before_is_not_taken_from_the_next(county: Node) -> None:
    browser = sign_in(county, "li")
    sign_in(county, "wu", browser)
    page = browser.get("/account").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    assert post(browser, "/switch", {"name": "li", "secret": OLD}).status_code == 302
    late = browser.post("/account/sessions", data={"csrf_token": token[1], "which": "all"})
    assert (late.status_code, who(browser)) == (400, "li")


@pytest.mark.parametrize(
    ("name", "following", "lands"),
    [
        ("wu", "/records", "/records"),
        ("wu", f"/today?unit={E_GROUPS[1]}", f"/today?unit={E_GROUPS[1]}"),
        ("wu", f"/today?unit={E_GROUPS[0]}", "/"),
        ("wu", "/today?unit=999", "/"),
        ("wu", "/users", "/"),
        ("boss", "/users", "/users"),
        ("boss", "/users/one?name=li", "/"),
        ("eye", "/records", "/"),
        ("eye", "/rollup", "/rollup"),
        ("wu", "/language/en", "/"),
        ("wu", "/sign-out", "/"),
        ("wu", "/nosuch", "/"),
        ("wu", "/api/v1/units", "/"),
        ("wu", "//elsewhere.example", "/"),
        ("wu", "", "/"),
    ],
)
def test_the_change_goes_on_where_the_new_user_may_look_else_home(
    county: Node, name: str, following: str, lands: str
) -> None:
    browser = sign_in(county, name)
    sign_in(county, "li", browser)
    reply = post(browser, "/switch", {"name": name, "secret": OLD, "next": following})
    assert (reply.status_code, reply.headers["Location"]) == (302, lands)
    assert browser.get(lands, follow_redirects=True).status_code == 200


def test_a_page_about_one_thing_of_the_person_before_is_not_opened_for_the_next(
    county: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "RULES", {**access.RULES, "pages.thing": access.Rule(access.EVERYBODY)})
    county.app.add_url_rule("/thing/<one>", "pages.thing", lambda one: one)
    browser = sign_in(county, "wu")
    sign_in(county, "li", browser)
    reply = post(browser, "/switch", {"name": "wu", "secret": OLD, "next": "/thing/1"})
    assert reply.headers["Location"] == "/"


def test_the_sign_in_page_offers_the_names_only_where_there_are_some(county: Node) -> None:
    assert "/switch" not in county.browser().get("/sign-in").text
    browser = sign_in(county, "li")
    assert post(browser, "/sign-out", {}).status_code == 302
    assert (who(browser), tiles(browser)) == (None, ["li"])
    assert 'href="/switch?next=' in browser.get("/sign-in").text


# ---- an administrator and one account


def test_a_new_code_is_shown_once_and_opens_once(county: Node) -> None:
    li, boss = sign_in(county, "li"), sign_in(county, "boss")
    reply = post(boss, "/users/code", {"name": "li"})
    (code,) = CODE.findall(reply.text)
    assert (reply.status_code, who(li)) == (200, None)
    page = boss.get("/users/one?name=li").text
    assert (CODE.findall(page), "未启用" in page) == ([], True)
    browser = county.browser()
    assert post(browser, "/sign-in", {"name": "li", "secret": code}).headers["Location"] == "/set-password"
    chosen = post(browser, "/set-password", {"password": NEW, "again": NEW}, "/set-password")
    assert (chosen.status_code, who(browser)) == (302, "li")


def test_a_page_for_the_first_password_left_open_sets_none_once_a_new_code_was_given(county: Node) -> None:
    browser, boss = county.browser(), sign_in(county, "boss")
    (code,) = CODE.findall(post(boss, "/users/code", {"name": "li"}).text)
    post(browser, "/sign-in", {"name": "li", "secret": code})
    post(boss, "/users/code", {"name": "li"})
    late = post(browser, "/set-password", {"password": NEW, "again": NEW}, "/set-password")
    assert late.headers["Location"].startswith("/sign-in")
    assert accounts_admin.managed(county.replica, accounts.Account("boss", "admin", EAST), "li").state == "new"


def test_an_account_is_disabled_after_confirmation_only(county: Node) -> None:
    li, boss = sign_in(county, "li"), sign_in(county, "boss")
    refused = post(boss, "/users/disable", {"name": "li"})
    assert (refused.status_code, "请先勾选确认" in refused.text, who(li)) == (422, True, "li")
    done = post(boss, "/users/disable", {"name": "li", "confirm": "yes"})
    assert (done.status_code, "已停用 li" in done.text, who(li)) == (200, True, None)
    told = post(county.browser(), "/sign-in", {"name": "li", "secret": OLD})
    assert (told.status_code, "找本单位管理员" in told.text) == (403, True)
    assert "密码不对" in post(county.browser(), "/sign-in", {"name": "li", "secret": "nonsense"}).text
    assert "已停用" in boss.get("/users").text
    assert post(boss, "/users/code", {"name": "li"}).status_code == 409
    assert "已启用 li" in post(boss, "/users/enable", {"name": "li"}).text
    assert who(sign_in(county, "li")) == "li"


def test_the_page_of_an_account_offers_what_can_be_done_with_it(county: Node) -> None:
    boss = sign_in(county, "boss")
    accounts_admin.disable(county.replica, accounts.Account("boss", "admin", EAST), "wu")

    def offered(name: str) -> set[str]:
        return set(re.findall(r'action="/users/(\w+)"', boss.get(f"/users/one?name={name}").text))

    assert (offered("boss"), offered("li"), offered("wu")) == (set(), {"code", "disable", "phone"}, {"enable"})


def test_nobody_disables_oneself(county: Node) -> None:
    boss = sign_in(county, "boss")
    refused = post(boss, "/users/disable", {"name": "boss", "confirm": "yes"})
    assert (refused.status_code, "不能对自己" in refused.text, who(boss)) == (409, True, "boss")


@pytest.mark.parametrize("path", ["/users/code", "/users/disable", "/users/enable"])
def test_an_administrator_of_a_village_reaches_nobody_above_or_unknown(county: Node, path: str) -> None:
    accounts.add(county.replica, "chief", "admin", E_VILLAGE)
    accounts.set_password(county.replica, "chief", OLD)
    chief = sign_in(county, "chief")
    before = county.db.execute("SELECT * FROM account WHERE name = 'boss'").fetchone()
    for name, status in (("boss", 403), ("nobody", 404), ("", 404)):
        assert post(chief, path, {"name": name, "confirm": "yes"}).status_code == status
        assert chief.get("/users/one", query_string={"name": name}).status_code == status
    assert county.db.execute("SELECT * FROM account WHERE name = 'boss'").fetchone() == before
    assert chief.get("/users/one?name=li").status_code == 200
    assert "boss" not in chief.get("/users").text


def test_the_list_shows_how_each_account_stands(county: Node) -> None:
    accounts.add(county.replica, "new", "worker", None)
    boss = sign_in(county, "boss")
    page = boss.get("/users").text
    assert re.findall(r'name=(\w+)">\w+</a>((?: <span class="tag">[^<]+</span>)*)', page) == [
        ("boss", ' <span class="tag">本人</span>'),
        ("eye", ""),
        ("li", ""),
        ("new", ' <span class="tag">未启用</span>'),
        ("wu", ""),
    ]
    assert W_GROUPS[0] not in page
