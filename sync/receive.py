"""What the parent's half of an exchange and the import of a file share: whose lines they are, whether they join on to
the cursor, and what is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.errors import Forbidden
from schemas.events import CHAIN, next_acc
from sync import clocks, directory, inlog, log, owed, refusals
from sync.intake import Intake, Source
from sync.manifest import Request
from sync.replica import Replica
from sync.wire import Incoming

MAX_REFUSED_LISTED: Final = 2_000


@dataclass(frozen=True, slots=True)
class Child:
    """Who speaks over a link: the node, the unit that it is certified for, and the link's name."""

    node: str
    unit: str
    link: str


class CursorMismatch(Exception):
    """The lines do not join on to the receiver's cursor, or do not give the point that they say."""

    def __init__(self, have: log.Point, refused: Sequence[Sequence[object]] = ()) -> None:
        super().__init__(have)
        self.have = have
        self.refused = list(refused)


def child_of(replica: Replica, node: str) -> Child:
    """The child that a node is here. Raises Forbidden: unknown_key, revoked, not_below, or moved with the unit of the
    parent that it belongs to and, where it is known, the address.
    """
    if directory.is_revoked(replica.db, node):
        raise Forbidden("revoked", field="Grid-Node", value=node)
    found = directory.unit_of(replica.db, node)
    if found is None:
        raise Forbidden("unknown_key", field="Grid-Node", value=node)
    unit, me = found[0], replica.identity.unit
    tree = directory.tree_of(replica)
    if replica.identity.is_top and unit != me and not tree.exists(me):  # a new hub: its children bring the directory
        return Child(node, unit, replica.link_to(unit))
    if unit == me or not tree.ever_below(unit, me):
        raise Forbidden("not_below", field="Grid-Node", value=unit)
    host = directory.parent_host(tree, directory.certified_units(replica.db), unit, clocks.today(replica))
    if host is not None and host != me:
        raise _moved(replica, unit, host)
    return Child(node, unit, replica.link_to(unit))


def _moved(replica: Replica, unit: str, host: str) -> Forbidden:
    """Where a child belongs: towards a node below us by its own address, else by the act's, else up to our parent."""
    db, tree, me, today = replica.db, directory.tree_of(replica), replica.identity, clocks.today(replica)
    above = tree.ancestors(unit, today)[1:]
    on_the_way = above[: above.index(me.unit)] if me.unit in above else ()
    for one in on_the_way:  # the nearest whose address is known
        row = db.execute("SELECT url FROM link WHERE link = ? AND url IS NOT NULL", [replica.link_to(one)]).fetchone()
        if row is not None:
            return Forbidden("moved", field="Grid-Node", value=unit, parent=one, url=row[0])
    address = tree.address(unit, today)
    if address is not None:
        return Forbidden("moved", field="Grid-Node", value=unit, parent=address[0], url=address[1])
    if me.parent is None:
        return Forbidden("moved", field="Grid-Node", value=unit, parent=host, url=None)
    row = db.execute("SELECT COALESCE(url, reached) FROM link WHERE link = ?", [replica.link_up]).fetchone()
    return Forbidden("moved", field="Grid-Node", value=unit, parent=me.parent, url=row[0] if row else None)


def fold(replica: Replica, child: Child, request: Request, lines: Sequence[Incoming]) -> list[tuple[int, str, bytes]]:
    """The in-log rows for the lines. Raises CursorMismatch unless they join on to the last row and give `to`."""
    tip = log.in_tip(replica.db, child.link, request.log)
    if tip is None and not inlog.known_point(replica.db, child.link, request.start):
        raise CursorMismatch(log.START)
    if tip is not None and tip != request.start:
        raise CursorMismatch(tip, refused_after(replica, child, request.log, request.start[0]))
    n, acc = request.start
    rows = []
    for line in lines:
        n, acc = n + 1, next_acc(acc, line.hash)
        rows.append((n, line.hash, acc))
    if (n, acc) != request.end:
        raise CursorMismatch(request.start, refused_after(replica, child, request.log, request.start[0]))
    return rows


def take_up(intake: Intake, child: Child, request: Request, lines: Sequence[Incoming], source: Source = "up") -> None:
    """Moves the cursor of a link over its lines and stores them. Raises CursorMismatch before anything is written.

    A log never seen is a fresh disk's, or one's that went back: it goes on from a point known on this link, and what
    came over the link beyond that point is owed to it.
    """
    db = intake.db
    rows = fold(intake.replica, child, request, lines)
    if log.in_tip(db, child.link, request.log) is None:
        owed.note(db, child.link, request.log, inlog.begin(db, child.link, request.log, request.start))
    log.append_in(db, child.link, request.log, rows)
    owed.settle(db, child.link, request.log, [row[1] for row in rows])
    _owe_successor(intake, child, lines)
    for (n, _, _), line in zip(rows, lines, strict=True):
        if line.event is not None:
            intake.add(line.event, source)
        else:
            set_aside(intake, child.link, request.log, n, line)


def _owe_successor(intake: Intake, child: Child, lines: Sequence[Incoming]) -> None:
    """A late stick of a lost node is taken in like its exchange: who speaks over the link now is handed what is new."""
    db = intake.db
    spoke = db.execute("SELECT 1 FROM link WHERE link = ? AND node <> ?", [child.link, child.node]).fetchone()
    if spoke is not None and directory.newest_node(db, child.unit) != child.node:
        new = [line.hash for line in lines if line.event is not None and log.held(db, line.hash) is None]
        owed.note(db, child.link, owed.ANY_LOG, new)


def refused_after(replica: Replica, child: Child, log_id: str, n: int) -> list[list[object]]:
    """[n, hash, code] of the lines of a log behind n that were set aside."""
    rows = replica.db.execute(
        "SELECT n, hash, code FROM refused WHERE link = ? AND log = ? AND n > ? ORDER BY n LIMIT ?",
        [child.link, log_id, n, MAX_REFUSED_LISTED],
    )
    return [list(row) for row in rows]


def set_aside(intake: Intake, link: str, log_id: str, n: int, line: Incoming) -> None:
    """Keeps a line that fails, and says so to its writer in an event of our own, over all hops."""
    db, me = intake.db, intake.me
    before = db.execute("SELECT 1 FROM refused WHERE hash = ? AND by = ? LIMIT 1", [line.hash, me.node]).fetchone()
    db.execute(
        "INSERT INTO refused (link, log, n, hash, code, by, line, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        [link, log_id, n, line.hash, line.code or "bad_sig", me.node, line.raw, intake.now_ms],
    )
    chain = _chain_in(line.raw)
    if chain is not None and not before and not log.held(db, line.hash):
        refusals.tell_writer(intake, line.hash, line.code or "bad_sig", chain)


def _chain_in(raw: str) -> str | None:
    fields = raw.partition('"')[2].partition('"')[0].split("\\t")
    return fields[1] if len(fields) > 1 and CHAIN.fullmatch(fields[1]) else None
