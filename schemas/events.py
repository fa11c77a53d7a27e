"""The grammar of events, `gsync/1` (design 3-sync): header, parts, hashes, lines. Bytes are kept as they were written;
nothing here is canonicalised, and unknown kinds, parts and payload fields pass.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.encoding import DIGEST_BYTES, b64, unb64
from schemas.errors import Corrupt, GridError
from schemas.strict_json import Json, dumps, loads

EVENT_DOMAIN: Final = b"grid/event/1\n"
MAX_EVENT_BYTES: Final = 64 * 1024
MAX_PARTS: Final = 8
SALT_BYTES: Final = 16
FIELD_COUNT: Final = 11
FIRST: Final = "-"
SAME: Final = "="
PUBLIC: Final = "pub"
PRIVATE: Final = frozenset({"per"})  # withheld in every exchange
_CHAIN: Final = r"[a-z2-7]{26}\.[a-z2-7]{8}"
_DIGEST: Final = r"[A-Za-z0-9_-]{43}"
CHAIN: Final = re.compile(_CHAIN)
UNIT: Final = re.compile(r"[0-9A-Za-z]{1,32}")
_HEADER: Final = re.compile(
    rf"g1\t(?P<chain>{_CHAIN})\t(?P<seq>[1-9][0-9]{{0,14}})\t(?P<prev>-|{_DIGEST})\t(?P<kind>[a-z][a-z0-9_]{{0,15}})"
    r"\t(?P<unit>[0-9A-Za-z]{1,32})\t(?P<bdate>[0-9]{4}-[0-9]{2}-[0-9]{2})\t(?P<rtime>0|[1-9][0-9]{0,14})"
    rf"\t(?P<ctx>0|[1-9][0-9]{{0,14}})\t(?P<schema>[a-z][a-z0-9_]{{0,15}}/[1-9][0-9]{{0,3}})\t(?P<phash>{_DIGEST})"
)
_PART_NAME: Final = re.compile(r"[a-z]{1,16}")


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of one header line. `rtime` is the device's clock in unix ms: data, never order."""

    chain: str
    seq: int
    prev: str
    kind: str
    unit: str
    bdate: str
    rtime: int
    ctx: int
    schema: str
    phash: str

    @property
    def node(self) -> str:
        """The node that signed."""
        return self.chain[:26]

    def text(self) -> str:
        """The line that is signed."""
        return "\t".join(
            ("g1", self.chain, str(self.seq), self.prev, self.kind, self.unit, self.bdate)
            + (str(self.rtime), str(self.ctx), self.schema, self.phash)
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the payload. `text` is None where it is withheld or erased; its hash always stands."""

    name: str
    salt: bytes | None
    text: str | None
    hash: bytes

    @classmethod
    def of(cls, name: str, salt: bytes, text: str) -> Part:
        """A part with its text at hand."""
        return cls(name, salt, text, part_hash(name, salt, text))

    def withheld(self) -> Part:
        """The same part without salt and text: what other levels get of private words."""
        return Part(self.name, None, None, self.hash)


@dataclass(frozen=True, slots=True)
class Event:
    """One signed event as it travels: the header line as signed, the signature, the parts."""

    line: str
    header: Header
    signature: bytes
    parts: tuple[Part, ...]
    hash: str

    @property
    def node(self) -> str:
        """The node that signed."""
        return self.header.chain[:26]

    def text_of(self, name: str) -> str | None:
        """The text of a part, or None where it is withheld, erased or absent."""
        return next((part.text for part in self.parts if part.name == name), None)


def unreadable(why: str, value: object) -> Corrupt:
    """The error for bytes that do not follow the grammar."""
    return Corrupt("unreadable", field="line", value=value, why=why)


def parse_header(line: str) -> Header:
    """The fields of a header line. Raises Corrupt `unreadable`."""
    match = _HEADER.fullmatch(line)
    if match is None or line.endswith("\n"):
        raise unreadable("header", line)
    field = match.groupdict()
    for name in ("prev", "phash"):
        if field[name] != FIRST:
            _digest(field[name])
    if (field["prev"] == FIRST) != (field["seq"] == "1"):
        raise unreadable("prev", field["prev"])
    return Header(
        field["chain"], int(field["seq"]), field["prev"], field["kind"], field["unit"], field["bdate"],
        int(field["rtime"]), int(field["ctx"]), field["schema"], field["phash"],
    )  # fmt: skip


def header_hash(line: str) -> str:
    """The event's name: SHA-256 over domain and header line, base64url."""
    return b64(hashlib.sha256(EVENT_DOMAIN + line.encode("utf-8", "surrogatepass")).digest())


def part_hash(name: str, salt: bytes, text: str) -> bytes:
    """SHA-256(00 + name + 00 + salt + text)."""
    return hashlib.sha256(b"\0" + name.encode("ascii") + b"\0" + salt + text.encode("utf-8")).digest()


def parts_hash(parts: Sequence[Part]) -> str:
    """The header's `phash`: SHA-256 over the part hashes in order, base64url."""
    return b64(hashlib.sha256(b"".join(part.hash for part in parts)).digest())


def next_acc(acc: bytes, event_hash: str) -> bytes:
    """The rolling hash of a log after one more entry."""
    return hashlib.sha256(acc + unb64(event_hash)).digest()


ACC_ZERO: Final = bytes(DIGEST_BYTES)


def parts_json(parts: Sequence[Part]) -> list[list[str | None]]:
    """The parts as they stand in a line."""
    return [
        [part.name, b64(part.salt) if part.salt is not None else None, part.text, None]
        if part.text is not None
        else [part.name, None, None, b64(part.hash)]
        for part in parts
    ]


def read_parts(value: Json) -> tuple[Part, ...]:
    """The parts of a line. Raises Corrupt `unreadable`."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_PARTS:
        raise unreadable("parts", value)
    parts = tuple(_part(item) for item in value)
    if len({part.name for part in parts}) != len(parts):
        raise unreadable("part names", value)
    return parts


def payload(event: Event, name: str = PUBLIC) -> dict[str, Json]:
    """The object in a part's text. Raises Corrupt `unreadable` when the text is withheld or is no object."""
    text = event.text_of(name)
    if text is None:
        raise unreadable(f"no {name}", event.hash)
    try:
        value = loads(text)
    except GridError as error:
        raise unreadable(str(error), event.hash) from error
    if not isinstance(value, dict):
        raise unreadable("not an object", event.hash)
    return value


def withholds_facts(parts: Sequence[Part]) -> bool:
    """Whether the coded facts were cut out: private words may be withheld on the way, facts never (3-sync, Objects)."""
    return any(part.name == PUBLIC and part.text is None for part in parts)


def plain_line(event: Event) -> str:
    """One event as a JSON line with nothing abbreviated; its size is what the limit of 64 KiB means."""
    return dumps([event.line, b64(event.signature), parts_json(event.parts)])


def _part(item: Json) -> Part:
    if not isinstance(item, list) or len(item) != 4:
        raise unreadable("part", item)
    name, salt, text, digest = item
    if not isinstance(name, str) or not _PART_NAME.fullmatch(name):
        raise unreadable("part name", name)
    if text is None:
        if salt is not None or not isinstance(digest, str):
            raise unreadable("part without text", name)
        return Part(name, None, None, _digest(digest))
    if not isinstance(text, str) or not isinstance(salt, str) or digest is not None:
        raise unreadable("part with text", name)
    try:
        return Part.of(name, unb64(salt, SALT_BYTES), text)
    except ValueError as error:
        raise unreadable("salt", name) from error


def _digest(text: str) -> bytes:
    try:
        return unb64(text, DIGEST_BYTES)
    except ValueError as error:
        raise unreadable("digest", text) from error
