"""Private texts go to who handles the case, sealed, and to nobody else (3-sync, D1-D4)."""

from __future__ import annotations

from typing import Any

import pytest
from casework import PRIVATE, Caseworker
from test_pages import post, signed_in

from builders import CITY, DAY_MS, E_GROUPS, E_TOWN, E_VILLAGE, EAST, W_TOWN, WEST, City, Node
from node.cases import disclosure_queries as queries
from node.cases import private as private_part
from sync import routing
from sync.erase import erase
from sync.rebuild import rebuild
from sync.verify import verify

NARRATIVE = PRIVATE["narrative"]


class Town:
    """A city with a village, a township and a county on one side, a township on the other."""

    def __init__(self) -> None:
        self.city = City()
        self.hub = self.city.hub
        self.east, self.west = self.city.join(self.hub, EAST), self.city.join(self.hub, WEST)
        self.town = self.city.join(self.east, E_TOWN)
        self.village = self.city.join(self.town, E_VILLAGE)
        self.west_town = self.city.join(self.west, W_TOWN)
        self.city.settle()
        self.by = {
            node.unit: Caseworker(node, "r", "reviewer", node.unit)
            for node in (self.village, self.town, self.east, self.hub, self.west_town)
        }

    def act(self, unit: str, case: dict[str, Any], action: str, **fields: Any) -> dict[str, Any]:
        """One act at a unit, then rest."""
        done = self.by[unit].act({**case, "event": self.by[unit].see(case)["event"]}, action, **fields)
        self.city.settle(30)
        return {**case, **done}

    def handed_up(self) -> dict[str, Any]:
        """A case of the village, taken by the township."""
        case = self.by[E_VILLAGE].register(private=PRIVATE)
        self.city.settle(30)
        case = self.act(E_VILLAGE, case, "hand_up", to_unit=E_TOWN, reason="涉及两个村")
        return self.act(E_TOWN, case, "take")


@pytest.fixture
def there() -> Town:
    """Everybody at work."""
    return Town()


def texts(node: Node) -> str:
    """All private texts of a node, plain ones and sealed ones apart."""
    return "".join(row[0] for row in node.db.execute("SELECT text FROM part WHERE name = 'per' AND text IS NOT NULL"))


def ciphertexts(city: City) -> int:
    """How many sealed texts are held anywhere."""
    return sum(node.count("part", "name = 'sealed' AND text IS NOT NULL") for node in city.nodes)


def sound(city: City) -> None:
    """At rest, everything verifies and is the same when made again."""
    for node in city.nodes:
        assert verify(node.replica).problems == []
        before = node.derived()
        rebuild(node.replica)
        assert node.derived() == before


def test_before_it_is_taken_an_offered_case_has_no_private_text_at_the_other_unit(there: Town) -> None:
    case = there.by[E_VILLAGE].register(private=PRIVATE)
    there.city.settle(30)
    there.act(E_VILLAGE, case, "hand_up", to_unit=E_TOWN, reason="涉及两个村")
    assert texts(there.town) == ""
    assert there.by[E_TOWN].see(case)["private"] is None
    assert sum(node.count("event", "kind = 'disc'") for node in there.city.nodes) == 0


def test_who_takes_a_case_gets_its_texts_and_the_ciphertext_is_gone_everywhere(there: Town) -> None:
    case = there.handed_up()
    seen = there.by[E_TOWN].see(case)["private"]
    assert (seen["narrative"], seen["place"], seen["parties"]) == (NARRATIVE, PRIVATE["place"], PRIVATE["parties"])
    assert "涉及两个村" in str(there.by[E_TOWN].see(case)["timeline"])
    assert there.by[E_VILLAGE].see(case)["private"] is None
    for node in (there.east, there.hub, there.west, there.west_town):
        assert texts(node) == ""
    assert ciphertexts(there.city) == 0
    sound(there.city)


def test_a_seized_case_brings_its_texts_to_the_city_without_asking(there: Town) -> None:
    case = there.handed_up()
    assert texts(there.hub) == ""
    there.act(CITY, case, "seize", reason="重大矛盾")
    assert there.by[CITY].see(case)["private"]["narrative"] == NARRATIVE
    assert texts(there.east) == ""
    assert ciphertexts(there.city) == 0
    sound(there.city)


def test_a_case_that_goes_across_is_read_there_and_on_no_level_between(there: Town) -> None:
    case = there.handed_up()
    case = there.act(E_TOWN, case, "hand_across", to_unit=W_TOWN, reason="当事人在西镇")
    there.act(W_TOWN, case, "take")
    assert there.by[W_TOWN].see(case)["private"]["narrative"] == NARRATIVE
    for node in (there.east, there.hub, there.west):
        assert texts(node) == ""
    assert ciphertexts(there.city) == 0
    sound(there.city)


def test_a_note_to_the_owner_a_send_back_and_an_answer_reach_whom_they_are_addressed_to(there: Town) -> None:
    case = there.handed_up()
    there.act(E_VILLAGE, case, "note", text="双方昨天又吵了")
    assert "双方昨天又吵了" in texts(there.town)
    case = there.act(E_TOWN, case, "hand_across", to_unit=W_TOWN, reason="当事人在西镇")
    case = there.act(W_TOWN, case, "send_back", reason="当事人已搬走")
    assert "当事人已搬走" in str(there.by[E_TOWN].see(case)["timeline"])
    case = there.act(EAST, case, "supervise", due="2026-11-30", text="限期办结")
    assert "限期办结" in texts(there.town)
    case = there.act(E_TOWN, case, "answer", reply="已约双方周五调解")
    assert texts(there.east).count("已约双方周五调解") == 1
    assert NARRATIVE not in texts(there.east)
    assert "已约双方周五调解" in str(there.by[EAST].see(case)["timeline"])
    assert "已约双方周五调解" not in texts(there.hub)
    assert ciphertexts(there.city) == 0
    sound(there.city)


def test_words_addressed_to_a_unit_are_opened_on_its_page_and_logged_and_by_nobody_else(there: Town) -> None:
    case = there.handed_up()
    case = there.act(EAST, case, "supervise", due="2026-11-30", text="限期办结")
    there.act(E_TOWN, case, "answer", reply="已约双方周五调解")
    browser = signed_in(there.east)
    shown = browser.get(f"/cases/{case['id']}").get_data(as_text=True)
    assert "已约双方周五调解" not in shown
    assert "写给本单位的" in shown
    opened = post(browser, f"/cases/{case['id']}", f"/cases/{case['id']}/private", {"purpose": "督办"})
    assert "已约双方周五调解" in opened.get_data(as_text=True)
    assert NARRATIVE not in opened.get_data(as_text=True)
    assert there.east.count("audit", "act = 'private_read' AND purpose = '督办'") == 1
    viewer = Caseworker(there.east, "v", "viewer", EAST)
    assert "已约双方周五调解" not in str(viewer.get(f"/{case['id']}").get_json())
    assert "写给本单位的" not in signed_in(there.hub).get(f"/cases/{case['id']}").get_data(as_text=True)


def test_a_worker_reads_why_an_offer_of_the_own_unit_was_sent_back_logged_and_no_other_private_word(
    there: Town,
) -> None:
    worker = Caseworker(there.village, "w", "worker", E_VILLAGE)
    case = there.by[E_VILLAGE].register(private=PRIVATE)
    there.city.settle(30)
    case = there.act(E_VILLAGE, case, "hand_up", to_unit=E_TOWN, reason="涉及两个村")
    there.act(E_TOWN, case, "send_back", reason="请先在村里谈一次")
    seen = worker.see(case, "?purpose=看退回原因")
    assert seen["private"] is None
    assert "请先在村里谈一次" in str(seen["timeline"])
    assert "涉及两个村" not in str(seen["timeline"])
    read = "act = 'private_read' AND account = 'w' AND purpose = '看退回原因'"
    assert there.village.count("audit", read) == 1
    group = Caseworker(there.village, "g", "worker", E_GROUPS[0])
    assert group.get(f"/{case['id']}").status_code in (403, 404)


def test_a_returned_report_s_words_reach_who_reported(there: Town) -> None:
    report = there.village.check(E_GROUPS[0], "2026-11-20")
    there.city.settle(30)
    reply = there.town.browser().post(
        f"/api/v1/checks/{report}/return", json={"reason": "数目不符", "text": "请核对第二户"},
        headers=there.by[E_TOWN].headers,
    )  # fmt: skip
    assert reply.status_code < 300, reply.get_json()
    there.city.settle(30)
    assert "请核对第二户" in texts(there.village)
    assert "请核对第二户" not in texts(there.east)
    assert ciphertexts(there.city) == 0
    sound(there.city)


def test_a_taker_that_was_replaced_asks_and_is_answered_once(there: Town) -> None:
    case = there.handed_up()
    new = there.city.replace(there.town, there.east)
    there.city.settle(30)
    there.city.settle(30)
    reader = Caseworker(new, "r", "reviewer", E_TOWN)
    there.village.parent = new
    there.city.settle(30)
    assert reader.see(case)["private"]["narrative"] == NARRATIVE
    asks = there.hub.count("event", "kind = 'ask'")
    given = there.hub.count("event", "kind = 'disc'")
    assert asks >= 1
    there.act(E_VILLAGE, case, "note", text="再说一句")
    assert there.hub.count("event", "kind = 'ask'") == asks
    assert there.hub.count("event", "kind = 'disc'") == given + 1
    assert ciphertexts(there.city) == 0
    sound(there.city)


def test_a_taker_that_went_back_in_time_asks_again_as_often_as_it_does(there: Town) -> None:
    case = there.by[E_VILLAGE].register(private=PRIVATE)
    there.city.settle(30)
    case = there.act(E_VILLAGE, case, "hand_up", to_unit=E_TOWN, reason="涉及两个村")
    backup = there.town.snapshot()
    there.act(E_TOWN, case, "take")
    for asks in (1, 2):
        assert NARRATIVE in texts(there.town)
        there.town.restore(backup)
        assert NARRATIVE not in texts(there.town)
        there.city.settle(40)
        there.city.settle(40)
        assert there.hub.count("event", "kind = 'ask'") == asks
        assert NARRATIVE in texts(there.town)
        assert ciphertexts(there.city) == 0
    sound(there.city)


def test_a_unit_that_gets_a_node_of_its_own_is_given_the_texts_of_the_cases_that_it_handles() -> None:
    city = City()
    east = city.join(city.hub, EAST)
    case = Caseworker(east, "m", "mediator", E_TOWN).register(private=PRIVATE)
    city.settle()
    town = city.join(east, E_TOWN)
    city.settle(30)
    reader = Caseworker(town, "r", "reviewer", E_TOWN)
    assert reader.see(case)["private"]["narrative"] == NARRATIVE
    assert ciphertexts(city) == 0
    sound(city)


def test_an_erasure_drops_what_is_still_sealed_and_stops_what_would_be_given(there: Town) -> None:
    case = there.by[E_VILLAGE].register(private=PRIVATE)
    there.city.settle(30)
    case = there.act(E_VILLAGE, case, "hand_up", to_unit=E_TOWN, reason="涉及两个村")
    there.by[E_TOWN].act(case, "take")
    there.village.client.exchange()
    assert ciphertexts(there.city) == 1
    erase(there.hub.replica, [there.by[E_VILLAGE].see(case)["timeline"][0]["event"]], "当事人申请")
    for node in (there.east, there.town):
        node.sync()
    there.village.client.exchange()
    assert NARRATIVE not in texts(there.village)
    there.city.settle(30)
    assert ciphertexts(there.city) == 0
    assert "涉及两个村" in texts(there.town)  # what was sealed together with it and is not erased is given again
    assert NARRATIVE not in "".join(texts(node) for node in there.city.nodes)
    assert there.by[E_TOWN].see(case)["private"]["narrative"] == ""
    sound(there.city)


def test_the_giver_drops_its_own_copy_thirty_days_after_it_was_got(there: Town) -> None:
    case = there.handed_up()
    there.city.clock.forward(29 * DAY_MS)
    there.village.check(E_GROUPS[0], "2026-12-20")
    assert NARRATIVE in texts(there.village)
    there.city.clock.forward(3 * DAY_MS)
    there.village.check(E_GROUPS[0], "2026-12-24")
    assert NARRATIVE not in texts(there.village)
    there.city.settle(30)
    assert there.by[E_TOWN].see(case)["private"]["narrative"] == NARRATIVE
    sound(there.city)


def test_nobody_opens_a_disc_whose_reason_it_does_not_hold(there: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    case = there.by[E_VILLAGE].register(private=PRIVATE)
    there.city.settle(30)
    case = there.act(E_VILLAGE, case, "hand_up", to_unit=E_TOWN, reason="涉及两个村")
    there.by[E_TOWN].act(case, "take")
    there.town.sync()
    there.village.sync()  # holds the take, and gives
    there.village.sync()
    (reason,) = there.village.db.execute("SELECT reason FROM disclosure").fetchone()
    assert there.town.count("event", f"hash = '{reason}'") == 1
    kept = queries.discs_of(there.town.db, case["id"])
    assert [one.disc.to for one in kept] == [E_TOWN]
    assert NARRATIVE in texts(there.town)


def test_without_it_on_the_way_back_the_owner_has_nothing(there: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    assert private_part.PARTICULARS
    route = routing.route_to_units
    monkeypatch.setattr(
        routing, "route_to_units", lambda replica, tree, addressed: route(
            replica, tree, [(one, units) for one, units in addressed if not _is_disc(replica, one)]
        ),
    )  # fmt: skip
    case = there.handed_up()
    case = there.act(E_TOWN, case, "hand_across", to_unit=W_TOWN, reason="当事人在西镇")
    there.act(W_TOWN, case, "take")
    assert there.by[W_TOWN].see(case)["private"]["narrative"] == ""


def _is_disc(replica: Any, event: str) -> bool:
    return bool(replica.db.execute("SELECT 1 FROM event WHERE hash = ? AND kind = 'disc'", [event]).fetchone())


def test_what_a_unit_wrote_as_the_owner_reaches_whose_case_it_is_after_a_move_takes_its_act_away(there: Town) -> None:
    case = there.by[E_VILLAGE].register(private=PRIVATE)
    there.city.settle(30)
    there.act(E_TOWN, case, "seize", reason="重大矛盾，由镇里直接办理")
    move = {"type": "unit", "act": "move", "unit": E_VILLAGE, "date": "2026-11-01", "parent": W_TOWN}
    there.hub.publish(move | {"address": there.west_town.url})
    there.city.settle(40)
    assert there.by[E_VILLAGE].see(case)["owner"] == E_VILLAGE
    assert "由镇里直接办理" in texts(there.village)
    sound(there.city)
