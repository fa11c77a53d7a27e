"""Marks in the database: signing them for chains below, relaying the newest ones, reading how far a record came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlite_utils import Database

from schemas.encoding import b64, unb64
from schemas.errors import Corrupt
from schemas.marks import MAX_TIPS, Mark, parse_mark
from schemas.strict_json import Json
from sync import directory, owed
from sync.certificates import key_of
from sync.keys import SIGNATURE_BYTES, verify
from sync.replica import CITY, Replica

MAX_CHAINS_ASKED: Final = 50
UNKNOWN_TOP: Final = 0
# From one level to the next by the index: a chain has a mark for each exchange that brought something, for ever.
_NEWEST: Final = (
    "WITH RECURSIVE level (by) AS (SELECT MIN(by) FROM mark WHERE chain = ? UNION ALL"
    " SELECT (SELECT MIN(m.by) FROM mark m WHERE m.chain = ? AND m.by > level.by) FROM level WHERE by IS NOT NULL)"
    " SELECT m.line, m.sig FROM level JOIN mark m ON m.chain = ? AND m.by = level.by"
    " AND m.at = (SELECT MAX(x.at) FROM mark x WHERE x.chain = ? AND x.by = level.by) ORDER BY m.by"
)


def sign_marks(replica: Replica, chains: Iterable[str], now_ms: int) -> None:
    """Signs this level's word for each chain from below that got something new."""
    db, me = replica.db, replica.identity.node
    for chain in sorted(chains):
        top, tips, gaps = db.execute("SELECT top, tips, gaps FROM chain WHERE chain = ?", [chain]).fetchone()
        listed = tuple(tips.split(","))[:MAX_TIPS]
        (last,) = db.execute("SELECT MAX(at) FROM mark WHERE chain = ? AND by = ?", [chain, me]).fetchone()
        # The newest mark is the one with the latest instant: so it never goes back, whatever the clock does.
        at = now_ms if last is None else max(now_ms, last + 1)
        mark = Mark(chain, at, me, listed, tuple(filter(None, gaps.split(",")))[:MAX_TIPS])
        line = mark.text()
        _keep(db, mark, top, line, replica.signer.sign("mark", line.encode("ascii")))


def chains_to_ask(db: Database) -> list[str]:
    """Chains of the own subtree whose head the city has not marked, oldest first, at most 50."""
    rows = db.execute(
        "SELECT chain FROM chain WHERE behind_since IS NOT NULL ORDER BY behind_since, chain LIMIT ?",
        [MAX_CHAINS_ASKED],
    )
    return [row[0] for row in rows]


def newest(db: Database, chains: Sequence[str]) -> list[list[str]]:
    """The newest mark of each level for each chain, as [line, signature] to be relayed."""
    found: list[list[str]] = []
    for chain in chains[:MAX_CHAINS_ASKED]:
        rows = db.execute(_NEWEST, [chain] * 4)
        found += [[line, b64(signature)] for line, signature in rows]
    return found


def pass_on(replica: Replica, chains: Sequence[str], now_ms: int) -> None:
    """A child asks for marks that this level lacks too, though it waits for none: then it asks its own parent."""
    db = replica.db
    for chain in [] if replica.identity.is_top else chains:
        row = db.execute("SELECT tips, gaps FROM chain WHERE chain = ? AND behind_since IS NULL", [chain]).fetchone()
        if row is not None and not _city_has(db, chain, set(row[0].split(",")), set(row[1].split(","))):
            db.execute("UPDATE chain SET behind_since = ? WHERE chain = ?", [now_ms, chain])


def _city_has(db: Database, chain: str, tips: set[str], gaps: set[str]) -> bool:
    for line, _signature in db.execute(_NEWEST, [chain] * 4).fetchall():
        mark = parse_mark(line)
        if _is_of_the_city(db, mark) and tips <= set(mark.tips) and set(mark.gaps) <= gaps:
            return True
    return False


def take_in(replica: Replica, relayed: Iterable[Json]) -> int:
    """Keeps marks that a parent relayed: of chains held here, signed by a node above. Returns how many were new."""
    kept = 0
    for item in relayed:
        mark, line, signature = _read(item)
        if mark is None or not _is_from_above(replica, mark, line, signature):
            continue
        rows = replica.db.execute(
            f"SELECT hash, seq FROM event WHERE chain = ? AND hash IN ({','.join('?' * len(mark.tips))})",
            [mark.chain, *mark.tips],
        ).fetchall()
        # Of the own chain another disk went on, or this one went back; what is from below a file carried past us.
        if mark.chain[:26] == replica.identity.node or _is_of_the_city_for_below(replica, mark):
            lacking = set(mark.tips) - {row[0] for row in rows}
            owed.want(replica.db, sorted(lacking), at=mark.at)
        if not rows and not _is_kept_chain(replica.db, mark.chain):
            continue
        # A mark of tips that are not held here says nothing of what is; it is passed on to whom it may concern.
        kept += _keep(replica.db, mark, max((row[1] for row in rows), default=UNKNOWN_TOP), line, signature)
        if _is_of_the_city(replica.db, mark):
            _settle(replica.db, mark)
    return kept


def _is_of_the_city(db: Database, mark: Mark) -> bool:
    found = directory.unit_of(db, mark.by)
    return found is not None and found[1] == CITY


def _is_of_the_city_for_below(replica: Replica, mark: Mark) -> bool:
    waited = "SELECT 1 FROM chain WHERE chain = ? AND side = 'below' AND behind_since IS NOT NULL"
    waits = replica.db.execute(waited, [mark.chain]).fetchone() is not None
    return waits and _is_of_the_city(replica.db, mark)


def reached(db: Database, chain: str, seq: int, event_hash: str, disputed: bool) -> dict[str, int]:
    """{node: instant} of every node whose mark covers this event. `disputed`: somebody set the event aside, so marks
    that name it as a gap don't count.
    """
    if not disputed:
        rows = db.execute("SELECT by, MIN(at) FROM mark WHERE chain = ? AND top >= ? GROUP BY by", [chain, seq])
        return {row[0]: row[1] for row in rows}
    rows = db.execute("SELECT by, at, line FROM mark WHERE chain = ? AND top >= ? ORDER BY at", [chain, seq])
    found: dict[str, int] = {}
    for by, at, line in rows:
        if event_hash in parse_mark(line).gaps:
            continue
        found.setdefault(by, at)
    return found


def newest_instant(db: Database) -> int | None:
    """The latest instant that any held mark names; one of the clocks that tell what lies in the future."""
    return db.execute("SELECT MAX(at) FROM mark").fetchone()[0]  # type: ignore[no-any-return]


def _is_kept_chain(db: Database, chain: str) -> bool:
    return db.execute("SELECT 1 FROM chain WHERE chain = ?", [chain]).fetchone() is not None


def _keep(db: Database, mark: Mark, top: int, line: str, signature: bytes) -> int:
    return int(
        db.execute(
            "INSERT INTO mark (chain, by, top, at, line, sig) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (chain, by, at) DO UPDATE SET top = excluded.top WHERE mark.top = ? AND excluded.top <> ?",
            [mark.chain, mark.by, top, mark.at, line, signature, UNKNOWN_TOP, UNKNOWN_TOP],
        ).rowcount
    )


def _settle(db: Database, mark: Mark) -> None:
    """The city has all that is held here: every tip, and what it lacks on the way there is lacking here too."""
    row = db.execute("SELECT tips, gaps FROM chain WHERE chain = ?", [mark.chain]).fetchone()
    if row is not None and set(row[0].split(",")) <= set(mark.tips) and set(mark.gaps) <= set(row[1].split(",")):
        db.execute("UPDATE chain SET behind_since = NULL WHERE chain = ?", [mark.chain])


def _read(item: Json) -> tuple[Mark | None, str, bytes]:
    match item:
        case [str(line), str(signature)]:
            try:
                return parse_mark(line), line, unb64(signature, SIGNATURE_BYTES)
            except (Corrupt, ValueError):
                return None, line, b""
        case _:
            return None, "", b""


def _is_from_above(replica: Replica, mark: Mark, line: str, signature: bytes) -> bool:
    key = key_of(replica.db, mark.by)
    if key is None or mark.by == replica.identity.node or not verify(key, "mark", line.encode("ascii"), signature):
        return False
    found = directory.unit_of(replica.db, mark.by)
    return found is not None and directory.tree_of(replica).ever_below(replica.identity.unit, found[0])
