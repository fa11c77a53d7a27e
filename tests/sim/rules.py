"""Rules of sync taken away one by one, and faults that a programmer might make: each must break a law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from node import projections
from node.cases.disclosing import Disclosures
from node.cases.projection import CaseProjection
from node.scope import hosts
from schemas.clock import business_day
from schemas.encoding import b32
from schemas.events import Event
from sync import directory, heads, log, owed, receive, routing, server, trails
from sync.client import Client, Outcome
from sync.intake import Intake
from sync.manifest import Request, read_request
from sync.replica import Replica
from sync.server import EXCHANGE_PATH
from sync.standing import BAD_SCOPE, LATE_KEY, OK, Judge
from sync.talk import Talk
from sync.wire import LineReader

Patch = pytest.MonkeyPatch
Rule = Callable[[Patch], None]
ONE_LOG = "a" * 16


def dedupe_by_seq(patch: Patch) -> None:
    """An event whose (chain, seq) is taken is dropped."""
    add = Intake.add

    def dropped(self: Intake, event: Event, source: Any) -> int:
        row = self.db.execute(
            "SELECT n FROM event WHERE chain = ? AND seq = ?", [event.header.chain, event.header.seq]
        ).fetchone()
        return int(row[0]) if row else add(self, event, source)

    patch.setattr(Intake, "add", dropped)


def one_cursor_without_log_id(patch: Patch) -> None:
    """The parent keeps one cursor a link, whatever log the child speaks of."""

    def same_log(value: Any) -> Request:
        return replace(read_request(value), log=ONE_LOG)

    patch.setattr(server, "read_request", same_log)


class _Anything:
    def __eq__(self, _other: object) -> bool:
        return True

    __hash__ = object.__hash__


def cursor_down_without_acc(patch: Patch) -> None:
    """The parent believes the child's count, and doesn't compare the rolling hash."""
    acc = log.down_acc

    def any_acc(db: Any, link: str, n: int) -> Any:
        return None if acc(db, link, n) is None else _Anything()

    patch.setattr(log, "down_acc", any_acc)


def no_handing_back(patch: Patch) -> None:
    """Nobody notes what the other side has lost."""
    patch.setattr(owed, "note", lambda *_: None)


def counted_incarnations(patch: Patch) -> None:
    """A new incarnation is the next number instead of a random one."""

    def counted(replica: Replica) -> list[object]:
        db = replica.db
        chain, seq, head = db.execute("SELECT chain, seq, head FROM node_state").fetchone()
        (own,) = db.execute("SELECT COUNT(*) FROM chain WHERE node = ?", [replica.signer.node]).fetchone()
        fresh = f"{replica.signer.node}.{b32(own.to_bytes(5))[:8]}"
        db.execute("UPDATE node_state SET chain = ?, seq = 0, head = '-', awaited = NULL", [fresh])
        return [chain, seq, head]

    patch.setattr(heads, "begin_anew", counted)


def scope_by_the_tree_at_ingest(patch: Patch) -> None:
    """Standing is judged by the tree of the moment, and never again."""

    def standing(self: Judge, event: Event) -> str:
        h = event.header
        unit = self.unit(h.node)
        if h.node == self._me.root_node:
            return OK
        if unit is None:
            return LATE_KEY
        tree, day = directory.tree_of(self._replica), business_day(self._replica.env.now_ms())
        return OK if h.unit == unit or tree.below(h.unit, unit, day) else BAD_SCOPE

    patch.setattr(Judge, "standing", standing)


def late_key_refused_for_good(patch: Patch) -> None:
    """A line whose author has no certificate yet is set aside like a spoilt one."""
    fault = LineReader._fault

    def refused(self: LineReader, event: Event, counted: str, raw: str) -> str | None:
        known = directory.unit_of(self._db, event.node) is not None or event.header.kind in ("inc", "cert", "rev")
        return fault(self, event, counted, raw) if known else "bad_sig"

    patch.setattr(LineReader, "_fault", refused)


def no_certificates_down(patch: Patch) -> None:
    """Events go down without the certificates of their authors."""
    patch.setattr(routing, "introduce", lambda *_: None)


def no_rerouting(patch: Patch) -> None:
    """After a change of the tree nothing earlier follows."""
    patch.setattr(routing, "reroute", lambda *_: None)


def no_certificate_presented(patch: Patch) -> None:
    """A child whose parent does not know it shows nothing."""
    patch.setattr(trails, "own_lines", lambda _db: [])


def nothing_given_on_seize(patch: Patch) -> None:
    """Private texts stay where they are."""
    patch.setattr(Disclosures, "_give", lambda *_: iter(()))


def nothing_asked(patch: Patch) -> None:
    """Who can't open a disc says nothing."""
    patch.setattr(Disclosures, "_wants", lambda *_: False)


# ---- faults of a programmer


def delete_before_acknowledged(patch: Patch) -> None:
    """The sender forgets lines once they are on their way."""
    post = Talk._signed_post

    def forgetful(self: Talk, path: str, body: bytes, headers: dict[str, str], nonce: str) -> Any:
        db, link = self.replica.db, self.replica.link_up
        end = Client(self.replica, self.url)._batch("").end[0] if path == EXCHANGE_PATH else None
        reply = None
        try:
            reply = post(self, path, body, headers, nonce)
            return reply
        finally:
            if end is not None and reply is None:
                db.execute("UPDATE link SET hint = ? WHERE link = ?", [end, link])

    patch.setattr(Talk, "_signed_post", forgetful)
    patch.setattr(Client, "_rebase", lambda *_: _again())
    patch.setattr(Client, "_follow", lambda *_: _again())


def _again() -> Outcome:
    return Outcome("again", busy=True)


def set_aside_line_dropped(patch: Patch) -> None:
    """A line that fails is thrown away, and nobody is told."""
    patch.setattr(receive, "set_aside", lambda *_: None)


def chain_not_checked_after_restore(patch: Patch) -> None:
    """A restored copy goes on where it stands."""
    patch.setattr(heads, "notice_restored_copy", lambda _replica: False)
    patch.setattr(heads, "went_on_elsewhere", lambda _db: False)


def order_by_clock(patch: Patch) -> None:
    """The report with the latest clock counts, whatever amends what."""
    effective = projections.effective
    patch.setattr(projections, "effective", lambda reports: effective([max(reports, key=lambda one: one.recorded_ms)]))


def owner_set_on_both_sides(patch: Patch) -> None:
    """Whoever offers a case gives it away at once; the other side waits for the take."""
    settle = CaseProjection._settle

    def at_once(self: CaseProjection, tree: Any, case_id: str) -> None:
        settle(self, tree, case_id)
        row = self._db.execute("SELECT owner, offered_to FROM case_now WHERE case_id = ?", [case_id]).fetchone()
        if row is not None and row[1] is not None and hosts(self._replica, row[0]):
            self._db.execute("UPDATE case_now SET owner = offered_to WHERE case_id = ?", [case_id])

    patch.setattr(CaseProjection, "_settle", at_once)


def days_end_by_another_zone(patch: Patch) -> None:
    """The grace of a day ends eight hours later, as if the clock were read in UTC."""
    end = projections.grace_end
    patch.setattr(projections, "grace_end", lambda *args: end(*args) + 8 * 3_600_000)
