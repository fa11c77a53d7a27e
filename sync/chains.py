"""Chains: what each one's tips and gaps are here, and writing the next event of the own one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Final

from sqlite_utils import Database

from schemas.encoding import INCARNATION_CHARS, b32
from schemas.events import FIRST, SALT_BYTES, Event, Header, Part, header_hash, parts_hash
from schemas.strict_json import dumps
from sync.directory import acts_held
from sync.keys import Signer
from sync.replica import Replica

INC_KIND: Final = "inc"
INC_SCHEMA: Final = "inc/1"


def note(db: Database, event: Event, side: str, now_ms: int, *, wants_mark: bool) -> None:
    """Takes a newly stored event into its chain's tips and gaps, and remembers since when the city has to mark it."""
    h = event.header
    behind = now_ms if wants_mark else None
    row = db.execute("SELECT tips, gaps, forked FROM chain WHERE chain = ?", [h.chain]).fetchone()
    if row is None:
        gaps = "" if h.prev == FIRST else h.prev
        db.conn.execute(
            "INSERT INTO chain (chain, node, side, top, tips, gaps, behind_since) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (h.chain, h.node, side, h.seq, event.hash, gaps, behind),
        )
        return
    tips, gaps, forked = row
    if tips != h.prev or gaps:
        tips, gaps, forked = _joined(db, event, set(tips.split(",")), set(filter(None, gaps.split(","))), forked)
    else:
        tips = event.hash
    db.conn.execute(
        "UPDATE chain SET top = MAX(top, ?), tips = ?, gaps = ?, forked = ?, behind_since = COALESCE(behind_since, ?),"
        " side = CASE WHEN side = 'above' THEN ? ELSE side END WHERE chain = ?",
        (h.seq, tips, gaps, forked, behind, side, h.chain),
    )


def is_below(db: Database, chain: str) -> bool:
    """Whether the chain has come up from below before."""
    return bool(db.execute("SELECT 1 FROM chain WHERE chain = ? AND side = 'below'", [chain]).fetchone())


def is_told(db: Database, event_hash: str) -> bool:
    """Whether a gap is accounted for: the line was set aside, here or above, and is listed."""
    known = "SELECT 1 FROM refused WHERE hash = ? UNION ALL SELECT 1 FROM refusal WHERE hash = ? LIMIT 1"
    return db.execute(known, [event_hash, event_hash]).fetchone() is not None


def _joined(db: Database, event: Event, tips: set[str], gaps: set[str], forked: int) -> tuple[str, str, int]:
    """The slow path: an event that is not simply the next one."""
    h = event.header
    gaps.discard(event.hash)
    before = db.execute("SELECT seq FROM event WHERE hash = ?", [h.prev]).fetchone()
    if h.prev in tips:
        tips.discard(h.prev)
    elif h.prev != FIRST and before is None:
        gaps.add(h.prev)
    followed = db.execute("SELECT 1 FROM event WHERE prev = ? LIMIT 1", [event.hash]).fetchone()
    if not followed:
        tips.add(event.hash)
    same_seq = db.execute("SELECT COUNT(*) FROM event WHERE chain = ? AND seq = ?", [h.chain, h.seq]).fetchone()[0]
    if same_seq > 1 or _replaces_held(db, h) or _is_passed_over(db, h, event.hash):
        forked = 1
    return ",".join(sorted(tips)), ",".join(sorted(gaps)), forked


def _replaces_held(db: Database, h: Header) -> bool:
    """A `prev` that is not the held event at seq-1, when one is held: a fork whose other branch lost its end."""
    rows = db.execute("SELECT hash FROM event WHERE chain = ? AND seq = ?", [h.chain, h.seq - 1]).fetchall()
    return bool(rows) and h.prev not in {row[0] for row in rows}


def _is_passed_over(db: Database, h: Header, event_hash: str) -> bool:
    """The same fork, the other branch having come first."""
    rows = db.execute("SELECT prev FROM event WHERE chain = ? AND seq = ?", [h.chain, h.seq + 1]).fetchall()
    return any(row[0] != event_hash for row in rows)


def new_chain(node: str, random_bytes: Callable[[int], bytes]) -> str:
    """A chain name with a fresh random incarnation."""
    return f"{node}.{b32(random_bytes(5))[:INCARNATION_CHARS]}"


def compose(
    signer: Signer,
    salt: Callable[[int], bytes],
    header: Header,
    public: object,
    private: object | None = None,
    sealed: str | None = None,
) -> Event:
    """A signed event: the header with its `phash` filled in, the payload as parts."""
    texts = [("pub", dumps(public))] + ([("per", dumps(private))] if private is not None else [])
    texts += [("sealed", sealed)] if sealed is not None else []
    parts = tuple(Part.of(name, salt(SALT_BYTES), text) for name, text in texts)
    whole = replace(header, phash=parts_hash(parts))
    line = whole.text()
    return Event(line, whole, signer.sign("event", line.encode("ascii")), parts, header_hash(line))


def sign_next(
    replica: Replica,
    *,
    kind: str,
    schema: str,
    unit: str,
    day: date,
    now_ms: int,
    public: object,
    private: object | None = None,
    sealed: str | None = None,
) -> Event:
    """The next event of the own chain, signed. The caller stores it in the same transaction."""
    db = replica.db
    chain, seq, head = db.execute("SELECT chain, seq, head FROM node_state").fetchone()
    header = Header(chain, seq + 1, head, kind, unit, day.isoformat(), now_ms, acts_held(db), schema, "")
    event = compose(replica.signer, replica.env.random_bytes, header, public, private, sealed)
    db.conn.execute("UPDATE node_state SET seq = ?, head = ?", (seq + 1, event.hash))
    return event
