"""Bodies of `gsync/1`: a manifest line, then one line an event, gzip. Both halves, and the limits of 3-sync."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlite_utils import Database

from schemas.encoding import DIGEST_BYTES, b64, unb64
from schemas.errors import BadRequest, Corrupt, GridError, TooLarge
from schemas.events import (
    FIELD_COUNT,
    MAX_EVENT_BYTES,
    PRIVATE,
    SAME,
    Event,
    Part,
    header_hash,
    parse_header,
    parts_hash,
    parts_json,
    read_parts,
    unreadable,
)
from schemas.strict_json import Json, dumps, loads
from sync.certificates import key_of, keys_in, signed_by_its_node
from sync.keys import SIGNATURE_BYTES
from sync.log import LogLine

CONTENT_TYPE: Final = "application/gsync+ndjson"
MAX_GZIP_BYTES: Final = 1024 * 1024
MAX_PLAIN_BYTES: Final = 8 * 1024 * 1024
MAX_EVENTS: Final = 2_000
_PREV, _PHASH = 3, 10


@dataclass(frozen=True, slots=True)
class Incoming:
    """One line as received: the hash that it counts as in its log, and the event, or why it was set aside."""

    hash: str
    event: Event | None
    code: str | None
    raw: str


# ---- writing


def encode(manifest: Mapping[str, object], lines: Iterable[str]) -> bytes:
    """A whole body, compressed; the same input gives the same bytes."""
    text = "\n".join([dumps(manifest), *lines]) + "\n"
    return gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0)


class LineWriter:
    """Writes the lines of one body, up to `budget` plain bytes: `=` stands for what the receiver can fill in."""

    def __init__(self, budget: int = MAX_PLAIN_BYTES) -> None:
        self._last: dict[str, str] = {}
        self._budget = budget
        self._written = 0

    def fill(self, entries: Iterable[LogLine], *, at_least: int) -> list[tuple[LogLine, str]]:
        """The first of these entries with their lines, as far as the budget reaches, and `at_least` so many."""
        filled: list[tuple[LogLine, str]] = []
        for entry in entries:
            line = self._text(entry)
            size = len(line.encode("utf-8")) + 1
            if len(filled) >= at_least and self._written + size > self._budget:
                break
            self._remember(entry)
            self._written += size
            filled.append((entry, line))
        return filled

    def line(self, entry: LogLine) -> str:
        """The line of one log entry. Bytes that no longer give the log's hash travel with that hash beside them."""
        text = self._text(entry)
        self._remember(entry)
        return text

    def _text(self, entry: LogLine) -> str:
        parts = [
            Part.of(p.name, p.salt, p.text) if p.salt is not None and p.text is not None else p for p in entry.parts
        ]
        sent = [p.withheld() if p.name in PRIVATE else p for p in parts]
        fields = entry.header.split("\t")
        whole = header_hash(entry.header) == entry.hash and _readable(entry, parts, fields)
        if whole:
            if self._last.get(fields[1]) == fields[_PREV]:
                fields[_PREV] = SAME
            fields[_PHASH] = SAME
        value: list[object] = ["\t".join(fields), b64(entry.signature), parts_json(sent)]
        return dumps(value if whole else [*value, entry.hash])

    def _remember(self, entry: LogLine) -> None:
        fields = entry.header.split("\t", 2)
        if len(fields) > 1:
            self._last[fields[1]] = entry.hash


# ---- reading


def inflate(body: bytes) -> bytes:
    """The plain body. Raises TooLarge beyond the limits, BadRequest when it is not gzip."""
    if len(body) > MAX_GZIP_BYTES:
        raise TooLarge("body_too_large", field="body", value=len(body), limit=MAX_GZIP_BYTES)
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(body, MAX_PLAIN_BYTES)
    except zlib.error as error:
        raise BadRequest("not_gzip", field="body", value=str(error)) from error
    if stream.unconsumed_tail:
        raise TooLarge("body_too_large", field="body", value=f">{MAX_PLAIN_BYTES}", limit=MAX_PLAIN_BYTES)
    if not stream.eof or stream.unused_data:
        raise BadRequest("not_gzip", field="body", value="cut short" if not stream.eof else "more than one member")
    return plain


def split(plain: bytes) -> tuple[dict[str, Json], list[str]]:
    """(manifest, raw lines). Raises BadRequest when the manifest can't be read, TooLarge over 2,000 lines."""
    head, _, rest = plain.partition(b"\n")
    manifest = loads(head)
    if not isinstance(manifest, dict):
        raise BadRequest("manifest", field="manifest", value=manifest)
    lines = rest.decode("utf-8", "replace").split("\n") if rest else []
    if lines and lines[-1] == "":
        lines.pop()
    if len(lines) > MAX_EVENTS:
        raise TooLarge("too_many_lines", field="body", value=len(lines), limit=MAX_EVENTS)
    return manifest, lines


class LineReader:
    """Reads lines of one body in order, and checks each against the key of its author."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._last: dict[str, str] = {}
        self.keys: dict[str, bytes] = {}  # brought by lines of this body

    def read(self, raw: str) -> Incoming:
        """One line. Raises BadRequest when it doesn't even say which hash it stands for."""
        value, broken = _line(raw)
        claimed = value[3] if len(value) == 4 else None
        try:
            event = None if broken else _event(value, self._last)
        except Corrupt:
            event = None
        if event is None:
            return self._unread(value, claimed, raw)
        counted = claimed if isinstance(claimed, str) else event.hash
        self._remember(event.line, counted)
        code = self._fault(event, counted, raw)
        return Incoming(counted, event if code is None else None, code, raw)

    def _unread(self, value: list[Json], claimed: Json, raw: str) -> Incoming:
        """A line out of the grammar, set aside under the hash that its log counts it as."""
        if isinstance(claimed, str):  # its sender says that the bytes are not what was signed
            counted, code = claimed, "bad_sig"
        else:
            line = _filled(value, self._last)
            if line is None:
                raise BadRequest("line", field="line", value=raw[:60])
            counted, code = header_hash(line), "too_big" if _is_too_big(raw) else "unreadable"
        self._remember(str(value[0]), counted)
        return Incoming(counted, None, code, raw)

    def _fault(self, event: Event, counted: str, raw: str) -> str | None:
        if _is_too_big(raw):
            return "too_big"
        if counted != event.hash:
            return "bad_sig"
        for node, brought in keys_in(event):
            self.keys.setdefault(node, brought)
        key = key_of(self._db, event.node, self.keys)
        return None if signed_by_its_node(event, key) else "bad_sig"

    def _remember(self, line: str, counted: str) -> None:
        fields = line.split("\t")
        if len(fields) > 1:
            self._last[fields[1]] = counted


def parse_line(raw: str) -> Event:
    """One line that stands alone. Raises Corrupt `unreadable`; the signature is not looked at."""
    try:
        value = loads(raw)
    except GridError as error:
        raise unreadable(str(error), raw[:60]) from error
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[0], str):
        raise unreadable("line", raw[:60])
    return _event(value, {})


def _event(value: list[Json], last: Mapping[str, str]) -> Event:
    signature, parts = value[1], read_parts(value[2])
    line = _filled(value, last)
    if line is None:
        raise unreadable("abbreviation", value[0])
    header = parse_header(line)
    if not isinstance(signature, str):
        raise unreadable("signature", signature)
    try:
        raw_signature = unb64(signature, SIGNATURE_BYTES)
    except ValueError as error:
        raise unreadable("signature", signature) from error
    return Event(line, header, raw_signature, parts, header_hash(line))


def _line(raw: str) -> tuple[list[Json], bool]:
    """The array of a line, and whether it breaks a rule of JSON: it can still be set aside by its hash then."""
    broken = False
    try:
        value = loads(raw)
    except GridError:
        value, broken = _lax(raw), True
    if not isinstance(value, list) or len(value) not in (3, 4) or not isinstance(value[0], str):
        raise BadRequest("line", field="line", value=raw[:60])
    if len(value) == 4 and value[3] is not None and not _is_digest(value[3]):
        raise BadRequest("line", field="line", value=raw[:60])
    return value, broken


def _lax(raw: str) -> Json:
    try:
        value: Json = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadRequest("line", field="line", value=raw[:60]) from error
    return value


def _filled(value: list[Json], last: Mapping[str, str]) -> str | None:
    """The header line with its abbreviations written out; None when what they stand for can't be told."""
    fields = str(value[0]).split("\t")
    if len(fields) == FIELD_COUNT:
        if fields[_PREV] == SAME:
            fields[_PREV] = last.get(fields[1], SAME)
        if fields[_PHASH] == SAME:
            try:
                fields[_PHASH] = parts_hash(read_parts(value[2]))
            except Corrupt:
                return None
        if SAME in (fields[_PREV], fields[_PHASH]):
            return None
    return "\t".join(fields)


def _is_too_big(raw: str) -> bool:
    return len(raw.encode("utf-8")) > MAX_EVENT_BYTES


def _readable(entry: LogLine, parts: Sequence[Part], fields: Sequence[str]) -> bool:
    """Whether a receiver can make the event of the stored bytes; a damaged row would else stop the whole body."""
    if len(fields) != FIELD_COUNT or len(entry.signature) != SIGNATURE_BYTES or parts_hash(parts) != fields[_PHASH]:
        return False
    try:
        read_parts(loads(dumps(parts_json(parts))))
    except GridError:
        return False
    return True


def _is_digest(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        unb64(value, DIGEST_BYTES)
    except ValueError:
        return False
    return True
