"""What a hostile middle level does to what goes through its hands: its own database, changed behind its own program."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Final

from crafted import signed

from builders import CITY, TODAY, Node
from schemas.encoding import b64
from schemas.events import Part, header_hash, next_acc
from schemas.marks import Mark
from sync import log

Trick = Callable[[Node, Random, list[str]], bool]
MARK_IS_AHEAD_MS: Final = 60_000


def drop(evil: Node, random: Random, _others: list[str]) -> bool:
    """An event from below never goes up."""
    waiting = _unsent(evil)
    foreign = [at for at, n in enumerate(waiting) if _is_foreign(evil, n)]
    if not foreign:
        return False
    del waiting[random.choice(foreign)]
    _offer(evil, waiting)
    return True


def reorder(evil: Node, random: Random, _others: list[str]) -> bool:
    """What waits goes up in another order."""
    waiting = _unsent(evil)
    if len(waiting) < 2:
        return False
    random.shuffle(waiting)
    _offer(evil, waiting)
    return True


def replay(evil: Node, random: Random, _others: list[str]) -> bool:
    """What went up before goes up again."""
    rows = evil.db.execute("SELECT DISTINCT event FROM uplog ORDER BY event").fetchall()
    _offer(evil, _unsent(evil) + [row[0] for row in random.sample(rows, min(3, len(rows)))])
    return True


def alter(evil: Node, random: Random, _others: list[str]) -> bool:
    """An event from below says something else: facts or header, with a hash that fits or without."""
    waiting = _unsent(evil)
    foreign = [at for at, n in enumerate(waiting) if _is_foreign(evil, n, "chk")]
    if not foreign:
        return False
    at = random.choice(foreign)
    n = waiting[at]
    (text,) = evil.db.execute("SELECT text FROM part WHERE event = ? AND name = 'pub'", [n]).fetchone()
    if text is None:
        return False
    if random.random() < 0.3:  # the bytes alone
        evil.db.execute("UPDATE part SET text = ? WHERE event = ? AND name = 'pub'", [text + " ", n])
    elif random.random() < 0.3:  # the facts cut out: every hash fits
        evil.db.execute("UPDATE part SET text = NULL, salt = NULL WHERE event = ? AND name = 'pub'", [n])
    else:
        waiting[at] = _forged(evil, n, lambda fields: [*fields[:6], str(TODAY - timedelta(days=40)), *fields[7:]])
    _offer(evil, waiting)
    return True


def invent(evil: Node, random: Random, others: list[str]) -> bool:
    """Events that nobody wrote: in the name of a node below, with a signature of its own; of units that are not its."""
    rows = evil.db.execute("SELECT n FROM event WHERE node <> ? AND kind = 'chk'", [evil.replica.identity.node])
    below = [row[0] for row in rows.fetchall() if _is_foreign(evil, row[0], "chk")]
    if below and random.random() < 0.5:
        n = random.choice(below)
        forged = _forged(evil, n, lambda fields: [*fields[:2], str(int(fields[2]) + 50), *fields[3:]], sign=True)
        _offer(evil, [*_unsent(evil), forged])
        return True
    unit = random.choice(others)
    kind, schema, public = random.choice(
        (
            ("chk", "chk/1", {"result": "zero", "amends": None}),
            ("cert", "cert/1", {"unit": unit, "node": "a" * 26, "key": b64(bytes(32)), "level": "township"}),
            ("rev", "rev/1", {"node": "a" * 26, "positions": [], "void": []}),
            ("dir", "dir/1", {"no": 1, "acts": [{"act": "close", "unit": unit, "date": "2026-11-01"}]}),
        )
    )
    signed(evil, kind=kind, schema=schema, unit=CITY if kind == "dir" else unit, day=TODAY, public=public)
    return True


def forge_mark(evil: Node, _random: Random, _others: list[str]) -> bool:
    """A word of the city that the city never signed."""
    me, now = evil.replica.identity, evil.env.now_ms()
    row = evil.db.execute("SELECT node FROM node_cert WHERE level = 'city'").fetchone()
    chains = evil.db.execute("SELECT chain, top, tips FROM chain WHERE side = 'below' AND node <> ?", [me.node])
    for chain, top, tips in chains.fetchall():
        line = Mark(chain, now + MARK_IS_AHEAD_MS, row[0], tuple(tips.split(",")), ()).text()
        evil.db.execute(
            "INSERT INTO mark (chain, by, top, at, line, sig) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [chain, row[0], top, now + MARK_IS_AHEAD_MS, line, evil.replica.signer.sign("mark", line.encode("ascii"))],
        )
    return True


def alter_down(evil: Node, random: Random, _others: list[str]) -> bool:
    """What the city published says something else when it goes on down."""
    rows = evil.db.execute(
        "SELECT d.event FROM downlog d JOIN event e ON e.n = d.event WHERE e.kind = 'dir' ORDER BY d.n DESC LIMIT 3"
    ).fetchall()
    if not rows:
        return False
    n = random.choice(rows)[0]
    (text,) = evil.db.execute("SELECT text FROM part WHERE event = ? AND name = 'pub'", [n]).fetchone()
    changed = str(text).replace('"rename"', '"close"')
    evil.db.execute("UPDATE part SET text = ? WHERE event = ? AND name = 'pub'", [changed, n])
    return changed != text


TRICKS: Final[dict[str, Trick]] = {
    "drop": drop, "reorder": reorder, "replay": replay, "alter": alter, "invent": invent, "forge_mark": forge_mark,
    "alter_down": alter_down,
}  # fmt: skip


def _unsent(evil: Node) -> list[int]:
    """The events that its parent has not acknowledged yet, in the order of the up log."""
    rows = evil.db.execute(
        "SELECT u.event FROM uplog u JOIN link l ON l.link = ? WHERE u.n > l.hint ORDER BY u.n", [evil.replica.link_up]
    )
    return [row[0] for row in rows.fetchall()]


def _offer(evil: Node, events: list[int]) -> None:
    """Makes the up log go on with these."""
    (hint,) = evil.db.execute("SELECT hint FROM link WHERE link = ?", [evil.replica.link_up]).fetchone()
    evil.db.execute("DELETE FROM uplog WHERE n > ?", [hint])
    acc = log.up_acc(evil.db, hint) or log.START[1]
    for at, n in enumerate(events, hint + 1):
        (event_hash,) = evil.db.execute("SELECT hash FROM event WHERE n = ?", [n]).fetchone()
        acc = next_acc(acc, event_hash)
        evil.db.execute("INSERT INTO uplog (n, event, acc) VALUES (?, ?, ?)", [at, n, acc])


def _is_foreign(evil: Node, n: int, kind: str | None = None) -> bool:
    """Whether a node below wrote it."""
    row = evil.db.execute(
        "SELECT e.kind FROM event e JOIN chain c ON c.chain = e.chain WHERE e.n = ? AND e.node <> ?"
        " AND c.side = 'below' AND e.standing = 'ok'",
        [n, evil.replica.identity.node],
    ).fetchone()
    return row is not None and kind in (None, row[0])


def _forged(evil: Node, n: int, change: Callable[[list[str]], list[str]], *, sign: bool = False) -> int:
    """A copy of an event with another header, whose hash fits; the old signature, or its own."""
    header, signature = evil.db.execute("SELECT header, sig FROM event WHERE n = ?", [n]).fetchone()
    line = "\t".join(change(header.split("\t")))
    if sign:
        signature = evil.replica.signer.sign("event", line.encode("ascii"))
    fields = line.split("\t")
    known = evil.db.execute("SELECT n FROM event WHERE hash = ?", [header_hash(line)]).fetchone()
    if known is not None:
        return int(known[0])
    cursor = evil.db.conn.execute(
        "INSERT INTO event (hash, chain, seq, prev, node, kind, unit, header, sig, standing, received_at)"
        " SELECT ?, chain, ?, prev, node, kind, unit, ?, ?, 'bad_scope', received_at FROM event WHERE n = ?",
        [header_hash(line), int(fields[2]), line, signature, n],
    )
    copy = cursor.lastrowid
    assert copy is not None
    parts = evil.db.execute("SELECT name, salt, text, hash FROM part WHERE event = ? ORDER BY place", [n]).fetchall()
    for place, part in enumerate(Part(*row) for row in parts):
        evil.db.execute(
            "INSERT INTO part (event, place, name, salt, text, hash) VALUES (?, ?, ?, ?, ?, ?)",
            [copy, place, part.name, part.salt, part.text, part.hash],
        )
    return copy
