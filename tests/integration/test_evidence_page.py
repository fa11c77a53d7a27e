"""The evidence page: every check is made when it is opened, and says what is wrong when something is."""

from __future__ import annotations

import re

import pytest
from crafted import alter, column
from flask.testing import FlaskClient

from builders import E_GROUPS, E_VILLAGE, EAST, WEST, City, Node
from node.evidence.proof import CHECKS, Proof, prove
from node.people import accounts
from schemas.strict_json import loads
from sync.trails import read_trail
from sync.wire import parse_line


@pytest.fixture(scope="module")
def city() -> City:
    """A county and a village with nodes; the village's checks have come up to the city, and the marks down."""
    city = City()
    _, village = city.line(EAST, E_VILLAGE)
    for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
        village.check(E_GROUPS[0], day)
    city.settle()
    return city


def event_of(node: Node, day: str) -> str:
    (event,) = node.db.execute(
        "SELECT event FROM check_report WHERE unit = ? AND day = ?", [E_GROUPS[0], day]
    ).fetchone()
    return str(event)


def signed_in(node: Node, role: str = "admin", unit: str | None = None) -> FlaskClient:
    name = f"{role}-{unit or 'own'}"
    if node.count("account", f"name = '{name}'") == 0:
        accounts.add(node.replica, name, role, unit)
    browser = node.browser()
    browser.set_cookie("grid_session", accounts.open_session(node.replica, name))
    return browser


def outcomes(found: Proof) -> dict[str, tuple[bool | None, str]]:
    return {one.name: (one.ok, one.outcome) for one in found.checks}


WHOLE = {
    "content": (True, "content_ok"),
    "signature": (True, "signature_ok"),
    "certificate": (True, "certificate_ok"),
    "chain": (True, "chain_ok"),
    "marks": (True, "marks_all"),
}


def test_a_viewer_and_who_is_not_above_the_unit_are_refused(city: City) -> None:
    event = event_of(city.hub, "2026-11-19")
    for path in ("", "/line", "/trail"):
        assert signed_in(city.hub, "viewer").get(f"/events/{event}{path}").status_code == 403
        assert signed_in(city.hub, "reviewer", WEST).get(f"/events/{event}{path}").status_code == 403
        assert signed_in(city.hub, "reviewer", EAST).get(f"/events/{event}{path}").status_code == 200


def test_an_event_that_is_not_held_and_what_is_no_hash_are_told(city: City) -> None:
    assert signed_in(city.hub).get(f"/events/{'A' * 43}").status_code == 404
    assert signed_in(city.hub).get("/events/abc").status_code == 404


@pytest.mark.parametrize("at", [0, 1, 2], ids=["city", "county", "village"])
def test_a_sound_event_passes_every_check_at_every_level(city: City, at: int) -> None:
    node = city.nodes[at]
    event = event_of(node, "2026-11-19")
    assert outcomes(prove(node.replica, event)) == WHOLE
    page = signed_in(node).get(f"/events/{event}").text
    assert "5 项核验全部通过" in page
    assert event in page
    assert page.count("第 ") > 1


def test_the_neighbours_of_an_event_are_linked_both_ways(city: City) -> None:
    browser, event = signed_in(city.hub), event_of(city.hub, "2026-11-19")
    page = browser.get(f"/events/{event}").text
    before, after = re.findall(r'rel="(?:prev|next)" href="/events/([^"]+)"', page)
    assert (before, after) == (event_of(city.hub, "2026-11-18"), event_of(city.hub, "2026-11-20"))
    assert f'href="/events/{event}"' in browser.get(f"/events/{after}").text


def test_the_last_of_a_chain_says_so_and_a_record_that_waits_is_not_called_passed(city: City) -> None:
    village = city.nodes[2]
    event = village.check(E_GROUPS[1], "2026-11-20")
    found = outcomes(prove(village.replica, event))
    assert found["chain"] == (True, "chain_last")
    assert found["marks"] == (None, "marks_waiting")
    assert "还说不准" in signed_in(village).get(f"/events/{event}").text
    city.settle()


def test_the_certificates_lead_from_the_writer_to_the_root(city: City) -> None:
    found = prove(city.hub.replica, event_of(city.hub, "2026-11-19"))
    assert [one.unit for one in found.trail] == [E_VILLAGE, EAST, city.city]
    assert found.trail[-1].issuer == found.root
    assert all(one.intact and one.standing == "ok" for one in found.trail)


def test_the_line_is_the_signed_one_and_the_trail_is_all_that_a_stranger_needs(city: City) -> None:
    event = event_of(city.hub, "2026-11-19")
    browser = signed_in(city.hub)
    reply = browser.get(f"/events/{event}/line")
    (line,) = reply.text.splitlines()
    assert parse_line(line).hash == event
    assert loads(line)[0] == city.hub.db.execute("SELECT header FROM event WHERE hash = ?", [event]).fetchone()[0]  # type: ignore[index]
    assert "attachment" in reply.headers["Content-Disposition"]
    lines = browser.get(f"/events/{event}/trail").text.splitlines()
    assert [parse_line(one).header.kind for one in lines] == ["inc", "cert", "cert", "cert", "chk"]
    assert lines[-1] == line
    assert [claim[1] for claim in read_trail(lines[:-1]).claims] == [city.city, EAST, E_VILLAGE]


def test_the_private_part_is_neither_shown_nor_in_the_line(city: City) -> None:
    village = city.nodes[2]
    headers = {**village.user("casework", "mediator"), "Idempotency-Key": "secret-case"}
    body = {
        "unit": E_VILLAGE, "kind": "dispute", "category": "01", "source": "self_found", "complexity": "simple",
        "urgency": "yellow", "private": {"parties": [], "place": "某处", "narrative": "不可外传的经过"},
    }  # fmt: skip
    event = village.browser().post("/api/v1/cases", json=body, headers=headers).get_json()["event"]
    browser = signed_in(village)
    page, line = browser.get(f"/events/{event}").text, browser.get(f"/events/{event}/line").text
    assert "不可外传" not in page + line
    assert "当事人与经过" in page
    assert parse_line(line.strip()).hash == event


def test_the_api_tells_each_check_the_next_events_and_the_certificates(city: City) -> None:
    event = event_of(city.hub, "2026-11-19")
    document = city.hub.browser().get(f"/api/v1/events/{event}", headers=city.hub.user("reads", "analyst")).get_json()
    assert [one["name"] for one in document["checks"]] == list(CHECKS)
    assert all(one["ok"] for one in document["checks"])
    assert document["next"] == [event_of(city.hub, "2026-11-20")]
    assert [one["unit"] for one in document["certificates"]] == [E_VILLAGE, EAST, city.city]


# ---- what is wrong (each on a node of its own: bytes are spoilt)


@pytest.fixture
def spoilt() -> City:
    city = City()
    (county,) = city.line(EAST)
    for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
        county.check(E_GROUPS[0], day)
    city.settle()
    return city


def test_content_that_was_changed_here_fails_and_the_page_says_which_check(spoilt: City) -> None:
    hub, event = spoilt.hub, event_of(spoilt.hub, "2026-11-19")
    (n,) = hub.db.execute("SELECT n FROM event WHERE hash = ?", [event]).fetchone()
    hub.db.execute("UPDATE part SET text = replace(text, 'zero', 'found') WHERE event = ?", [n])
    found = outcomes(prove(hub.replica, event))
    assert found["content"] == (False, "content_bad")
    assert found["signature"] == (True, "signature_ok")
    assert "1 项核验不通过" in signed_in(hub).get(f"/events/{event}").text


def test_a_header_that_went_bad_is_shown_and_fails(spoilt: City) -> None:
    hub, event = spoilt.hub, event_of(spoilt.hub, "2026-11-19")
    alter(hub, event, "event", "header", column(hub, event, "event", "header").replace("\t", " "))
    found = outcomes(prove(hub.replica, event))
    assert (found["content"][0], found["signature"][0]) == (False, False)
    assert signed_in(hub).get(f"/events/{event}").status_code == 200


def test_a_mark_whose_signature_does_not_hold_fails(spoilt: City) -> None:
    county = spoilt.nodes[1]
    event = event_of(county, "2026-11-19")
    assert outcomes(prove(county.replica, event))["marks"] == (True, "marks_all")
    county.db.execute("UPDATE mark SET sig = zeroblob(64)")
    assert outcomes(prove(county.replica, event))["marks"] == (False, "marks_bad")


def test_a_missing_neighbour_a_fork_and_a_missing_certificate_are_told_apart(spoilt: City) -> None:
    hub = spoilt.hub
    events = {day: event_of(hub, f"2026-11-{day}") for day in (18, 19, 20)}
    hub.db.execute(
        "UPDATE event SET seq = (SELECT seq FROM event WHERE hash = ?) WHERE hash = ?", [events[19], events[20]]
    )
    assert outcomes(prove(hub.replica, events[19]))["chain"] == (False, "chain_fork")
    hub.db.execute("PRAGMA foreign_keys=OFF")
    hub.db.execute("DELETE FROM event WHERE hash IN (?, ?)", [events[18], events[20]])
    assert outcomes(prove(hub.replica, events[19]))["chain"] == (False, "chain_gap")
    hub.db.execute("DELETE FROM node_cert WHERE unit = ?", [EAST])
    assert outcomes(prove(hub.replica, events[19]))["certificate"] == (None, "certificate_missing")


def test_a_revoked_node_and_a_unit_outside_its_certificate_are_named(spoilt: City) -> None:
    hub, event = spoilt.hub, event_of(spoilt.hub, "2026-11-19")
    for standing in ("revoked", "bad_scope"):
        hub.db.execute("UPDATE event SET standing = ? WHERE hash = ?", [standing, event])
        name = {"revoked": "certificate_revoked", "bad_scope": "certificate_scope"}[standing]
        assert outcomes(prove(hub.replica, event))["certificate"] == (False, name)
    assert "这条记录不计入数字" in signed_in(hub).get(f"/events/{event}").text


def test_an_amended_report_points_to_the_one_that_counts(spoilt: City) -> None:
    hub = spoilt.hub
    county = spoilt.nodes[1]
    first = event_of(county, "2026-11-19")
    second = county.check(E_GROUPS[0], "2026-11-19", 2, amends=first)
    spoilt.settle()
    page = signed_in(hub).get(f"/events/{first}").text
    assert f'href="/events/{second}"' in page
    assert "已被更正" in page
    counted = signed_in(hub).get(f"/events/{second}").text
    assert "period=2026-11-19&amp;measure=checks_found" in counted
    assert "已被更正" not in counted
