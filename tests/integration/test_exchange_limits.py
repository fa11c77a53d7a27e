"""What an exchange may carry, and what the answer is when it carries more, or something else."""

from __future__ import annotations

import gzip
import random
from datetime import date
from typing import Any

import pytest
from crafted import Crafted, code, packed
from fakes import Sent

from builders import DAY_MS, E_GROUPS, W_GROUPS, WEST, City, Node, many_checks
from sync import auth
from sync.client import Client, Outcome
from sync.env import Reply, TransportError
from sync.retry import STOPPED
from sync.server import EXCHANGE_PATH, MAX_DOWN_EVENTS
from sync.wire import MAX_EVENTS, MAX_GZIP_BYTES, MAX_PLAIN_BYTES

GROUP = W_GROUPS[0]


@pytest.fixture(scope="module")
def city() -> City:
    """A hub and one county with one check to send."""
    city = City()
    city.line(WEST)
    city.nodes[1].check(GROUP)
    return city


def refused(city: City, request: Crafted) -> tuple[int, str]:
    """What the hub says; asserts that it kept nothing of it."""
    before = (city.hub.count(), city.hub.count("inlog"), city.hub.count("refused"))
    answer = code(request.send())
    assert (city.hub.count(), city.hub.count("inlog"), city.hub.count("refused")) == before
    return answer


def test_a_body_over_1_mib_of_gzip_is_too_large(city: City) -> None:
    noise = random.Random(1).randbytes(MAX_GZIP_BYTES + 1)
    assert refused(city, Crafted(city.nodes[1], body=noise)) == (413, "body_too_large")


def test_the_route_reads_no_more_than_1_mib(city: City) -> None:
    sent = Crafted(city.nodes[1], body=random.Random(1).randbytes(MAX_GZIP_BYTES + 1)).sent()
    reply = city.hub.browser().post(EXCHANGE_PATH, data=sent.body, headers=sent.headers)
    signature = sent.headers[auth.AUTH_HEADER].partition(":")[2]
    assert (reply.status_code, reply.json) == (413, {"code": "body_too_large", "field": "body"})
    assert auth.reply_is_signed(
        city.hub.replica.signer.public, dict(reply.headers.to_wsgi_list()), signature, 413, reply.data
    )


def test_a_body_that_inflates_over_8_mib_is_too_large(city: City) -> None:
    request = Crafted(city.nodes[1])
    request.body = packed(request.manifest, request.lines, MAX_PLAIN_BYTES)
    assert len(request.body) < 20_000
    assert refused(city, request) == (413, "body_too_large")


def test_a_body_of_exactly_8_mib_is_read(city: City) -> None:
    request = Crafted(city.nodes[1])
    empty = len(gzip.decompress(packed(request.manifest, request.lines)))
    request.body = packed(request.manifest, request.lines, MAX_PLAIN_BYTES - empty)
    assert refused(city, request)[0] == 400  # the blanks are no line


def test_2001_lines_are_too_many(city: City) -> None:
    request = Crafted(city.nodes[1])
    request.lines = request.lines * (MAX_EVENTS + 1)
    assert refused(city, request) == (413, "too_many_lines")


@pytest.mark.parametrize(
    "headers", [{"content-type": "application/json"}, {"content-type": ""}, {"content-encoding": ""}]
)
def test_another_type_or_encoding_is_415(city: City, headers: dict[str, str]) -> None:
    assert refused(city, Crafted(city.nodes[1], headers=headers)) == (415, "media_type")


@pytest.mark.parametrize("body", [b"", b"{}", gzip.compress(b"{}", mtime=0)[:-4], b"PK\3\4"])
def test_what_is_no_whole_gzip_is_400(city: City, body: bytes) -> None:
    assert refused(city, Crafted(city.nodes[1], body=body)) == (400, "not_gzip")


@pytest.mark.parametrize("behind", [b"\0", b"<html>", gzip.compress(b"{}\n", mtime=0)], ids=["zero", "text", "member"])
def test_nothing_may_stand_behind_the_gzip(city: City, behind: bytes) -> None:
    request = Crafted(city.nodes[1])
    request.body = packed(request.manifest, request.lines) + behind
    assert refused(city, request) == (400, "not_gzip")


def test_the_name_of_the_encoding_has_no_case(city: City) -> None:
    request = Crafted(city.nodes[1], headers={"content-encoding": "GZIP"}, lines=[])
    request.manifest["to"], request.lines = request.manifest["from"], []
    assert request.send().status == 200


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_426(city: City, version: object) -> None:
    assert refused(city, Crafted(city.nodes[1], {"v": version})) == (426, "version")


@pytest.mark.parametrize(
    "wrong",
    [
        {"log": "x"},
        {"log": "ａ" * 16},
        {"log": None},
        {"from": [0]},
        {"from": [-1, "A" * 43]},
        {"from": [True, "A" * 43]},
        {"to": [1, "A" * 42]},
        {"down": []},
        {"down": ["x" * 16, 0, "?"]},
        {"marks": ["x"]},
        {"marks": "x"},
        {"marks": [f"{'a' * 26}.{'b' * 8}"] * 51},
        {"certs": -1},
        {"certs": 3},
        {"back": 3},
        {"back": -1},
        {"want": ["x"]},
        {"want": ["A" * 43] * 21},
        {"own": ["x"]},
        {"now": "soon"},
    ],
    ids=str,
)
def test_a_manifest_that_cannot_be_read_is_400(city: City, wrong: dict[str, Any]) -> None:
    assert refused(city, Crafted(city.nodes[1], wrong)) == (400, "manifest")


@pytest.mark.parametrize("line", ["", "{}", "[]", '["x"]', '["x","y","z","w","v"]', '["g1","s",[],"short"]', "\0", "["])
def test_a_line_that_does_not_say_what_it_is_stops_the_body(city: City, line: str) -> None:
    request = Crafted(city.nodes[1])
    assert refused(city, Crafted(city.nodes[1], lines=[*request.lines, line])) == (400, "line")


def test_unknown_fields_of_a_manifest_are_passed_over() -> None:
    city = City()
    county = city.line(WEST)[0]
    county.check(GROUP)
    assert Crafted(county, {"later": {"x": [1]}}).send().status == 200


def push(city: City, county: Node, answer: Reply | TransportError) -> tuple[Client, Outcome]:
    """One exchange of a client that the line answers so."""

    def before(sent: Sent) -> Reply | None:
        if not sent.url.endswith(EXCHANGE_PATH):
            return None
        if isinstance(answer, TransportError):
            raise answer
        return answer

    client = Client(county.replica, city.hub.url)
    city.network.before = before
    outcome = client.exchange()
    city.network.before = None
    return client, outcome


def test_a_time_out_or_a_413_halves_the_batch_and_success_raises_it_again(city: City) -> None:
    county = city.nodes[1]
    client, outcome = push(city, county, TransportError("timed out"))
    assert (outcome.kind, client.target_bytes) == ("failed", 32 * 1024)
    for _ in range(12):
        city.network.before = lambda _sent: Reply(504, {}, b"")
        client.exchange()
    assert client.target_bytes == 512
    city.network.before = None
    client.exchange()
    assert client.target_bytes == 768


def test_a_batch_of_one_event_still_goes_when_the_target_is_smaller() -> None:
    city = City()
    county = city.line(WEST)[0]
    county.check_all(many_checks(W_GROUPS, date(2026, 10, 1), 40))
    client = county.client
    client.target_bytes = 1
    city.network.log.clear()
    client.exchange()
    assert city.hub.count("event", "kind = 'chk'") == 1
    assert county.sync().last.kind == "ok"
    assert city.hub.count("event", "kind = 'chk'") == 40


def test_many_events_go_up_in_batches_of_about_64_kib_and_all_arrive() -> None:
    city = City()
    county = city.line(WEST)[0]
    county.check_all(many_checks(W_GROUPS, date(2025, 10, 1), 1_200))
    city.network.log.clear()
    county.sync()
    sizes = [len(sent.body) for sent in city.network.posted()]
    assert max(sizes) < 128 * 1024
    assert len(sizes) > 3
    assert city.hub.count("event", "kind = 'chk' AND standing = 'ok'") == 1_200


def test_a_long_way_down_is_cut_into_pages_and_all_arrives() -> None:
    city = City()
    county = city.line(WEST)[0]
    for number in range(MAX_DOWN_EVENTS + 20):
        act = {"type": "unit", "act": "rename", "unit": E_GROUPS[0], "date": "2026-01-01", "name": f"组{number}"}
        city.hub.publish(act)
    drained = county.sync()
    assert drained.pulled == MAX_DOWN_EVENTS + 20
    assert county.count("directory_act") == city.hub.count("directory_act")


@pytest.mark.parametrize("status", sorted(STOPPED))
def test_a_refusal_that_waiting_does_not_mend_is_shown_and_deletes_nothing(status: int) -> None:
    city = City()
    county = city.line(WEST)[0]
    county.check(GROUP)
    spoilt = {400: {"v": 1, "log": 1}, 403: {}, 415: {}, 426: {"v": 9}}[status]
    events = county.count()
    client = Client(county.replica, city.hub.url)
    honest = client._manifest
    client._manifest = lambda *args: honest(*args) | spoilt  # type: ignore[method-assign]
    if status == 415:
        city.network.before = lambda sent: (
            city.hub.answer(Sent(sent.method, sent.url, sent.headers | {"content-encoding": "br"}, sent.body))
            if sent.url.endswith(EXCHANGE_PATH)
            else None
        )
    if status == 403:
        city.hub.db.execute("DELETE FROM node_cert WHERE unit = ?", [WEST])
        county.db.execute("DELETE FROM own_certificate WHERE place = 2")
    outcome = client.exchange()
    assert (outcome.kind, outcome.status) == ("failed", status)
    assert county.count() == events
    assert county.db.execute("SELECT problem IS NOT NULL, problem_since FROM link").fetchone() == (
        1,
        county.env.now_ms(),
    )


def test_a_problem_keeps_the_instant_at_which_it_began() -> None:
    city = City()
    county = city.line(WEST)[0]
    began = county.env.now_ms()
    for _ in range(3):
        push(city, county, TransportError("down"))
        city.clock.forward(DAY_MS)
    assert county.db.execute("SELECT problem, problem_since, failures FROM link").fetchone() == (
        "unreachable",
        began,
        3,
    )
