"""Forms among the duties: what a township or county owes stands beside its confirmation, by API and page."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from builders import CITY, E_TOWN, E_VILLAGE, EAST, TODAY, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node, told
from hub.directory import SHIPPED_FORMS

SHIPPED: Final = json.loads(SHIPPED_FORMS.read_text("utf-8"))
MEETINGS: Final = {"meetings": 2, "units_attending": 9, "discussed": 5, "settled": 3}
MONTH_END, QUARTER_END = "2026-10-31", "2026-09-30"
EVERY_FORM: Final = ["judges", "meetings", "supervised", "training"]


class Desk:
    """The hub of a small city with the shipped forms, and people of several roles there."""

    def __init__(self) -> None:
        self.node: Node = City().hub
        self.node.publish(*SHIPPED)
        self.client = self.node.browser()
        self.roles = {role: self.node.user(role, role) for role in ("reviewer", "viewer", "worker")}

    def get(self, path: str, role: str = "reviewer") -> Any:
        """The document of a GET below /api/v1."""
        reply = self.client.get(f"/api/v1/{path}", headers=self.roles[role])
        assert reply.status_code == 200, told(reply)
        return told(reply)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The document of a POST that is taken."""
        reply = self.client.post(f"/api/v1/{path}", json=body, headers=self.roles["reviewer"])
        assert reply.status_code == 201, told(reply)
        return told(reply)

    def fill(self, unit: str, period: str = "2026-10") -> str:
        """Fills the form of joint meetings."""
        return str(self.post("returns", {"form": "meetings", "unit": unit, "period": period, "values": MEETINGS})["id"])

    def page(self, path: str, role: str = "reviewer") -> tuple[int, str]:
        """(status, text) of a page."""
        reply = self.client.get(path, headers=self.roles[role])
        return reply.status_code, reply.text


@pytest.fixture
def desk() -> Desk:
    """Empty in every test."""
    return Desk()


def test_a_form_goes_through_the_states_of_a_duty_beside_the_confirmation(desk: Desk) -> None:
    def own(day: str = MONTH_END) -> dict[str, Any]:
        items = desk.get(f"duties?unit={W_TOWN}&date={day}&level=township&kind=form")["items"]
        assert len(items) == 1
        return dict(items[0])

    clock = desk.node.env.clock
    for day, hour, state in (("2026-10-30", 12, "not_due"), ("2026-10-31", 9, "due"), ("2026-11-20", 9, "missing")):
        clock.set(day, hour)
        assert own()["state"] == state
    clock.set("2026-11-02", 9)
    event = desk.fill(W_TOWN)
    row = own()
    shown = ("unit", "level", "kind", "form", "period", "state", "event", "why", "conflicts", "excuse")
    wanted = (W_TOWN, "township", "form", "meetings", "2026-10", "sent", event, None, 0, None)
    assert tuple(row[name] for name in shown) == wanted
    by_form = desk.get(f"returns/duties?form=meetings&unit={W_TOWN}&period=2026-10")["items"][0]
    assert {name: row[name] for name in by_form} == by_form
    desk.post(f"returns/{event}/return", {"reason": "数字不符"})
    assert own()["state"] == "returned"
    plain = desk.get(f"duties?unit={W_TOWN}&date={MONTH_END}")["items"]
    assert {one["kind"] for one in plain} == {"check", "confirmation"}  # whose states are those of 2-domain
    whole = desk.get(f"duties?unit={W_TOWN}&date={MONTH_END}&kind=all")["items"]
    assert [(one["kind"], one["form"]) for one in whole if one["unit"] == W_TOWN] == [
        ("confirmation", None), ("form", "meetings"),
    ]  # fmt: skip
    assert {tuple(one) for one in whole} == {tuple(row)}  # every row has the same fields


def test_the_pages_of_a_list_with_forms_hold_what_was_asked_for_and_lose_nothing(desk: Desk) -> None:
    whole = desk.get(f"duties?unit={CITY}&date={QUARTER_END}&kind=all&limit=500")["items"]
    forms = [(one["unit"], one["form"]) for one in whole if one["kind"] == "form"]
    assert forms == [
        *((EAST, form) for form in EVERY_FORM), *((E_TOWN, form) for form in EVERY_FORM if form != "supervised"),
        *((WEST, form) for form in EVERY_FORM), *((W_TOWN, form) for form in EVERY_FORM if form != "supervised"),
    ]  # fmt: skip
    for limit in (1, 2, 3, 7):
        seen: list[Any] = []
        after = ""
        for _ in range(len(whole)):
            page = desk.get(f"duties?unit={CITY}&date={QUARTER_END}&kind=all&limit={limit}&after={after}")
            assert len(page["items"]) <= limit
            seen += page["items"]
            if page["next"] is None:
                break
            after = page["next"]
        assert seen == whole, limit


@pytest.mark.parametrize("kind", ["check", "confirmation", "form"])
def test_a_list_of_duties_is_of_one_kind_or_state_when_asked(desk: Desk, kind: str) -> None:
    desk.fill(E_TOWN)
    whole = desk.get(f"duties?unit={CITY}&date={MONTH_END}&kind=all")["items"]
    asked = desk.get(f"duties?unit={CITY}&date={MONTH_END}&kind={kind}")["items"]
    assert asked == [one for one in whole if one["kind"] == kind] != []
    late = desk.get(f"duties?unit={CITY}&date={MONTH_END}&kind={kind}&state=late")["items"]
    assert [one["unit"] for one in late] == ([E_TOWN] if kind == "form" else [])
    refused = desk.client.get(f"/api/v1/duties?kind={kind}s", headers=desk.roles["reviewer"])
    assert (refused.status_code, told(refused)["field"]) == (422, "kind")


# ---- pages


def test_who_has_not_reported_names_the_forms_with_those_who_have_not_sent_them(desk: Desk) -> None:
    desk.fill(E_TOWN)
    _, page = desk.page(f"/missing/reports?unit={CITY}")
    rows = page.partition('id="m-forms"')[2].partition("</section>")[0]
    assert rows.count("<tr>") == 1 + len(EVERY_FORM)
    meetings = next(row for row in rows.split("<tr>") if "form=meetings" in row)
    assert ("2026年10月" in meetings, ">1 / 4<" in meetings, "漏报 3" in meetings) == (True,) * 3
    href = meetings.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    status, listed = desk.page(href)
    assert (status, "state=missing" in href, "东镇" in listed.partition('id="f-duties"')[2]) == (200, True, False)
    assert 'id="m-forms"' not in desk.page(f"/missing/reports?unit={E_VILLAGE}")[1]  # nobody owes one there


def test_a_viewer_sees_the_totals_down_to_the_township_and_no_single_return(desk: Desk) -> None:
    event = desk.fill(W_TOWN)
    desk.fill(WEST)
    asked = "returns/rollup?form=meetings&period=2026-10&unit="
    for unit in (CITY, WEST, W_TOWN):
        whole = desk.get(asked + unit)
        seen = desk.get(asked + unit, "viewer")
        assert {name: seen[name] for name in whole if name != "as_of"} == {
            name: whole[name] for name in whole if name != "as_of"
        }
        assert seen["rows_withheld"] is False
    below = desk.client.get(f"/api/v1/{asked}{W_VILLAGE}", headers=desk.roles["viewer"])
    assert (below.status_code, told(below)["code"], told(below)["field"]) == (403, "small_forms", "unit")
    for path in (
        "returns?form=meetings", "returns/duties?form=meetings&period=2026-10", f"duties?date={MONTH_END}",
        f"events/{event}",
    ):  # fmt: skip
        assert desk.client.get(f"/api/v1/{path}", headers=desk.roles["viewer"]).status_code == 403, path
    status, page = desk.page(f"/forms/totals?form=meetings&period=2026-10&unit={WEST}", "viewer")
    assert (status, ">18<" in page, 'id="f-duties"' in page, "/forms/return" in page) == (
        200, True, False, False,
    )  # fmt: skip
    status, page = desk.page("/forms", "viewer")
    assert (status, page.count("/forms/totals"), "/forms/return" in page) == (200, 2 * len(EVERY_FORM), False)
    assert 'href="/forms?unit=' in desk.page("/rollup", "viewer")[1]


def test_a_viewer_is_given_no_rows_of_villages(desk: Desk) -> None:
    meetings = next(form for form in SHIPPED if form["id"] == "meetings")
    desk.node.publish({**meetings, "version": 2, "from": "2026-10-01", "levels": ["village", "township"]})
    desk.fill(W_TOWN)
    desk.fill(W_VILLAGE)
    asked = f"returns/rollup?form=meetings&period=2026-10&unit={W_TOWN}"
    whole, seen = desk.get(asked), desk.get(asked, "viewer")
    assert [row["key"] for row in whole["rows"]] == [W_TOWN, W_VILLAGE]
    assert (seen["rows"], seen["rows_withheld"], seen["totals"]) == ([], True, whole["totals"])
    table = desk.client.get(f"/api/v1/{asked}&format=csv", headers=desk.roles["viewer"])
    assert (table.status_code, W_VILLAGE in table.text, W_TOWN in table.text) == (200, False, False)


def test_a_check_is_sent_back_on_a_page_of_its_own_once_it_is_sure(desk: Desk) -> None:
    event = desk.node.check(W_GROUPS[0], TODAY, 2)
    own = desk.node.check(W_GROUPS[1], TODAY)
    _, records = desk.page(f"/records?unit={W_VILLAGE}")
    assert records.count("/records/return?event=") == 2
    assert "/records/return" not in desk.page(f"/records?unit={W_VILLAGE}", "worker")[1]
    headers, url = desk.roles["reviewer"], f"/records/return?event={event}"
    form = {"event": event, "reason": "请核对数目", "confirm": "yes", "idem": "once"}
    for change, said in (
        ({"reason": " "}, "退回原因"),
        ({"confirm": ""}, "请先勾选确认"),
        ({"reason": "长" * 501}, "500"),
    ):
        refused = desk.client.post("/records/return", data=form | change, headers=headers)
        assert (refused.status_code, said in refused.text, desk.node.count("check_return")) == (422, True, 0), change
    for _ in range(2):  # a double click
        assert desk.client.post("/records/return", data=form, headers=headers).status_code == 302
    assert desk.node.count("check_return") == 1
    assert ("已经退回" in desk.page(url)[1], 'name="reason"' in desk.page(url)[1]) == (True, False)
    ended = form | {"event": own, "reason": "请补填走访场所数。", "idem": "two"}
    assert desk.client.post("/records/return", data=ended, headers=headers).status_code == 302
    shown = desk.page(f"/today?unit={W_GROUPS[1]}")[1]
    assert ("请补填走访场所数。" in shown, "。。" in shown) == (True, False)
    amended = desk.node.check(W_GROUPS[0], TODAY, 1)
    assert (f"event={amended}" in desk.page(url)[1], 'name="reason"' in desk.page(url)[1]) == (True, False)
    group = desk.node.user("g", "reviewer", W_GROUPS[1])
    other = desk.node.user("e", "reviewer", EAST)
    for who in (group, other, desk.roles["worker"]):
        assert desk.client.get(f"/records/return?event={own}", headers=who).status_code == 403
        refused = desk.client.post("/records/return", data=form | {"event": own, "idem": "x"}, headers=who)
        assert refused.status_code == 403
    assert desk.page(f"/records/return?event={'A' * 43}")[0] == 404
    assert desk.page("/records/return?event=x")[0] == 404
    assert desk.node.count("check_return") == 2
