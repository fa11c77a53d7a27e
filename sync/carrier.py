"""Files that carry records past a broken, slow or hostile way up: `.gsync` up, `.gack` back (3-sync, File).

A `.gsync` is lines of UTF-8: the writer's certificate trail, the manifest of an exchange, the lines of its up log, and
a last line that counts, hashes and signs all before it. Storing them is the same store function as ever; the cursor of
a link moves only where the file fits it. Twice, late, half or for somebody else: a clear word, and no harm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.encoding import b64, unb64
from schemas.errors import BadRequest, Corrupt, Forbidden, GridError, Invalid
from schemas.strict_json import Json, dumps, loads
from sync import directory, log, marks, trails
from sync.database import write
from sync.env import require_room
from sync.intake import Intake
from sync.keys import SIGNATURE_BYTES, verify
from sync.manifest import VERSION, Request, point_json, read_request
from sync.receive import Child, CursorMismatch, child_of, set_aside, take_up
from sync.replica import Replica
from sync.trails import Trail, read_trail
from sync.wire import MAX_EVENTS, MAX_PLAIN_BYTES, Incoming, LineReader, LineWriter

UP: Final = ".gsync"
FILE_PLAIN_BYTES: Final = 1024 * 1024  # aimed at, so that a page can take it; a reader takes more
MAX_FILES: Final = 500  # of one export: a million records


@dataclass(frozen=True, slots=True)
class Carried:
    """One file to be written: its name, its bytes, how many records it carries, and behind which entry they begin."""

    name: str
    content: bytes
    count: int
    after: int = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a `.gsync`: `new` of its `count` records were not held; `moved`: the link's cursor went on."""

    node: str
    unit: str
    log: str
    count: int
    new: int
    refused: int
    moved: bool
    chains: tuple[str, ...]


# ---- out


def export(replica: Replica, *, everything: bool = False, after: int | None = None) -> Iterator[Carried]:
    """Files with what the parent has not taken in yet, with the whole up log, or with what stands behind an entry of
    it; each is made when it is asked for. Raises Invalid at the top.
    """
    me, db = replica.identity, replica.db
    if me.parent is None:
        raise Invalid("file_top", field="--data", value=me.unit)
    if everything:
        return _files(replica, log.START)
    (hint,) = db.execute("SELECT hint FROM link WHERE link = ?", [replica.link_up]).fetchone()
    start = hint if after is None else after
    acc = log.up_acc(db, start)
    if acc is None:  # behind the end there is nothing; a hint that is no more ours says nothing
        return _files(replica, log.START) if after is None else iter(())
    return _files(replica, (start, acc))


def _files(replica: Replica, start: log.Point) -> Iterator[Carried]:
    for _ in range(MAX_FILES):
        lines, end = _next_lines(replica, start)
        if not lines:
            return
        yield _file(replica, start, end, lines)
        start = end


def _next_lines(replica: Replica, start: log.Point) -> tuple[list[str], log.Point]:
    filled = LineWriter(FILE_PLAIN_BYTES).fill(log.up_lines(replica.db, start[0], MAX_EVENTS), at_least=1)
    return [line for _entry, line in filled], (filled[-1][0].n, filled[-1][0].acc) if filled else start


def _file(replica: Replica, start: log.Point, end: log.Point, lines: Sequence[str]) -> Carried:
    me, db, now = replica.identity, replica.db, replica.env.now_ms()
    chain, seq, head = db.execute("SELECT chain, seq, head FROM node_state").fetchone()
    certs = trails.own_lines(db)
    manifest = {
        "v": VERSION, "log": me.up_log, "from": point_json(start), "to": point_json(end),
        "head": point_json(log.up_tip(db)), "down": [me.up_log, *point_json(log.START)], "own": [chain, seq, head],
        "want": [], "marks": [], "certs": len(certs), "back": 0, "now": now,
    }  # fmt: skip
    content, digest = sealed(replica, [*certs, dumps(manifest), *lines], len(lines))
    return Carried(f"{me.node}-{start[0]}-{end[0]}-{digest[:4].hex()}{UP}", content, len(lines), start[0])


def sealed(replica: Replica, lines: Sequence[str], count: int) -> tuple[bytes, bytes]:
    """(the lines with a last one that counts, hashes and signs them; the hash)."""
    body = ("\n".join(lines) + "\n").encode("utf-8")
    digest = hashlib.sha256(body).digest()
    last = {"end": count, "sha256": b64(digest), "sig": b64(replica.signer.sign("file", digest))}
    return body + dumps(last).encode("ascii") + b"\n", digest


# ---- in


def take_in(replica: Replica, content: bytes) -> Imported:
    """Stores what a `.gsync` of a node below carries. Raises Invalid with what is wrong with the file, DiskFull when
    there is no room for it; nothing is stored then.
    """
    trail, manifest, raws = opened(content)
    try:
        request = read_request(manifest)
    except BadRequest as error:
        raise Invalid("carried_unreadable", field="file", value=error.field) from error
    node, unit = _writer_below(replica, trail)
    lines = _read_lines(replica, trail, raws)
    require_room(replica.env)
    with write(replica.db, "import", replica.env):
        new = {line.hash for line in lines if line.event is not None and log.held(replica.db, line.hash) is None}
        intake = Intake(replica, replica.env.now_ms())
        for event in trail.events:
            intake.add(event, "file")
        moved, refused = _store(intake, Child(node, unit, replica.link_to(unit)), request, lines)
        intake.finish()
        marks.sign_marks(replica, intake.touched, intake.now_ms)
    chains = dict.fromkeys(line.event.header.chain for line in lines if line.event is not None)
    listed = tuple(chains)[: marks.MAX_CHAINS_ASKED]
    return Imported(node, unit, request.log, len(lines), len(new), refused, moved, listed)


def opened(content: bytes) -> tuple[Trail, dict[str, Json], list[str]]:
    """(trail, manifest, lines) of a whole file whose count, hash and signature fit."""
    if len(content) > MAX_PLAIN_BYTES:
        raise Invalid("carried_too_large", field="file", value=len(content), limit=MAX_PLAIN_BYTES)
    lines = _lines_of(content)
    end = _object(lines[-1], "file_half")
    place = next((at for at, line in enumerate(lines) if line.startswith("{")), 0)
    manifest = _object(lines[place], "carried_unreadable")
    trail = _trail(list(lines[:place]))
    raws = lines[place + 1 : -1]
    digest = hashlib.sha256(content[: content.rstrip(b"\n").rfind(b"\n") + 1]).digest()
    if end.get("end") != len(raws) or end.get("sha256") != b64(digest):
        raise Invalid("file_damaged", field="file", value=end.get("end"))
    _check_signature(trail, end.get("sig"), digest)
    if len(raws) > MAX_EVENTS:
        raise Invalid("carried_too_large", field="file", value=len(raws), limit=MAX_EVENTS)
    return trail, manifest, raws


def _lines_of(content: bytes) -> list[str]:
    try:
        lines = content.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise Invalid("carried_unreadable", field="file", value=str(error)[:80]) from error
    if not content.endswith(b"\n") or len(lines) < 2:
        raise Invalid("file_half", field="file", value=len(content))
    return lines


def _object(line: str, code: str) -> dict[str, Json]:
    try:
        value = loads(line)
    except GridError as error:
        raise Invalid(code, field="file", value=line[:60]) from error
    if not isinstance(value, dict):
        raise Invalid(code, field="file", value=line[:60])
    return value


def _trail(lines: list[Json] | list[str]) -> Trail:
    try:
        return read_trail(list(lines))
    except Corrupt as error:
        raise Invalid("carried_unreadable", field="file", value="certificates") from error


def _check_signature(trail: Trail, signature: Json, digest: bytes) -> None:
    try:
        raw = unb64(str(signature), SIGNATURE_BYTES)
    except ValueError as error:
        raise Invalid("file_damaged", field="file", value=str(signature)[:60]) from error
    if not verify(trail.claims[-1][3], "file", digest, raw):
        raise Invalid("file_damaged", field="file", value="signature")


def _writer_below(replica: Replica, trail: Trail) -> tuple[str, str]:
    """(node, unit) of the file's writer. Raises Invalid unless it is of this city, not us, and stands below us."""
    me, (node, unit, _level, _key) = replica.identity, trail.claims[-1]
    if trail.root != me.root_node:
        raise Invalid("file_other_city", field="file", value=unit)
    if node == me.node:
        raise Invalid("file_own", field="file", value=unit)
    if unit == me.unit or not directory.tree_of(replica).ever_below(unit, me.unit):
        raise Invalid("file_not_below", field="file", value=unit, own=me.unit)
    return node, unit


def _read_lines(replica: Replica, trail: Trail, raws: Sequence[str]) -> list[Incoming]:
    reader = LineReader(replica.db)
    reader.keys |= {claim[0]: claim[3] for claim in trail.claims}
    try:
        return [reader.read(raw) for raw in raws]
    except BadRequest as error:
        raise Invalid("carried_unreadable", field="file", value=error.value) from error


def _store(intake: Intake, writer: Child, request: Request, lines: Sequence[Incoming]) -> tuple[bool, int]:
    """(whether the cursor moved, lines set aside). Past a level, or where the file does not fit: by hash alone."""
    refused = sum(line.event is None for line in lines)
    try:
        take_up(intake, child_of(intake.replica, writer.node), request, lines, "file")
    except (CursorMismatch, Forbidden):
        for at, line in enumerate(lines, request.start[0] + 1):
            if line.event is not None:
                intake.add(line.event, "file")
            else:
                set_aside(intake, f"file {writer.link}", request.log, at, line)
        return False, refused
    return True, refused
