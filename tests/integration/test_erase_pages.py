"""抹除: an administrator erases the private parts of a record or a case, refused first; how long an own copy stays."""

from __future__ import annotations

from typing import Any

import pytest
from casework import PRIVATE, Caseworker
from flask.testing import FlaskClient
from test_users_pages import OLD, post, sign_in

from builders import DAY_MS, E_TOWN, EAST, W_TOWN, City, Node
from node.people import accounts
from sync import erasure

WORD, GROUND = "抹除", "当事人申请"


def people(node: Node, **roles: tuple[str, str | None]) -> None:
    for name, (role, unit) in roles.items():
        accounts.add(node.replica, name, role, unit)
        accounts.set_password(node.replica, name, OLD)


class Scene:
    """A county's node with a case of its township, and an administrator, a reviewer and one of another township."""

    def __init__(self) -> None:
        self.city = City()
        (self.east,) = self.city.line(EAST)
        people(self.east, boss=("admin", None), li=("reviewer", None))
        people(self.city.hub, west=("admin", W_TOWN), top=("admin", None))
        self.town = Caseworker(self.east, "town", "admin", E_TOWN)
        self.case = self.town.register(private=PRIVATE)
        self.city.settle()

    @property
    def held(self) -> bool:
        """Whether the narrative stands in the database of the county."""
        return self.east.count("part", f"text LIKE '%{PRIVATE['narrative']}%'") > 0


@pytest.fixture(scope="module")
def untouched() -> Scene:
    """One for all that is refused."""
    return Scene()


def form(scene: Scene, **change: Any) -> dict[str, Any]:
    return {"case": scene.case["id"], "record": scene.case["event"], "ground": GROUND, "typed": WORD, **change}


def at(scene: Scene) -> str:
    return f"/erase?case={scene.case['id']}"


def send(browser: FlaskClient, scene: Scene, **change: Any) -> Any:
    return post(browser, "/erase", form(scene, **change), shown_at=at(scene))


def test_without_the_role_or_the_forms_token_nothing_is_erased(untouched: Scene) -> None:
    reviewer = sign_in(untouched.east, "li")
    assert reviewer.get(at(untouched)).status_code == 403
    assert post(reviewer, "/erase", form(untouched), shown_at="/sync").status_code == 403
    assert sign_in(untouched.east, "boss").post("/erase", data=form(untouched)).status_code == 400
    assert untouched.held


def test_what_is_not_typed_out_grounded_or_chosen_is_not_erased_and_nothing_typed_is_lost(untouched: Scene) -> None:
    browser = sign_in(untouched.east, "boss")
    for change in (
        {"typed": ""}, {"typed": "抹"}, {"typed": "yes"}, {"ground": ""}, {"ground": " "}, {"ground": "长" * 501},
        {"record": []}, {"record": "x" * 43},
    ):  # fmt: skip
        reply = send(browser, untouched, **change)
        assert reply.status_code == 422, change
        assert (GROUND in reply.text) == ("ground" not in change)
    assert untouched.held
    assert untouched.east.count("event", "kind = 'erase'") == 0


def test_an_administrator_of_another_unit_does_not_see_the_record(untouched: Scene) -> None:
    browser = sign_in(untouched.city.hub, "west")
    assert browser.get(f"/erase?event={untouched.case['event']}").status_code == 404
    reply = post(browser, "/erase", form(untouched, case="", event=untouched.case["event"]), shown_at="/erase")
    assert reply.status_code == 404
    assert untouched.held


@pytest.mark.parametrize("what", ["event=none", "case=none", f"event={'A' * 43}"])
def test_what_is_not_here_is_not_found(untouched: Scene, what: str) -> None:
    assert sign_in(untouched.east, "boss").get(f"/erase?{what}").status_code in (404, 422)


def test_the_page_says_what_goes_and_what_stays_before_anything_is_done(untouched: Scene) -> None:
    text = sign_in(untouched.east, "boss").get(at(untouched)).text
    for words in ("登记 · 东镇", "不能恢复", "签名仍可核验", "依据是公开的", "还没有抹除过", "原文在本节点"):
        assert words in text
    assert PRIVATE["narrative"] not in text


def test_a_case_is_erased_everywhere_and_the_erasure_is_listed_with_its_ground() -> None:
    scene = Scene()
    browser = sign_in(scene.east, "boss")
    case_page = browser.get(f"/cases/{scene.case['id']}").text
    assert f'href="{at(scene)}"' in case_page
    reply = send(browser, scene)
    assert reply.status_code == 200
    assert not scene.held
    assert erasure.state(scene.east.replica, scene.case["event"])
    for words in ("已抹除 1 条记录的私密内容", GROUND, "自行销毁"):
        assert words in reply.text
    scene.city.settle()
    listed = sign_in(scene.city.hub, "top").get("/erase").text
    assert GROUND in listed
    assert "已抹除" in browser.get(at(scene)).text
    assert 'name="record"' not in browser.get(at(scene)).text
    assert scene.east.count("audit", "act = 'erased'") == 1


def test_one_record_is_erased_from_its_evidence_and_the_others_stay() -> None:
    scene = Scene()
    note = scene.town.act(scene.case, "note", text="另记一笔")["event"]
    browser = sign_in(scene.east, "boss")
    assert f'href="/erase?event={note}"' in browser.get(f"/events/{note}").text
    reply = post(
        browser, "/erase", {"event": note, "record": note, "ground": GROUND, "typed": WORD},
        shown_at=f"/erase?event={note}",
    )  # fmt: skip
    assert reply.status_code == 200
    assert scene.held
    assert scene.east.count("part", "text LIKE '%另记一笔%'") == 0
    assert "/erase?event=" not in browser.get(f"/events/{note}").text


def test_the_case_page_says_how_long_the_own_copy_is_kept_and_that_nobody_can_give_it_again() -> None:
    scene = Scene()
    browser, address = sign_in(scene.east, "boss"), f"/cases/{scene.case['id']}"
    assert "留存的原文" not in browser.get(address).text
    city = Caseworker(scene.city.hub, "city", "reviewer", scene.city.city)
    city.act(city.see(scene.case), "seize")
    scene.east.sync()
    scene.city.settle()
    text = browser.get(address).text
    assert "谁也不能再从这里取得" in text
    assert "12月23日" in text  # 30 days after it was got
    scene.city.clock.forward(31 * DAY_MS)
    scene.east.check(EAST, "2026-12-20")
    scene.city.settle()
    assert not scene.held
    text = sign_in(scene.east, "boss").get(address).text
    assert "已有 1 份到期删除" in text
    assert "12月23日" not in text
