"""统计报表: forms filled in on a page that needs no script; refusals keep what was typed, and say the difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from builders import CITY, E_TOWN, EAST, W_TOWN, W_VILLAGE, WEST, City, Node
from hub.directory import SHIPPED_FORMS

VALUES: Final = {
    "on_register": "2,062", "controlled": "2", "probation": "1,982", "parole": "４７", "outside": "31",
    "received": "900", "released": "477", "corrected": "423",
}  # fmt: skip
ABOUT: Final = {"form": "supervised", "unit": WEST, "period": "2026-Q3"}
URL: Final = f"/forms/return?form=supervised&unit={WEST}&period=2026-Q3"
Desk = tuple[Node, FlaskClient, dict[str, str]]


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A hub that serves the west, the shipped forms published, and its reviewer."""
    city = City()
    city.hub.publish(*json.loads(SHIPPED_FORMS.read_text("utf-8")))
    city.join(city.hub, EAST)
    city.settle()
    yield city.hub, city.hub.browser(), city.hub.user("r", "reviewer")
    city.hub.db.conn.close()


def text(client: FlaskClient, headers: dict[str, str], path: str, status: int = 200) -> str:
    """A page."""
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    return str(answer.text)


def filled(**change: str) -> dict[str, str]:
    """What the page sends."""
    return {**ABOUT, "idem": "k", **{f"v.{key}": value for key, value in (VALUES | change).items()}}


def test_who_may_not_fill_is_refused_and_sees_no_form(desk: Desk) -> None:
    hub, client, _ = desk
    worker, viewer, western = hub.user("w", "worker"), hub.user("v", "viewer"), hub.user("x", "reviewer", W_TOWN)
    assert client.post("/forms/return", data=filled(), headers=worker).status_code == 403
    assert client.post("/forms/return", data=filled(), headers=western).status_code == 403
    assert '<button class="btn btn--main btn--wide' not in text(client, worker, URL)
    text(client, viewer, URL, 403)  # single returns; the totals are figures
    assert hub.count("form_return") == 0


def test_a_broken_sum_keeps_what_was_typed_and_names_the_difference_at_its_field(desk: Desk) -> None:
    hub, client, headers = desk
    answer = client.post("/forms/return", data=filled(on_register="2,063", released="x"), headers=headers)
    assert answer.status_code == 422
    assert "“社区矫正在册总数”填的是 2,063，各分项合计是 2,062，相差 1" in answer.text
    assert "有 2 处要改" in answer.text
    assert answer.text.count("aria-invalid") == 2
    assert ('value="2063"' in answer.text, 'value="x"' in answer.text, 'value="1982"' in answer.text) == (True,) * 3
    assert hub.count("form_return") == 0


@pytest.mark.parametrize(
    ("change", "status"),
    [({"period": "2026-Q4"}, 422), ({"period": "2026-09"}, 422), ({"form": "none"}, 404), ({"unit": EAST}, 409),
     ({"v.parole": ""}, 422), ({"v.parole": "-1"}, 422), ({"v.parole": "4.5"}, 422)],
)  # fmt: skip
def test_what_can_not_be_sent_is_refused(desk: Desk, change: dict[str, str], status: int) -> None:
    hub, client, headers = desk
    answer = client.post("/forms/return", data=filled() | change, headers=headers)
    assert (answer.status_code, hub.count("form_return")) == (status, 0)


def test_a_form_is_sent_once_however_often_the_button_is_pressed_and_can_be_amended(desk: Desk) -> None:
    hub, client, headers = desk
    assert "填报" in text(client, headers, URL)
    for _ in range(2):
        assert client.post("/forms/return", data=filled(), headers=headers).status_code == 302
    assert hub.count("form_return") == 1
    page = text(client, headers, URL)
    assert (">2,062<" in page, "迟报" in page, 'value="2062"' in page, "查看凭证" in page) == (True,) * 4
    amended = filled(received="901", released="478") | {"idem": "k2"}
    assert client.post("/forms/return", data=amended, headers=headers).status_code == 302
    assert (">901<" in text(client, headers, URL), hub.count("form_return")) == (True, 2)


def test_a_period_that_is_not_over_shows_no_form(desk: Desk) -> None:
    _hub, client, headers = desk
    page = text(client, headers, f"/forms/return?form=supervised&unit={WEST}&period=2026-Q4")
    assert "到 12月31日 星期四 才能填报" in page
    assert 'name="v.parole"' not in page


def test_a_higher_unit_sends_a_form_back_with_a_reason_that_the_unit_reads(desk: Desk) -> None:
    hub, client, headers = desk
    own = hub.user("own", "reviewer", WEST)
    client.post("/forms/return", data=filled(), headers=own)
    event = hub.db.execute("SELECT event FROM form_sent").fetchone()[0]
    back = {**ABOUT, "event": event, "reason": " ", "idem": "b", "confirm": "yes"}
    refused = client.post("/forms/back", data=back, headers=headers)
    assert (refused.status_code, "aria-invalid" in refused.text) == (422, True)
    assert client.post("/forms/back", data=back | {"reason": "x"}, headers=own).status_code == 403
    assert 'action="/forms/back"' not in text(client, own, URL)
    unsure = client.post("/forms/back", data=back | {"reason": "请核对", "confirm": ""}, headers=headers)
    assert (unsure.status_code, "请先勾选确认" in unsure.text, "请核对" in unsure.text) == (422, True, True)
    assert hub.count("check_return") == 0
    assert client.post("/forms/back", data=back | {"reason": "请核对在册总数"}, headers=headers).status_code == 302
    page = text(client, own, URL)
    assert ("请核对在册总数" in page, "退回" in page, "更正" in page) == (True,) * 3
    listed = text(client, own, f"/forms?unit={WEST}").partition("<tbody>")[2]
    assert listed.index("退回") < listed.index("漏报")


def test_the_list_shows_what_is_owed_with_its_state_and_what_is_filled_below(desk: Desk) -> None:
    _hub, client, headers = desk
    page = text(client, headers, f"/forms?unit={WEST}")
    assert ("社区矫正和安置帮教情况统计表" in page, "漏报" in page, "2026年第三季度" in page) == (True,) * 3
    village = text(client, headers, f"/forms?unit={W_VILLAGE}")
    assert "本单位没有要填的报表" in village
    assert "统计报表填报" in text(client, headers, f"/reports?unit={WEST}")
    empty = City().hub
    assert "还没有报表" in text(empty.browser(), empty.user("e", "reviewer"), "/forms")


def test_who_owes_no_form_is_pointed_to_totals_only_where_there_are_any(desk: Desk) -> None:
    _, client, headers = desk
    below = {unit: "汇总数见下方" in text(client, headers, f"/forms?unit={unit}") for unit in (CITY, W_VILLAGE)}
    assert below == {CITY: True, W_VILLAGE: False}


def test_totals_open_from_the_city_to_the_return(desk: Desk) -> None:
    _hub, client, headers = desk
    client.post("/forms/return", data=filled(), headers=headers)
    page = text(client, headers, f"/forms/totals?form=supervised&unit={CITY}&period=2026-Q3")
    assert (">2,062<" in page, "1 / 2" in page, "50.00" in page) == (True,) * 3
    county = f"unit={WEST}&amp;period=2026-Q3"
    assert county in page
    inside = text(client, headers, f"/forms/totals?form=supervised&unit={WEST}&period=2026-Q3")
    assert f"/forms/return?form=supervised&amp;{county}" in inside
    missing = text(client, headers, f"/forms/totals?form=supervised&unit={CITY}&period=2026-Q3&state=missing")
    assert f"/forms/return?form=supervised&amp;unit={EAST}" in missing
    assert f"/forms/return?form=supervised&amp;{county}" not in missing
    nobody = text(client, headers, f"/forms/totals?form=supervised&unit={E_TOWN}&period=2026-Q3")
    assert "没有单位要填这张报表" in nobody


@pytest.mark.parametrize(
    ("query", "status"),
    [("form=none", 404), ("form=judges&state=gone", 422), ("form=judges&period=x", 422), ("form=judges&tree=old", 422),
     ("form=judges&unit=421099000000", 404)],
)  # fmt: skip
def test_totals_that_can_not_be_asked_for_are_refused(desk: Desk, query: str, status: int) -> None:
    _hub, client, headers = desk
    text(client, headers, f"/forms/totals?{query}", status)


def test_every_type_of_field_is_drawn_and_read(desk: Desk) -> None:
    hub, client, headers = desk
    about: dict[str, Any] = {"form": "meetings", "unit": W_TOWN, "period": "2026-10"}
    page = text(client, headers, f"/forms/return?form=meetings&unit={W_TOWN}&period=2026-10")
    assert ('type="date"' in page, "<select" in page, "党（工）委主要负责人" in page) == (True,) * 3
    typed = {"v.meetings": "2", "v.last_held": "2026-10-20", "v.chaired_by": "deputy", "v.units_attending": "9",
             "v.discussed": "5", "v.settled": "6"}  # fmt: skip
    refused = client.post("/forms/return", data={**about, **typed}, headers=headers)
    assert "不能大于“会商矛盾纠纷（件）”的 5，多了 1" in refused.text
    assert ('value="2026-10-20"' in refused.text, '<option value="deputy" selected>' in refused.text) == (True, True)
    sent = client.post("/forms/return", data={**about, **typed, "v.settled": "5"}, headers=headers)
    assert (sent.status_code, hub.count("form_sent")) == (302, 1)
    after = text(client, headers, f"/forms/return?form=meetings&unit={W_TOWN}&period=2026-10")
    assert ("分管负责人" in after, "2026-10-20" in after) == (True, True)


def rows(client: FlaskClient, headers: dict[str, str], unit: str) -> dict[str, str]:
    """What forms ask of a unit on its 待办: {form or event: kind}."""
    items = client.get(f"/api/v1/todo?unit={unit}&kind=report", headers=headers).get_json()["items"]
    return {one["ref"]: one["kind"] for one in items if one["kind"].startswith("form")}


def test_what_is_not_sent_and_what_was_sent_back_stands_on_the_to_do_list_of_its_unit(desk: Desk) -> None:
    hub, client, headers = desk
    assert rows(client, headers, WEST) == {
        "judges/2026-Q3": "form", "meetings/2026-10": "form", "supervised/2026-Q3": "form", "training/2026-Q3": "form",
    }  # fmt: skip
    assert rows(client, headers, W_TOWN).keys() == {"judges/2026-Q3", "meetings/2026-10", "training/2026-Q3"}
    assert (rows(client, headers, W_VILLAGE), rows(client, headers, EAST)) == (
        {},
        {},
    )  # not its level; served elsewhere
    assert rows(client, hub.user("w", "mediator"), WEST) == {}
    client.post("/forms/return", data=filled(), headers=headers)
    assert "supervised/2026-Q3" not in rows(client, headers, WEST)
    event = hub.db.execute("SELECT event FROM form_sent").fetchone()[0]
    client.post("/forms/back", data={**ABOUT, "event": event, "reason": "请核对", "confirm": "yes"}, headers=headers)
    assert rows(client, headers, WEST)[event] == "form_returned"
    page = text(client, headers, f"/todo?unit={WEST}")
    assert "2026年第三季度的《社区矫正和安置帮教情况统计表（总数）》被退回" in page
    assert f"/forms/return?form=supervised&amp;unit={WEST}&amp;period=2026-Q3" in page
    client.get("/language/en")
    assert "Supervised and resettled" in text(client, headers, f"/todo?unit={WEST}")
    client.get("/language/zh_CN")
    client.post("/forms/return", data=filled() | {"idem": "again"}, headers=headers)
    assert event not in rows(client, headers, WEST)
