"""Every page that a role can reach by following links opens, in both languages; none leads to a refusal."""

from __future__ import annotations

import html
import re
from collections import Counter

import pytest
from crafted import alter, column
from flask.testing import FlaskClient

from builders import E_GROUPS, E_VILLAGE, EAST, W_GROUPS, WEST, City, Node
from node.daily.checks import send_back
from node.figures.sheets import XLSX_TYPE
from node.people import accounts
from schemas.errors import Invalid
from schemas.roles import HUB_ROLES, ROLES

LINK = re.compile(r'(?:href|src)="([^"]+)"')
KEY_SHOWN = re.compile(
    r">[^<]*\b(?:page|nav|duty|error|level|role|measure|rate|path|kind)\.[a-z_]+(?:\.[a-z_]+)*[^<]*<"
)
MAX_OF_ONE_PAGE = 4  # of those that differ in their query only


@pytest.fixture(scope="module")
def city() -> City:
    """A county and a village with nodes, reports of every kind, one returned, one refused, an alarm or two."""
    city = City()
    county, village = city.line(EAST, E_VILLAGE)
    events = [village.check(E_GROUPS[0], f"2026-11-{day}", disputes=day % 2) for day in (18, 19, 20, 21)]
    village.check(E_GROUPS[0], "2026-11-20", 2, amends=events[2])
    village.check(E_GROUPS[1], "2026-10-05")
    village.sync()
    alter(county, events[0], "event", "header", column(county, events[0], "event", "header").replace("chk/1", "chk/2"))
    city.hub.check(W_GROUPS[0], "2026-11-20", hazards=1)
    reviewer = accounts.Account("r", "reviewer", EAST)
    send_back(county.replica, reviewer, events[1], {"reason": "请核对"}, None)
    for _ in range(2):
        county.sync()
        village.sync()
    city.join(city.hub, WEST, sync=False)
    city.clock.forward(4 * 86_400_000)
    return city


def browser_of(node: Node, role: str, unit: str | None, language: str) -> FlaskClient:
    """A browser that is signed in, in a language."""
    name = f"{role}-{unit or 'own'}-{language}"
    if node.count("account", f"name = '{name}'") == 0:
        accounts.add(node.replica, name, role, unit)
    browser = node.browser()
    browser.set_cookie("grid_session", accounts.open_session(node.replica, name))
    browser.set_cookie("grid_language", language)
    return browser


def links_on(page: str) -> set[str]:
    """Where the page leads on this site; the change of language is tested by itself."""
    found = {html.unescape(link).partition("#")[0] for link in LINK.findall(page)}
    pages = {link for link in found if link.startswith("/") and not link.startswith(("/language/", "//"))}
    return {link for link in pages if "format=pdf" not in link}  # seconds each, and tested by themselves


def crawl(browser: FlaskClient) -> dict[str, str]:
    """What can be reached, by path with query, at most a few of each page; asserts that each opens."""
    waiting: list[str] = ["/"]
    seen: dict[str, str] = {}
    opened: Counter[str] = Counter()
    while waiting:
        path = waiting.pop(0)
        opened[path.partition("?")[0]] += 1
        if opened[path.partition("?")[0]] > MAX_OF_ONE_PAGE:
            continue
        with browser.get(path, follow_redirects=True) as reply:
            text = reply.get_data(as_text=True) if reply.mimetype != XLSX_TYPE else ""
            assert reply.status_code == 200, (path, text[-600:])
            seen[path] = text if reply.mimetype == "text/html" else ""
        waiting += sorted(links_on(seen[path]) - seen.keys() - set(waiting))
    return seen


@pytest.mark.parametrize(
    ("role", "language"), [*((role, "zh_CN") for role in ROLES), ("admin", "en"), ("viewer", "en")]
)
@pytest.mark.parametrize("where", ["hub", "county", "village", "village at the hub", "group at the village"])
def test_no_link_that_a_role_sees_leads_to_a_refusal(city: City, where: str, role: str, language: str) -> None:
    hub, county, village = city.nodes[:3]
    node, unit = {
        "hub": (hub, None),
        "county": (county, None),
        "village": (village, None),
        "village at the hub": (hub, E_VILLAGE),
        "group at the village": (village, E_GROUPS[0]),
    }[where]
    if role in HUB_ROLES and node is not hub:  # an analyst works at the hub only
        with pytest.raises(Invalid, match="bad_role"):
            browser_of(node, role, unit, language)
        return
    pages = crawl(browser_of(node, role, unit, language))
    assert len(pages) >= 8
    for path, text in pages.items():
        assert KEY_SHOWN.search(text) is None, (path, KEY_SHOWN.search(text))
        assert "{" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.S), path
        if text:
            assert f'lang="{"zh-CN" if language == "zh_CN" else "en"}"' in text, path


def test_what_is_wrong_is_on_the_pages(city: City) -> None:
    county = city.nodes[1]
    page = browser_of(county, "admin", None, "zh_CN").get("/sync").text
    assert "拒收" in page
    village = browser_of(city.nodes[2], "worker", E_GROUPS[0], "zh_CN").get("/records").text
    assert "退回" in village


def test_the_language_stays_where_the_reader_was(city: City) -> None:
    browser = browser_of(city.nodes[1], "worker", None, "zh_CN")
    page = browser.get("/records?unit=" + E_GROUPS[0]).text
    switch = next(link for link in LINK.findall(page) if link.startswith("/language/en"))
    reply = browser.get(html.unescape(switch))
    assert (reply.status_code, reply.headers["Location"]) == (302, f"/records?unit={E_GROUPS[0]}")
    assert 'lang="en"' in browser.get(reply.headers["Location"]).text
