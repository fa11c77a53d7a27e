"""The dated tree as this node holds it: the directory acts that the city published, and the certificates."""

from __future__ import annotations

from datetime import date
from typing import Final, cast

from sqlite_utils import Database

from schemas.errors import Corrupt
from schemas.events import payload
from schemas.strict_json import Json, dumps, loads
from schemas.units.tree import Act, Tree
from sync.replica import Replica, Stored

KIND = "dir"
SCHEMA = "dir/1"


def tree_of(replica: Replica) -> Tree:
    """The dated tree at the directory version that the database holds now; shared by the threads of a process."""
    (version,) = replica.db.execute("SELECT version FROM directory_state").fetchone()
    if replica.shared.version != version:
        acts = acts_of(replica.db)
        # One assignment each, tree first: a reader sees an older pair at worst and compares the version again.
        replica.shared.tree, replica.shared.version = Tree(acts), version
    return replica.shared.tree


def acts_of(db: Database) -> list[tuple[tuple[int, str, int], Act]]:
    """Every act held with its sort key: the city's number, then the event's hash and place."""
    rows = db.execute("SELECT act, no, event, place FROM directory_act").fetchall()
    read = [((no, event, place), act_from(loads(text))) for text, no, event, place in rows]
    return [(key, act) for key, act in read if act is not None]


def act_from(value: Json) -> Act | None:
    """One act as published, its date read; None for what has no readable date (a later version's, perhaps)."""
    if not isinstance(value, dict):
        return None
    try:
        day = date.fromisoformat(str(value.get("date")))
    except ValueError:
        return None
    return cast(Act, {**value, "date": day})


def act_json(act: Act) -> dict[str, object]:
    """One act as it is published."""
    return {**act, "date": act["date"].isoformat()}


def acts_held(db: Database) -> int:
    """How many directory acts are held; a header's `ctx`."""
    return int(db.execute("SELECT acts FROM directory_state").fetchone()[0])


def take_in(db: Database, stored: Stored) -> bool:
    """Keeps the acts of one `dir` event. Returns whether there were any."""
    try:
        value = payload(stored.event)
    except Corrupt:  # kept and sent on; what can't be read has no effect
        return False
    acts, first = value.get("acts"), value.get("no")
    if not isinstance(acts, list) or not isinstance(first, int):
        return False
    rows = [(stored.event.hash, place, first + place, dumps(act)) for place, act in enumerate(acts)]
    db.conn.executemany("INSERT INTO directory_act (event, place, no, act) VALUES (?, ?, ?, ?)", rows)
    _count(db, len(rows), stored.event.hash)
    return bool(rows)


def _count(db: Database, more: int, event_hash: str) -> None:
    """The version names what is held, not when it came: a sum over event hashes, the same for every order."""
    (version,) = db.execute("SELECT version FROM directory_state").fetchone()
    merged = int(version or "0", 16) ^ int.from_bytes(event_hash.encode("ascii")[:16])
    db.execute("UPDATE directory_state SET acts = acts + ?, version = ?", [more, f"{merged:x}"])


def unit_of(db: Database, node: str) -> tuple[str, str] | None:
    """(unit, level) of a node's certificate that has effect, or None."""
    row = db.execute("SELECT unit, level FROM node_cert WHERE node = ? ORDER BY event LIMIT 1", [node]).fetchone()
    return (row[0], row[1]) if row else None


# A revocation counts for the unit that it names, whichever of it and the certificate came first.
_VOID: Final = "SELECT 1 FROM revocation r WHERE r.node = c.node AND r.unit = c.unit"


def is_revoked(db: Database, node: str) -> bool:
    """Whether a revocation of the node has effect here."""
    return db.execute(f"SELECT 1 FROM node_cert c WHERE c.node = ? AND EXISTS ({_VOID})", [node]).fetchone() is not None


def may_have(replica: Replica, author: str, child_unit: str) -> bool:
    """Whether a child may be handed what this node wrote: it is, or ever was, below it; nobody reads a sibling's."""
    found = unit_of(replica.db, author)
    return found is not None and tree_of(replica).ever_below(found[0], child_unit)


def live_nodes(db: Database, unit: str) -> list[str]:
    """The nodes that are certified for a unit and not revoked."""
    sql = f"SELECT DISTINCT node FROM node_cert c WHERE unit = ? AND NOT EXISTS ({_VOID}) ORDER BY node"
    return [row[0] for row in db.execute(sql, [unit])]


def newest_node(db: Database, unit: str) -> str | None:
    """Of the nodes certified for a unit and not known to be revoked, the one whose certificate came last."""
    row = db.execute(
        f"SELECT c.node FROM node_cert c JOIN event e ON e.hash = c.event WHERE c.unit = ? AND NOT EXISTS ({_VOID})"
        " ORDER BY e.n DESC LIMIT 1",
        [unit],
    ).fetchone()
    return row[0] if row else None


def certified_units(db: Database) -> frozenset[str]:
    """Units that have a node of their own, one that is not revoked."""
    return frozenset(row[0] for row in db.execute(f"SELECT DISTINCT unit FROM node_cert c WHERE NOT EXISTS ({_VOID})"))


def host_of(tree: Tree, certified: frozenset[str], unit: str, day: date) -> str | None:
    """The unit whose node serves this one: itself, else its nearest ancestor with a node (2-domain, Host)."""
    return next((one for one in tree.ancestors(unit, day) if one in certified), None)


def parent_host(tree: Tree, certified: frozenset[str], unit: str, day: date) -> str | None:
    """The unit whose node a unit's own node syncs to: its nearest ancestor with a node."""
    return next((one for one in tree.ancestors(unit, day)[1:] if one in certified), None)
