"""One exchange under every fault of the line: nothing is lost, nothing counts twice, nobody else is believed."""

from __future__ import annotations

import random

import pytest
from crafted import Crafted, code, hello, said
from fakes import Sent

from builders import CITY, HOUR_MS, W_GROUPS, W_VILLAGE, WEST, City, Node
from schemas.encoding import b32, b64
from schemas.events import ACC_ZERO
from sync.database import MEMORY, open_database
from sync.env import Reply, TransportError
from sync.server import EXCHANGE_PATH, HELLO_PATH

GROUP = W_GROUPS[0]


@pytest.fixture
def city() -> City:
    """A hub and one county, at rest."""
    city = City()
    city.line(WEST)
    return city


def zeros(node: Node, unit: str = CITY) -> int:
    """Zero-reports that a node counts for a unit."""
    return int(node.db.execute("SELECT COALESCE(SUM(zero), 0) FROM check_day WHERE unit = ?", [unit]).fetchone()[0])


def statuses(city: City) -> list[int | None]:
    """What the exchanges so far were answered with."""
    return [sent.reply.status if sent.reply else None for sent in city.network.posted()]


def only_once(city: City, county: Node, events: int) -> None:
    """Asserts that the hub holds and counts each check once, and that both sides agree on the cursor."""
    assert (city.hub.count("event", "kind = 'chk'"), zeros(city.hub)) == (events, events)
    tip = county.db.execute("SELECT n, acc FROM uplog ORDER BY n DESC LIMIT 1").fetchone()
    held = city.hub.db.execute("SELECT n, acc FROM inlog ORDER BY n DESC LIMIT 1").fetchone()
    assert tip == held


def lose(_sent: Sent) -> Reply:
    """The request never arrives."""
    raise TransportError("lost")


def lose_reply(_sent: Sent, _reply: Reply) -> Reply:
    """It arrived, but nobody hears of it."""
    raise TransportError("lost")


def test_a_lost_request_changes_nothing_and_goes_up_the_next_time(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    city.network.before = lose
    outcome = county.sync().last
    assert (outcome.kind, outcome.problem) == ("failed", "unreachable")
    assert zeros(city.hub) == 0
    city.network.before = None
    assert county.sync().last.kind == "ok"
    only_once(city, county, 1)


def test_a_lost_reply_heals_by_one_409_and_counts_once(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    city.network.log.clear()
    city.network.after = lose_reply
    assert county.sync().last.problem == "unreachable"
    assert zeros(city.hub) == 1
    city.network.after = None
    assert county.sync().last.kind == "ok"
    assert statuses(city)[:3] == [None, 409, 200]
    only_once(city, county, 1)


def test_replies_lost_again_and_again_while_new_checks_come_lose_none(city: City) -> None:
    county = city.nodes[1]
    for day in range(1, 9):
        county.check(GROUP, f"2026-11-{day:02d}")
        city.network.after = lose_reply if day % 2 else None
        county.sync()
    city.network.after = None
    city.settle()
    only_once(city, county, 8)


def test_a_reply_cut_short_or_damaged_is_not_believed(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    for spoil in (lambda body: body[:-1], lambda body: body + b"x", lambda body: b"", lambda body: b"\0" + body[1:]):
        city.network.after = lambda _sent, reply, s=spoil: Reply(reply.status, reply.headers, s(reply.body))
        before = county.db.execute("SELECT hint, last_seen_at FROM link").fetchall()
        assert county.sync().last.problem == "reply_unsigned"
        assert county.db.execute("SELECT hint, last_seen_at FROM link").fetchall() == before
    city.network.after = None
    city.settle()
    only_once(city, county, 1)


def test_a_damaged_body_is_refused_whichever_byte_it_is(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    sent = Crafted(county).sent()
    before = city.hub.count()
    for place in range(0, len(sent.body), 7):
        flipped = bytearray(sent.body)
        flipped[place] ^= 1 << place % 8
        reply = city.hub.answer(Sent(sent.method, sent.url, sent.headers, bytes(flipped)))
        assert reply.status in (400, 401, 413), place
    assert city.hub.count() == before
    assert city.hub.answer(sent).status == 200


def test_a_request_sent_once_more_meets_the_cursor_and_does_nothing(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    sent = Crafted(county).sent()
    assert city.hub.answer(sent).status == 200
    counted = (city.hub.count(), city.hub.count("inlog"), zeros(city.hub))
    again = city.hub.answer(sent)
    assert (again.status, said(again)["have"][0]) == (409, sent_to(sent))
    assert (city.hub.count(), city.hub.count("inlog"), zeros(city.hub)) == counted


def sent_to(sent: Sent) -> int:
    """The end of the range that a request carries."""
    return int(said(Reply(200, {}, sent.body))["to"][0])


def test_of_two_requests_from_one_cursor_the_second_is_told_where_it_stands(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    first = Crafted(county).sent()
    county.check(W_GROUPS[1])
    second = Crafted(county).sent()
    assert city.hub.answer(second).status == 200
    reply = city.hub.answer(first)
    assert (reply.status, said(reply)["have"][0]) == (409, sent_to(second))
    city.settle()
    only_once(city, county, 2)


def test_lines_that_do_not_fold_to_what_the_manifest_says_are_refused(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    county.check(W_GROUPS[1])
    whole = Crafted(county)
    assert len(whole.lines) == 2
    for lines in (whole.lines[:1], whole.lines[1:], whole.lines[::-1], whole.lines * 2, []):
        reply = Crafted(county, lines=lines or ["[]"]).send()
        assert reply.status in (400, 409)
    assert zeros(city.hub) == 0
    assert whole.send().status == 200


def test_an_unknown_log_is_taken_from_its_beginning_and_counts_nothing_twice(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    city.settle()
    county.db.execute("UPDATE node_state SET up_log = ?", [b32(random.Random(7).randbytes(10))])
    events = city.hub.count()
    assert county.sync().last.kind == "ok"
    assert city.hub.count() == events
    only_once(city, county, 1)


def test_an_unknown_log_from_a_point_nobody_knows_is_told_to_begin_anew(city: City) -> None:
    county = city.nodes[1]
    reply = Crafted(county, {"log": "abcdefghijklmnop", "from": [3, b64(b"x" * 32)], "to": [3, b64(b"x" * 32)]}).send()
    assert (reply.status, said(reply)["have"]) == (409, [0, b64(ACC_ZERO)])


def test_a_stale_nonce_costs_one_hello_and_no_failure(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    city.clock.forward(HOUR_MS + 1)
    city.network.log.clear()
    assert county.sync().last.kind == "ok"
    paths = [sent.url.rpartition("/")[2] for sent in city.network.log]
    assert paths[:3] == ["exchange", "hello", "exchange"]
    assert statuses(city)[:2] == [401, 200]
    only_once(city, county, 1)


def test_a_nonce_of_another_server_or_of_the_future_is_refused(city: City) -> None:
    county = city.nodes[1]
    stranger = City(seed=2).hub
    assert code(Crafted(county, nonce=hello(stranger)).send()) == (401, "nonce_stale")
    city.clock.forward(2 * HOUR_MS)
    later = hello(city.hub)
    city.clock.forward(-2 * HOUR_MS)
    assert code(Crafted(county, nonce=later).send()) == (401, "nonce_stale")


def test_who_signs_with_another_key_is_refused(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    request = Crafted(county, signer=City(seed=3).hub.replica.signer)
    assert code(request.send()) == (403, "unknown_key")
    borrowed = request.sent()
    borrowed.headers["grid-node"] = county.replica.identity.node
    assert code(city.hub.answer(borrowed)) == (401, "auth_wrong")
    del borrowed.headers["grid-auth"]
    assert code(city.hub.answer(borrowed)) == (401, "auth_missing")
    assert zeros(city.hub) == 0


def test_a_captive_portal_is_not_taken_for_the_parent(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    page = Reply(200, {"content-type": "text/html"}, b"<html>please sign in</html>")
    city.network.before = lambda _sent: page
    assert county.sync().last.problem == "reply_unsigned"
    city.network.before = lambda sent: (
        Reply(503, {"retry-after": "120"}, b"") if sent.url.endswith("exchange") else None
    )
    assert (county.sync().last.problem, county.sync().last.retry_after_s) == ("reply_unsigned", 120)
    assert county.db.execute("SELECT problem FROM link").fetchone() == ("reply_unsigned",)
    city.network.before = None
    city.settle()
    only_once(city, county, 1)
    assert county.db.execute("SELECT problem, failures FROM link").fetchone() == (None, 0)


def test_the_reply_of_another_node_or_to_another_request_is_not_taken(city: City) -> None:
    county = city.nodes[1]
    stranger = City(seed=2)
    county.check(GROUP)
    city.network.hosts[city.hub.host] = stranger.hub.answer
    assert county.sync().last.problem == "reply_unsigned"
    city.network.hosts[city.hub.host] = city.hub.answer
    earlier = city.hub.answer(Crafted(county).sent())
    city.network.before = lambda sent: earlier if sent.url.endswith(EXCHANGE_PATH) else None
    assert county.sync().last.problem == "reply_unsigned"
    city.network.before = None
    city.settle()
    only_once(city, county, 1)


def test_a_silent_portal_at_hello_is_told_from_the_parent(city: City) -> None:
    county = city.nodes[1]
    county.db.execute("UPDATE link SET nonce = NULL")
    city.network.before = lambda sent: Reply(200, {"grid-nonce": "x"}, b"") if sent.url.endswith(HELLO_PATH) else None
    assert county.sync().last.problem == "reply_unsigned"


def test_a_parent_that_forgot_a_child_is_shown_the_certificates() -> None:
    city = City()
    county = city.line(WEST)[0]
    memory = open_database(MEMORY)
    county.db.conn.backup(memory.conn)
    village = city.join(county, W_VILLAGE)
    village.check(GROUP)
    village.sync()
    county.replica.db = memory  # an older copy of the disk: nothing of the village, but the same key
    city.network.log.clear()
    assert village.sync().last.kind == "ok"
    assert statuses(city)[0] == 403
    assert 200 in statuses(city)
    assert county.count("event", "kind = 'chk' AND standing = 'ok'") == 1
    assert zeros(county, WEST) == 1


def test_a_node_is_nobody_s_child_in_its_own_eyes(city: City) -> None:
    county = city.nodes[1]
    assert code(county.answer(Crafted(county, nonce=hello(county)).sent())) == (403, "not_below")


def test_a_full_disk_stops_the_way_up_and_loses_nothing(city: City) -> None:
    county = city.nodes[1]
    county.check(GROUP)
    city.hub.env.free = 1024
    outcome = county.sync().last
    assert (outcome.status, outcome.problem) == (507, "disk_full")
    city.hub.env.free = 2**40
    city.settle()
    only_once(city, county, 1)


def test_the_clock_of_a_reply_shows_how_far_the_clocks_are_apart(city: City) -> None:
    county = city.nodes[1]
    county.env.clock_error_ms = -5 * 60_000
    county.sync()
    assert county.db.execute("SELECT offset_ms FROM link").fetchone() == (5 * 60_000,)
    assert city.hub.db.execute("SELECT offset_ms FROM link").fetchone() == (-5 * 60_000,)
