"""应报未报: who has not reported, and whose report may lie on a node that was not heard of."""

from __future__ import annotations

import html
import re
from datetime import date
from typing import Any

import pytest

from builders import CITY, E_GROUPS, E_VILLAGE, EAST, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node, told
from node.daily import duties
from node.daily.checks import send_back
from node.pages import missing_lists
from node.people import accounts
from schemas.cadence import PROFILES, profile_payload
from schemas.roles import ROLES
from schemas.units.tree import Tree

YESTERDAY = "2026-11-24"
EAST_HEARD = "2026-11-24T10:00:00.000Z"


@pytest.fixture
def city() -> City:
    """The 24th, judged on the 25th at 18:00: the east is served by a county node last heard of on the 24th at 18:00,
    the west by the hub; one group has reported on either side.
    """
    city = City()
    city.clock.set(YESTERDAY, 18)
    east = city.join(city.hub, EAST)
    east.check(E_GROUPS[0], YESTERDAY)
    city.hub.check(W_GROUPS[0], YESTERDAY, disputes=1)
    city.settle()
    city.clock.set("2026-11-25", 18)
    return city


def api(node: Node, who: dict[str, str], **query: object) -> dict[str, Any]:
    return told(node.browser().get("/api/v1/duties", query_string=query, headers=who))


def whys(document: dict[str, Any]) -> dict[str, tuple[str, str | None, str | None]]:
    return {item["unit"]: (item["state"], item["why"], item["silent_since"]) for item in document["items"]}


def shown(node: Node, who: dict[str, str], **query: object) -> str:
    reply = node.browser().get("/missing", query_string=query, headers=who)
    assert reply.status_code == 200, reply.text[-800:]
    return html.unescape(reply.text)


def section(page: str, name: str) -> str:
    found = re.search(rf'<section[^>]*aria-labelledby="{name}".*?</section>', page, re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])).strip() if found else ""


def table(page: str) -> list[list[str]]:
    body = page.partition('aria-labelledby="m-units"')[2]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in cells[1:]]


def waiting(page: str) -> str | None:
    found = re.search(r'href="/missing"[^>]*>应报未报<span class="count">(\d+)</span>', page)
    return found[1] if found else None


# ---- refusals


@pytest.mark.parametrize("state", ["lost", "silent", "MISSING", ""])
def test_a_state_that_does_not_exist_is_refused_by_the_api(city: City, state: str) -> None:
    who = city.hub.user("w", "worker")
    reply = city.hub.browser().get("/api/v1/duties", query_string={"state": state}, headers=who)
    assert (reply.status_code, told(reply)["field"]) == (422, "state")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"state": "zero"}, 422),
        ({"date": "2026-02-30"}, 422),
        ({"date": "yesterday"}, 422),
        ({"date": "9999-12-31"}, 422),
        ({"unit": "429999999999"}, 404),
    ],
)
def test_a_wrong_question_is_told_as_such(city: City, query: dict[str, str], status: int) -> None:
    who = city.hub.user("w", "worker")
    assert city.hub.browser().get("/missing", query_string=query, headers=who).status_code == status


@pytest.mark.parametrize("role", ROLES)
def test_a_viewer_sees_figures_only_everybody_else_the_page(city: City, role: str) -> None:
    who = city.hub.user(role, role)
    assert city.hub.browser().get("/missing", headers=who).status_code == (403 if role == "viewer" else 200)
    assert ("应报未报" in city.hub.browser().get("/rollup", headers=who).text) == (role != "viewer")


def test_a_unit_outside_the_own_subtree_is_refused(city: City) -> None:
    who = city.hub.user("w", "worker", WEST)
    assert city.hub.browser().get("/missing", query_string={"unit": EAST}, headers=who).status_code == 403


# ---- silent, or without a report


def test_a_missing_report_that_may_lie_on_a_silent_node_is_told_apart(city: City) -> None:
    who = city.hub.user("w", "worker")
    silent = ("missing", "silent", EAST_HEARD)
    assert whys(api(city.hub, who, date=YESTERDAY)) == {
        E_GROUPS[0]: ("zero", None, None),
        E_GROUPS[1]: silent,
        E_GROUPS[2]: silent,
        W_GROUPS[0]: ("found", None, None),
        W_GROUPS[1]: ("missing", "no_report", None),
        W_GROUPS[2]: ("missing", "no_report", None),
    }
    page = shown(city.hub, who)
    nodes, plain = section(page, "m-silent"), section(page, "m-plain")
    assert "东县 节点自 11-24 18:00 起未同步" in nodes
    assert "2 个网格的报告没有传到 东村2组、东村3组" in nodes
    assert ("西村2组 西村3组" in plain, "东村" in plain) == (True, False)
    assert table(page) == [["东县", "3", "1", "2", "2"], ["西县", "3", "1", "2", "0"], ["合计", "6", "2", "4", "2"]]


def test_once_the_node_has_synced_after_the_grace_its_groups_have_not_reported(city: City) -> None:
    city.clock.set("2026-11-25", 10)
    city.settle()
    city.clock.set("2026-11-25", 18)
    who = city.hub.user("w", "worker")
    assert set(whys(api(city.hub, who, date=YESTERDAY, state="missing")).values()) == {
        ("missing", "silent", "2026-11-25T02:00:00.000Z"),
        ("missing", "no_report", None),
    }  # heard of at the last instant of the grace: what was entered since may still be on time
    city.settle()
    assert set(whys(api(city.hub, who, date=YESTERDAY, state="missing")).values()) == {("missing", "no_report", None)}
    assert section(shown(city.hub, who), "m-silent") == ""


def test_a_report_that_waited_on_a_silent_node_ends_the_complaint(city: City) -> None:
    east = city.nodes[1]
    for group in E_GROUPS[1:]:
        east.check(group, YESTERDAY)
    city.settle()
    who = city.hub.user("w", "worker", EAST)
    page = shown(city.hub, who)
    assert "这一天全部已报" in page
    assert "应报 3 个网格，已报 3 个。" in page
    assert waiting(page) is None


def test_a_node_below_another_is_judged_by_its_newest_record_not_by_who_carried_it(city: City) -> None:
    east = city.nodes[1]
    village = city.join(east, E_VILLAGE)
    village.check(E_GROUPS[1], "2026-11-25")
    city.clock.set("2026-11-26", 9)
    village.sync()
    city.clock.set("2026-11-26", 12)
    east.sync()  # carried up after the grace, but written before its end
    who = city.hub.user("w", "worker", EAST)
    silent = ("missing", "silent", "2026-11-25T10:00:00.000Z")
    assert whys(api(city.hub, who, date="2026-11-25", state="missing")) == {E_GROUPS[0]: silent, E_GROUPS[2]: silent}
    assert "11-25 18:00 以后的数据还没有传到" in section(shown(city.hub, who), "m-silent")
    village.check(E_GROUPS[1], "2026-11-26")
    city.settle()
    assert set(whys(api(city.hub, who, date="2026-11-25", state="missing")).values()) == {
        ("missing", "no_report", None)
    }


def test_a_node_that_never_synced_is_silent(city: City) -> None:
    city.join(city.hub, WEST, sync=False)
    city.hub.db.execute("UPDATE link SET last_seen_at = NULL WHERE unit = ?", [WEST])
    who = city.hub.user("w", "worker", WEST)
    assert set(whys(api(city.hub, who, date=YESTERDAY, state="missing")).values()) == {("missing", "silent", None)}
    assert "节点从未同步" in section(shown(city.hub, who), "m-silent")


def test_before_the_grace_ends_nobody_is_missing_and_no_node_silent(city: City) -> None:
    who = city.hub.user("w", "worker")
    assert {item[1] for item in whys(api(city.hub, who, date="2026-11-25")).values()} == {None}
    page = shown(city.hub, who, date="2026-11-25")
    assert section(page, "m-silent") == ""
    assert section(page, "m-plain").startswith("待报 · 6 个网格")
    assert "宽限还没有过，现在没有漏报" in shown(city.hub, who, date="2026-11-25", state="missing")


# ---- lists


@pytest.mark.parametrize(
    ("state", "units"),
    [
        ("zero", [E_GROUPS[0]]),
        ("found", [W_GROUPS[0]]),
        ("missing", [*E_GROUPS[1:], *W_GROUPS[1:]]),
        ("due", []),
        ("returned", []),
    ],
)
def test_the_api_lists_one_state_when_asked(city: City, state: str, units: list[str]) -> None:
    document = api(city.hub, city.hub.user("w", "worker"), date=YESTERDAY, state=state)
    assert [item["unit"] for item in document["items"]] == units


def test_a_list_of_one_state_is_paged_by_key(city: City) -> None:
    who, seen, after = city.hub.user("w", "worker"), [], {}
    for _ in range(4):
        document = api(city.hub, who, date=YESTERDAY, state="missing", limit=1, **after)
        seen += [item["unit"] for item in document["items"]]
        after = {"after": document["next"]}
    assert (seen, document["next"]) == ([*E_GROUPS[1:], *W_GROUPS[1:]], None)


def test_returned_reports_are_a_list_of_their_own(city: City) -> None:
    who, reviewer = city.hub.user("w", "worker"), accounts.Account("r", "reviewer", WEST)
    assert "这一天没有被退回的报告" in shown(city.hub, who, state="returned")
    event = city.hub.check(W_GROUPS[0], "2026-11-24", disputes=2)
    send_back(city.hub.replica, reviewer, event, {"reason": "请核对"}, None)
    rows = section(shown(city.hub, who, state="returned"), "m-rows")
    assert ("西村1组 西县 · 西镇 · 西村 退回" in rows, "东村" in rows) == (True, False)
    assert whys(api(city.hub, who, date=YESTERDAY, state="returned")) == {W_GROUPS[0]: ("returned", None, None)}


def test_every_page_of_a_list_is_reached_by_its_link(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GROUPS_A_PAGE", "ROWS_A_PAGE"):
        monkeypatch.setattr(missing_lists, name, 1)
    who = city.hub.user("w", "worker")
    for query, groups in (({"unit": WEST}, W_GROUPS[1:]), ({"state": "all"}, (*E_GROUPS, *W_GROUPS))):
        seen, page = [], shown(city.hub, who, **query)
        for _ in range(len(groups) + 1):
            seen += re.findall(r"([东西]村\d组)</a>", section_html(page))
            following = re.search(r'rel="next" href="(/missing[^"]*after=[^"]*)"', page)
            if following is None:
                break
            page = html.unescape(city.hub.browser().get(html.unescape(following[1]), headers=who).text)
        assert len(seen) == len(groups)
        assert len(set(seen)) == len(groups)


def section_html(page: str) -> str:
    found = re.search(r'<section[^>]*aria-labelledby="m-(?:plain|rows)".*?</section>', page, re.S)
    return found[0] if found else ""


def test_silent_nodes_are_paged_too(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing_lists, "NODES_A_PAGE", 1)
    city.join(city.hub, WEST)
    city.clock.set("2026-11-26", 18)
    who = city.hub.user("w", "worker")
    first = shown(city.hub, who)
    assert ("东县" in section(first, "m-silent"), "西县" in section(first, "m-silent")) == (True, False)
    following = re.search(r'href="(/missing[^"]*after_node=[^"]*)"', first)
    assert following is not None
    second = city.hub.browser().get(following[1], headers=who).text
    assert ("东县" in section(second, "m-silent"), "西县" in section(second, "m-silent")) == (False, True)


# ---- days and units without a list


def test_a_day_to_come_says_so(city: City) -> None:
    page = shown(city.hub, city.hub.user("w", "worker"), date="2026-12-01")
    assert ("这一天还没有到" in page, "全部已报" in page) == (True, False)
    assert table(page)[-1] == ["合计", "6", "0", "6"]
    assert section(page, "m-units").startswith("下级单位 按目录顺序 单位 应报 已报 未到期")


def test_a_day_on_which_groups_owe_no_daily_report_says_so(city: City) -> None:
    profile = profile_payload(PROFILES["jingzhou-2022"])
    weekly = {**profile, "name": "weekly", "cadences": {**PROFILES["jingzhou-2022"].cadences, "group": "week"}}
    city.hub.publish({"type": "cadence", "date": "2026-11-20", "profile": weekly})
    who = city.hub.user("w", "worker")
    page = shown(city.hub, who)
    assert ("这一天网格不需要日报" in page, waiting(page)) == (True, None)
    assert "西村2组" in shown(city.hub, who, date="2026-11-19")


def test_a_day_before_the_first_group_says_so(city: City) -> None:
    city.hub.publish(
        {"type": "unit", "act": "open", "unit": f"{W_TOWN[:9]}002", "date": "2026-11-20", "code": f"{W_TOWN[:9]}002",
         "name": "新村", "level": "village", "parent": W_TOWN, "kind": "regular"},
    )  # fmt: skip
    who = city.hub.user("w", "worker")
    assert "这一天没有应报的网格" in shown(city.hub, who, unit=f"{W_TOWN[:9]}002")
    for day in ("2000-01-01", "2199-12-31"):
        assert "应报未报" in shown(city.hub, who, date=day)


def test_a_group_sees_its_own_days(city: City) -> None:
    who = city.hub.user("w", "worker", W_GROUPS[0])
    days = section(shown(city.hub, who, date=YESTERDAY), "m-own")
    assert days.startswith(
        "近 30 天 去填报 日期 状态 填报时间 11月24日 星期二 发现 11-24 18:00 11月23日 星期一 漏报 — 无"
    )
    assert days.count("漏报") == 29
    analyst = city.hub.user("a", "analyst", W_GROUPS[0])
    assert "去填报" not in section(shown(city.hub, analyst), "m-own")


def test_days_of_a_group_behind_a_silent_node_say_so(city: City) -> None:
    days = section(shown(city.hub, city.hub.user("w", "worker"), unit=E_GROUPS[1]), "m-own")
    assert "11月24日 星期二 漏报 节点失联 节点自 11-24 18:00 起未同步" in days
    assert days.count("节点失联") == 1  # it was heard of after the grace of every earlier day
    assert "去填报" not in days


# ---- the count in the navigation, and figures that agree


def test_the_navigation_counts_what_is_missing_of_the_last_closed_day(city: City) -> None:
    who, west = city.hub.user("w", "worker"), city.hub.user("v", "worker", W_VILLAGE)
    assert (waiting(shown(city.hub, who)), waiting(shown(city.hub, west))) == ("4", "2")
    city.hub.check(W_GROUPS[1], YESTERDAY)
    assert (waiting(shown(city.hub, who)), waiting(shown(city.hub, west))) == ("3", "1")
    city.clock.set("2026-11-26", 10)
    assert waiting(shown(city.hub, west)) == "1"  # the grace of the 25th ends with this minute
    city.clock.forward(1)
    assert waiting(shown(city.hub, west)) == "3"


def test_the_page_says_what_the_rollup_says(city: City) -> None:
    who = city.hub.user("w", "admin")
    for unit in (CITY, EAST, W_VILLAGE, W_GROUPS[1]):
        query = {"unit": unit, "period": YESTERDAY}
        figures = told(city.hub.browser().get("/api/v1/rollup", query_string=query, headers=who))["measures"]
        document = api(city.hub, who, unit=unit, date=YESTERDAY, state="missing")
        assert len(document["items"]) == figures["checks_missing"]


def test_the_groups_of_a_day_are_those_of_the_tree_of_that_day(city: City) -> None:
    move = {
        "type": "unit",
        "act": "move",
        "unit": W_VILLAGE,
        "date": "2026-11-24",
        "parent": W_TOWN.replace("002", "001", 1),
    }
    city.hub.publish(move)
    tree: Tree = duties.directory.tree_of(city.hub.replica)
    for text in ("2026-11-23", "2026-11-24"):
        day = date.fromisoformat(text)
        for unit in (CITY, EAST, WEST, W_VILLAGE, W_GROUPS[0]):
            slow = sorted(one.id for one in tree.subtree(unit, day) if one.level == "group")
            assert [one.id for one in tree.groups_below(unit, day)] == slow
