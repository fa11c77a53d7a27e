"""The strict JSON loader: what two readers could take differently is refused, by field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BadRequest
from schemas.strict_json import MAX_DEPTH, MAX_INTEGER, dumps, loads

REFUSED = [
    (b'{"a":1,"a":1}', "json_duplicate_key", "a"),
    (b'{"a":{"b":1,"b":2}}', "json_duplicate_key", "a.b"),
    (b'{"a":[{"b":1,"b":2}]}', "json_duplicate_key", "a.0.b"),
    (b'{"a":NaN}', "json_number", "a"),
    (b'{"a":[1,-Infinity]}', "json_number", "a.1"),
    (b'{"a":1.5}', "json_number", "a"),
    (b'{"a":1e3}', "json_number", "a"),
    (b'{"a":9007199254740992}', "json_big_integer", "a"),
    (b'{"a":-9007199254740992}', "json_big_integer", "a"),
    (b'{"a":' + b"9" * 5000 + b"}", "json_big_integer", "a"),
    (b'{"a":"\\ud800"}', "json_surrogate", "a"),
    (b'{"a":["\\udc00x"]}', "json_surrogate", "a.0"),
    ('{"单位":1}'.encode(), "json_key", "body"),
    ('{"a":"中"}'.encode("utf-16"), "json_encoding", "body"),
    ('{"a":"中"}'.encode("gb18030"), "json_encoding", "body"),
    (b"\xef\xbb\xbf{}", "json_encoding", "body"),
    (b'{"a":1', "json_syntax", "body"),
    (b"{'a':1}", "json_syntax", "body"),
    (b"{} {}", "json_syntax", "body"),
    (b"", "json_syntax", "body"),
    (b'{"a":"' + b"\x01" + b'"}', "json_syntax", "body"),
    (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "json_too_deep", "body"),
    (b"[" * 100_000, "json_too_deep", "body"),
    (b'{"a":' * 17 + b"1" + b"}" * 17, "json_too_deep", "body"),
]


@pytest.mark.parametrize(("raw", "code", "field"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_readers_could_take_differently_is_refused_by_field(raw: bytes, code: str, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        loads(raw)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_the_limits_themselves_are_taken() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert loads(deepest) == json.loads(deepest)
    assert loads(f'{{"a":{MAX_INTEGER - 1},"b":{1 - MAX_INTEGER}}}') == {"a": MAX_INTEGER - 1, "b": 1 - MAX_INTEGER}


def test_brackets_inside_strings_are_no_depth() -> None:
    assert loads('{"a":"' + "[" * 50 + '\\"["}') == {"a": "[" * 50 + '"['}


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert loads(b'{"a":"\\ud83d\\ude00"}') == {"a": "😀"}


plain = st.recursive(
    st.none() | st.booleans() | st.integers(1 - MAX_INTEGER, MAX_INTEGER - 1) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
def test_what_is_written_is_read_back_whole(value: object) -> None:
    text = dumps(value)
    depth = max(text[:at].count("[") + text[:at].count("{") for at in range(len(text) + 1))
    if depth <= MAX_DEPTH:
        assert loads(text.encode()) == value
