"""The city's pages of figures: they show what the API counts, and every figure opens exactly as many records."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from casework import Caseworker
from flask.testing import FlaskClient

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, TODAY, W_GROUPS, W_TOWN, WEST, City, told
from node.daily import excuses
from node.people import accounts
from node.people.accounts import Account
from schemas.clock import iso_instant

FIGURE = re.compile(r'<a href="(/rollup/records\?[^"]+)">(?:<span>[^<]*</span><svg.*?</svg><b>)?([\d,]+)(?:</b>)?</a>')
MONTH = "2026-11"


@pytest.fixture(scope="module")
def city() -> City:
    """A hub that serves everything: reports of some days, cases of both kinds in several states."""
    city = City()
    hub = city.hub
    for day in range(2, 21):
        for at, group in enumerate((*E_GROUPS, *W_GROUPS)):
            if (day + at) % 5:
                hub.check(group, f"2026-11-{day:02d}", disputes=int((day + at) % 3 == 0))
    west, east = Caseworker(hub, "wm", "mediator", W_TOWN), Caseworker(hub, "em", "mediator", E_TOWN)
    for number in range(4):
        case = west.register(category=f"0{number + 1}")
        if number:
            case = west.act(west.act(case, "accept"), "mediate")
        if number > 1:
            west.act(
                case, "agree", **({"performed_at_once": True} if number > 2 else {"performance_due": "2026-12-01"})
            )
    village = Caseworker(hub, "vm", "mediator", E_VILLAGE)
    village.act(village.act(village.act(village.register(), "accept"), "mediate"), "agree", performed_at_once=True)
    east.register(kind="hazard", category="fire", urgency="red")
    failed = east.act(east.act(east.register(category="99"), "accept"), "mediate")
    east.act(failed, "fail")
    return city


def signed_in(city: City, role: str, unit: str | None = None) -> FlaskClient:
    hub, name = city.hub, f"{role}-{unit or 'own'}"
    if hub.count("account", f"name = '{name}'") == 0:
        accounts.add(hub.replica, name, role, unit)
    browser = hub.browser()
    browser.set_cookie("grid_session", accounts.open_session(hub.replica, name))
    return browser


def records_behind(browser: FlaskClient, href: str) -> int:
    """How many records the API lists for what a figure links to."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(href).query).items()} | {"limit": "500"}
    document = told(browser.get("/api/v1/rollup/records", query_string=query))
    assert document["next"] is None
    return len(document["items"])


def figures(page: str) -> list[tuple[str, int]]:
    return [(html.unescape(href), int(text.replace(",", ""))) for href, text in FIGURE.findall(page)]


@pytest.mark.parametrize("unit", [CITY, WEST, E_TOWN, E_VILLAGE])
@pytest.mark.parametrize("path", ["/overview", "/matrix", "/drill", "/rollup"])
def test_every_figure_opens_exactly_as_many_records(city: City, path: str, unit: str) -> None:
    browser = signed_in(city, "analyst")
    shown = figures(browser.get(f"{path}?unit={unit}&period={MONTH}").text)
    assert len(shown) >= {"/matrix": 1, "/rollup": 8}.get(path, 20)
    wrong = {href: figure for href, figure in shown if records_behind(browser, href) != figure}
    assert wrong == {}


@pytest.mark.parametrize("path", ["/overview", "/drill"])
def test_what_a_unit_did_itself_opens_its_own_records_and_none_from_below(city: City, path: str) -> None:
    browser = signed_in(city, "analyst")
    page = browser.get(f"{path}?unit={E_VILLAGE}&period={MONTH}").text
    own = next(row for row in re.findall(r'<tr><th scope="row">.*?</tr>', page, re.DOTALL) if "本级" in row)
    shown = {parse_qs(urlsplit(href).query)["measure"][0]: (href, figure) for href, figure in figures(own)}
    assert shown["registered"][1] == 1
    assert "checks_due" not in shown
    assert {records_behind(browser, href) - figure for href, figure in shown.values()} == {0}


def test_the_overview_shows_the_measures_and_rates_of_the_rollup(city: City) -> None:
    browser = signed_in(city, "analyst")
    page = browser.get(f"/overview?unit={CITY}&period={MONTH}").text
    document = told(browser.get("/api/v1/rollup", query_string={"unit": CITY, "period": MONTH, "by": "children"}))
    rates = {"覆盖率": "coverage", "按时率": "on_time_rate", "调解成功率": "success_rate"}
    for word, name in rates.items():
        shown = re.search(rf"<dt>{word}</dt><dd><b>([\d.]+)<small> %</small></b>(.*?)</dd>", page)
        assert shown is not None, word
        rate = document["rates"][name]
        assert shown[1] == rate["value"]
        assert re.sub("<[^>]+>", "", shown[2]) == f"{rate['numerator']:,} / {rate['denominator']:,}"
    rows = re.findall(r'<tr><th scope="row">(.*?)</tr>', page.partition('id="o-tab"')[2])
    names = ("checks_due", "checks_excused", "checks_zero", "checks_found", "checks_late", "checks_missing")
    told_rows = [*document["rows"], {**document, "label": "合计"}]
    assert len(rows) == len(told_rows)
    for shown_row, row in zip(rows, told_rows, strict=True):
        cells = [re.sub("<[^>]+>", "", cell) for cell in re.split("</t[hd]>", shown_row)]
        assert cells[0] == row["label"]
        assert cells[2:8] == [f"{row['measures'][name]:,}" for name in names]
        assert cells[8] == (row["rates"]["coverage"]["value"] or "—无")


def test_each_day_of_the_calendar_has_the_days_coverage_and_opens_who_has_not_reported(city: City) -> None:
    browser = signed_in(city, "analyst")
    page = browser.get(f"/overview?unit={WEST}&period={MONTH}").text
    document = told(browser.get("/api/v1/rollup", query_string={"unit": WEST, "period": MONTH, "by": "day"}))
    cells = re.findall(r'<td class="(q\d)"><a href="([^"]+)" title="[^"]*"><b>(\d+)</b><span>([\d.]+)</span>', page)
    days = {row["key"]: row["rates"]["coverage"]["value"] for row in document["rows"]}
    assert len(cells) >= 19
    for tone, href, number, shown in cells:
        day = f"2026-11-{int(number):02d}"
        assert shown == ("100" if days[day] == "100.00" else days[day][:-1])
        assert tone == ("q1" if float(days[day]) < 95 else "q4")
        assert html.unescape(href) == f"/missing?unit={WEST}&date={day}"
    assert browser.get(html.unescape(cells[0][1])).status_code == 200


def test_the_days_of_a_unit_have_their_calendar_at_every_node_and_open_their_records(city: City) -> None:
    browser = signed_in(city, "analyst")
    page = browser.get(f"/rollup?unit={WEST}&period={MONTH}&by=day").text
    assert len(re.findall(r'<td class="q\d"><a href="/missing', page)) >= 19
    shown = figures(page)
    assert len(shown) > 60
    wrong = {href: figure for href, figure in shown[::7] if records_behind(browser, href) != figure}
    assert wrong == {}
    assert "完整日历" not in browser.get(f"/rollup?unit={WEST}&period={MONTH}").text


def test_a_year_is_drawn_as_weeks_and_a_free_span_reaches_back_400_days(city: City) -> None:
    browser = signed_in(city, "analyst")
    year = browser.get("/overview?period=2026").text
    assert year.count('class="q1"') > 100
    assert 'class="heat bands"' in year
    assert "2021-01-01" not in browser.get("/overview?period=2020-01-01..2026-11-20").text.partition("o-cal")[2]


def test_a_viewer_sees_figures_without_links_to_records(city: City) -> None:
    page = signed_in(city, "viewer").get(f"/overview?period={MONTH}").text
    assert figures(page) == []
    assert "/rollup/records" not in page
    assert "/missing" not in page
    assert "覆盖率" in page


def test_a_reader_of_one_county_stays_inside_it(city: City) -> None:
    browser = signed_in(city, "reviewer", EAST)
    page = browser.get("/overview").text
    assert f"unit={WEST}" not in page
    assert f"unit={CITY}" not in page
    assert browser.get(f"/overview?unit={WEST}").status_code == 403


@pytest.mark.parametrize("query", ["period=2026-13", "tree=later", "as_of=yesterday", "unit=1"])
@pytest.mark.parametrize("path", ["/overview", "/matrix", "/drill"])
def test_what_cannot_be_asked_is_refused_with_words(city: City, path: str, query: str) -> None:
    reply = signed_in(city, "admin").get(f"{path}?{query}")
    assert reply.status_code in (404, 422)
    assert "<h1>" in reply.text


def test_a_city_without_groups_and_records_says_so_and_how_to_begin() -> None:
    bare = City(units="code,name,level,parent_code\n421000000000,空市,city,\n421002000000,空区,county,421000000000\n")
    hub = bare.hub
    accounts.add(hub.replica, "first", "admin", None)
    browser = hub.browser()
    browser.set_cookie("grid_session", accounts.open_session(hub.replica, "first"))
    for path in ("/overview", "/overview?period=2031", "/overview?period=2025", "/matrix", "/drill?q=1"):
        assert browser.get(path).status_code == 200
    assert "还没有任何记录" in browser.get("/overview").text


def test_as_of_an_instant_the_page_stands_still(city: City) -> None:
    browser = signed_in(city, "analyst")
    then = browser.get("/overview", query_string={"period": MONTH, "as_of": iso_instant(city.clock.at_ms)}).text
    assert "data-live" not in then.partition("<main")[2]
    now = browser.get(f"/overview?period={MONTH}").text
    assert "data-live" in now.partition("<main")[2]
    assert len(figures(then)) == len(figures(now)) > 20
    assert all("as_of=" in href for href, _ in figures(then))


# ---- 下钻


def test_a_unit_is_found_by_part_of_its_name_and_by_the_first_digits_of_its_code(city: City) -> None:
    browser = signed_in(city, "reviewer", EAST)
    by_name = (
        browser.get("/drill", query_string={"q": "村"}).text.partition('id="d-found"')[2].partition("</section>")[0]
    )
    assert f"unit={E_VILLAGE}&amp;" in by_name
    assert W_TOWN[:9] not in by_name  # of the other county
    by_code = browser.get("/drill", query_string={"q": E_TOWN[:9]}).text.partition('id="d-found"')[2]
    assert by_code.index(f"unit={E_TOWN}&amp;") < by_code.index(f"unit={E_VILLAGE}&amp;")
    assert "没有找到" in browser.get("/drill", query_string={"q": "无此地"}).text
    assert browser.get("/drill", query_string={"q": "长" * 101}).status_code == 422


def test_a_closed_unit_is_found_and_called_closed() -> None:
    city = City()
    city.hub.publish({"type": "unit", "act": "close", "unit": W_GROUPS[0], "date": "2026-11-01"})
    page = signed_in(city, "admin").get("/drill", query_string={"q": W_GROUPS[0]}).text
    assert "已撤销" in page.partition('id="d-found"')[2].partition("</section>")[0]


def test_from_the_city_down_to_the_signed_event_by_links_alone(city: City) -> None:
    browser = signed_in(city, "analyst")
    path = f"/drill?unit={CITY}&period={MONTH}"
    for unit in (EAST, E_TOWN, E_VILLAGE, E_GROUPS[0]):
        page = html.unescape(browser.get(path).text)
        path = next(found for found in re.findall(r'<th scope="row"><a href="(/drill[^"]+)"', page) if unit in found)
    page = html.unescape(browser.get(path).text)
    records = next(href for href, _ in FIGURE.findall(page) if "measure=checks_zero" in href)
    event = re.findall(r'href="(/events/[^"]+)"', browser.get(records).text)[0]
    assert "5 项核验全部通过" in browser.get(event).text


def test_today_shows_who_is_excused_apart_and_the_bar_is_the_share_of_the_others() -> None:
    city = City()
    city.hub.check(E_GROUPS[0], TODAY)
    day = TODAY.isoformat()
    body = {"unit": WEST, "from": day, "to": day, "reason": "停电", "reason_code": "suspended"}
    excuses.give(city.hub.replica, Account("reviewer", "reviewer", CITY), body)
    page = signed_in(city, "analyst").get("/overview", headers={"Accept-Language": "zh-CN"}).text
    today = page.partition('aria-labelledby="o-t"')[2].partition("</section>")[0]
    assert "免报 3 · 已报 33.33%" in re.sub(r"<[^>]+>", "", today)
    assert re.findall(r'<rect class="f-ok"[^>]* width="([0-9.]+)%', today) == ["33.33"]
