"""免报: lifted duties at every level, by API and page; taken back, corrected, beaten by a report."""

from __future__ import annotations

from typing import Any

import pytest
from casework import Copy
from test_missing import section, shown
from test_pages import post, signed_in

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, NOW_MS, W_TOWN, City, Node, told
from node.figures import rollup
from sync.rebuild import rebuild
from sync.verify import verify

DAY = "2026-11-20"
BODY = {"unit": E_VILLAGE, "from": "2026-11-19", "to": "2026-11-20", "reason": "防汛转移", "reason_code": "disaster"}


class Town:
    """A county, a township, a village and a group with nodes of their own, the other side served by the hub."""

    def __init__(self) -> None:
        self.city = City()
        self.hub = self.city.hub
        self.east, self.town, self.village, self.group = self.city.line(EAST, E_TOWN, E_VILLAGE, E_GROUPS[0])
        self.nodes = (self.hub, self.east, self.town, self.village, self.group)
        self.reviewer = self.town.user("r", "reviewer", E_TOWN)
        self._kept = [Copy(node) for node in self.nodes]

    def emptied(self) -> Town:
        """As it was at first."""
        self.city.clock.at_ms = NOW_MS
        for copy in self._kept:
            copy.restore()
        return self

    def send(self, path: str, body: dict[str, Any], node: Node | None = None, **headers: str) -> tuple[int, Any]:
        at = node or self.town
        who = self.reviewer if node is None else at.user(f"r{at.count('account')}", "reviewer")
        reply = at.browser().post(f"/api/v1/excuses{path}", json=body, headers=who | headers)
        return reply.status_code, told(reply)

    def excuse(self, **change: Any) -> dict[str, Any]:
        status, document = self.send("", {**BODY, **change})
        assert status == 201, document
        self.city.settle(30)
        return dict(document)


@pytest.fixture(scope="module")
def kept() -> Town:
    return Town()


@pytest.fixture
def there(kept: Town) -> Town:
    return kept.emptied()


def figures(node: Node, unit: str, period: str = DAY) -> dict[str, int]:
    answer: Any = rollup.answer(node.replica, unit, period, by=None, tree="then", now_ms=node.env.now_ms())
    return {
        name.removeprefix("checks_"): answer["measures"][name]
        for name in ("checks_due", "checks_zero", "checks_found", "checks_excused", "checks_missing")
    }


def states(node: Node, unit: str, day: str = DAY) -> dict[str, str]:
    who = node.user(f"s{node.count('account')}", "worker")
    reply = node.browser().get("/api/v1/duties", query_string={"unit": unit, "date": day}, headers=who)
    return {item["unit"]: item["state"] for item in told(reply)["items"]}


def sound(there: Town) -> None:
    for node in there.nodes:
        assert verify(node.replica).problems == []
        before = node.derived()
        rebuild(node.replica)
        assert node.derived() == before


# ---- refusals


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"unit": E_TOWN}, 403, "not_above"),
        ({"unit": EAST}, 403, "unit_out_of_scope"),
        ({"unit": W_TOWN}, 403, "unit_out_of_scope"),
        ({"unit": "429999999999"}, 404, "unknown_unit"),
        ({"to": "2026-11-18"}, 422, "bad_span"),
        ({"reason": ""}, 422, "bad_shape"),
        ({"reason_code": "holiday"}, 422, "not_one_of"),
        ({"amends": "A" * 43}, 422, "amends_other_excuse"),
    ],
)
def test_what_may_not_be_excused_is_refused_and_nothing_is_stored(
    there: Town, change: dict[str, Any], status: int, code: str
) -> None:
    before = there.town.count()
    got, document = there.send("", {**BODY, **change})
    assert (got, document["code"], there.town.count()) == (status, code, before)


@pytest.mark.parametrize("role", ["worker", "mediator", "viewer"])
def test_only_reviewers_excuse(there: Town, role: str) -> None:
    who = there.town.user(role, role, E_TOWN)
    assert there.town.browser().post("/api/v1/excuses", json=BODY, headers=who).status_code == 403
    assert there.town.browser().post("/excuses", data=BODY, headers=who).status_code == 403


def test_a_unit_speaks_only_where_it_is_served(there: Town) -> None:
    """The hub hosts no reviewer of the township any more: its own node speaks for it."""
    who = there.hub.user("r", "reviewer", E_TOWN)
    reply = there.hub.browser().post("/api/v1/excuses", json=BODY, headers=who)
    assert (reply.status_code, told(reply)["code"]) == (409, "served_elsewhere")


def test_only_who_gave_it_or_stands_above_takes_an_excuse_back(there: Town) -> None:
    given = there.excuse()
    path = f"/{given['event']}/cancel"
    group = there.send("", {**BODY, "unit": E_GROUPS[0], "reason": "x"}, there.village)[1]
    assert there.send(path, {"reason": "已恢复"}, there.village)[1]["code"] == "not_above"
    there.city.settle(30)
    assert there.send(f"/{group['event']}/cancel", {"reason": "已恢复"}, there.east)[0] == 201
    assert there.send(path, {"reason": "已恢复"})[0] == 201
    assert there.send(path, {"reason": "已恢复"})[1]["code"] == "excuse_not_standing"
    assert there.send(f"/{'A' * 43}/cancel", {"reason": "已恢复"})[0] == 404


# ---- at every level


def test_an_excuse_lifts_the_duties_below_it_at_every_node_and_a_report_beats_it(there: Town) -> None:
    there.village.check(E_GROUPS[1], DAY, disputes=1)
    given = there.excuse()
    assert {one: given[one] for one in ("unit", "by", "from", "to", "reason_code", "cancelled")} == {
        "unit": E_VILLAGE, "by": E_TOWN, "from": "2026-11-19", "to": DAY, "reason_code": "disaster", "cancelled": False,
    }  # fmt: skip
    lifted = {"due": 3, "zero": 0, "found": 1, "excused": 2, "missing": 0}
    for node in (there.hub, there.east, there.town, there.village):
        for unit in (E_VILLAGE, E_TOWN, EAST):
            assert figures(node, unit) == lifted, (node.unit, unit)
    assert figures(there.hub, CITY) == {"due": 6, "zero": 0, "found": 1, "excused": 2, "missing": 3}
    assert figures(there.group, E_GROUPS[0]) == {"due": 1, "zero": 0, "found": 0, "excused": 1, "missing": 0}
    assert states(there.hub, E_VILLAGE) == {E_GROUPS[0]: "excused", E_GROUPS[1]: "late_found", E_GROUPS[2]: "excused"}
    assert states(there.group, E_GROUPS[0]) == {E_GROUPS[0]: "excused"}
    there.group.check(E_GROUPS[0], DAY)
    there.city.settle(30)
    assert states(there.hub, E_VILLAGE)[E_GROUPS[0]] == "late_zero"
    assert figures(there.hub, E_VILLAGE) == {"due": 3, "zero": 1, "found": 1, "excused": 1, "missing": 0}
    sound(there)


def test_an_excuse_taken_back_or_corrected_brings_the_duties_back_everywhere(there: Town) -> None:
    given = there.excuse(to="2026-11-21")
    assert figures(there.hub, EAST, "2026-11-21")["excused"] == 3
    there.excuse(amends=given["event"], to="2026-11-20")
    for node in there.nodes[:4]:
        assert figures(node, EAST, "2026-11-21")["missing"] == 3, node.unit
        assert figures(node, EAST, DAY)["excused"] == 3, node.unit
    listed = told(there.town.browser().get("/api/v1/excuses", headers=there.reviewer))["items"]
    assert [(one["unit"], one["to"], one["amends"]) for one in listed] == [(E_VILLAGE, DAY, given["event"])]
    assert there.send(f"/{listed[0]['event']}/cancel", {"reason": "水退了"})[0] == 201
    there.city.settle(30)
    for node in there.nodes[:4]:
        assert figures(node, EAST, DAY) == {"due": 3, "zero": 0, "found": 0, "excused": 0, "missing": 3}, node.unit
    assert states(there.group, E_GROUPS[0]) == {E_GROUPS[0]: "missing"}
    sound(there)


def test_excuses_on_top_of_each_other_count_once(there: Town) -> None:
    there.excuse()
    there.excuse(unit=E_GROUPS[2])
    assert there.send("", {**BODY, "unit": E_TOWN, "reason": "全镇"}, there.east)[0] == 201
    there.city.settle(30)
    assert figures(there.hub, CITY)["excused"] == 3
    assert figures(there.group, E_GROUPS[0])["excused"] == 1
    sound(there)


def test_the_records_behind_excused_and_missing_are_listed_and_the_past_stays_as_it_was(there: Town) -> None:
    before = there.hub.env.now_ms()
    there.city.clock.forward(3_600_000)
    there.excuse()
    who = there.hub.user("c", "reviewer")

    def listed(measure: str, **more: Any) -> list[str]:
        asked = {"unit": CITY, "period": DAY, "measure": measure, **more}
        document = told(there.hub.browser().get("/api/v1/rollup/records", query_string=asked, headers=who))
        return [item["unit"] for item in document["items"]]

    assert listed("checks_excused") == list(E_GROUPS)
    assert len(listed("checks_missing")) == 3
    assert listed("checks_excused", as_of=before) == []
    assert len(listed("checks_missing", as_of=before)) == 6


def test_the_words_are_read_by_who_gave_it_and_whom_it_is_for_and_nobody_between_or_above(there: Town) -> None:
    there.send("", {**BODY, "reason": "金丝雀汛情"}, there.east)
    there.city.settle(30)
    held = {
        node.unit: node.count("part", "name = 'per' AND text LIKE '%金丝雀%'") for node in there.nodes
    }  # fmt: skip
    assert held == {CITY: 0, EAST: 1, E_TOWN: 0, E_VILLAGE: 1, E_GROUPS[0]: 0}
    assert "金丝雀汛情" in shown_excuses(there.village)
    assert "金丝雀汛情" not in shown_excuses(there.town)
    assert "灾害" in shown_excuses(there.town)


def shown_excuses(node: Node) -> str:
    who = node.user(f"p{node.count('account')}", "worker")
    reply = node.browser().get("/excuses", headers=who)
    assert reply.status_code == 200
    return reply.text


# ---- pages


def test_the_page_lifts_corrects_and_takes_back(there: Town) -> None:
    browser = signed_in(there.town, "reviewer")
    sent = post(browser, "/excuses", "/excuses", {**BODY, "idem": "one"})
    assert sent.status_code == 302
    page = browser.get("/excuses").text
    assert "东村" in page
    assert "防汛转移" in page
    assert "共 2 天" in page
    event = there.town.db.execute("SELECT event FROM excused").fetchone()[0]
    form = browser.get(f"/excuses?amends={event}").text
    assert 'value="2026-11-20"' in form
    refused = post(browser, "/excuses", "/excuses", {**BODY, "amends": event, "to": "2026-11-01", "idem": "two"})
    assert refused.status_code == 422
    assert "2026-11-19" in refused.text
    assert (
        post(
            browser, "/excuses", "/excuses/cancel", {"event": event, "unit": E_VILLAGE, "reason": "水退了"}
        ).status_code
        == 302
    )
    assert "没有免报" in browser.get("/excuses").text


def test_who_is_excused_is_not_listed_as_missing(there: Town) -> None:
    who = there.hub.user("w", "worker")
    there.excuse()
    page = shown(there.hub, who, date=DAY)
    assert "东村1组" not in section(page, "m-plain") + section(page, "m-silent")
    assert section(page, "m-units").endswith("东县 3 0 3 0 0 西县 3 0 0 3 0 合计 6 0 3 3 0")
    rows = section(shown(there.hub, who, date=DAY, state="excused"), "m-rows")
    assert rows.count("免报") == 3
