"""A node's key is renewed while the node lives (decision 0011). With its last word the old key certifies the new one;
the parent, once it has all that the old key signed, ends the old key there and certifies the new one itself.
"""

from __future__ import annotations

from sqlite_utils import Database

from schemas.errors import Conflict, Invalid
from sync import chains, directory, heads, inlog, issuing, trails
from sync.certificates import key_of
from sync.database import write
from sync.intake import Intake
from sync.keys import Signer
from sync.replica import Replica


def renew(replica: Replica, fresh: Signer) -> str:
    """From now on this node signs with a new key, which `Replica.keys` must give already; its last word with the old
    one certifies it. Returns the new node id. Raises Conflict while the parent has not confirmed an earlier renewal, or
    while a restored copy waits for its head; Invalid at the top, where only the root can say so.
    """
    db, me, now = replica.db, replica.identity, replica.env.now_ms()
    if me.is_top:
        raise Invalid("renew_top", field="--data", value=me.unit)
    with write(db, "enrol", replica.env):
        if heads.is_awaited(db):
            raise Conflict("renew_restored", field="--data", value=me.unit)
        if predecessor(db, me.node) is not None:
            raise Conflict("renew_unconfirmed", field="--data", value=me.unit)
        replica.app.note(replica, "key_renewed", unit=me.unit, subject=fresh.node)
        before = Intake(replica, now)
        issuing.certify(before, me.unit, fresh.node, fresh.public, me.level, [me.node])
        before.finish()
        head = step_over(replica, fresh)
        after = Intake(replica, now)
        after.begin_chain(head)
        after.finish()
    return fresh.node


def predecessor(db: Database, node: str) -> tuple[str, str, str] | None:
    """(unit, earlier node, certificate) of a node that only the earlier node of its unit certified."""
    rows = db.execute(
        "SELECT c.unit, c.issuer, c.event, EXISTS"
        " (SELECT 1 FROM node_cert o WHERE o.node = c.issuer AND o.unit = c.unit) FROM node_cert c WHERE c.node = ?",
        [node],
    ).fetchall()
    return (rows[0][0], rows[0][1], rows[0][2]) if rows and all(row[3] for row in rows) else None


def step_over(replica: Replica, fresh: Signer) -> list[object]:
    """From here on this node is the one of the new key, whose chain has no event yet. Returns the head that it takes up
    from.
    """
    db = replica.db
    chain, seq, head = db.execute("SELECT chain, seq, head FROM node_state").fetchone()
    new = chains.new_chain(fresh.node, replica.env.random_bytes)
    db.execute("UPDATE node_state SET node = ?, chain = ?, seq = 0, head = '-', awaited = NULL", [fresh.node, new])
    trails.renew_own(db, replica.identity)
    return [chain, seq, head]


def confirm(intake: Intake, node: str) -> None:
    """A child speaks with a new key, on the old one's word alone: once all is here that it wrote before, the old key
    ends with that word, and the new one is certified from here.
    """
    db, replica = intake.db, intake.replica
    found, key = predecessor(db, node), key_of(db, node)
    if found is None or key is None or heads.is_awaited(db):
        return
    unit, earlier, certificate = found
    # Its first event comes behind all that was written with the old key; a stick may bring the end of a log alone.
    first = db.execute("SELECT hash FROM event WHERE node = ? AND seq = 1", [node]).fetchone()
    if first is None or not inlog.came_over(db, replica.link_to(unit), first[0]):
        return
    if not directory.is_revoked(db, earlier):
        issuing.revoke(intake, unit, earlier, certificate)
    issuing.certify(intake, unit, node, key, directory.tree_of(replica).level(unit), [earlier])
