"""报表: the pages on which periodic reports are looked over and confirmed; refusals keep what was typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from builders import E_VILLAGE, EAST, W_GROUPS, W_TOWN, W_VILLAGE, City, Node

H1 = "2026-11-H1"
Desk = tuple[Node, FlaskClient, dict[str, str]]


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A hub that serves the west, and its reviewer."""
    city = City()
    city.join(city.hub, EAST)
    city.settle()
    yield city.hub, city.hub.browser(), city.hub.user("r", "reviewer")
    city.hub.db.conn.close()


def text(client: FlaskClient, headers: dict[str, str], path: str, status: int = 200) -> str:
    """A page."""
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    return str(answer.text)


def form(**change: Any) -> dict[str, Any]:
    """What the page sends."""
    return {"unit": W_VILLAGE, "period": H1, "remarks": "已核对", "idem": "k"} | change


def test_who_may_not_confirm_is_refused_and_sees_no_form(desk: Desk) -> None:
    hub, client, _ = desk
    worker, viewer = hub.user("w", "worker"), hub.user("v", "viewer")
    assert client.post("/reports/period", data=form(), headers=worker).status_code == 403
    assert "<textarea" not in text(client, worker, f"/reports/period?unit={W_VILLAGE}&period={H1}")
    text(client, viewer, "/reports", 403)
    assert hub.count("confirmation") == 0


def test_a_refusal_keeps_what_was_typed(desk: Desk) -> None:
    hub, client, headers = desk
    words = "很长" * 501
    answer = client.post("/reports/period", data=form(remarks=words), headers=headers)
    assert answer.status_code == 422
    assert words in answer.text
    assert "aria-invalid" in answer.text
    assert hub.count("confirmation") == 0


def test_a_period_that_is_not_over_shows_its_figures_and_no_form(desk: Desk) -> None:
    hub, client, headers = desk
    hub.check(W_GROUPS[0], "2026-11-20")
    page = text(client, headers, f"/reports/period?unit={W_VILLAGE}&period=2026-11-H2")
    assert "11月30日 星期一 结束" in page
    assert "<textarea" not in page
    early = client.post("/reports/period", data=form(period="2026-11-H2"), headers=headers)
    assert (early.status_code, hub.count("confirmation")) == (422, 0)


def test_a_report_is_confirmed_once_however_often_the_button_is_pressed(desk: Desk) -> None:
    hub, client, headers = desk
    hub.check(W_GROUPS[0], "2026-11-03")
    page = text(client, headers, f"/reports/period?unit={W_VILLAGE}&period={H1}")
    assert "确认本期" in page
    for _ in range(2):
        assert client.post("/reports/period", data=form(), headers=headers).status_code == 302
    assert hub.count("confirmation") == 1
    hub.check(W_GROUPS[0], "2026-11-03", 1)
    after = text(client, headers, f"/reports/period?unit={W_VILLAGE}&period={H1}")
    assert "确认后又有数据到达" in after
    assert (">+1<" in after, ">-1<" in after, "已核对" in after) == (True, True, True)


def test_the_list_shows_the_units_own_periods_and_the_newest_below(desk: Desk) -> None:
    _hub, client, headers = desk
    client.post("/reports/period", data=form(), headers=headers)
    page = text(client, headers, f"/reports?unit={W_TOWN}")
    assert page.index("2026年10月</a>") < page.index("2026年9月</a>")
    assert "迟报 · 零报告" in page.replace("&nbsp;", " ")
    assert "按天填报" in text(client, headers, f"/reports?unit={W_GROUPS[0]}")
    assert "<textarea" not in text(client, headers, f"/reports/period?unit={E_VILLAGE}&period={H1}")  # served elsewhere


def test_a_report_is_sent_back_from_its_page_and_the_unit_sees_why(desk: Desk) -> None:
    hub, client, headers = desk
    assert client.post("/reports/period", data=form(), headers=headers).status_code == 302
    event = hub.db.execute("SELECT event FROM confirmation_duty").fetchone()[0]
    own = hub.user("v1", "reviewer", W_VILLAGE)
    at = f"/reports/period?unit={W_VILLAGE}&period={H1}"
    sent = {"unit": W_VILLAGE, "period": H1, "event": event, "reason": "请核对发现数", "confirm": "yes"}
    assert "退回更正" not in text(client, own, at)  # not by the unit itself
    assert client.post("/reports/period/return", data=sent, headers=own).status_code == 403
    blank = client.post("/reports/period/return", data={**sent, "reason": " "}, headers=headers)
    assert (blank.status_code, "退回原因" in blank.text, hub.count("check_return")) == (422, True, 0)
    unsure = client.post("/reports/period/return", data={**sent, "confirm": ""}, headers=headers)
    assert (unsure.status_code, "请先勾选确认" in unsure.text, sent["reason"] in unsure.text) == (422, True, True)
    assert hub.count("check_return") == 0
    assert client.post("/reports/period/return", data=sent, headers=headers).status_code == 302
    assert "原因：请核对发现数" in text(client, own, at)
    assert 'name="reason"' not in text(client, headers, at)  # once is enough
    assert client.post("/reports/period", data=form(idem="k2"), headers=own).status_code == 302
    assert "请核对发现数" not in text(client, own, at)
