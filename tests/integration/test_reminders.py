"""催报: a reminder is shown at the unit until the report is there; its sender sees what became of it."""

from __future__ import annotations

from typing import Any

import pytest
from test_excuses import Town, sound
from test_missing import section
from test_pages import post, signed_in, token_in

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, NOW_MS, W_TOWN, Node, told
from schemas.clock import business_day
from sync.database import write
from sync.intake import Intake

DAY = "2026-11-22"
BODY = {"unit": E_GROUPS[0], "period": DAY, "text": "请今天补报"}


@pytest.fixture(scope="module")
def kept() -> Town:
    return Town()


@pytest.fixture
def there(kept: Town) -> Town:
    assert kept.emptied().city.clock.at_ms == NOW_MS
    return kept


def send(there: Town, **change: Any) -> tuple[int, Any]:
    reply = there.town.browser().post("/api/v1/reminders", json={**BODY, **change}, headers=there.reviewer)
    return reply.status_code, told(reply)


def listed(there: Town) -> list[dict[str, Any]]:
    items = told(there.town.browser().get("/api/v1/reminders", headers=there.reviewer))["items"]
    return [dict(one) for one in items]


def shown(node: Node, path: str = "/today") -> str:
    who = node.user(f"p{node.count('account')}", "worker")
    reply = node.browser().get(path, headers=who)
    assert reply.status_code == 200
    return reply.text


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"unit": E_TOWN}, 403, "not_above"),
        ({"unit": EAST}, 403, "unit_out_of_scope"),
        ({"unit": W_TOWN}, 403, "unit_out_of_scope"),
        ({"period": "2026-11-24"}, 422, "period_ahead"),
        ({"period": "2026-11"}, 422, "reminder_of_a_day"),
        ({"period": "yesterday"}, 422, "bad_period"),
        ({"text": "请" * 501}, 422, "bad_shape"),
    ],
)
def test_what_cannot_be_reminded_of_is_refused(there: Town, change: dict[str, Any], status: int, code: str) -> None:
    before = there.town.count()
    got, document = send(there, **change)
    assert (got, document["code"], there.town.count()) == (status, code, before)


def test_who_has_reported_is_not_reminded(there: Town) -> None:
    there.group.check(E_GROUPS[0], DAY)
    there.city.settle(30)
    assert send(there) == (409, send(there)[1])
    assert send(there)[1]["code"] == "nothing_missing"


@pytest.mark.parametrize("role", ["worker", "mediator", "viewer"])
def test_only_reviewers_remind(there: Town, role: str) -> None:
    who = there.town.user(role, role, E_TOWN)
    assert there.town.browser().post("/api/v1/reminders", json=BODY, headers=who).status_code == 403
    assert there.town.browser().post("/reminders", data={"to": E_GROUPS[0]}, headers=who).status_code == 403


def test_a_reminder_is_shown_at_the_unit_until_it_has_reported_and_its_words_nowhere_else(there: Town) -> None:
    assert send(there)[0] == 201
    there.city.settle(30)
    assert "请今天补报" in shown(there.group)
    assert "东镇催报：东村1组，2026年11月22日" in shown(there.group)
    assert [(one["unit"], one["period"], one["state"], one["text"]) for one in listed(there)] == [
        (E_GROUPS[0], DAY, "missing", "请今天补报")
    ]
    texts = [node.count("part", "name = 'per' AND text LIKE '%请今天补报%'") for node in there.nodes]
    assert texts == [0, 0, 1, 0, 1]
    there.group.check(E_GROUPS[0], DAY)
    there.city.settle(30)
    assert "上级催报" not in shown(there.group)
    assert [one["state"] for one in listed(there)] == ["late_zero"]
    sound(there)


def test_a_village_is_reminded_of_what_is_missing_below_it(there: Town) -> None:
    assert send(there, unit=E_VILLAGE, period="2026-11-21..2026-11-22", text=None)[0] == 201
    there.city.settle(30)
    assert "上级催报" in shown(there.village)
    assert [(one["state"], one["lacking"]) for one in listed(there)] == [("missing", 6)]
    for group in E_GROUPS:
        for day in ("2026-11-21", DAY):
            (there.group if group == E_GROUPS[0] else there.village).check(group, day)
    there.city.settle(30)
    assert "上级催报" not in shown(there.village)
    assert [(one["state"], one["lacking"]) for one in listed(there)] == [("zero", 0)]


def test_ticked_groups_are_reminded_at_once_but_those_that_reported_meanwhile(there: Town) -> None:
    browser = signed_in(there.town, "reviewer")
    page = browser.get("/missing", query_string={"date": DAY}).text
    assert page.count('name="to"') == 3
    assert page.count(" checked>") == 3
    there.group.check(E_GROUPS[0], DAY)
    there.city.settle(30)
    form = {"csrf_token": token_in(page), "to": list(E_GROUPS), "period": DAY, "text": "", "idem": "one"}
    assert browser.post("/reminders", data=form).status_code == 302
    assert [one["unit"] for one in listed(there)] == [E_GROUPS[2], E_GROUPS[1]]
    assert browser.post("/reminders", data=form).status_code == 302  # a double click
    assert len(listed(there)) == 2
    again = browser.get("/missing", query_string={"date": DAY}).text
    assert "已催 18:00" in section(again, "m-plain")
    assert "checked>" not in again
    assert "2026年11月22日" in browser.get("/reminders").text
    empty = post(browser, "/missing", "/reminders", {"period": DAY})
    assert (empty.status_code, "没有勾选单位" in empty.text) == (422, True)
    other = post(browser, "/missing", "/reminders", {"period": DAY, "to": W_TOWN})
    assert other.status_code == 403


def test_a_forged_reminder_from_beside_or_below_is_not_shown(there: Town) -> None:
    for by in (E_GROUPS[1], CITY, W_TOWN):
        with write(there.village.db, "remind", there.village.env):
            intake = Intake(there.village.replica, there.village.env.now_ms())
            public = {"by": by, "period": DAY}
            intake.author(kind="remind", schema="remind/1", unit=E_GROUPS[0], day=business_day(NOW_MS), public=public)
            intake.finish()
    there.city.settle(30)
    assert there.group.count("reminder") == 3
    assert "上级催报" not in shown(there.group)
