"""The simulator must see what it is for: each rule taken away here breaks a law within the twenty seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from simulate import SEEDS, simulate
from surroundings import SimCrash

from node import answers
from node.answers import Answer
from node.projections import CHECK_KIND
from node.queries import Tally
from sync import inlog, log, marks, receive, routing, server
from sync.client import Client, Outcome
from sync.database import write
from sync.directory import tree_of
from sync.intake import Intake
from sync.manifest import Request
from sync.replica import Replica
from sync.talk import Talk
from sync.wire import Incoming


def seed_that_breaks(*laws: str) -> int | None:
    """The first of the twenty seeds in which one of these laws is broken."""
    return next((seed for seed in SEEDS if any(one.law in laws for one in simulate(seed).breaches)), None)


def test_an_answer_given_before_the_commit_loses_an_acknowledged_check(monkeypatch: pytest.MonkeyPatch) -> None:
    once = answers.once

    def answer_first(
        replica: Replica, account: str, key: str | None, request: bytes, name: str, act: Callable[[Intake], Any]
    ) -> Answer:
        given: list[Any] = []

        def remembering(intake: Intake) -> Any:
            given.append(act(intake))
            return given[0]

        try:
            return once(replica, account, key, request, name, remembering)
        except SimCrash as crash:
            if crash.moment == "before" and given:
                return Answer(given[0], repeated=False)
            raise

    monkeypatch.setattr(answers, "once", answer_first)
    assert seed_that_breaks("L10 acknowledged")


def test_storing_without_asking_whether_it_is_held_stops_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "held", lambda _db, _hash: None)
    assert seed_that_breaks("sound")


def test_tallying_a_line_that_comes_again_makes_wrong_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    add = Intake.add

    def tally_again(self: Intake, event: Any, source: Any) -> int:
        again = log.held(self.db, event.hash) is not None
        n = add(self, event, source)
        if again and event.header.kind == CHECK_KIND:
            for unit in tree_of(self.replica).ancestors(event.header.unit, date.fromisoformat(event.header.bdate)):
                self.projection._changes[(unit, event.header.bdate)] += Tally(zero=1)  # type: ignore[attr-defined]
        return n

    monkeypatch.setattr(Intake, "add", tally_again)
    assert seed_that_breaks("L2 verified", "L3 tallies")


def test_a_cursor_that_the_sender_moves_by_itself_loses_events(monkeypatch: pytest.MonkeyPatch) -> None:
    post = Talk._signed_post

    def sent_is_received(self: Talk, path: str, body: bytes, headers: dict[str, str], nonce: str) -> Any:
        end = Client(self.replica, self.url)._batch("").end[0] if path == server.EXCHANGE_PATH else None
        if end is not None:
            self.replica.db.execute("UPDATE link SET hint = ? WHERE link = ?", [end, self.replica.link_up])
        return post(self, path, body, headers, nonce)

    monkeypatch.setattr(Talk, "_signed_post", sent_is_received)
    monkeypatch.setattr(Client, "_follow", lambda *_: Outcome("again", busy=True))
    assert seed_that_breaks("L1 at the top")


def test_a_cursor_committed_apart_from_its_events_loses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def cursor_first(
        replica: Replica, node: str, request: Request, lines: Sequence[Incoming], _size: int, now: int
    ) -> tuple[dict[str, object], list[str], bool]:
        with write(replica.db, "exchange", replica.env):
            child = receive.child_of(replica, node)
            rows = receive.fold(replica, child, request, lines)
            if log.in_tip(replica.db, child.link, request.log) is None:
                inlog.begin(replica.db, child.link, request.log, request.start)
            log.append_in(replica.db, child.link, request.log, rows)
        with write(replica.db, "exchange", replica.env):
            intake = Intake(replica, now)
            for line in lines:
                assert line.event is not None
                intake.add(line.event, "up")
            intake.finish()
            marks.sign_marks(replica, intake.touched, now)
            server._seen(replica, child, request, len(lines), now)
            return (*server._answer(replica, child, request, now), True)

    monkeypatch.setattr(server, "_commit", cursor_first)
    assert seed_that_breaks("L1 at the top")


def test_a_case_that_is_not_sent_to_the_unit_that_it_is_offered_to_differs_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routing, "route_to_units", lambda *_: None)
    assert seed_that_breaks("L9 cases")
