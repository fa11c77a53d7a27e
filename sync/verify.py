"""Checking everything that a node holds: every signature, chain, log, standing, mark, and the application's tallies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlite_utils import Database

from schemas.errors import Corrupt
from schemas.events import ACC_ZERO, FIRST, Event, Part, next_acc, parse_header
from schemas.marks import parse_mark
from sync import chains
from sync.certificates import key_of, sound
from sync.database import read
from sync.keys import verify as verify_signature
from sync.marks import UNKNOWN_TOP
from sync.replica import Replica
from sync.standing import Judge

PAGE: Final = 1_000
MAX_PROBLEMS: Final = 1_000
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not fit; `event` is a hash where one event is meant."""

    code: str
    event: str | None
    text: str


@dataclass
class Report:
    """What was checked, and what was found. Kept forks and lines set aside are counted, and are no problems."""

    events: int = 0
    chains: int = 0
    tallies: int = 0
    forks: int = 0
    set_aside: int = 0
    marks: int = 0
    log_entries: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.problems

    def found(self, code: str, event: str | None, text: str) -> None:
        """Notes a problem; at most 1,000 are kept, the first ones."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(code, event, text))


def verify(replica: Replica) -> Report:
    """Reads one state of the database whole and changes nothing."""
    report = Report()
    with read(replica.db):
        _events(replica, report)
        _chains(replica.db, report)
        _logs(replica.db, report)
        _marks(replica.db, report)
        (report.set_aside,) = replica.db.execute(
            "SELECT COUNT(DISTINCT hash) FROM refused WHERE line IS NOT NULL"
        ).fetchone()
        report.tallies, differences = replica.app.verify(replica)
        for code, text in differences:
            report.found(code, None, text)
    return report


def _events(replica: Replica, report: Report) -> None:
    db, judge = replica.db, Judge(replica)
    for row, parts in _raw(db):
        _n, event_hash, line, signature, chain, seq, prev, node, kind, unit, standing = row
        report.events += 1
        fault = sound(line, signature, parts, event_hash, lambda name: key_of(db, name))
        if fault is not None:
            report.found(fault, event_hash, f"event {event_hash} ({kind}, chain {chain}, seq {seq}): {fault}")
            continue
        header = parse_header(line)
        if (header.chain, header.seq, header.prev, header.node, header.kind, header.unit) != (
            chain, seq, prev, node, kind, unit,
        ):  # fmt: skip
            report.found("bad_index", event_hash, f"event {event_hash}: the indexed columns differ from its header")
        judged = judge.standing(Event(line, header, signature, tuple(parts), event_hash))
        if judged != standing:
            report.found("bad_standing", event_hash, f"event {event_hash}: standing {standing}, judged anew {judged}")


def _raw(db: Database) -> Iterator[tuple[Row, list[Part]]]:
    after = 0
    while True:
        rows = db.execute(
            "SELECT e.n, e.hash, e.header, e.sig, e.chain, e.seq, e.prev, e.node, e.kind, e.unit, e.standing,"
            " p.name, p.salt, p.text, p.hash"
            " FROM (SELECT * FROM event WHERE n > ? ORDER BY n LIMIT ?) e LEFT JOIN part p ON p.event = e.n"
            " ORDER BY e.n, p.place",
            [after, PAGE],
        ).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        for _, group in groupby(rows, key=itemgetter(0)):
            same = list(group)
            yield same[0][:11], [Part(*row[11:15]) for row in same if row[11] is not None]


def _chains(db: Database, report: Report) -> None:
    for chain, side, forked in db.execute("SELECT chain, side, forked FROM chain ORDER BY chain").fetchall():
        report.chains += 1
        report.forks += forked
        if side == "above":  # comes in pieces by design
            continue
        rows = db.execute(
            "SELECT e.hash, e.seq, e.prev, b.seq FROM event e LEFT JOIN event b ON b.hash = e.prev WHERE e.chain = ?",
            [chain],
        ).fetchall()
        for event_hash, seq, prev, seq_before in rows:
            if prev == FIRST:
                continue
            if seq_before is None:
                if not chains.is_told(db, prev):
                    report.found("gap", event_hash, f"chain {chain}: the event before {event_hash} is not held")
            elif seq_before != seq - 1:
                report.found("bad_chain", event_hash, f"chain {chain}: seq {seq} follows seq {seq_before}")


def _logs(db: Database, report: Report) -> None:
    up = db.execute("SELECT 'up', l.n, e.hash, l.acc FROM uplog l JOIN event e ON e.n = l.event ORDER BY l.n")
    _folded(up.fetchall(), report)
    down = db.execute(
        "SELECT 'down ' || l.link, l.n, e.hash, l.acc FROM downlog l JOIN event e ON e.n = l.event ORDER BY l.link, l.n"
    )
    _folded(down.fetchall(), report)
    received = db.execute(
        "SELECT 'in ' || link || ' ' || log, n, hash, acc FROM (SELECT link, log, n, hash, acc FROM inlog"
        " UNION ALL SELECT link, log, n, '', acc FROM inlog_base) ORDER BY link, log, n"
    )
    _folded(received.fetchall(), report)


def _folded(rows: list[Row], report: Report) -> None:
    """Each log's rolling hash, from its first entry on; an in-log may begin at a point of an earlier one."""
    for name, entries in groupby(rows, key=itemgetter(0)):
        expected, acc = 1, ACC_ZERO
        for _, n, event_hash, kept in entries:
            report.log_entries += 1
            if event_hash == "":
                expected, acc = n + 1, kept
                continue
            acc = next_acc(acc, event_hash)
            if n != expected or acc != kept:
                report.found("bad_log", event_hash, f"log {name}: entry {n} does not fold")
                break
            expected += 1


def _marks(db: Database, report: Report) -> None:
    rows = db.execute("SELECT line, sig, chain, at, by, top FROM mark").fetchall()
    for line, signature, chain, at, by, top in rows:
        report.marks += 1
        key = key_of(db, by)
        try:
            mark = parse_mark(line)
        except Corrupt:
            mark = None
        raw = line.encode("ascii", "replace")
        if mark is None or mark.by != by or key is None or not verify_signature(key, "mark", raw, signature):
            report.found("bad_mark", None, f"mark of {by} does not verify: {line!r}")
        elif (mark.chain, mark.at) != (chain, at):
            report.found("bad_mark", None, f"mark of {by}: the indexed columns ({chain}, {at}) differ from {line!r}")
        elif top != UNKNOWN_TOP and not any(_held(db, tip) for tip in mark.tips):
            # One of its tips was held when the mark came: what it names was here once.
            report.found("lost_tip", mark.tips[0], f"chain {mark.chain}: {mark.tips[0]} was marked and is not held")


def _held(db: Database, event_hash: str) -> bool:
    return db.execute("SELECT 1 FROM event WHERE hash = ?", [event_hash]).fetchone() is not None
