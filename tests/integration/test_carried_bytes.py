"""Files and receipts that were cut, joined or spoilt on the way: a clear refusal or no harm, never another error."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from test_carrier import file_of
from test_recovery import sound

from builders import E_GROUPS, E_TOWN, EAST, City, Node
from schemas.errors import GridError
from sync import carrier, receipts

MAX_EXAMPLES = 400
TABLES = ("event", "part", "refused", "inlog", "mark", "node_state", "link")
HOWS = ("flip", "cut", "drop", "put", "double", "swap")
Slip = tuple[str, int, int, bytes]  # what happens, at which place, how far or with which line, what is put in
PLACES = st.integers(0, 1 << 20) | st.integers(-250, -1)  # anywhere, or in the last line, which signs the others
SLIPS = st.lists(
    st.tuples(st.sampled_from(HOWS), PLACES, st.integers(1, 200), st.binary(min_size=1, max_size=40)),
    min_size=1,
    max_size=4,
)


def spoilt(good: bytes, slips: list[Slip]) -> bytes:
    """A file after bits were turned, bytes cut off, taken out, put in or doubled, or lines exchanged."""
    body = good
    for how, place, number, extra in slips:
        at = place % (len(body) + 1)
        lines = body.split(b"\n")
        first, second = place % len(lines), number % len(lines)
        lines[first], lines[second] = lines[second], lines[first]
        body = {
            "flip": body[:at] + bytes(one ^ 1 << number % 8 for one in body[at : at + 1]) + body[at + 1 :],
            "cut": body[:at],
            "drop": body[:at] + body[at + number :],
            "put": body[:at] + extra + body[at:],
            "double": body + body[at:],
            "swap": b"\n".join(lines),
        }[how]
    return body


def said(content: bytes) -> tuple[bytes, object]:
    """What is signed, byte for byte, and what the last line says of it."""
    signed, _, last = content.removesuffix(b"\n").rpartition(b"\n")
    return signed, json.loads(last)


def take_in_spoilt(node: Node, good: bytes, take: Callable[[bytes], object]) -> list[str]:
    """Hands a node spoilt copies; returns the codes of the refusals. Refused: nothing is written. Taken: it says
    the same.
    """
    codes: list[str] = []

    def rows() -> list[list[tuple[object, ...]]]:
        return [node.db.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]

    @settings(max_examples=MAX_EXAMPLES, deadline=None)
    @given(SLIPS)
    def one(slips: list[Slip]) -> None:
        content, before = spoilt(good, slips), rows()
        try:
            take(content)
        except GridError as refusal:
            codes.append(refusal.code)
            assert rows() == before
        else:
            assert said(content) == said(good)
        assert not node.db.conn.in_transaction

    one()
    return codes


def county_and_township() -> tuple[City, Node, Node]:
    """A township whose reports have not gone up."""
    city = City()
    east, town = city.line(EAST, E_TOWN)
    for group in E_GROUPS:
        town.check(group)
    return city, east, town


def reports_at_the_hub(city: City) -> int:
    """After all have exchanged; all that is held verifies, and the links are idle."""
    city.settle()
    sound(city)
    return city.hub.count("event", "kind = 'chk'")


def test_a_spoilt_file_is_refused_and_the_good_one_is_then_taken() -> None:
    city, east, town = county_and_township()
    good = file_of(town)
    codes = take_in_spoilt(east, good, lambda content: carrier.take_in(east.replica, content))
    assert {"file_half", "file_damaged", "carried_unreadable"} <= set(codes)
    assert carrier.take_in(east.replica, good).count >= len(E_GROUPS)
    assert reports_at_the_hub(city) == len(E_GROUPS)


def test_a_spoilt_receipt_is_refused_and_the_good_one_is_then_taken() -> None:
    city, east, town = county_and_township()
    done = carrier.take_in(east.replica, file_of(town))
    good = receipts.receipt(east.replica, done.node, done.log, done.chains).content
    codes = take_in_spoilt(town, good, lambda content: receipts.take_receipt(town.replica, content))
    assert {"file_half", "file_damaged", "carried_unreadable"} <= set(codes)
    assert receipts.take_receipt(town.replica, good).unit == EAST
    assert reports_at_the_hub(city) == len(E_GROUPS)
