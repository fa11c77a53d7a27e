"""Wherever people read a period it stands in words; its key stands only where it is typed or sent."""

from __future__ import annotations

import html
import json
import re

import pytest
from flask.testing import FlaskClient

from builders import CITY, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, told
from hub.directory import SHIPPED_FORMS
from node.people import accounts
from schemas.labels import catalogue

KEY = re.compile(r"\b20\d\d-(?:W\d\d|Q\d|S\d|\d\d-H\d)\b|\d\.\.\d|(?<![\d-])20\d\d-\d\d(?![\d-])")
PAGES = (
    f"/reports?unit={W_VILLAGE}",
    f"/reports/period?unit={W_VILLAGE}&period=2026-11-H1",
    f"/reports/period?unit={W_VILLAGE}&period=2026-11-H2",
    f"/forms?unit={WEST}",
    f"/forms/return?form=supervised&unit={WEST}&period=2026-Q3",
    f"/forms/return?form=supervised&unit={WEST}&period=2026-Q4",
    f"/forms/totals?form=supervised&unit={CITY}&period=2026-Q3",
    f"/missing/reports?unit={CITY}&level=village&period=2026-11-H1",
    f"/missing/reports?unit={CITY}&level=county",
    "/todo", f"/todo?unit={W_VILLAGE}", f"/todo?unit={WEST}", f"/today?unit={W_GROUPS[0]}", "/reminders",
    "/quality?period=2026-Q4", "/rollup?period=2026-W47", "/rollup?period=2026-11-01..2026-11-20",
    "/rollup?period=2026-S2",
    f"/rollup/records?unit={CITY}&period=2026-11-H1&measure=checks_due",
    f"/rollup/arrived?unit={CITY}&period=2026-11-H1&since=1",
    "/overview?period=2026-Q4", "/drill?period=2026-11-H1", "/matrix?period=2026-11", "/bulletin?period=2026-11",
    "/bulletin?period=2026-S1",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    """A hub that serves everything: forms owed, a period sent back, units reminded of a day and of a period."""
    city = City()
    hub = city.hub
    hub.publish(*json.loads(SHIPPED_FORMS.read_text("utf-8")))
    hub.check(W_GROUPS[0], "2026-11-03")
    client, reviewer = hub.browser(), hub.user("r", "reviewer")
    confirmed = told(client.post(
        "/api/v1/confirmations", json={"unit": W_VILLAGE, "period": "2026-11-H1", "remarks": ""}, headers=reviewer
    ))  # fmt: skip
    above = hub.user("t", "reviewer", W_TOWN)
    for path, body in (
        (f"/api/v1/confirmations/{confirmed['event']}/return", {"reason": "数字不符"}),
        ("/api/v1/reminders", {"unit": W_GROUPS[1], "period": "2026-11-20"}),
        ("/api/v1/reminders", {"unit": W_VILLAGE, "period": "2026-11-H1"}),
    ):
        answer = client.post(path, json=body, headers=above)
        assert answer.status_code in (200, 201), answer.text
    accounts.add(hub.replica, "all", "admin", None)
    found = hub.browser()
    found.set_cookie("grid_session", accounts.open_session(hub.replica, "all"))
    return found


def words(page: str, language: str) -> str:
    """What a page says, without the sentence that tells how a period is typed."""
    text = re.sub(r"(?s)<(script|style|template).*?</\1>|<[^>]*>", " ", page)
    return " ".join(html.unescape(text).replace(catalogue(language)["page.rollup.period_how"], "").split())


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_shows_the_key_of_a_period(browser: FlaskClient, path: str, language: str) -> None:
    browser.set_cookie("grid_language", language)
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    assert f'lang="{language[:2]}' in answer.text
    assert KEY.findall(words(answer.text, language)) == []


@pytest.mark.parametrize(("day", "offered"), [("2026-12-01", False), ("2026-12-02", True)])
def test_on_the_first_of_a_month_this_month_up_to_yesterday_is_not_offered(day: str, offered: bool) -> None:
    city = City()
    headers = city.hub.user("r", "reviewer")
    city.clock.set(day)
    page = city.hub.browser().get("/rollup", headers=headers).text
    assert ("本月至昨日" in page, page.count('aria-current="true">上月')) == (offered, 0 if offered else 1)
