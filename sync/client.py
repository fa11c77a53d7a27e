"""The child's half of an exchange. The parent's `have` is the only cursor; what is kept here is a hint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sqlite_utils import Database

from schemas.encoding import b32
from schemas.errors import GridError
from schemas.events import next_acc, plain_line
from schemas.strict_json import Json, loads
from sync import auth, log, marks
from sync.certificates import intact, key_of
from sync.database import write
from sync.env import Reply, TransportError
from sync.intake import Intake
from sync.manifest import LOG_ID_BYTES, VERSION, Answer, point_json, read_answer, read_have
from sync.replica import Replica
from sync.server import EXCHANGE_PATH, HELLO_PATH
from sync.wire import CONTENT_TYPE, MAX_EVENTS, Incoming, LineReader, LineWriter, encode, inflate, split

CLIENT: Final = "0.1.0"
TARGET_GZIP_BYTES: Final = 64 * 1024
PLAIN_PER_GZIP: Final = 2  # measured on checks: a signed line shrinks to about half
MIN_TARGET_BYTES: Final = 512
MAX_RETRY_AFTER_S: Final = 86_400
Kind = Literal["ok", "again", "rebase", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one exchange went. `busy`: more is to be moved either way. `problem` names why a failure stopped it."""

    kind: Kind
    pushed: int = 0
    pulled: int = 0
    busy: bool = False
    problem: str | None = None
    status: int | None = None
    retry_after_s: int | None = None
    next_s: int = 0


@dataclass(frozen=True, slots=True)
class _Batch:
    start: log.Point
    end: log.Point
    lines: list[str]


class ExchangeFailed(Exception):
    """No answer that can be trusted, or one that says no."""

    def __init__(self, problem: str, status: int | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.retry_after_s = retry_after_s


class Client:
    """Exchanges with one parent. `target_bytes` follows the link: halved when it chokes, half as much again after."""

    def __init__(self, replica: Replica, parent_url: str) -> None:
        self.replica = replica
        self.url = parent_url.rstrip("/")
        self.target_bytes = TARGET_GZIP_BYTES

    def exchange(self) -> Outcome:
        """One exchange, at most: an answered one, or one whose failure is told in the outcome."""
        try:
            return self._noted()
        except GridError as error:  # the own database is held too long, or the disk is full: the loop must go on
            return Outcome("failed", problem=error.code)

    def _noted(self) -> Outcome:
        """One exchange whose failure stands in the link's row."""
        try:
            outcome = self._exchange(present=False)
            if outcome is None:
                outcome = self._exchange(present=True)
            if outcome is None:
                raise ExchangeFailed("unknown_key", 403)
        except ExchangeFailed as failure:
            if failure.status in (None, 413):
                self.target_bytes = max(MIN_TARGET_BYTES, self.target_bytes // 2)
            self._note_failure(failure.problem)
            return Outcome(
                "failed", problem=failure.problem, status=failure.status, retry_after_s=failure.retry_after_s
            )
        self.target_bytes = min(TARGET_GZIP_BYTES, self.target_bytes * 3 // 2)
        return outcome

    def _exchange(self, *, present: bool) -> Outcome | None:
        """None when the parent does not know this key yet and wants to see the certificates."""
        replica, db = self.replica, self.replica.db
        batch = self._batch()
        certs = _own_certificates(db) if present else []
        down_log, down = self._down_cursor()
        manifest = self._manifest(batch, down_log, down, len(certs))
        body = encode(manifest, certs + batch.lines)
        reply = self._send(body)
        if reply.status == 403 and not present and _code(reply) == "unknown_key":
            return None
        if reply.status == 409:
            return self._follow(reply)
        if reply.status != 200:
            raise ExchangeFailed(_code(reply) or f"http_{reply.status}", reply.status, _retry_after(reply))
        try:
            raw_answer, raws = split(inflate(reply.body))
            answer = read_answer(raw_answer)
            incoming = LineReader(db)
            lines = [incoming.read(raw) for raw in raws]
        except GridError as error:
            raise ExchangeFailed("reply_unreadable") from error
        now = replica.env.now_ms()
        with write(db, "apply", replica.env):
            intake = Intake(replica, now)
            pulled = self._take_down(intake, answer, lines, down_log, down)
            self._note_refused(intake, answer.refused, now)
            intake.finish()
            new_marks = marks.take_in(replica, answer.marks)
            self._note_success(answer, reply, now)
        behind = log.up_tip(db)[0] > answer.have[0]
        if answer.down_to is None:
            return Outcome("rebase", len(batch.lines), pulled, problem="rebase", next_s=answer.next_s)
        busy = behind or answer.more or bool(new_marks)
        return Outcome("ok", len(batch.lines), pulled, busy=busy, next_s=answer.next_s)

    def _batch(self) -> _Batch:
        db = self.replica.db
        (hint,) = db.execute("SELECT hint FROM link WHERE link = ?", [self.replica.link_up]).fetchone()
        acc = log.up_acc(db, hint)
        start: log.Point = log.START if acc is None else (hint, acc)
        writer, end, size = LineWriter(), start, 0
        lines: list[str] = []
        budget = self.target_bytes * PLAIN_PER_GZIP
        for entry in log.up_lines(db, start[0], min(MAX_EVENTS, budget // 200 + 1)):
            line = writer.line(entry)
            size += len(line.encode("utf-8"))
            if lines and size > budget:
                break
            lines.append(line)
            end = (entry.n, entry.acc)
        return _Batch(start, end, lines)

    def _down_cursor(self) -> tuple[str, log.Point]:
        db, link = self.replica.db, self.replica.link_up
        (down_log,) = db.execute("SELECT down_log FROM link WHERE link = ?", [link]).fetchone()
        return down_log, log.in_tip(db, link, down_log) or log.START

    def _manifest(self, batch: _Batch, down_log: str, down: log.Point, certs: int) -> dict[str, object]:
        db = self.replica.db
        chain, seq, head = db.execute("SELECT chain, seq, head FROM node_state").fetchone()
        return {
            "v": VERSION,
            "log": self.replica.identity.up_log,
            "from": point_json(batch.start),
            "to": point_json(batch.end),
            "head": point_json(log.up_tip(db)),
            "down": [down_log, *point_json(down)],
            "own": [chain, seq, head],
            "want": [],
            "marks": marks.chains_to_ask(db),
            "certs": certs,
            "back": 0,
            "now": self.replica.env.now_ms(),
            "client": CLIENT,
        }

    # ---- the way there and back

    def _send(self, body: bytes) -> Reply:
        (nonce,) = self.replica.db.execute("SELECT nonce FROM link WHERE link = ?", [self.replica.link_up]).fetchone()
        reply = self._signed_post(body, nonce or self._hello())
        if reply.status == 401:  # the nonce was older than the parent takes: one new hello, then it counts as a failure
            reply = self._signed_post(body, self._hello())
        return reply

    def _signed_post(self, body: bytes, nonce: str) -> Reply:
        headers = auth.sign_request(self.replica.signer, "POST", EXCHANGE_PATH, body, nonce)
        signature = headers[auth.AUTH_HEADER].partition(":")[2]
        headers |= {"content-type": CONTENT_TYPE, "content-encoding": "gzip"}
        return self._trusted("POST", EXCHANGE_PATH, headers, body, signature)

    def _hello(self) -> str:
        nonce = self._trusted("GET", HELLO_PATH, {}, b"", "").headers.get(auth.NONCE_HEADER, "")
        if not nonce:
            raise ExchangeFailed("reply_unsigned")
        return nonce

    def _trusted(self, method: str, path: str, headers: dict[str, str], body: bytes, signature: str) -> Reply:
        """A reply that the parent's own key signed; anything else may be a captive portal."""
        try:
            reply = self.replica.env.transport.request(method, self.url + path, headers, body)
        except TransportError as error:
            raise ExchangeFailed("unreachable") from error
        parent = self.replica.identity.parent_node or ""
        key = key_of(self.replica.db, parent)
        if key is None or not auth.reply_is_signed(key, reply.headers, signature, reply.status, reply.body):
            raise ExchangeFailed("reply_unsigned", None, _retry_after(reply))
        return reply

    # ---- taking the answer in

    def _follow(self, reply: Reply) -> Outcome:
        """409: go on from the parent's `have` where it is on our path."""
        try:
            value = loads(reply.body)
            have, refused = read_have(value if isinstance(value, dict) else {})
        except GridError as error:
            raise ExchangeFailed("reply_unreadable") from error
        if log.up_acc(self.replica.db, have[0]) != have[1]:
            raise ExchangeFailed("rebase", 409)
        now = self.replica.env.now_ms()
        with write(self.replica.db, "apply", self.replica.env):
            intake = Intake(self.replica, now)
            self._note_refused(intake, refused, now)
            intake.finish()
            self.replica.db.execute("UPDATE link SET hint = ? WHERE link = ?", [have[0], self.replica.link_up])
        return Outcome("again", busy=True)

    def _take_down(self, intake: Intake, answer: Answer, lines: list[Incoming], down_log: str, sent: log.Point) -> int:
        """Stores the down lines, unless another exchange moved the in-log meanwhile."""
        link = self.replica.link_up
        if answer.down_to is None or answer.down_log != down_log:
            return 0
        if (log.in_tip(self.replica.db, link, down_log) or log.START) != sent:
            return 0
        n, acc = sent
        rows = []
        for line in lines:
            n, acc = n + 1, next_acc(acc, line.hash)
            rows.append((n, line.hash, acc))
        if (n, acc) != answer.down_to:
            raise ExchangeFailed("reply_unreadable")
        log.append_in(self.replica.db, link, down_log, rows)
        for line in lines:
            if line.event is not None:
                intake.add(line.event, "down")
        for (at, _, _), line in zip(rows, lines, strict=True):
            if line.event is None:
                self._keep_refused(
                    down_log, at, line.hash, line.code, self.replica.identity.node, line.raw, intake.now_ms
                )
        return len(lines)

    def _note_refused(self, intake: Intake, refused: tuple[tuple[int, str, str], ...], now: int) -> None:
        me = self.replica.identity
        for n, event_hash, code in refused:
            self._keep_refused(me.up_log, n, event_hash, code, me.parent_node or "", None, now)
            if code == "bad_sig":
                intake.send_again(event_hash)
                self._ask_below(intake, event_hash)

    def _ask_below(self, intake: Intake, event_hash: str) -> None:
        """The bytes went bad here: the refuser may not know whose they were, the index here does."""
        row = self.replica.db.execute("SELECT chain, node FROM event WHERE hash = ?", [event_hash]).fetchone()
        told = self.replica.db.execute("SELECT 1 FROM refusal WHERE hash = ? LIMIT 1", [event_hash]).fetchone()
        if row and not told and row[1] != intake.me.node and not intact(self.replica.db, event_hash):
            intake.tell_writer(event_hash, "bad_sig", row[0])

    def _keep_refused(
        self, log_id: str, n: int, event_hash: str, code: str | None, by: str, raw: str | None, now: int
    ) -> None:
        self.replica.db.execute(
            "INSERT INTO refused (link, log, n, hash, code, by, line, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            [self.replica.link_up, log_id, n, event_hash, code or "bad_sig", by, raw, now],
        )

    def _note_success(self, answer: Answer, reply: Reply, now: int) -> None:
        problem = "rebase" if answer.down_to is None else None
        self.replica.db.execute(
            "UPDATE link SET hint = ?, nonce = ?, last_seen_at = ?, last_try_at = ?, offset_ms = ?, peer_now = ?,"
            " failures = 0, problem = ?,"
            " problem_since = CASE WHEN ? IS NULL THEN NULL ELSE COALESCE(problem_since, ?) END WHERE link = ?",
            [answer.have[0], reply.headers.get(auth.NONCE_HEADER), now, now, answer.now - now, answer.now]
            + [problem, problem, now, self.replica.link_up],
        )

    def _note_failure(self, problem: str) -> None:
        now = self.replica.env.now_ms()
        with write(self.replica.db, "sync_state", self.replica.env):
            self.replica.db.execute(
                "UPDATE link SET last_try_at = ?, failures = failures + 1, problem = ?,"
                " problem_since = COALESCE(problem_since, ?) WHERE link = ?",
                [now, problem, now, self.replica.link_up],
            )


def new_log_id(replica: Replica) -> str:
    """A random name for an out-log."""
    return b32(replica.env.random_bytes(LOG_ID_BYTES))


def _own_certificates(db: Database) -> list[str]:
    """The lines that prove this node's place, the root's first event first."""
    lines = []
    for (event_hash,) in db.execute("SELECT event FROM own_certificate ORDER BY place").fetchall():
        stored = log.load(db, event_hash)
        assert stored is not None
        lines.append(plain_line(stored.event))
    return lines


def _code(reply: Reply) -> str | None:
    try:
        value: Json = loads(reply.body)
    except GridError:
        return None
    code = value.get("code") if isinstance(value, dict) else None
    return code if isinstance(code, str) else None


def _retry_after(reply: Reply) -> int | None:
    text = reply.headers.get("retry-after", "")
    return min(int(text), MAX_RETRY_AFTER_S) if text.isascii() and text.isdigit() else None
