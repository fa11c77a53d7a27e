"""制度: what is in force, who has applied it, another cadence with its preview, publishing by JSON with its preview."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from builders import EAST, HOUR_MS, NOW_MS, WEST, City, Node
from hub import regime
from hub.directory import SHIPPED_FORMS
from node.people import accounts
from schemas.cadence import PROFILES
from sync import applied

CAMPAIGN = {
    "type": "campaign", "id": "flood-2026", "name": "防汛排查", "from": "2026-11-24", "to": "2026-11-30",
    "levels": ["group"],
}  # fmt: skip


@pytest.fixture
def city() -> City:
    """A hub with two counties that have nodes, and an administrator."""
    made = City()
    for county in (EAST, WEST):
        made.join(made.hub, county)
    made.settle()
    accounts.add(made.hub.replica, "boss", "admin", None)
    return made


@pytest.fixture
def boss(city: City) -> FlaskClient:
    """That administrator's browser."""
    browser = city.hub.browser()
    browser.set_cookie("grid_session", accounts.open_session(city.hub.replica, "boss"))
    return browser


def send(browser: FlaskClient, path: str, **form: Any) -> TestResponse:
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/regime/publish").text)
    assert token is not None
    return browser.post(path, data={"csrf_token": token[1], **form})


def dense(**change: str) -> dict[str, str]:
    """The form of the shipped profile `dense`."""
    profile = PROFILES["dense"]
    form = {"name": "dense", "version": "1", "due_time": "20:00", "daily_grace": "10:00", "grace_days": "1",
            "date": "2027-01-01"}  # fmt: skip
    form |= {f"cadences.{level}": cadence for level, cadence in profile.cadences.items()}
    form |= {f"due_day.{level}": str(day) for level, day in profile.due_day.items()}
    return form | change


def published(hub: Node) -> int:
    return hub.count("event", "kind IN ('cadence', 'campaign', 'categories', 'form', 'dir')")


# ---- refusals


@pytest.mark.parametrize("role", ["worker", "mediator", "reviewer", "viewer", "analyst"])
def test_who_administers_nothing_reads_and_publishes_nothing(city: City, role: str) -> None:
    headers = city.hub.user(role, role)
    browser = city.hub.browser()
    assert browser.get("/regime", headers=headers).status_code == 200
    for path in ("/regime/cadence", "/regime/publish"):
        assert browser.get(path, headers=headers).status_code == 403


def test_an_administrator_of_a_county_publishes_nothing(city: City) -> None:
    headers = city.hub.user("county", "admin", EAST)
    before = published(city.hub)
    browser = city.hub.browser()
    assert browser.post("/regime/cadence", data=dense(confirm="yes"), headers=headers).status_code == 403
    text = json.dumps([CAMPAIGN])
    assert browser.post("/regime/publish", data={"text": text}, headers=headers).status_code == 403
    assert published(city.hub) == before


@pytest.mark.parametrize(
    "change",
    [{"name": "大"}, {"cadences.village": "hourly"}, {"due_day.county": "x"}, {"due_day.county": "99"},
     {"due_time": "25:00"}, {"date": "2027-02-30"}, {"grace_days": ""}],
)  # fmt: skip
def test_a_bad_cadence_is_told_and_not_signed(city: City, boss: FlaskClient, change: dict[str, str]) -> None:
    before = published(city.hub)
    assert send(boss, "/regime/cadence", **dense(**change, confirm="yes")).status_code == 422
    assert published(city.hub) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "请选一个"),
        ("{", ""),
        ("[]", ""),
        ('[{"type": "law"}]', "0.type"),
        (json.dumps([CAMPAIGN, {**CAMPAIGN, "from": "2026-13-01"}]), "1.from"),
        (json.dumps([CAMPAIGN, {"type": "unit", "act": "rename", "unit": EAST, "date": "2026-12-01"}]), "1.name"),
    ],
)  # fmt: skip
def test_a_bad_publication_names_entry_and_field_and_keeps_the_text(
    city: City, boss: FlaskClient, text: str, words: str
) -> None:
    before = published(city.hub)
    reply = send(boss, "/regime/publish", text=text)
    assert reply.status_code in (400, 422)
    assert words in reply.text
    assert text.replace('"', "&#34;") in reply.text
    assert 'name="upload"' not in reply.text
    assert published(city.hub) == before


def test_the_form_of_a_cadence_says_what_groups_lose_and_signs_it_only_with_both_boxes_ticked(
    city: City, boss: FlaskClient
) -> None:
    assert "没有每日应报" not in send(boss, "/regime/cadence", **dense()).text
    weekly, before = dense(**{"cadences.group": "week"}), published(city.hub)
    page = send(boss, "/regime/cadence", **weekly)
    assert "组（网格）没有每日应报" in page.text
    assert 'name="without_group_duties"' in page.text
    again = send(boss, "/regime/cadence", **weekly, confirm="yes")
    assert (again.status_code, published(city.hub)) == (422, before)
    assert 'name="without_group_duties"' in again.text
    assert "还没有下发：请先勾选" in again.text
    assert send(boss, "/regime/cadence", **weekly, confirm="yes", without_group_duties="yes").status_code == 302
    assert published(city.hub) == before + 1
    assert "没有每日应报" not in boss.get("/regime").text
    city.clock.set("2027-01-01")
    boss.set_cookie("grid_session", accounts.open_session(city.hub.replica, "boss"))
    assert "组（网格）没有每日应报" in boss.get("/regime").text


def test_a_publication_by_json_that_leaves_groups_without_duties_says_so_before_it_is_signed(
    city: City, boss: FlaskClient
) -> None:
    daily = {"type": "cadence", "date": "2027-01-01", "profile": "dense"}
    rare = {**daily, "profile": {"name": "rare", "cadences": {**PROFILES["dense"].cadences, "group": "week"}}}
    said = "没有每日应报"
    before = published(city.hub)
    assert said not in send(boss, "/regime/publish", text=json.dumps([CAMPAIGN, daily])).text
    page = send(boss, "/regime/publish", text=json.dumps([CAMPAIGN, rare]))
    assert (page.status_code, page.text.count(said), published(city.hub)) == (200, 1, before)


# ---- what is in force


def test_the_page_shows_the_cadence_in_force(boss: FlaskClient) -> None:
    page = boss.get("/regime").text
    assert "jingzhou-2022" in page
    assert "每半月" in page
    assert "还没有发布过" in page  # of campaigns


def test_another_cadence_is_shown_then_signed_and_holds_from_its_date(city: City, boss: FlaskClient) -> None:
    before = published(city.hub)
    page = send(boss, "/regime/cadence", **dense()).text
    assert "每半月 → 每周" in page
    assert published(city.hub) == before
    assert send(boss, "/regime/cadence", **dense(confirm="yes")).status_code == 302
    assert published(city.hub) == before + 1
    assert regime.in_force(city.hub.replica).name == "jingzhou-2022"
    city.clock.set("2027-01-01")
    assert regime.in_force(city.hub.replica).name == "dense"


def test_a_publication_is_tried_then_signed(city: City, boss: FlaskClient) -> None:
    before = published(city.hub)
    page = send(boss, "/regime/publish", text=json.dumps([CAMPAIGN])).text
    assert published(city.hub) == before
    upload = re.search(r'name="upload" value="([0-9a-f]{64})"', page)
    assert upload is not None
    assert send(boss, "/regime/publish/confirm", upload=upload[1]).status_code == 422
    assert send(boss, "/regime/publish/confirm", upload=upload[1], confirm="yes").status_code == 302
    assert published(city.hub) == before + 1
    assert "防汛排查" in boss.get("/regime").text
    assert send(boss, "/regime/publish/confirm", upload=upload[1], confirm="yes").status_code == 409


# ---- who has it


def having(city: City) -> dict[str, int | None]:
    (one,) = [one for one in regime.published(city.hub.replica) if one.kind == "campaign"]
    return {each.unit: each.since for each in one.having}


def test_a_form_is_listed_with_its_title_and_questions_in_the_readers_language(city: City, boss: FlaskClient) -> None:
    city.hub.publish(*json.loads(SHIPPED_FORMS.read_text("utf-8")))
    for language, title, question in (
        ("zh_CN", "矛盾纠纷联席会议情况统计表 v1", "meetings 召开联席会议（次）、"),
        ("en", "Joint meetings v1", "meetings Meetings held、"),
    ):
        boss.set_cookie("grid_language", language)
        page = boss.get("/regime").text
        assert f"<b>{title}</b>" in page
        assert question in page
        assert "label.zh_CN" not in page


def test_a_child_has_it_once_its_own_exchange_says_so(city: City) -> None:
    hub, east, west = city.nodes
    hub.publish(CAMPAIGN)
    assert having(city) == {EAST: None, WEST: None}
    city.clock.forward(HOUR_MS)
    east.sync()
    east.sync()  # the first brought it, the second says so
    assert having(city) == {EAST: NOW_MS + HOUR_MS, WEST: None}
    city.clock.forward(HOUR_MS)
    east.sync()
    assert having(city) == {EAST: NOW_MS + HOUR_MS, WEST: None}  # since then, not since last time
    west.sync()
    west.sync()
    assert having(city)[WEST] == NOW_MS + 2 * HOUR_MS
    event = next(one.event for one in regime.published(hub.replica) if one.kind == "campaign")
    hub.publish({**CAMPAIGN, "id": "later"})
    east.sync()
    east.sync()
    assert {one.unit: one.since for one in applied.of(hub.db, event)}[EAST] == NOW_MS + HOUR_MS


def test_a_child_that_went_back_has_it_only_when_it_says_so_again(city: City) -> None:
    hub, east, _ = city.nodes
    backup = east.snapshot()
    hub.publish(CAMPAIGN)
    east.sync()
    east.sync()
    assert having(city)[EAST] == NOW_MS
    east.restore(backup)
    city.clock.forward(HOUR_MS)
    for _ in range(4):
        east.sync()
    assert having(city)[EAST] == NOW_MS + HOUR_MS


def test_a_point_of_another_log_says_nothing(city: City) -> None:
    hub = city.hub
    hub.publish(CAMPAIGN)
    link = hub.replica.link_to(EAST)
    (n,) = hub.db.execute("SELECT MAX(n) FROM downlog WHERE link = ?", [link]).fetchone()
    applied.note(hub.db, link, (n, b"\0" * 32), NOW_MS)
    assert having(city)[EAST] is None


def test_a_later_publication_takes_the_place_of_the_earlier(city: City) -> None:
    city.hub.publish(CAMPAIGN, {**CAMPAIGN, "name": "秋冬防汛"})
    listed = [one for one in regime.published(city.hub.replica) if one.kind == "campaign"]
    assert [(one.title, one.replaced) for one in listed] == [("秋冬防汛", False), ("防汛排查", True)]
