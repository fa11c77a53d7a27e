"""The parent's half of an exchange: bytes in, bytes out, one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.errors import BadRequest, Forbidden, GridError, Unauthorised, UnsupportedMedia
from schemas.strict_json import dumps, loads
from sync import applied, auth, directory, heads, inlog, log, marks, owed, quota, renewal, routing, trails
from sync.certificates import key_of
from sync.database import read, write
from sync.env import require_room
from sync.erase import scrub
from sync.intake import Intake
from sync.manifest import SPOKEN, VERSION, Request, point_json, read_ladders, read_request
from sync.receive import Child, CursorMismatch, child_of, refused_after, take_up
from sync.replica import Replica
from sync.wire import CONTENT_TYPE, Incoming, LineReader, LineWriter, encode, inflate, split

EXCHANGE_PATH: Final = "/sync/v1/exchange"
REBASE_PATH: Final = "/sync/v1/rebase"
HELLO_PATH: Final = "/sync/v1/hello"
MAX_LADDER_BYTES: Final = 16 * 1024
MAX_DOWN_EVENTS: Final = 500
MAX_DOWN_PLAIN_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WireReply:
    """What goes back: `news` says that events came in, so that the own loop may go on at once."""

    status: int
    headers: dict[str, str]
    body: bytes
    news: bool = False


def hello(replica: Replica, secret: bytes) -> WireReply:
    """Who answers here, by which certificates, which protocol versions it speaks, and a nonce to sign with."""
    now = replica.env.now_ms()
    me = replica.identity
    value = {"v": list(SPOKEN), "node": me.node, "unit": me.unit, "certs": trails.own_lines(replica.db), "now": now}
    return signed_reply(replica, secret, "", 200, dumps(value).encode(), "application/json", now)


def exchange(replica: Replica, secret: bytes, headers: Mapping[str, str], body: bytes) -> WireReply:
    """One exchange with a child (3-sync): its up lines are stored and the cursor moved in one transaction."""
    return answered(replica, secret, headers, lambda now: _exchange(replica, secret, headers, body, now))


def rebase(replica: Replica, secret: bytes, headers: Mapping[str, str], body: bytes) -> WireReply:
    """The highest points of a child's ladders that are known on its link; changes nothing."""

    def answer(now: int) -> WireReply:
        node, signature = _authenticated(replica, secret, headers, REBASE_PATH, body, {}, now)
        up, down = read_ladders(loads(body))
        with read(replica.db):
            link = child_of(replica, node).link
            known_up = inlog.best(replica.db, link, up)
            known_down = [one for one in down if log.down_acc(replica.db, link, one[0]) == one[1]]
        best_down = max(known_down, default=log.START, key=lambda point: point[0])
        value = {"v": VERSION, "up": point_json(known_up), "down": point_json(best_down)}
        return signed_reply(replica, secret, signature, 200, dumps(value).encode(), "application/json", now)

    return answered(replica, secret, headers, answer)


def answered(
    replica: Replica, secret: bytes, headers: Mapping[str, str], answer: Callable[[int], WireReply]
) -> WireReply:
    """The answer, or the signed refusal in its place."""
    now = replica.env.now_ms()
    signature = headers.get(auth.AUTH_HEADER, "").partition(":")[2]
    wait_s: object = None
    try:
        return answer(now)
    except CursorMismatch as mismatch:
        value: dict[str, object] = {"have": point_json(mismatch.have), "refused": mismatch.refused}
        status = 409
    except GridError as error:
        value = {"code": error.code, "field": error.field}
        value |= {name: error.params[name] for name in ("parent", "url") if name in error.params}
        status = status_of(error)
        wait_s = error.params.get("retry_after_s")
    reply = signed_reply(replica, secret, signature, status, dumps(value).encode(), "application/json", now)
    if wait_s is not None:
        reply.headers["retry-after"] = str(wait_s)
    return reply


def status_of(error: GridError) -> int:
    """The status that a refusal travels with."""
    return 426 if error.code == "version" else error.status


def _exchange(replica: Replica, secret: bytes, headers: Mapping[str, str], body: bytes, now: int) -> WireReply:
    if headers.get("content-type", "").partition(";")[0] != CONTENT_TYPE or not _is_gzip(headers):
        raise UnsupportedMedia("media_type", field="Content-Type", value=headers.get("content-type"))
    require_room(replica.env)
    raw_manifest, raws = split(inflate(body))
    request = read_request(raw_manifest)
    ahead = request.certs + request.back
    if ahead > len(raws):
        raise BadRequest("manifest", field="certs", value=ahead)
    reader = LineReader(replica.db)
    presented = [reader.read(raw) for raw in raws[: request.certs]]
    node, signature = _authenticated(replica, secret, headers, EXCHANGE_PATH, body, reader.keys, now)
    lines = [reader.read(raw) for raw in raws[request.certs :]]
    if presented:
        _keep_certificates(replica, presented, now)
    answer, handed, news = _commit(replica, node, request, lines, len(body), now)
    scrub(replica)
    reply = encode(answer, handed)
    return signed_reply(replica, secret, signature, 200, reply, CONTENT_TYPE, now, gzipped=True, news=news)


def _is_gzip(headers: Mapping[str, str]) -> bool:
    return headers.get("content-encoding", "").lower() == "gzip"  # no case in it, RFC 9110 8.4.1


def _authenticated(
    replica: Replica,
    secret: bytes,
    headers: Mapping[str, str],
    path: str,
    body: bytes,
    keys: Mapping[str, bytes],
    now: int,
) -> tuple[str, str]:
    """(node, signature) of a signed request; `keys`: those that its body brought. Raises Forbidden, Unauthorised."""
    node, nonce, signature = auth.request_nonce(headers)
    key = key_of(replica.db, node, keys)
    if key is None:
        raise Forbidden("unknown_key", field="Grid-Node", value=node)
    auth.check_request(key, "POST", path, body, nonce, signature)
    if not auth.nonce_is_fresh(secret, nonce, now):
        raise Unauthorised("nonce_stale", field="Grid-Auth", value=nonce)
    return node, signature


def _keep_certificates(replica: Replica, presented: Sequence[Incoming], now: int) -> None:
    """In a transaction of their own: a cursor that does not fit must not lose them again."""
    with write(replica.db, "exchange", replica.env):
        intake = Intake(replica, now)
        for one in presented:
            if one.event is not None:
                intake.add(one.event, "up")
        intake.finish()


def _commit(
    replica: Replica, node: str, request: Request, handed_in: Sequence[Incoming], size: int, now: int
) -> tuple[dict[str, object], list[str], bool]:
    db, back, lines = replica.db, handed_in[: request.back], handed_in[request.back :]
    with write(db, "exchange", replica.env):
        child = child_of(replica, node)
        if handed_in:
            quota.charge(db, child.link, len(handed_in), size, now)
        intake = Intake(replica, now)
        take_up(intake, child, request, lines)
        _take_back(intake, child, request, back)
        _hear_wants(replica, child, request)
        marks.pass_on(replica, request.marks, now)
        renewal.confirm(intake, child.node)
        intake.finish()
        marks.sign_marks(replica, intake.touched, now)
        _seen(replica, child, request, len(lines), now)
        applied.note(db, child.link, request.down, now)
        answer, handed = _answer(replica, child, request, now)
        if replica.identity.is_top and not (lines or back or handed):  # a restored hub catches up from its children
            heads.uncover(db)
        return answer, handed, bool(lines or back)


def _take_back(intake: Intake, child: Child, request: Request, lines: Sequence[Incoming]) -> None:
    """What the child holds and we have lost: stored, sent down that link again, and passed on up."""
    db, me, link_up = intake.db, intake.me, intake.replica.link_up
    up = db.execute("SELECT down_log FROM link WHERE link = ?", [link_up]).fetchone()
    for line in lines:
        if line.event is None:
            continue
        n = intake.add(line.event, "back")
        routing.introduce(intake.replica, child.link, line.event.node)
        log.append_down(db, child.link, n, line.hash, request.down[0])
        if up is None or line.event.node == me.node:
            continue
        if not inlog.on_path(db, link_up, up[0], line.hash):
            owed.note(db, link_up, up[0], [line.hash])


def _hear_wants(replica: Replica, child: Child, request: Request) -> None:
    """Events of chains below the child that it lacks: owed to it if they are held, else wanted of our own parent."""
    db, missing = replica.db, []
    for event_hash in request.want:
        row = db.execute("SELECT node FROM event WHERE hash = ?", [event_hash]).fetchone()
        if row is None:
            missing.append(event_hash)
        elif directory.may_have(replica, row[0], child.unit):
            line = owed.line_up_to(db, event_hash, child.link, request.own[:2], owed.MAX_HANDED)
            owed.note(db, child.link, request.log, line)
    owed.want(db, missing, child.link, request.log)


def _seen(replica: Replica, child: Child, request: Request, count: int, now: int) -> None:
    fresh = replica.db.execute(
        "INSERT INTO link (link, unit, node, side) VALUES (?, ?, ?, 'child') ON CONFLICT DO NOTHING",
        [child.link, child.unit, child.node],
    ).rowcount
    if fresh:
        routing.open_link(replica, directory.tree_of(replica), child.link, child.unit)
    replica.db.execute(
        "UPDATE link SET node = ?, last_seen_at = ?, offset_ms = ?, received = received + ?,"
        " url = COALESCE(?, url) WHERE link = ?",
        [child.node, now, request.now - now, count, request.url, child.link],
    )


def _answer(replica: Replica, child: Child, request: Request, now: int) -> tuple[dict[str, object], list[str]]:
    db = replica.db
    have = log.in_tip(db, child.link, request.log) or request.start
    writer = LineWriter(MAX_DOWN_PLAIN_BYTES)
    # Whatever the child still has in its log comes by itself; only then is it clear what it lost.
    owing = owed.lines(db, child.link, request.log) if have == request.head else ()
    lost = [line for _entry, line in writer.fill(owing, at_least=1)]
    down: dict[str, object] = {"rebase": True}
    lines: list[str] = []
    if log.down_acc(db, child.link, request.down[0]) == request.down[1]:
        to, lines = _down_lines(replica, child, request.down, writer)
        down = {"log": request.down_log, "to": point_json(to), "more": log.down_tip(db, child.link) != to}
    answer: dict[str, object] = {
        "v": VERSION,
        "have": point_json(have),
        "refused": refused_after(replica, child, request.log, request.start[0]),
        "marks": marks.newest(db, _chains_to_tell(replica, child, request, have)),
        "lost": len(lost),
        "down": down,
        "next": 0,
        "now": now,
    }
    return answer, lost + lines


def _chains_to_tell(replica: Replica, child: Child, request: Request, have: log.Point) -> list[str]:
    """The chains asked for; the child's own too when more than its head is known of it, here or above: then another
    disk writes it, or this one went back.
    """
    if have != request.head:
        return list(request.marks)
    chain, _seq, head = request.own
    # Of an earlier chain of its own the child need not know that it lacks anything: here one sees what the city has.
    rows = replica.db.execute(
        "SELECT chain FROM chain WHERE (chain = ? AND tips <> ?) OR (node = ? AND behind_since IS NOT NULL) LIMIT ?",
        [chain, head, child.node, marks.MAX_CHAINS_ASKED],
    )
    return list(dict.fromkeys([*request.marks, *(row[0] for row in rows)]))


def _down_lines(replica: Replica, child: Child, start: log.Point, writer: LineWriter) -> tuple[log.Point, list[str]]:
    filled = writer.fill(log.down_lines(replica.db, child.link, start[0], MAX_DOWN_EVENTS), at_least=1)
    return (filled[-1][0].n, filled[-1][0].acc) if filled else start, [line for _entry, line in filled]


def signed_reply(
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
