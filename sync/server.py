"""The parent's half of an exchange: bytes in, bytes out, one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.errors import BadRequest, DiskFull, Forbidden, GridError, Unauthorised, UnsupportedMedia
from schemas.events import CHAIN, next_acc
from schemas.strict_json import dumps
from sync import auth, directory, log, marks, routing
from sync.certificates import key_of
from sync.database import write
from sync.intake import Intake
from sync.manifest import VERSION, Request, point_json, read_request
from sync.replica import Replica
from sync.wire import CONTENT_TYPE, Incoming, LineReader, LineWriter, encode, inflate, split

EXCHANGE_PATH: Final = "/sync/v1/exchange"
HELLO_PATH: Final = "/sync/v1/hello"
MAX_DOWN_EVENTS: Final = 500
MAX_DOWN_PLAIN_BYTES: Final = 1024 * 1024
DISK_RESERVE_BYTES: Final = 64 * 1024 * 1024
MAX_REFUSED_LISTED: Final = 2_000


@dataclass(frozen=True, slots=True)
class WireReply:
    """What goes back: `news` says that events came in, so that the own loop may go on at once."""

    status: int
    headers: dict[str, str]
    body: bytes
    news: bool = False


@dataclass(frozen=True, slots=True)
class _Child:
    node: str
    unit: str
    link: str


class _CursorMismatch(Exception):
    def __init__(self, have: log.Point, refused: Sequence[Sequence[object]] = ()) -> None:
        super().__init__(have)
        self.have = have
        self.refused = list(refused)


def hello(replica: Replica, secret: bytes) -> WireReply:
    """Who answers here, which protocol versions it speaks, and a nonce to sign with."""
    now = replica.env.now_ms()
    me = replica.identity
    value = {"v": [VERSION], "node": me.node, "unit": me.unit, "now": now}
    return _signed(replica, secret, "", 200, dumps(value).encode(), "application/json", now)


def exchange(replica: Replica, secret: bytes, headers: Mapping[str, str], body: bytes) -> WireReply:
    """One exchange with a child (3-sync): its up lines are stored and the cursor moved in one transaction."""
    now = replica.env.now_ms()
    signature = headers.get(auth.AUTH_HEADER, "").partition(":")[2]
    wait_s: object = None
    try:
        return _exchange(replica, secret, headers, body, now)
    except _CursorMismatch as mismatch:
        value: dict[str, object] = {"have": point_json(mismatch.have), "refused": mismatch.refused}
        status = 409
    except GridError as error:
        value = {"code": error.code, "field": error.field}
        status = 426 if error.code == "version" else error.status
        wait_s = error.params.get("retry_after_s")
    reply = _signed(replica, secret, signature, status, dumps(value).encode(), "application/json", now)
    if wait_s is not None:
        reply.headers["retry-after"] = str(wait_s)
    return reply


def _exchange(replica: Replica, secret: bytes, headers: Mapping[str, str], body: bytes, now: int) -> WireReply:
    if headers.get("content-type", "").partition(";")[0] != CONTENT_TYPE or headers.get("content-encoding") != "gzip":
        raise UnsupportedMedia("media_type", field="Content-Type", value=headers.get("content-type"))
    if replica.env.free_bytes() < DISK_RESERVE_BYTES:
        raise DiskFull("disk_full")
    node, nonce, signature = auth.request_nonce(headers)
    raw_manifest, raws = split(inflate(body))
    request = read_request(raw_manifest)
    if request.certs > len(raws):
        raise BadRequest("manifest", field="certs", value=request.certs)
    reader = LineReader(replica.db)
    presented = [reader.read(raw) for raw in raws[: request.certs]]
    key = key_of(replica.db, node, reader.keys)
    if key is None:
        raise Forbidden("unknown_key", field="Grid-Node", value=node)
    auth.check_request(key, "POST", EXCHANGE_PATH, body, nonce, signature)
    if not auth.nonce_is_fresh(secret, nonce, now):
        raise Unauthorised("nonce_stale", field="Grid-Auth", value=nonce)
    lines = [reader.read(raw) for raw in raws[request.certs :]]
    answer, down = _commit(replica, node, request, presented, lines, now)
    reply = encode(answer, down)
    news = bool(lines)
    return _signed(replica, secret, signature, 200, reply, CONTENT_TYPE, now, gzipped=True, news=news)


def _commit(
    replica: Replica, node: str, request: Request, presented: Sequence[Incoming], lines: Sequence[Incoming], now: int
) -> tuple[dict[str, object], list[str]]:
    db = replica.db
    with write(db, "exchange", replica.env):
        intake = Intake(replica, now)
        for one in presented:
            if one.event is not None:
                intake.add(one.event, "up")
        child = _child(replica, node)
        rows = _fold(replica, child, request, lines)
        log.append_in(db, child.link, request.log, rows)
        for (n, _, _), line in zip(rows, lines, strict=True):
            if line.event is not None:
                intake.add(line.event, "up")
            else:
                _set_aside(intake, child, request.log, n, line)
        intake.finish()
        marks.sign_marks(replica, intake.touched, now)
        _seen(replica, child, request, len(lines), now)
        return _answer(replica, child, request, now)


def _child(replica: Replica, node: str) -> _Child:
    found = directory.unit_of(replica.db, node)
    if found is None:
        raise Forbidden("unknown_key", field="Grid-Node", value=node)
    unit = found[0]
    if unit == replica.identity.unit or not directory.tree_of(replica).ever_below(unit, replica.identity.unit):
        raise Forbidden("not_below", field="Grid-Node", value=unit)
    return _Child(node, unit, replica.link_to(unit))


def _fold(replica: Replica, child: _Child, request: Request, lines: Sequence[Incoming]) -> list[tuple[int, str, bytes]]:
    """The in-log rows for the lines. Raises _CursorMismatch unless they join on to the last row and give `to`."""
    db = replica.db
    tip = log.in_tip(db, child.link, request.log)
    if tip is None:
        # A log id never seen: a fresh node, or one that went back; accepted from any point known on this link.
        known = (
            request.start == log.START
            or db.execute(
                "SELECT 1 FROM inlog WHERE link = ? AND acc = ? AND n = ? LIMIT 1",
                [child.link, request.start[1], request.start[0]],
            ).fetchone()
        )
        if not known:
            raise _CursorMismatch(log.START)
        if request.start != log.START:
            log.append_in(db, child.link, request.log, [(request.start[0], "", request.start[1])])
    elif tip != request.start:
        raise _mismatch(replica, child, request, tip)
    n, acc = request.start
    rows = []
    for line in lines:
        n, acc = n + 1, next_acc(acc, line.hash)
        rows.append((n, line.hash, acc))
    if (n, acc) != request.end:
        raise _mismatch(replica, child, request, request.start)
    return rows


def _mismatch(replica: Replica, child: _Child, request: Request, have: log.Point) -> _CursorMismatch:
    return _CursorMismatch(have, _refused_after(replica, child, request.log, request.start[0]))


def _refused_after(replica: Replica, child: _Child, log_id: str, n: int) -> list[list[object]]:
    rows = replica.db.execute(
        "SELECT n, hash, code FROM refused WHERE link = ? AND log = ? AND n > ? ORDER BY n LIMIT ?",
        [child.link, log_id, n, MAX_REFUSED_LISTED],
    )
    return [list(row) for row in rows]


def _set_aside(intake: Intake, child: _Child, log_id: str, n: int, line: Incoming) -> None:
    """Keeps a line that fails, and says so to its writer in an event of our own, over all hops."""
    db, me = intake.db, intake.me
    before = db.execute("SELECT 1 FROM refused WHERE hash = ? AND by = ? LIMIT 1", [line.hash, me.node]).fetchone()
    db.execute(
        "INSERT INTO refused (link, log, n, hash, code, by, line, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [child.link, log_id, n, line.hash, line.code, me.node, line.raw, intake.now_ms],
    )
    chain = _chain_in(line.raw)
    if chain is not None and not before and not log.held(db, line.hash):
        intake.tell_writer(line.hash, line.code or "bad_sig", chain)


def _chain_in(raw: str) -> str | None:
    fields = raw.partition('"')[2].partition('"')[0].split("\\t")
    return fields[1] if len(fields) > 1 and CHAIN.fullmatch(fields[1]) else None


def _seen(replica: Replica, child: _Child, request: Request, count: int, now: int) -> None:
    fresh = replica.db.execute(
        "INSERT INTO link (link, unit, node, side) VALUES (?, ?, ?, 'child') ON CONFLICT DO NOTHING",
        [child.link, child.unit, child.node],
    ).rowcount
    if fresh:
        routing.open_link(replica, directory.tree_of(replica), child.link, child.unit)
    replica.db.execute(
        "UPDATE link SET node = ?, last_seen_at = ?, offset_ms = ?, received = received + ? WHERE link = ?",
        [child.node, now, request.now - now, count, child.link],
    )


def _answer(replica: Replica, child: _Child, request: Request, now: int) -> tuple[dict[str, object], list[str]]:
    db = replica.db
    have = log.in_tip(db, child.link, request.log) or request.start
    down: dict[str, object] = {"rebase": True}
    lines: list[str] = []
    if log.down_acc(db, child.link, request.down[0]) == request.down[1]:
        to, lines = _down_lines(replica, child, request.down)
        down = {"id": request.down_log, "to": point_json(to), "more": log.down_tip(db, child.link) != to}
    answer: dict[str, object] = {
        "v": VERSION,
        "have": point_json(have),
        "refused": _refused_after(replica, child, request.log, request.start[0]),
        "marks": marks.newest(db, request.marks),
        "lost": 0,
        "down": down,
        "next": 0,
        "now": now,
    }
    return answer, lines


def _down_lines(replica: Replica, child: _Child, start: log.Point) -> tuple[log.Point, list[str]]:
    writer, to, size = LineWriter(), start, 0
    lines: list[str] = []
    for entry in log.down_lines(replica.db, child.link, start[0], MAX_DOWN_EVENTS):
        line = writer.line(entry)
        size += len(line)
        if lines and size > MAX_DOWN_PLAIN_BYTES:
            break
        lines.append(line)
        to = (entry.n, entry.acc)
    return to, lines


def _signed(
    replica: Replica,
    secret: bytes,
    request_signature: str,
    status: int,
    body: bytes,
    content_type: str,
    now: int,
    *,
    gzipped: bool = False,
    news: bool = False,
) -> WireReply:
    headers = auth.sign_reply(replica.signer, request_signature, status, body)
    headers |= {
        "content-type": content_type,
        auth.NONCE_HEADER: auth.make_nonce(secret, now),
        "cache-control": "no-store",
    }
    if gzipped:
        headers["content-encoding"] = "gzip"
    return WireReply(status, headers, body, news)
