"""目录: the tree on any date, one change and a list of units, each with its preview; nothing is signed unseen."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from desk import assert_refused, desk_in
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node, unit_list
from hub.publishing import tried
from node.people import accounts
from schemas.errors import Invalid
from sync.directory import acts_held, tree_of

NEW_TOWN = "421001002000"


@pytest.fixture
def hub() -> Node:
    """A hub with an administrator."""
    node = City().hub
    accounts.add(node.replica, "boss", "admin", None)
    return node


@pytest.fixture
def boss(hub: Node) -> FlaskClient:
    """That administrator's browser."""
    browser = hub.browser()
    browser.set_cookie("grid_session", accounts.open_session(hub.replica, "boss"))
    return browser


def send(browser: FlaskClient, path: str, **form: Any) -> TestResponse:
    page = browser.get("/directory/import").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    return browser.post(path, data={"csrf_token": token[1], **form})


def change(browser: FlaskClient, act: str, unit: str, **form: Any) -> TestResponse:
    return send(browser, "/directory/change", act=act, unit=unit, **{"at": "2026-12-01", **form})


# ---- refusals


@pytest.mark.parametrize("role", ["worker", "mediator", "reviewer", "viewer", "analyst"])
def test_who_administers_nothing_looks_and_changes_nothing(hub: Node, role: str) -> None:
    headers = hub.user(role, role)
    assert hub.browser().get("/directory", headers=headers).status_code == 200
    assert "拆分" not in hub.browser().get(f"/directory?unit={EAST}", headers=headers).text
    for path in (f"/directory/change?unit={EAST}&act=close", "/directory/import"):
        assert hub.browser().get(path, headers=headers).status_code == 403


def test_an_administrator_of_a_county_does_not_change_the_citys_directory(hub: Node) -> None:
    headers = hub.user("county", "admin", EAST)
    browser = hub.browser()
    assert browser.get(f"/directory?unit={E_TOWN}", headers=headers).status_code == 200
    assert browser.get(f"/directory?unit={WEST}", headers=headers).status_code == 403
    before = acts_held(hub.db)
    form = {"act": "rename", "unit": E_TOWN, "at": "2026-12-01", "name": "新名", "confirm": "yes"}
    assert browser.post("/directory/change", data=form, headers=headers).status_code == 403
    assert acts_held(hub.db) == before


@pytest.mark.parametrize(
    ("act", "unit", "form", "words"),
    [
        ("rename", EAST, {"name": ""}, "名"),
        ("recode", EAST, {"code": "42"}, "代码"),
        ("recode", EAST, {"code": WEST}, WEST),
        ("move", E_TOWN, {"parent": "421099000000"}, "421099000000"),
        ("move", E_TOWN, {"parent": W_TOWN}, W_TOWN),
        ("open", EAST, {"code": E_TOWN, "name": "镇"}, E_TOWN),
        ("close", E_TOWN, {}, "下面还有 1 个单位"),
        ("split", E_VILLAGE, {"successors": "421001001002 甲村"}, "2 到 20"),
        ("split", E_VILLAGE, {"successors": "421001001002 甲村\n421001001003 乙村"}, "还没有选定"),
        ("merge", E_VILLAGE, {"successors": "421099001001"}, "421099001001"),
        ("rename", EAST, {"name": "新", "at": "2026-13-01"}, "2026-13-01"),
    ],
)  # fmt: skip
def test_a_bad_change_says_what_is_wrong_and_signs_nothing(
    hub: Node, boss: FlaskClient, act: str, unit: str, form: dict[str, str], words: str
) -> None:
    before = acts_held(hub.db)
    reply = change(boss, act, unit, confirm="yes", **form)
    assert reply.status_code == 422
    assert words in reply.text
    assert acts_held(hub.db) == before


def test_a_preview_signs_nothing(hub: Node, boss: FlaskClient) -> None:
    before = acts_held(hub.db)
    reply = change(boss, "move", E_TOWN, parent=WEST)
    assert reply.status_code == 200
    assert "东县 → 西县" in reply.text
    assert "连同下辖 4 个单位、3 个组" in reply.text
    assert acts_held(hub.db) == before


# ---- changes


def test_a_move_is_signed_once_it_is_confirmed_and_both_dates_stay_true(hub: Node, boss: FlaskClient) -> None:
    assert change(boss, "move", E_TOWN, parent=WEST, confirm="yes").status_code == 302
    assert "东镇" in boss.get(f"/directory?unit={EAST}&at=2026-11-30").text
    assert "没有下级单位" in boss.get(f"/directory?unit={EAST}&at=2026-12-01").text
    page = boss.get(f"/directory?unit={E_TOWN}&at=2026-12-01").text
    assert "隶属 西县" in page
    assert "隶属 东县" in page


def test_a_split_sends_each_unit_below_to_one_of_its_successors(hub: Node, boss: FlaskClient) -> None:
    asked = {"successors": "421001001002 甲村\n421001001003，乙村"}
    page = change(boss, "split", E_VILLAGE, **asked).text
    assert page.count('<option value="421001001003"') == len(E_GROUPS)
    to = {f"to.{group}": f"42100100100{2 + place % 2}" for place, group in enumerate(E_GROUPS)}
    assert change(boss, "split", E_VILLAGE, confirm="yes", **asked, **to).status_code == 302
    tree = tree_of(hub.replica)
    day = date(2026, 12, 1)
    assert tree.at(E_VILLAGE, day) is None
    assert [tree.nearest(group, day).parent_id for group in E_GROUPS] == [  # type: ignore[union-attr]
        "421001001002", "421001001003", "421001001002",
    ]  # fmt: skip
    assert "甲村" in boss.get(f"/directory?unit={E_VILLAGE}&at=2026-12-01").text
    assert "东村" in boss.get("/directory?unit=421001001002&at=2026-12-01").text


def test_a_merge_takes_what_is_below_along(hub: Node, boss: FlaskClient) -> None:
    assert change(boss, "merge", E_VILLAGE, successors=W_VILLAGE, confirm="yes").status_code == 302
    page = boss.get(f"/directory?unit={W_VILLAGE}&at=2026-12-01").text
    assert f"直接下级 {len(E_GROUPS) + len(W_GROUPS)} 个" in page
    assert "东村" in page


def test_a_county_with_a_new_code_is_the_same_unit(hub: Node, boss: FlaskClient) -> None:
    assert change(boss, "recode", EAST, code="421088000000", confirm="yes").status_code == 302
    page = boss.get(f"/directory?unit={EAST}&at=2026-12-01").text
    assert "421088000000" in page
    assert "编号（首次代码，不变）" in page


def test_a_functional_unit_is_opened_below(hub: Node, boss: FlaskClient) -> None:
    form = {"code": NEW_TOWN, "name": "开发区", "kind": "functional", "confirm": "yes"}
    assert change(boss, "open", EAST, **form).status_code == 302
    assert "功能区" in boss.get(f"/directory?unit={EAST}&at=2026-12-01").text


# ---- lists


def listed(boss: FlaskClient, text: str, **form: Any) -> str:
    file = (io.BytesIO(text.encode("gb18030")), "units.csv")
    return send(boss, "/directory/import", file=file, **{"at": "2026-12-01", "within": "", **form}).text


def confirm(boss: FlaskClient, page: str, **form: Any) -> TestResponse:
    upload = re.search(r'name="upload" value="([0-9a-f]{64})"', page)
    return send(boss, "/directory/import/confirm", upload=upload[1] if upload else "x", **form)


def test_a_list_with_a_bad_line_is_refused_line_by_line(hub: Node, boss: FlaskClient) -> None:
    before = acts_held(hub.db)
    page = listed(boss, unit_list() + "421001002000,新镇,township,421099000000\nx,y\n")
    assert "2 处不对" in page
    assert "第 15 行" in page
    assert "第 16 行" in page
    assert 'name="upload"' not in page
    assert acts_held(hub.db) == before


def test_a_list_is_signed_after_its_preview_and_only_by_who_saw_it(hub: Node, boss: FlaskClient) -> None:
    text = unit_list().replace("东镇", "新东镇") + f"{NEW_TOWN},新镇,township,{EAST}\n"
    page = listed(boss, text)
    assert "将有 2 项变动" in page
    assert "东镇 → 新东镇" in page
    assert confirm(boss, page).status_code == 422
    accounts.add(hub.replica, "other", "admin", None)
    other = hub.browser()
    other.set_cookie("grid_session", accounts.open_session(hub.replica, "other"))
    assert confirm(other, page, confirm="yes").status_code == 409
    assert confirm(boss, page, confirm="yes").status_code == 302
    assert "新镇" in boss.get(f"/directory?unit={EAST}&at=2026-12-01").text
    assert confirm(boss, page, confirm="yes").status_code == 409  # done with
    assert "没有变动" in listed(boss, text)


def test_a_directory_that_changed_since_the_preview_is_shown_anew(hub: Node, boss: FlaskClient) -> None:
    page = listed(boss, unit_list() + f"{NEW_TOWN},新镇,township,{EAST}\n")
    hub.publish({"type": "unit", "act": "close", "unit": EAST, "date": "2026-11-30"})
    before = acts_held(hub.db)
    assert confirm(boss, page, confirm="yes").status_code == 200
    assert acts_held(hub.db) == before


def test_nothing_handed_in_is_told(boss: FlaskClient) -> None:
    assert "请选一个" in send(boss, "/directory/import", at="2026-12-01", within="").text


def test_a_trial_names_the_entry_and_writes_nothing(hub: Node) -> None:
    before = (hub.count("event"), hub.count("audit"))
    good = {"type": "unit", "act": "rename", "unit": EAST, "date": "2026-12-01", "name": "新县"}
    assert tried(hub.replica, [good, good])["unit"] == 2
    with pytest.raises(Invalid) as refused:
        tried(hub.replica, [good, {**good, "name": ""}])
    assert refused.value.field == "1.name"
    assert (hub.count("event"), hub.count("audit")) == before


# ---- the terminal


def test_the_command_shows_signs_and_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_in(tmp_path, capsys, monkeypatch)
    assert desk.at_hub("init", "--units", desk.units).code == 0
    new, bad = tmp_path / "new.csv", tmp_path / "bad.csv"
    new.write_text(unit_list() + f"{NEW_TOWN},新镇,township,{EAST}\n", "utf-8")
    bad.write_text(unit_list() + "x,y\n", "utf-8")
    said = desk.at_hub("units", bad, "--date", "2026-12-01")
    assert_refused(said)
    assert "第 15 行" in said.err
    assert_refused(desk.at_hub("units", new, "--date", "2026-12"))
    assert_refused(desk.at_hub("units", new, "--date", "2026-12-01", "--within", "429900000000"))
    assert_refused(desk.at_hub("units", tmp_path / "none", "--date", "2026-12-01"))
    assert desk.at_hub("units", new, "--date", "2026-12-01", "--dry-run", "--json").document["signed"] == 0
    done = desk.at_hub("units", new, "--date", "2026-12-01", "--json").document
    assert done == {"lines": 14, "unchanged": 13, "acts": {"open": 1}, "signed": 1}
    assert desk.at_hub("units", new, "--date", "2026-12-01", "--json").document["acts"] == {}
