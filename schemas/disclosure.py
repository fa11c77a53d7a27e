"""Disclosure (3-sync, D1-D4): who is to be given which private texts, and what `disc`, `ask` and `got` say. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.cases.fold import Case
from schemas.encoding import DIGEST_BYTES, b64, unb64
from schemas.events import SALT_BYTES, unreadable
from schemas.strict_json import Json, dumps, loads

DISC: Final = "disc"
ASK: Final = "ask"
GOT: Final = "got"
SCHEMAS: Final[Mapping[str, str]] = {DISC: "disc/1", ASK: "ask/1", GOT: "got/1"}
SEALED: Final = "sealed"
MAX_TEXT_BYTES: Final = 30 * 1024  # of one disc: sealed and written as base64, it fits an event
MAX_HASHES: Final = 200
_KEY_BYTES: Final = 32

Texts = dict[str, tuple[bytes, str]]  # (salt, text) by the hash of the event whose private part it is


@dataclass(frozen=True, slots=True)
class Disc:
    """What a `disc` says: `subject` is the case, or the return, whose texts it carries; `reason` the act for which."""

    subject: str
    reason: str
    to: str
    key: bytes
    hashes: tuple[str, ...]

    def payload(self) -> dict[str, object]:
        """Its public part."""
        return {
            "case": self.subject, "for": self.reason, "to": self.to, "key": b64(self.key), "hashes": list(self.hashes),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """What an `ask` or a `got` says of a disc; `key` is to whom an `ask` wants it sealed."""

    subject: str
    disc: str
    key: bytes | None = None

    def payload(self) -> dict[str, object]:
        """Its public part."""
        said: dict[str, object] = {"case": self.subject, "disc": self.disc}
        return said if self.key is None else said | {"key": b64(self.key)}


def due(
    case: Case, held: Collection[str], given: Collection[tuple[str, str]], hosted: Callable[[str], bool]
) -> list[tuple[str, str, tuple[str, ...]]]:
    """(act for which, unit, hashes) that a node has to disclose of a case.

    `held`: the events whose private text it holds; `given`: (event, unit) disclosed before; `hosted`: whether this node
    serves a unit. The owner gets every text that anybody holds; an answer goes to whoever supervises.
    """
    found: list[tuple[str, str, tuple[str, ...]]] = []
    if not hosted(case.owner):
        new = tuple(sorted(one for one in held if (one, case.owner) not in given))
        if new:
            found.append((case.owners[-1].event, case.owner, new))
    for one in case.supervisions:
        if one.unit == case.owner or hosted(one.unit):
            continue
        found += [
            (answer, one.unit, (answer,))
            for answer in one.answers
            if answer in held and (answer, one.unit) not in given
        ]  # fmt: skip
    return found


def batches(texts: Texts) -> Iterator[Texts]:
    """The texts in pieces that fit one disc each."""
    batch: Texts = {}
    size = 0
    for event, (salt, text) in sorted(texts.items()):
        length = len(text.encode("utf-8")) + 120
        if batch and (size + length > MAX_TEXT_BYTES or len(batch) >= MAX_HASHES):
            yield batch
            batch, size = {}, 0
        batch[event] = (salt, text)
        size += length
    if batch:
        yield batch


def pack(texts: Texts) -> bytes:
    """What is sealed."""
    return dumps({event: [b64(salt), text] for event, (salt, text) in texts.items()}).encode("utf-8")


def unpack(plain: bytes) -> Texts:
    """What was sealed. Raises Corrupt."""
    value = loads(plain)
    if not isinstance(value, dict):
        raise unreadable("sealed", None)
    return {str(event): _text(item) for event, item in value.items()}


def _text(item: Json) -> tuple[bytes, str]:
    match item:
        case [str(salt), str(text)]:
            try:
                return unb64(salt, SALT_BYTES), text
            except ValueError as error:
                raise unreadable("sealed", salt) from error
        case _:
            raise unreadable("sealed", None)


def read_disc(value: Mapping[str, Json]) -> Disc:
    """The public part of a `disc`. Raises Corrupt."""
    hashes = value.get("hashes")
    if not isinstance(hashes, list) or not 0 < len(hashes) <= MAX_HASHES:
        raise unreadable("hashes", hashes)
    return Disc(
        _word(value, "case"), _digest(value.get("for")), _word(value, "to"), _key(value.get("key")),
        tuple(_digest(one) for one in hashes),
    )  # fmt: skip


def read_word(value: Mapping[str, Json]) -> Word:
    """The public part of an `ask` or a `got`. Raises Corrupt."""
    key = value.get("key")
    return Word(_word(value, "case"), _digest(value.get("disc")), None if key is None else _key(key))


def _word(value: Mapping[str, Json], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= 64:
        raise unreadable(name, found)
    return found


def _digest(value: Json) -> str:
    return b64(_bytes(value, DIGEST_BYTES))


def _key(value: Json) -> bytes:
    return _bytes(value, _KEY_BYTES)


def _bytes(value: Json, size: int) -> bytes:
    try:
        return unb64(str(value), size)
    except ValueError as error:
        raise unreadable("hash", value) from error
