"""Files and receipts that were cut, joined or spoilt on the way: a clear refusal or no harm, never another error."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import E_GROUPS, E_TOWN, EAST, City, Node
from schemas.errors import GridError
from sync import carrier
from sync.verify import verify

SPOILT = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
places = st.integers(0, 1 << 20)


def made() -> tuple[City, Node, Node]:
    """A county above a township that has reports which have not gone up."""
    city = City()
    east, town = city.line(EAST, E_TOWN)
    for group in E_GROUPS:
        town.check(group)
    return city, east, town


CITY_OF_FILES, ABOVE, WRITER = made()
FILE = carrier.export(WRITER.replica).__next__().content
_DONE = carrier.take_in(ABOVE.replica, FILE)
RECEIPT = carrier.receipt(ABOVE.replica, _DONE.node, _DONE.log, _DONE.chains).content
HELD = ABOVE.count()


@st.composite
def spoilt(draw: st.DrawFn, good: bytes) -> bytes:
    """A file with bits turned, bytes cut out, put in or doubled, or lines exchanged."""
    body = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(places) % max(1, len(body))
        match draw(st.sampled_from(("flip", "cut", "drop", "put", "double", "line"))):
            case "flip" if body:
                body[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del body[at:]
            case "drop":
                del body[at : at + draw(st.integers(1, 200))]
            case "put":
                body[at:at] = draw(st.binary(min_size=1, max_size=40))
            case "double":
                body += body[at:]
            case "line":
                lines = bytes(body).split(b"\n")
                other = draw(places) % len(lines)
                lines[at % len(lines)], lines[other] = lines[other], lines[at % len(lines)]
                body = bytearray(b"\n".join(lines))
            case _:
                continue
    return bytes(body)


@SPOILT
@given(spoilt(FILE))
def test_a_spoilt_file_is_refused_or_brings_only_what_was_signed(content: bytes) -> None:
    with suppress(GridError):
        carrier.take_in(ABOVE.replica, content)
    assert not ABOVE.db.conn.in_transaction
    assert ABOVE.count() == HELD


@SPOILT
@given(spoilt(RECEIPT))
def test_a_spoilt_receipt_is_refused_or_says_nothing_new(content: bytes) -> None:
    before = WRITER.count()
    with suppress(GridError):
        carrier.take_receipt(WRITER.replica, content)
    assert not WRITER.db.conn.in_transaction
    assert WRITER.count() == before


def test_after_all_of_that_both_go_on_as_if_nothing_had_happened() -> None:
    for group in E_GROUPS:
        WRITER.check(group, "2026-11-20")
    CITY_OF_FILES.settle()
    assert ABOVE.count("event", "kind = 'chk'") == CITY_OF_FILES.hub.count("event", "kind = 'chk'") == 6
    assert [one.text for node in CITY_OF_FILES.nodes for one in verify(node.replica).problems] == []
