"""Enrolment by a one-time code: who may not, what a thief of the line gains, and that a lost reply costs nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest
from fakes import Sent

from builders import CITY, E_TOWN, E_VILLAGE, EAST, HOUR_MS, W_VILLAGE, WEST, City, Node
from schemas.encoding import b64
from schemas.errors import Forbidden, GridError
from schemas.strict_json import dumps, loads
from sync import enrol
from sync.directory import certified_units, unit_of
from sync.enrol import CODE_LIFE_MS, MAX_ATTEMPTS, Enrolment, ask, invite
from sync.env import Reply, TransportError
from sync.keys import Signer


def signer(seed: int = 1) -> Signer:
    """A child's new key."""
    return Signer(random.Random(seed).randbytes(32))


def try_code(city: City, parent: Node, code: str, unit: str = WEST, key: Signer | None = None) -> Enrolment:
    """A child's attempt with a code."""
    return ask(city.hub.env, parent.url, unit, code, key or signer())


def refusal(city: City, parent: Node, code: str, unit: str = WEST, key: Signer | None = None) -> str:
    """The code of the refusal; asserts that no certificate was issued."""
    before = certified_units(parent.db)
    with pytest.raises(GridError) as raised:
        try_code(city, parent, code, unit, key)
    assert certified_units(parent.db) == before
    return raised.value.code


def wrong(code: str) -> str:
    """A code of the same city with another secret."""
    return code[:-1] + ("A" if code[-1] != "A" else "B")


def test_a_wrong_code_is_refused() -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code
    assert refusal(city, city.hub, wrong(code)) == "code_wrong"
    assert refusal(city, city.hub, code, EAST) == "code_wrong"


@pytest.mark.parametrize("code", ["", "A", "ABCD-EFGH", "1" * 32, "A" * 33, "中" * 32])
def test_what_is_no_code_is_refused_before_anything_is_sent(code: str) -> None:
    city = City()
    invite(city.hub.replica, WEST)
    assert refusal(city, city.hub, code) == "code_malformed"
    assert city.network.log == []


def test_after_ten_wrong_tries_even_the_right_code_is_locked() -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code
    for _ in range(MAX_ATTEMPTS):
        assert refusal(city, city.hub, wrong(code)) == "code_wrong"
    assert refusal(city, city.hub, code) == "code_locked"
    again = invite(city.hub.replica, WEST).code
    assert try_code(city, city.hub, again).unit == WEST


def test_a_code_ends_after_48_hours() -> None:
    city = City()
    made = invite(city.hub.replica, WEST)
    assert made.expires_at == city.clock.at_ms + 48 * HOUR_MS == city.clock.at_ms + CODE_LIFE_MS
    city.clock.forward(CODE_LIFE_MS + 1)
    assert refusal(city, city.hub, made.code) == "code_expired"
    city.clock.forward(-1)
    assert try_code(city, city.hub, made.code).unit == WEST


def test_a_code_serves_one_node_only() -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code
    try_code(city, city.hub, code)
    assert refusal(city, city.hub, code, key=signer(2)) == "code_used"


def test_a_new_code_ends_the_earlier_one() -> None:
    city = City()
    first, second = (invite(city.hub.replica, WEST).code for _ in range(2))
    assert refusal(city, city.hub, first) == "code_wrong"
    assert try_code(city, city.hub, second).unit == WEST


def test_a_lost_reply_heals_with_the_same_certificate() -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code

    def lose(_sent: Sent, _reply: Reply) -> Reply:
        raise TransportError("lost")

    city.network.after = lose
    with pytest.raises(TransportError):
        try_code(city, city.hub, code)
    city.network.after = None
    events = city.hub.count()
    city.clock.forward(CODE_LIFE_MS * 2)  # the same child may come back late
    first, second = try_code(city, city.hub, code), try_code(city, city.hub, code)
    assert first == second
    assert city.hub.count() == events


def test_the_secret_of_the_code_does_not_travel() -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code
    try_code(city, city.hub, code)
    secret = code.replace("-", "").lower()[16:]
    for sent in city.network.log:
        assert secret not in sent.body.decode().lower()


@pytest.mark.parametrize("spelling", [str.lower, str.upper, lambda c: c.replace("-", ""), lambda c: f"  {c} "])
def test_a_code_is_read_as_people_type_it(spelling: Any) -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code
    assert try_code(city, city.hub, spelling(code)).unit == WEST


def test_a_code_typed_in_full_width_signs_is_read() -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in code)
    assert try_code(city, city.hub, wide).unit == WEST


def test_a_parent_of_another_city_is_refused() -> None:
    city, other = City(), City(seed=2)
    code = invite(city.hub.replica, WEST).code
    invite(other.hub.replica, WEST)
    (secret,) = city.hub.db.execute("SELECT secret FROM invite").fetchone()
    other.hub.db.execute("UPDATE invite SET secret = ?", [secret])  # a thief who knows even the secret
    city.network.hosts[city.hub.host] = other.hub.answer
    with pytest.raises(Forbidden) as raised:
        try_code(city, city.hub, code)
    assert raised.value.code == "code_other_city"


def test_a_reply_altered_on_the_line_is_not_believed() -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code

    def spoil(**change: object) -> None:
        def after(_sent: Sent, reply: Reply) -> Reply:
            value = loads(reply.body)
            assert isinstance(value, dict)
            return Reply(reply.status, reply.headers, dumps({**value, **change}).encode())

        city.network.after = after

    honest = city.hub.answer
    changes: list[dict[str, object]] = [
        {"now": 1}, {"certs": []}, {"certs": ["x"] * 3}, {"certs": 5}, {"parent": EAST},
    ]  # fmt: skip
    for change in changes:
        spoil(**change)
        with pytest.raises((TransportError, GridError)):
            try_code(city, city.hub, code)
    for body in (b"", b"<html>", b"[]", b'"x"'):
        city.network.after = lambda _sent, reply, body=body: Reply(200, reply.headers, body)
        with pytest.raises((TransportError, GridError)):
            try_code(city, city.hub, code)
    city.network.after = None
    city.network.hosts[city.hub.host] = honest
    assert try_code(city, city.hub, code).parent == CITY


def test_certificates_of_another_unit_or_out_of_order_are_not_believed() -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code
    for shuffle in (lambda certs: certs[::-1], lambda certs: certs[:-1], lambda certs: certs + certs[-1:]):

        def after(_sent: Sent, reply: Reply, shuffle: Any = shuffle) -> Reply:
            value = loads(reply.body)
            assert isinstance(value, dict)
            return Reply(200, reply.headers, dumps({**value, "certs": shuffle(value["certs"])}).encode())

        city.network.after = after
        with pytest.raises((TransportError, GridError)):
            try_code(city, city.hub, code)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"unit":1}',
        b'{"unit":"x","key":"y"}',
        b'{"unit":"x","key":"y","proof":"' + b"z" * 300 + b'"}',
    ],
)
def test_an_enrolment_that_cannot_be_read_is_refused_with_4xx(body: bytes) -> None:
    city = City()
    reply = city.hub.answer(Sent("POST", city.hub.url + enrol.PATH, {}, body))
    assert 400 <= reply.status < 500
    posted = city.hub.browser().post(enrol.PATH, data=body)
    assert posted.status_code == reply.status


def test_a_proof_that_is_not_ascii_is_refused_with_400() -> None:
    city = City()
    invite(city.hub.replica, WEST)
    body = dumps({"v": 1, "unit": WEST, "key": b64(signer().public), "proof": "证" * 40}).encode()
    reply = city.hub.answer(Sent("POST", city.hub.url + enrol.PATH, {}, body))
    assert (reply.status, loads(reply.body)) == (400, {"code": "manifest", "field": "proof"})


@pytest.mark.parametrize("version", ["", '"v":2,', '"v":"1",', '"v":true,', '"v":[1],'])
def test_an_enrolment_in_another_version_is_426(version: str) -> None:
    city = City()
    body = f'{{{version}"unit":"x","key":"{"A" * 43}","proof":"z"}}'.encode()
    reply = city.hub.answer(Sent("POST", city.hub.url + enrol.PATH, {}, body))
    assert (reply.status, reply.body) == (426, b'{"code":"version","field":"v"}')


def test_an_enrolment_over_4_kib_is_too_large() -> None:
    city = City()
    assert city.hub.browser().post(enrol.PATH, data=b"x" * 5_000).status_code == 413


def invited(node: Node, unit: str) -> str:
    """The refusal of an invitation."""
    with pytest.raises(GridError) as raised:
        invite(node.replica, unit)
    assert node.count("invite", f"unit = '{unit}' AND used_by IS NULL") == 0
    return raised.value.code


def test_a_code_is_made_only_for_units_that_this_node_hosts() -> None:
    city = City()
    west = city.join(city.hub, WEST)
    assert invited(city.hub, "429999999999") == "unknown_unit"
    assert invited(city.hub, CITY) == "invite_not_below"
    assert invite(city.hub.replica, WEST).replaces
    assert invited(city.hub, W_VILLAGE) == "invite_elsewhere"
    assert invited(west, EAST) == "invite_not_below"
    assert invited(west, CITY) == "invite_not_below"
    assert invite(west.replica, W_VILLAGE).unit == W_VILLAGE


def test_a_code_of_one_parent_is_none_at_another() -> None:
    city = City()
    west, east = city.join(city.hub, WEST), city.join(city.hub, EAST)
    code = invite(west.replica, W_VILLAGE).code
    assert refusal(city, east, code, W_VILLAGE) == "code_wrong"
    assert refusal(city, city.hub, code, W_VILLAGE) == "code_wrong"


def test_a_node_five_levels_down_is_known_to_the_city_after_one_round() -> None:
    city = City()
    group = f"{E_VILLAGE}001"
    nodes = city.line(EAST, E_TOWN, E_VILLAGE, group)
    for node in city.nodes:
        assert certified_units(node.db) == {CITY, EAST, E_TOWN, E_VILLAGE, group}
        for one in nodes:
            assert unit_of(node.db, one.replica.identity.node) == (one.unit, one.replica.identity.level)


def test_two_children_of_one_code_at_once_leave_one_certificate() -> None:
    city = City()
    code = invite(city.hub.replica, WEST).code
    sent: list[Sent] = []
    city.network.before = lambda one: sent.append(one)
    try_code(city, city.hub, code)
    city.network.before = None
    assert refusal(city, city.hub, code, key=signer(3)) == "code_used"
    assert city.hub.answer(sent[0]).status == 200
    assert city.hub.count("node_cert", f"unit = '{WEST}'") == 1
