"""The append-only logs of one node in SQL: events with their parts, the up log, the down logs, the in-logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlite_utils import Database

from schemas.encoding import b32
from schemas.events import ACC_ZERO, Event, Part, header_hash, next_acc, parse_header, part_hash, withholds_facts
from sync.env import Env
from sync.replica import Stored

Point = tuple[int, bytes]
Row = tuple[Any, ...]
LOG_ID_BYTES: Final = 10
START: Final[Point] = (0, ACC_ZERO)
_EVENT_WITH_PARTS: Final = (
    "SELECT e.n, e.hash, e.header, e.sig, e.received_at, p.name, p.salt, p.text, p.hash"
    " FROM event e LEFT JOIN part p ON p.event = e.n"
)


def new_log_id(env: Env) -> str:
    """A random name for an out-log."""
    return b32(env.random_bytes(LOG_ID_BYTES))


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of an out-log, with the stored bytes as they are now: they may have been damaged since."""

    n: int
    hash: str
    acc: bytes
    header: str
    signature: bytes
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """What is needed to compare a held event with a line that arrives again."""

    n: int
    header: str
    signature: bytes
    standing: str


def held(db: Database, event_hash: str) -> Held | None:
    """The event of that hash, or None."""
    row = db.execute("SELECT n, header, sig, standing FROM event WHERE hash = ?", [event_hash]).fetchone()
    return Held(*row) if row else None


def last_received_at(db: Database) -> int:
    """The instant of the newest event held, 0 for an empty log."""
    row = db.execute("SELECT received_at FROM event ORDER BY n DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0


def insert_event(db: Database, event: Event, standing: str, received_at: int) -> int:
    """Stores a new event with its parts; returns its place `n` in this node's log."""
    h = event.header
    cursor = db.conn.execute(
        "INSERT INTO event (hash, chain, seq, prev, node, kind, unit, header, sig, standing, received_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.hash,
            h.chain,
            h.seq,
            h.prev,
            h.node,
            h.kind,
            h.unit,
            event.line,
            event.signature,
            standing,
            received_at,
        ),
    )
    n = cursor.lastrowid
    assert n is not None
    _insert_parts(db, n, event.parts)
    return n


def replace_bytes(db: Database, n: int, event: Event) -> None:
    """Puts good bytes in the place of damaged ones of the same hash."""
    h = event.header
    db.execute(
        "UPDATE event SET header = ?, sig = ?, chain = ?, seq = ?, prev = ?, node = ?, kind = ?, unit = ? WHERE n = ?",
        [event.line, event.signature, h.chain, h.seq, h.prev, h.node, h.kind, h.unit, n],
    )
    kept = {
        p.name: p for p in _parts(db, n) if p.text is not None and p == Part.of(p.name, p.salt or b"", p.text)
    }  # a damaged text is no text
    db.execute("DELETE FROM part WHERE event = ?", [n])
    _insert_parts(db, n, [p if p.text is not None else kept.get(p.name, p) for p in event.parts])


def _insert_parts(db: Database, n: int, parts: Iterable[Part]) -> None:
    db.conn.executemany(
        "INSERT INTO part (event, place, name, salt, text, hash) VALUES (?, ?, ?, ?, ?, ?)",
        [(n, place, part.name, part.salt, part.text, part.hash) for place, part in enumerate(parts)],
    )


def _parts(db: Database, n: int) -> tuple[Part, ...]:
    rows = db.execute("SELECT name, salt, text, hash FROM part WHERE event = ? ORDER BY place", [n])
    return tuple(Part(*row) for row in rows)


def load(db: Database, event_hash: str) -> Stored | None:
    """One held event. Raises Corrupt when its header no longer parses."""
    rows = db.execute(f"{_EVENT_WITH_PARTS} WHERE e.hash = ? ORDER BY p.place", [event_hash]).fetchall()
    return _stored(rows) if rows else None


def events(db: Database, where: str = "1", params: Iterable[object] = (), page: int = 500) -> Iterator[Stored]:
    """Held events in the order of arrival, a page at a time; `where` is a constant of the caller on table `e`.

    Rows whose bytes no longer give their hashes are left out: they have no effect, and `verify` names them.
    """
    after = 0
    while True:
        numbers = db.execute(
            f"SELECT e.n FROM event e WHERE e.n > ? AND {where} ORDER BY e.n LIMIT ?", [after, *params, page]
        ).fetchall()
        if not numbers:
            return
        first, after = numbers[0][0], numbers[-1][0]
        rows = db.execute(
            f"{_EVENT_WITH_PARTS} WHERE e.n BETWEEN ? AND ? AND {where} ORDER BY e.n, p.place", [first, after, *params]
        ).fetchall()
        for _, group in groupby(rows, key=itemgetter(0)):
            same = list(group)
            if _whole(same):
                yield _stored(same)


def written_for(db: Database, unit: str) -> list[str]:
    """The hashes of all that nodes certified for a unit wrote, in the order of arrival."""
    asked = "SELECT e.hash FROM event e WHERE e.node IN (SELECT node FROM node_cert WHERE unit = ?) ORDER BY e.n"
    return [row[0] for row in db.execute(asked, [unit]).fetchall()]


def _whole(rows: list[Row]) -> bool:
    """Whether facts, header and texts still give the hashes that they are stored under; signatures are left alone."""
    if header_hash(rows[0][2]) != rows[0][1]:
        return False
    parts = [Part(*row[5:9]) for row in rows if row[5] is not None]
    texts = [part for part in parts if part.text is not None]
    return not withholds_facts(parts) and all(
        part.hash == part_hash(part.name, part.salt or b"", part.text or "") for part in texts
    )


def _stored(rows: list[Row]) -> Stored:
    n, event_hash, header, signature, received_at = rows[0][:5]
    parts = tuple(Part(*row[5:9]) for row in rows if row[5] is not None)
    return Stored(n, Event(header, parse_header(header), signature, parts, event_hash), received_at)


# ---- out-logs


def up_tip(db: Database) -> Point:
    """The last point of the up log."""
    row = db.execute("SELECT n, acc FROM uplog ORDER BY n DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else START


def up_acc(db: Database, n: int) -> bytes | None:
    """The rolling hash at entry n of the up log, or None beyond its end."""
    if n == 0:
        return ACC_ZERO
    row = db.execute("SELECT acc FROM uplog WHERE n = ?", [n]).fetchone()
    return row[0] if row else None


def append_up(db: Database, n: int, event_hash: str) -> None:
    """Adds an event to the up log; it may stand in it twice."""
    last, acc = up_tip(db)
    db.conn.execute("INSERT INTO uplog (n, event, acc) VALUES (?, ?, ?)", (last + 1, n, next_acc(acc, event_hash)))


def append_up_again(db: Database, n: int, event_hash: str, after: int) -> bool:
    """Adds an event to the up log unless it stands there behind entry `after`, and so will be offered anyway."""
    if db.execute("SELECT 1 FROM uplog WHERE event = ? AND n > ? LIMIT 1", [n, after]).fetchone():
        return False
    append_up(db, n, event_hash)
    return True


def up_lines(db: Database, after: int, limit: int) -> list[LogLine]:
    """The next entries of the up log."""
    return lines_of(db, "SELECT n, event, acc FROM uplog WHERE n > ? ORDER BY n LIMIT ?", [after, limit])


def down_tip(db: Database, link: str) -> Point:
    """The last point of a child's down log."""
    row = db.execute("SELECT n, acc FROM downlog WHERE link = ? ORDER BY n DESC LIMIT 1", [link]).fetchone()
    return (row[0], row[1]) if row else START


def down_acc(db: Database, link: str, n: int) -> bytes | None:
    """The rolling hash at entry n of a child's down log, or None beyond its end."""
    if n == 0:
        return ACC_ZERO
    row = db.execute("SELECT acc FROM downlog WHERE link = ? AND n = ?", [link, n]).fetchone()
    return row[0] if row else None


def append_down(db: Database, link: str, n: int, event_hash: str, after: int = 0) -> None:
    """Adds an event to a child's down log unless it stands there already, behind entry `after`."""
    if db.execute("SELECT 1 FROM downlog WHERE link = ? AND event = ? AND n > ? LIMIT 1", [link, n, after]).fetchone():
        return
    last, acc = down_tip(db, link)
    db.conn.execute(
        "INSERT INTO downlog (link, n, event, acc) VALUES (?, ?, ?, ?)", (link, last + 1, n, next_acc(acc, event_hash))
    )


def down_lines(db: Database, link: str, after: int, limit: int) -> list[LogLine]:
    """The next entries of a child's down log."""
    return lines_of(
        db, "SELECT n, event, acc FROM downlog WHERE link = ? AND n > ? ORDER BY n LIMIT ?", [link, after, limit]
    )


def up_ladder(db: Database) -> list[Point]:
    """Points of the up log, from its end down in doubling steps to its start."""
    return _ladder(up_tip(db), lambda n: up_acc(db, n))


def in_ladder(db: Database, link: str, log: str) -> list[Point]:
    """Points of an in-log, as far as it reaches back in its own rows and those that it goes on from."""
    asked = "SELECT acc FROM inlog WHERE link = ? AND n = ? ORDER BY log = ? DESC LIMIT 1"
    tip = in_tip(db, link, log) or START
    return _ladder(tip, lambda n: next(iter(db.execute(asked, [link, n, log]).fetchone() or [None])))


def _ladder(tip: Point, acc_at: Callable[[int], bytes | None]) -> list[Point]:
    points, step = [tip], 1
    while tip[0] - step > 0:
        acc = acc_at(tip[0] - step)
        if acc is not None:
            points.append((tip[0] - step, acc))
        step *= 2
    return points if points[-1] == START else [*points, START]


def lines_of(db: Database, entries: str, params: list[object]) -> list[LogLine]:
    """Entries (n, event, acc), a constant query of the caller, with the stored bytes of their events."""
    rows = db.execute(
        "SELECT l.n, e.hash, l.acc, e.header, e.sig, p.name, p.salt, p.text, p.hash"
        f" FROM ({entries}) l JOIN event e ON e.n = l.event LEFT JOIN part p ON p.event = e.n ORDER BY l.n, p.place",
        params,
    ).fetchall()
    lines = []
    for _, group in groupby(rows, key=itemgetter(0)):
        same = list(group)
        parts = tuple(Part(*row[5:9]) for row in same if row[5] is not None)
        n, event_hash, acc, header, signature = same[0][:5]
        lines.append(LogLine(n, event_hash, acc, header, signature, parts))
    return lines


# ---- in-logs


def in_tip(db: Database, link: str, log: str) -> Point | None:
    """The cursor: the last row of the receiver's copy, else where it began (inlog.py); None for a log not known."""
    asked = [link, log]
    row = db.execute("SELECT n, acc FROM inlog WHERE link = ? AND log = ? ORDER BY n DESC LIMIT 1", asked).fetchone()
    row = row or db.execute("SELECT n, acc FROM inlog_base WHERE link = ? AND log = ?", asked).fetchone()
    return (row[0], row[1]) if row else None


def append_in(db: Database, link: str, log: str, rows: Iterable[tuple[int, str, bytes]]) -> None:
    """Adds (n, hash, acc) rows to the receiver's copy: this, and nothing else, moves the cursor."""
    db.conn.executemany(
        "INSERT INTO inlog (link, log, n, hash, acc) VALUES (?, ?, ?, ?, ?)", [(link, log, *row) for row in rows]
    )
