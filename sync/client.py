"""The child's half of an exchange. The parent's `have` is the only cursor; what is kept here is a hint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from schemas.errors import GridError
from schemas.events import next_acc
from schemas.strict_json import dumps
from sync import auth, inlog, log, marks, owed, refusals, trails
from sync.certificates import intact
from sync.database import write
from sync.env import Reply
from sync.erase import scrub
from sync.intake import Intake
from sync.log import new_log_id
from sync.manifest import VERSION, Answer, point_json, read_answer, read_have, read_rebased
from sync.replica import Replica
from sync.server import EXCHANGE_PATH, REBASE_PATH
from sync.talk import ExchangeFailed, Talk, caught_up, code_of, json_of, retry_after
from sync.wire import CONTENT_TYPE, MAX_EVENTS, Incoming, LineReader, LineWriter, encode, inflate, split

CLIENT: Final = "0.1.0"
TARGET_GZIP_BYTES: Final = 64 * 1024
PLAIN_PER_GZIP: Final = 2  # measured on checks: a signed line shrinks to about half
MIN_TARGET_BYTES: Final = 512
SHORTEST_LINE_BYTES: Final = 200
Kind = Literal["ok", "again", "failed"]


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
    back: dict[str, str]  # by hash
    lines: list[str]


class Client:
    """Exchanges with one parent. `target_bytes` follows the link: halved when it chokes, half as much again after.

    `own_url` is the address at which this node itself can be reached, if it has one: told to the parent.
    """

    def __init__(self, replica: Replica, parent_url: str, own_url: str | None = None) -> None:
        self.replica = replica
        self.talk = Talk(replica, parent_url)
        self.own_url = own_url
        self.target_bytes = TARGET_GZIP_BYTES
        self._handed: tuple[set[str], set[str]] = (set(), set())  # back and lost of the exchange before

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
        db, asked = self.replica.db, owed.wanted(self.replica.db)
        link, up_log, (down_log, down) = self.replica.link_up, self.replica.identity.up_log, self._down_cursor()
        batch = self._batch(down_log)
        certs = trails.own_lines(db) if present else []
        manifest = self._manifest(batch, up_log, (down_log, down), asked, len(certs))
        body = encode(manifest, [*certs, *batch.back.values(), *batch.lines])
        reply = self.talk.post(EXCHANGE_PATH, body, {"content-type": CONTENT_TYPE, "content-encoding": "gzip"})
        if reply.status == 403 and not present and code_of(reply) == "unknown_key":
            return None
        if reply.status == 403 and code_of(reply) == "moved":
            return self._follow_move(reply)
        if reply.status == 403 and code_of(reply) == "not_below":
            self.talk.go_back()
        if reply.status == 409:
            return self._follow(reply, up_log)
        answer, lost, lines = self._read(reply)
        now = self.replica.env.now_ms()
        with write(db, "apply", self.replica.env):
            intake = Intake(self.replica, now)
            pulled = self._take_down(intake, answer, lines, (link, down_log, down))
            returned = self._take_lost(intake, answer, lost)
            self._note_refused(intake, up_log, answer.refused, now)
            owed.asked(db, asked)
            intake.finish()
            new_marks = marks.take_in(self.replica, answer.marks)
            marks.sign_marks(self.replica, intake.touched, now)
            self._note_success(answer, reply, now)
        if answer.down_to is None:
            return self._rebase()
        handed = set(batch.back), {line.hash for line in lost}
        going_on, self._handed = handed != self._handed and handed != (set(), set()), handed
        scrub(self.replica)
        behind = log.up_tip(db)[0] > answer.have[0]
        busy = behind or answer.more or going_on or bool(new_marks or owed.wanted(db)) or caught_up(self.replica)
        return Outcome("ok", len(batch.lines), pulled + returned, busy=busy, next_s=answer.next_s)

    def _read(self, reply: Reply) -> tuple[Answer, list[Incoming], list[Incoming]]:
        """(answer, lines handed back, down lines)."""
        if reply.status != 200:
            raise ExchangeFailed(code_of(reply) or f"http_{reply.status}", reply.status, retry_after(reply))
        try:
            raw_answer, raws = split(inflate(reply.body))
            answer = read_answer(raw_answer)
            reader = LineReader(self.replica.db)
            lines = [reader.read(raw) for raw in raws]
        except GridError as error:
            raise ExchangeFailed("reply_unreadable") from error
        if answer.lost > len(lines):
            raise ExchangeFailed("reply_unreadable")
        return answer, lines[: answer.lost], lines[answer.lost :]

    # ---- what is said

    def _batch(self, down_log: str) -> _Batch:
        db, link = self.replica.db, self.replica.link_up
        (hint,) = db.execute("SELECT hint FROM link WHERE link = ?", [link]).fetchone()
        acc = log.up_acc(db, hint)
        start: log.Point = log.START if acc is None else (hint, acc)
        budget = self.target_bytes * PLAIN_PER_GZIP
        writer = LineWriter(budget)
        back = writer.fill(owed.lines(db, link, down_log), at_least=1)
        limit = min(MAX_EVENTS - len(back), budget // SHORTEST_LINE_BYTES + 1)
        lines = writer.fill(log.up_lines(db, start[0], limit), at_least=1)
        end = (lines[-1][0].n, lines[-1][0].acc) if lines else start
        return _Batch(start, end, {entry.hash: line for entry, line in back}, [line for _entry, line in lines])

    def _down_cursor(self) -> tuple[str, log.Point]:
        db, link = self.replica.db, self.replica.link_up
        (down_log,) = db.execute("SELECT down_log FROM link WHERE link = ?", [link]).fetchone()
        return down_log, log.in_tip(db, link, down_log) or log.START

    def _manifest(
        self, batch: _Batch, up_log: str, down: tuple[str, log.Point], asked: list[str], certs: int
    ) -> dict[str, object]:
        db = self.replica.db
        chain, seq, head = db.execute("SELECT chain, seq, head FROM node_state").fetchone()
        manifest: dict[str, object] = {
            "v": VERSION,
            "log": up_log,
            "from": point_json(batch.start),
            "to": point_json(batch.end),
            "head": point_json(log.up_tip(db)),
            "down": [down[0], *point_json(down[1])],
            "own": [chain, seq, head],
            "want": asked,
            "marks": marks.chains_to_ask(db),
            "certs": certs,
            "back": len(batch.back),
            "now": self.replica.env.now_ms(),
            "client": CLIENT,
        }
        return manifest | ({"url": self.own_url} if self.own_url else {})

    # ---- taking the answer in

    def _follow_move(self, reply: Reply) -> Outcome:
        """403 moved: the unit has another parent now; go there if it is said where."""
        value = json_of(reply)
        parent, url = (value.get("parent"), value.get("url")) if isinstance(value, dict) else (None, None)
        if not isinstance(parent, str) or not isinstance(url, str):
            raise ExchangeFailed("moved", 403)
        self.talk.move_to(parent, url)
        return Outcome("again", busy=True)

    def _follow(self, reply: Reply, up_log: str) -> Outcome:
        """409: go on from the parent's `have` where it is on our path, else from a point that both know."""
        value = json_of(reply)
        try:
            have, refused = read_have(value if isinstance(value, dict) else {})
        except GridError as error:
            raise ExchangeFailed("reply_unreadable") from error
        if log.up_acc(self.replica.db, have[0]) != have[1]:
            return self._rebase()
        now = self.replica.env.now_ms()
        with write(self.replica.db, "apply", self.replica.env):
            intake = Intake(self.replica, now)
            self._note_refused(intake, up_log, refused, now)
            intake.finish()
            self.replica.db.execute("UPDATE link SET hint = ? WHERE link = ?", [have[0], self.replica.link_up])
        return Outcome("again", busy=True)

    def _rebase(self) -> Outcome:
        """Asks for the highest points that the parent knows of both logs, and goes on from there with new log ids."""
        replica, db, link = self.replica, self.replica.db, self.replica.link_up
        down_log, _tip = self._down_cursor()
        up, down = log.up_ladder(db), log.in_ladder(db, link, down_log)
        ladders = {"v": VERSION, "up": [point_json(one) for one in up], "down": [point_json(one) for one in down]}
        reply = self.talk.post(REBASE_PATH, dumps(ladders).encode(), {"content-type": "application/json"})
        if reply.status != 200:
            raise ExchangeFailed(code_of(reply) or f"http_{reply.status}", reply.status, retry_after(reply))
        try:
            known_up, known_down = read_rebased(json_of(reply))
        except GridError as error:
            raise ExchangeFailed("reply_unreadable") from error
        if known_up not in up or known_down not in down:
            raise ExchangeFailed("reply_unreadable")
        with write(db, "apply", replica.env):
            fresh = new_log_id(replica.env)
            db.execute("UPDATE node_state SET up_log = ?", [new_log_id(replica.env)])
            db.execute("UPDATE link SET hint = ?, down_log = ? WHERE link = ?", [known_up[0], fresh, link])
            owed.note(db, link, fresh, inlog.begin(db, link, fresh, known_down))
            owed.carry_over(db, link, down_log, fresh)
            owed.ask_again(db)
        return Outcome("again", busy=True)

    def _take_down(
        self, intake: Intake, answer: Answer, lines: list[Incoming], cursor: tuple[str, str, log.Point]
    ) -> int:
        """Stores the down lines, unless another exchange moved the in-log meanwhile."""
        link, down_log, sent = cursor
        if answer.down_to is None or answer.down_log != down_log or link != self.replica.link_up:
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
        owed.settle(self.replica.db, link, down_log, [row[1] for row in rows])
        for (at, _, _), line in zip(rows, lines, strict=True):
            if line.event is not None:
                intake.add(line.event, "down")
            else:
                self._keep_refused(
                    down_log, at, line.hash, line.code, self.replica.identity.node, line.raw, intake.now_ms
                )
        return len(lines)

    def _take_lost(self, intake: Intake, answer: Answer, lines: list[Incoming]) -> int:
        """What this disk lost and the parent still had: stored, and into the up log again even if it is held."""
        for line in lines:
            if line.event is not None:
                n = intake.add(line.event, "lost")
                log.append_up_again(self.replica.db, n, line.hash, answer.have[0])
        return len(lines)

    def _note_refused(self, intake: Intake, up_log: str, refused: tuple[tuple[int, str, str], ...], now: int) -> None:
        me = self.replica.identity
        for n, event_hash, code in refused:
            self._keep_refused(up_log, n, event_hash, code, me.parent_node or "", None, now)
            if code == "bad_sig":
                refusals.send_again(intake, event_hash)
                self._ask_below(intake, event_hash)

    def _ask_below(self, intake: Intake, event_hash: str) -> None:
        """The bytes went bad here: the refuser may not know whose they were, the index here does."""
        row = self.replica.db.execute("SELECT chain, node FROM event WHERE hash = ?", [event_hash]).fetchone()
        told = self.replica.db.execute("SELECT 1 FROM refusal WHERE hash = ? LIMIT 1", [event_hash]).fetchone()
        if row and not told and row[1] != intake.me.node and not intact(self.replica.db, event_hash):
            refusals.tell_writer(intake, event_hash, "bad_sig", row[0])

    def _keep_refused(
        self, log_id: str, n: int, event_hash: str, code: str | None, by: str, raw: str | None, now: int
    ) -> None:
        self.replica.db.execute(
            "INSERT INTO refused (link, log, n, hash, code, by, line, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            [self.replica.link_up, log_id, n, event_hash, code or "bad_sig", by, raw, now],
        )

    def _note_success(self, answer: Answer, reply: Reply, now: int) -> None:
        self.replica.db.execute(
            "UPDATE link SET hint = ?, nonce = ?, last_seen_at = ?, last_try_at = ?, offset_ms = ?, peer_now = ?,"
            " reached = ?, failures = 0, problem = NULL, problem_since = NULL WHERE link = ?",
            [answer.have[0], reply.headers.get(auth.NONCE_HEADER), now, now, answer.now - now, answer.now]
            + [self.talk.url, self.replica.link_up],
        )

    def _note_failure(self, problem: str) -> None:
        now = self.replica.env.now_ms()
        with write(self.replica.db, "sync_state", self.replica.env):
            self.replica.db.execute(
                "UPDATE link SET last_try_at = ?, failures = failures + 1, problem = ?,"
                " problem_since = COALESCE(problem_since, ?) WHERE link = ?",
                [now, problem, now, self.replica.link_up],
            )
