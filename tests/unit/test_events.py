"""The grammar of events: header line, parts, hashes, and how a body abbreviates them."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from schemas.encoding import b64, node_id, unb64
from schemas.errors import BadRequest, Corrupt
from schemas.events import (
    ACC_ZERO,
    FIRST,
    Event,
    Header,
    Part,
    header_hash,
    next_acc,
    parse_header,
    part_hash,
    parts_hash,
    payload,
    plain_line,
)
from schemas.marks import Mark, parse_mark
from schemas.strict_json import dumps, loads
from sync.chains import compose
from sync.database import MEMORY, open_database
from sync.keys import Signer
from sync.log import LogLine
from sync.migrations import SYNC
from sync.wire import LineReader, LineWriter, encode, inflate, split

SIGNER = Signer(bytes(range(32)))
CHAIN = f"{SIGNER.node}.abcdefgh"
DIGEST = b64(bytes(32))
GOOD = f"g1\t{CHAIN}\t1\t-\tchk\t421083101219001\t2026-11-23\t1795426800000\t56\tchk/1\t{DIGEST}"


def event_of(seq: int, prev: str, text: str, private: str | None = None) -> Event:
    header = Header(CHAIN, seq, prev, "chk", "421083101219001", "2026-11-23", 1_795_426_800_000, 56, "chk/1", "")
    return compose(SIGNER, lambda count: bytes([seq % 256]) * count, header, {"x": text}, private)


def chain_of(texts: list[str]) -> list[Event]:
    events: list[Event] = []
    for place, text in enumerate(texts):
        events.append(event_of(place + 1, events[-1].hash if events else FIRST, text, "words" if place % 2 else None))
    return events


def entry_of(event: Event, n: int = 1, **changed: object) -> LogLine:
    fields = {"n": n, "hash": event.hash, "acc": b"", "header": event.line, "signature": event.signature}
    return LogLine(**{**fields, "parts": event.parts, **changed})  # type: ignore[arg-type]


@pytest.fixture
def db() -> Database:
    database = open_database(MEMORY, SYNC)
    database.execute("INSERT INTO node_key (node, key) VALUES (?, ?)", [SIGNER.node, SIGNER.public])
    return database


@pytest.mark.parametrize(
    "line",
    [
        GOOD + "\n",
        GOOD + "\textra",
        GOOD.replace("g1\t", "g2\t"),
        GOOD.replace("\t1\t-", "\t0\t-"),
        GOOD.replace("\t1\t-", "\t01\t-"),
        GOOD.replace("\t1\t-", "\t2\t-"),
        GOOD.replace("\t1\t-", f"\t1\t{DIGEST}"),
        GOOD.replace("\tchk\t", "\tChk\t"),
        GOOD.replace("2026-11-23", "2026-1-23"),
        GOOD.replace("2026-11-23", "２０２６-11-23"),
        GOOD.replace("\t56\t", "\t056\t"),
        GOOD.replace("chk/1", "chk/0"),
        GOOD.replace(DIGEST, DIGEST[:-1] + "B"),
        GOOD.replace(CHAIN, CHAIN.upper()),
        GOOD.replace("421083101219001", "421083 101219"),
        "",
    ],
)
def test_a_header_that_leaves_the_grammar_is_unreadable(line: str) -> None:
    with pytest.raises(Corrupt):
        parse_header(line)


def test_the_header_is_the_line_that_was_signed() -> None:
    header = parse_header(GOOD)
    assert header.text() == GOOD
    assert (header.seq, header.prev, header.rtime, header.ctx) == (1, "-", 1_795_426_800_000, 56)


def test_hashes_are_those_of_the_protocol() -> None:
    expected = hashlib.sha256(b"grid/event/1\n" + GOOD.encode()).digest()
    assert unb64(header_hash(GOOD)) == expected
    salt = bytes(16)
    assert part_hash("pub", salt, "中") == hashlib.sha256(b"\0pub\0" + salt + "中".encode()).digest()
    part = Part.of("pub", salt, "中")
    assert unb64(parts_hash([part, part])) == hashlib.sha256(part.hash + part.hash).digest()
    assert next_acc(ACC_ZERO, b64(bytes(32))) == hashlib.sha256(bytes(64)).digest()
    key = bytes(range(32))
    assert node_id(key) == base64.b32encode(hashlib.sha256(key).digest()).decode().lower()[:26]


def test_a_withheld_part_keeps_the_events_hash() -> None:
    whole = event_of(1, FIRST, "x", "words")
    withheld = tuple(part.withheld() if part.name == "per" else part for part in whole.parts)
    assert parts_hash(withheld) == whole.header.phash
    with pytest.raises(Corrupt):
        payload(Event(whole.line, whole.header, whole.signature, withheld, whole.hash), "per")


@pytest.mark.parametrize("text", ["AA=", "AA==", "A", "A B", "AB", "a+b/"])
def test_only_one_spelling_of_bytes_is_taken(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        unb64(text)


@given(st.binary(max_size=80))
def test_base64url_reads_back(raw: bytes) -> None:
    assert unb64(b64(raw)) == raw


@given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
def test_a_body_reads_back_to_the_very_bytes_that_were_signed(texts: list[str]) -> None:
    database = open_database(MEMORY, SYNC)
    database.execute("INSERT INTO node_key (node, key) VALUES (?, ?)", [SIGNER.node, SIGNER.public])
    events, writer = chain_of(texts), LineWriter()
    body = encode({"v": 1}, [writer.line(entry_of(event)) for event in events])
    manifest, raws = split(inflate(body))
    reader = LineReader(database)
    received = [reader.read(raw) for raw in raws]
    assert manifest == {"v": 1}
    assert [one.code for one in received] == [None] * len(events)
    assert [(one.event.line, one.event.signature) for one in received if one.event] == [
        (event.line, event.signature) for event in events
    ]
    assert all(one.event.text_of("per") is None for one in received if one.event)
    database.conn.close()


def test_repetition_is_abbreviated_on_the_wire() -> None:
    first, second = chain_of(["a", "b"])
    writer = LineWriter()
    lines = [loads(writer.line(entry_of(event))) for event in (first, second)]
    fields = [line[0].split("\t") for line in lines]  # type: ignore[index, union-attr]
    assert [field[3] for field in fields] == ["-", "="]
    assert [field[10] for field in fields] == ["=", "="]


def test_damaged_bytes_travel_with_the_hash_of_the_log_and_are_set_aside(db: Database) -> None:
    first, second, third = chain_of(["a", "b", "c"])
    writer, reader = LineWriter(), LineReader(db)
    damaged = entry_of(second, header=second.line.replace("421083101219001", "421083101219002"))
    lines = [writer.line(entry_of(first)), writer.line(damaged), writer.line(entry_of(third))]
    received = [reader.read(line) for line in lines]
    assert [one.code for one in received] == [None, "bad_sig", None]
    assert [one.hash for one in received] == [first.hash, second.hash, third.hash]


@pytest.mark.parametrize("part", ["signature", "text"])
def test_a_changed_signature_or_text_is_bad_sig(db: Database, part: str) -> None:
    event = event_of(1, FIRST, "a")
    if part == "signature":
        changed = entry_of(event, signature=bytes([event.signature[0] ^ 1]) + event.signature[1:])
    else:
        changed = entry_of(event, parts=(Part("pub", event.parts[0].salt, '{"x":"b"}', event.parts[0].hash),))
    received = LineReader(db).read(LineWriter().line(changed))
    assert (received.hash, received.event, received.code) == (event.hash, None, "bad_sig")


def test_a_line_over_64_kib_is_too_big(db: Database) -> None:
    event = event_of(1, FIRST, "长" * 22_000)
    received = LineReader(db).read(LineWriter().line(entry_of(event)))
    assert (received.hash, received.event, received.code) == (event.hash, None, "too_big")


def test_a_key_is_brought_by_the_first_event_of_its_chain() -> None:
    database = open_database(MEMORY, SYNC)
    header = Header(CHAIN, 1, FIRST, "inc", "421083101219001", "2026-11-23", 0, 0, "inc/1", "")
    first = compose(SIGNER, bytes, header, {"key": b64(SIGNER.public), "after": None})
    stranger = compose(SIGNER, bytes, header, {"key": b64(Signer(bytes(32)).public), "after": None})
    assert LineReader(database).read(plain_line(first)).code is None
    assert LineReader(database).read(plain_line(stranger)).code == "bad_sig"
    database.conn.close()


@pytest.mark.parametrize("raw", ["", "[]", "{}", '["x"]', '[1,"x",[]]', '["x","y",[],"short"]', "not json"])
def test_a_line_that_names_no_hash_refuses_the_body(db: Database, raw: str) -> None:
    with pytest.raises(BadRequest):
        LineReader(db).read(raw)


def test_marks_read_back_and_leave_no_room_for_other_spellings() -> None:
    mark = Mark(CHAIN, 1_795_426_800_000, SIGNER.node, (DIGEST, DIGEST), ())
    assert parse_mark(mark.text()) == mark
    gapped = Mark(CHAIN, 0, SIGNER.node, (DIGEST,), (DIGEST, DIGEST))
    assert parse_mark(gapped.text()) == gapped
    for wrong in (mark.text() + "\n", mark.text().replace("m1", "m2"), mark.text().replace(f"{DIGEST},", ",")):
        with pytest.raises(Corrupt):
            parse_mark(wrong)


def test_payloads_are_written_compactly_and_in_their_own_script() -> None:
    assert dumps({"a": "中", "b": [1, None]}) == '{"a":"中","b":[1,null]}'
