"""Texts sealed to a key: only its holder opens them, by this code or by any other that knows libsodium."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import SealedBox
from nacl.signing import SigningKey, VerifyKey

from schemas.disclosure import Disc, Texts, Word, batches, pack, read_disc, read_word, unpack
from schemas.encoding import b64
from schemas.errors import GridError
from schemas.strict_json import Json, dumps, loads
from sync.keys import Signer, seal

SEED, OTHER = bytes(range(32)), bytes(range(1, 33))
HASHES = st.integers(0, 2**64).map(lambda number: b64(number.to_bytes(32, "big")))
TEXTS = st.dictionaries(HASHES, st.tuples(st.binary(min_size=16, max_size=16), st.text(max_size=50)), max_size=8)


@given(plain=st.binary(max_size=300), drawn=st.integers())
def test_only_the_holder_of_the_key_opens_what_was_sealed_to_it(plain: bytes, drawn: int) -> None:
    sealed = seal(Signer(SEED).public, plain, random.Random(drawn).randbytes)
    assert Signer(SEED).open_sealed(sealed) == plain
    assert Signer(OTHER).open_sealed(sealed) is None
    assert SealedBox(SigningKey(SEED).to_curve25519_private_key()).decrypt(sealed) == plain
    damaged = bytes([sealed[0] ^ 1]) + sealed[1:]
    assert Signer(SEED).open_sealed(damaged) is None
    assert Signer(SEED).open_sealed(sealed[:-1]) is None


def test_what_libsodium_sealed_is_opened() -> None:
    sealed = SealedBox(VerifyKey(Signer(SEED).public).to_curve25519_public_key()).encrypt(b"text")
    assert Signer(SEED).open_sealed(sealed) == b"text"
    assert Signer(SEED).open_sealed(b"") is None


@given(texts=TEXTS)
def test_what_is_packed_is_unpacked_the_same(texts: Texts) -> None:
    assert unpack(pack(texts)) == texts


@given(texts=st.dictionaries(HASHES, st.tuples(st.just(bytes(16)), st.text("汉字ab", max_size=9_000)), max_size=20))
def test_batches_hold_every_text_once_and_each_fits_an_event(texts: Texts) -> None:
    found = list(batches(texts))
    assert {event: text for batch in found for event, text in batch.items()} == texts
    assert sum(len(batch) for batch in found) == len(texts)
    assert all(len(pack(batch)) * 4 / 3 < 56 * 1024 for batch in found)


@pytest.mark.parametrize(
    "change",
    [
        {"hashes": []}, {"hashes": "x"}, {"hashes": ["x"]}, {"hashes": [b64(bytes(32))] * 201},
        {"key": "x"}, {"key": None},
        {"to": ""}, {"to": 1}, {"for": "x"}, {"case": None}, {"case": "x" * 65},
    ],
)  # fmt: skip
def test_a_disc_that_can_t_be_read_is_refused(change: dict[str, Json]) -> None:
    good = Disc("01a2", b64(bytes(32)), "421001", bytes(32), (b64(bytes(32)),))
    value = loads(dumps(good.payload()))
    assert isinstance(value, dict)
    assert read_disc(value) == good
    with pytest.raises(GridError):
        read_disc({**value, **change})


def test_words_about_a_disc_are_read_as_they_were_written() -> None:
    for word in (Word("01a2", b64(bytes(32))), Word("01a2", b64(bytes(32)), bytes(32))):
        value = loads(dumps(word.payload()))
        assert isinstance(value, dict)
        assert read_word(value) == word
        with pytest.raises(GridError):
            read_word({**value, "disc": "x"})
        with pytest.raises(GridError):
            read_word({**value, "key": "x"})


@pytest.mark.parametrize("plain", [b"[]", b'{"a": 1}', b'{"a": ["AA", "t"]}', b'{"a": ["x"]}', b"\xff", b""])
def test_what_was_sealed_and_makes_no_sense_is_refused(plain: bytes) -> None:
    with pytest.raises(GridError):
        unpack(plain)
