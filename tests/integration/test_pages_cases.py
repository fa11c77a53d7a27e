"""Pages of casework as people use them, without JavaScript: register, look, act, read the private part."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from fakes import NOW_MS, TODAY
from flask.testing import FlaskClient
from test_pages import post, signed_in

from builders import CITY, E_GROUPS, E_TOWN, EAST, W_GROUPS, City, Node
from node.cases.projection import CASE_KIND, CASE_SCHEMA, fold_of
from schemas.cases.events import case_payload
from schemas.cases.table import ACTIONS
from schemas.encoding import uuid7
from schemas.labels import catalogue, label
from sync.database import write
from sync.intake import Intake

NAME, PHONE, STORY = "甲某某", "13900000062", "两家因排水沟起争执"
FORM: Final[dict[str, str]] = {
    "unit": E_GROUPS[0], "date": "2026-11-23", "category": "dispute.02", "source": "self_found",
    "complexity": "ordinary", "urgency": "red", "scale": "3-9", "amount_band": "", "party_0_role": "applicant",
    "party_0_name": NAME, "party_0_phone": PHONE, "party_1_role": "respondent", "place": "晒场", "narrative": STORY,
}  # fmt: skip
REASON = {"reason": "超出本级能力", "reason_code": "beyond_means"}


@pytest.fixture
def county() -> Node:
    city = City()
    return city.join(city.hub, EAST)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the page's last form."""
    form = page[page.rindex('<form id="act"') if '<form id="act"' in page else 0 :]
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', form))


def registered(browser: FlaskClient, **fields: str) -> str:
    """Registers a case by its form; returns the address of its page."""
    done = post(browser, "/cases/new", "/cases/new", {**FORM, **fields})
    assert done.status_code == 302, done.get_data(as_text=True)
    return str(done.headers["Location"])


def act(browser: FlaskClient, case: str, action: str, **fields: str) -> Any:
    """Opens the form of an act and sends it."""
    page = browser.get(f"{case}/{action}").get_data(as_text=True)
    return browser.post(f"{case}/{action}", data={**hidden(page), "date": "2026-11-23", **fields})


def text_of(browser: FlaskClient, path: str) -> str:
    reply = browser.get(path)
    assert reply.status_code == 200, reply.get_data(as_text=True)
    return reply.get_data(as_text=True)


def signed(node: Node, case_id: str, public: dict[str, object], private: dict[str, object] | None = None) -> None:
    """An event on a case as another version of the program may sign it: no rule is asked."""
    case = fold_of(node.replica, case_id)
    fields = case_payload(case_id, public, case.event if case else None)
    with write(node.db, "case", node.env):
        intake = Intake(node.replica, node.env.now_ms())
        intake.author(kind=CASE_KIND, schema=CASE_SCHEMA, unit=E_GROUPS[0], day=TODAY, public=fields, private=private)
        intake.finish()


def shows(page: str) -> list[str]:
    """The acts that a case's page offers, in their order."""
    return re.findall(r'<a class="btn[^"]*" href="/cases/[0-9a-f-]{36}/([a-z_]+)">', page)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"category": ""}, "缺少“类别”这一项"),
        ({"category": "dispute.77"}, "类别 写的是“77”"),
        ({"date": "2031-01-01"}, "2031-01-01"),
        ({"unit": W_GROUPS[0]}, W_GROUPS[0]),
        ({"party_0_role": "witness"}, "当事人 1 身份 写的是“witness”"),
        ({"party_0_phone": "1" * 31}, "1" * 31),
        ({"place": "村" * 201}, "村村村"),
    ],
)
def test_a_wrong_form_comes_back_with_what_was_typed_and_what_is_wrong(
    county: Node, wrong: dict[str, str], told: str
) -> None:
    refused = post(signed_in(county), "/cases/new", "/cases/new", {**FORM, **wrong})
    page = refused.get_data(as_text=True)
    if "unit" in wrong:
        assert refused.status_code == 403
    else:
        at_field = re.findall(r'<p class="err"[^>]*>.*?</svg> (.*?)</p>', page)
        assert (refused.status_code, [told in one for one in at_field], STORY in page) == (422, [True], True)
    assert county.count("event", "kind = 'case'") == 0


def test_a_double_click_registers_one_case(county: Node) -> None:
    browser = signed_in(county)
    first = registered(browser, idem="once")
    assert (registered(browser, idem="once"), county.count("case_now")) == (first, 1)
    assert registered(browser, idem="twice") != first


def test_a_case_page_offers_what_is_allowed_now_the_main_act_first(county: Node) -> None:
    browser = signed_in(county)
    case = registered(browser)
    page = text_of(browser, case)
    assert shows(page) == [
        "accept", "hand_up", "hand_across", "supervise", "extend", "note", "decline", "seize",
    ]  # fmt: skip
    assert "hand_down" not in shows(page)  # a group has nobody below
    assert "先报警 110" in page
    step = page[page.index('<ol class="tl">') :]
    assert ("<time>18:00</time>" in step, "待传 · " in step, "邻里，红色" in step) == (True, True, True)
    act(browser, case, "accept")
    assert shows(text_of(browser, case))[0] == "mediate"


def test_the_whole_life_of_a_case_goes_by_its_pages(county: Node) -> None:
    browser = signed_in(county)
    case = registered(browser)
    for action, fields in (
        ("accept", {}),
        ("assign", {"body": "family"}),
        ("mediate", {}),
        ("agree", {"performance_due": "2026-12-01", "agreement": "分期支付"}),
        ("apply_confirmation", {}),
        ("confirm", {}),
        ("follow_up", {"result": "reneged"}),
        ("remediate", {}),
        ("fail", {"advice": "litigation"}),
        ("close", {"text": "已告知"}),
    ):
        done = act(browser, case, action, **fields)
        assert (done.status_code, done.headers.get("Location")) == (302, case), (action, done.get_data(as_text=True))
    page = text_of(browser, case)
    assert label("zh_CN", "state.closed") in page
    for action in ("register", "accept", "assign", "agree", "confirm", "follow_up", "remediate", "fail", "close"):
        assert label("zh_CN", f"action.{action}") in page
    assert shows(page) == ["note"]


def test_every_act_has_a_form_with_its_fields_a_sentence_and_a_way_back(county: Node) -> None:
    assert {f"page.act.does.{one}" for one in ACTIONS if one != "register"} <= set(catalogue("zh_CN"))
    browser = signed_in(county)
    case = registered(browser)
    page = text_of(browser, f"{case}/hand_up")
    assert (E_TOWN in page, CITY in page, 'name="reason"' in page) == (True, True, True)
    assert f'href="{case}"' in page
    refused = act(browser, case, "hand_up", to_unit=E_TOWN, reason="")
    assert (refused.status_code, "缺少“原因”这一项" in refused.get_data(as_text=True)) == (422, True)
    assert act(browser, case, "hand_up", to_unit=E_TOWN, **REASON).status_code == 302
    assert "接收前仍由" in text_of(browser, case)


def test_who_comes_second_is_told_what_happened_and_keeps_what_was_typed(county: Node) -> None:
    browser = signed_in(county)
    case = registered(browser)
    page = text_of(browser, f"{case}/hand_up")
    assert act(browser, case, "accept").status_code == 302
    late = browser.post(
        f"{case}/hand_up", data={**hidden(page), "date": "2026-11-23", "to_unit": E_TOWN, "reason": "说明很久的原因"}
    )
    shown = late.get_data(as_text=True)
    assert (late.status_code, "说明很久的原因" in shown, label("zh_CN", "state.accepted") in shown) == (409, True, True)
    gone = browser.get(f"{case}/accept")
    assert (gone.status_code, label("zh_CN", "action.mediate") in gone.get_data(as_text=True)) == (409, True)


def test_names_and_narrative_are_shown_only_when_opened_and_every_opening_is_logged(county: Node) -> None:
    browser = signed_in(county, "mediator")
    case = registered(browser)
    covered = text_of(browser, case)
    assert not [word for word in (NAME, PHONE, STORY) if word in covered]
    assert county.count("audit", "act = 'private_read'") == 0
    opened = post(browser, case, f"{case}/private", {"purpose": "联系当事人"}).get_data(as_text=True)
    assert [word for word in (NAME, PHONE, STORY) if word in opened] == [NAME, PHONE, STORY]
    rows = county.db.execute("SELECT account, role, subject, purpose FROM audit WHERE act = 'private_read'").fetchall()
    assert rows == [("mediator", "mediator", case.rsplit("/", 1)[1], "联系当事人")]


def test_a_worker_registers_and_sees_the_case_but_never_opens_the_private_part(county: Node) -> None:
    browser = signed_in(county, "worker")
    case = registered(browser)
    page = text_of(browser, case)
    assert (NAME in page, f"{case}/private" in page, shows(page)) == (False, False, ["hand_up", "note"])
    assert post(browser, case, f"{case}/private", {}).status_code == 403
    assert browser.get(f"{case}/accept").status_code == 403
    assert county.count("audit", "act = 'private_read'") == 0


def test_figures_only_means_no_case_at_all(county: Node) -> None:
    case = registered(signed_in(county))
    viewer = signed_in(county, "viewer")
    assert [viewer.get(path).status_code for path in ("/cases", "/cases/new", case)] == [403, 403, 403]


def test_the_list_filters_and_says_why_it_is_empty(county: Node) -> None:
    browser = signed_in(county)
    assert "还没有案件" in text_of(browser, "/cases")
    case = registered(browser)
    tail = case[-6:].upper()
    assert tail in text_of(browser, "/cases")
    for shown in ("state=open", "state=registered", "category=02", "source=self_found", "level=group"):
        assert tail in text_of(browser, f"/cases?{shown}")
    for other in ("state=closed", "category=04", "source=court", "level=city", "limit=overdue"):
        assert "没有符合条件的案件" in text_of(browser, f"/cases?{other}")
    assert browser.get("/cases?state=nonsense").status_code == 422


def test_figures_of_cases_open_to_their_records(county: Node) -> None:
    browser = signed_in(county)
    case = registered(browser)
    page = text_of(browser, "/rollup?about=cases&period=2026-11&by=category")
    links = re.findall(r'href="(/rollup/records[?][^"]*)"', page)
    wanted = [one for one in links if "measure=registered" in one and "category=02" in one]
    records = text_of(browser, wanted[0].replace("&amp;", "&"))
    assert f'href="{case}"' in records
    assert "按类别" not in text_of(browser, "/rollup?period=2026-11")
    for by in ("day", "source_group", "level", "kind", "urgency", "matrix"):
        assert browser.get(f"/rollup?about=cases&period=2026-11&by={by}").status_code == 200
    assert browser.get("/rollup?about=people").status_code == 422
    assert browser.get("/rollup/records?measure=people").status_code == 422


LATER: Final[dict[str, object]] = {
    "action": "register", "kind": "dispute", "category": "77", "list": "hubei-15/9", "source": "self_found",
    "complexity": "ordinary", "urgency": "yellow", "scale": "1000+", "amount_band": "over_9m",
}  # fmt: skip


def test_codes_of_a_later_list_are_shown_as_they_are_and_break_no_page(county: Node) -> None:
    case_id = uuid7(NOW_MS, b"\x07" * 10)
    signed(county, case_id, LATER, {"parties": [{"role": "witness", "name": NAME}, {"name": PHONE}]})
    browser = signed_in(county)
    page = text_of(browser, f"/cases/{case_id}")
    assert [code for code in ("77", "1000+", "over_9m") if code not in page] == []
    assert case_id[-6:].upper() in text_of(browser, "/cases")
    opened = post(browser, f"/cases/{case_id}", f"/cases/{case_id}/private", {})
    told = opened.get_data(as_text=True)
    assert (opened.status_code, NAME in told, PHONE in told) == (200, True, True)


@pytest.mark.parametrize("reason", [None, 7, "of_a_later_list"])
def test_an_act_with_fields_out_of_shape_stays_in_the_timeline_and_breaks_no_page(county: Node, reason: object) -> None:
    browser = signed_in(county)
    case = registered(browser)
    public: dict[str, object] = {"action": "decline", "performance_due": ["x"], "kind": {}}
    signed(county, case.rsplit("/", 1)[1], public | ({} if reason is None else {"reason": reason}))
    page = text_of(browser, case)
    assert label("zh_CN", "action.decline") in page
    assert (label("zh_CN", "void.unreadable") in page) == (reason != "of_a_later_list")
