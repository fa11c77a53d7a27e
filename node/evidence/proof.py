"""What proves one event, checked at this moment: its bytes, its signature, the certificates up to the city's root key,
its place in its chain, and the marks of the levels above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from node.evidence import proof_queries as queries
from node.evidence import records
from node.evidence.proof_queries import Neighbour, Raw
from node.evidence.records import Path
from schemas.encoding import b64
from schemas.errors import Corrupt, NotFound
from schemas.events import FIRST, PRIVATE, Part, parts_json
from schemas.marks import parse_mark
from schemas.strict_json import dumps
from schemas.units.tree import LEVELS
from sync import certificates, chains, marks
from sync.certificates import key_of, sound
from sync.keys import verify
from sync.replica import Replica
from sync.trails import MAX_CERTIFICATES

CHECKS: Final = ("content", "signature", "certificate", "chain", "marks")
# Every outcome of every check; each has its sentence in the catalogues under `evidence.`.
OUTCOMES: Final = (
    "content_ok", "content_bad", "signature_ok", "signature_bad", "signature_no_key", "certificate_ok",
    "certificate_root", "certificate_missing", "certificate_bad", "certificate_scope", "certificate_revoked",
    "chain_ok", "chain_first", "chain_last", "chain_gap", "chain_fork", "chain_bad", "marks_all", "marks_waiting",
    "marks_top", "marks_bad",
)  # fmt: skip
_BYTES: Final = ("unreadable", "bad_hash", "bad_parts")


@dataclass(frozen=True, slots=True)
class Check:
    """One of CHECKS: `ok` is None where it can't be said yet; `outcome` one of OUTCOMES, `params` for its sentence."""

    name: str
    ok: bool | None
    outcome: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Certificate:
    """One link of the way from the writer's key to the root's: who is certified for what, by whom, whether its bytes
    hold now.
    """

    event: str
    node: str
    unit: str
    level: str
    issuer: str
    standing: str
    received_at: int
    intact: bool


@dataclass(frozen=True, slots=True)
class Station:
    """A level above that signed for the event: its node, and whether the signature of its mark holds now."""

    unit: str
    node: str
    at: int
    signature: bytes
    holds: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """All that is known for and against one event; `trail` from the writer's certificate to the root's first."""

    raw: Raw
    parts: tuple[Part, ...]
    checks: tuple[Check, ...]
    before: Neighbour | None
    after: tuple[Neighbour, ...]
    trail: tuple[Certificate, ...]
    root: str
    stations: tuple[Station, ...]
    path: Path
    refusals: tuple[tuple[str, str, int], ...]

    def line(self) -> str:
        """The event's line as it travels, with private texts withheld: whoever has it can check hash and signature."""
        shown = [part.withheld() if part.name in PRIVATE else part for part in self.parts]
        return dumps([self.raw.header, b64(self.raw.signature), parts_json(shown)])


def prove(replica: Replica, event: str) -> Proof:
    """One event with what proves it, checked now. Raises NotFound when it is not held."""
    db = replica.db
    raw = queries.raw(db, event)
    if raw is None:
        raise NotFound("unknown_event", field="event", value=event)
    parts = queries.parts(db, raw.n)
    path = records.path_of(replica, event)
    refusals = queries.refusals_of(db, event)
    trail = _trail(replica, raw.node)
    stations = _stations(replica, raw, disputed=bool(refusals))
    before = None if raw.prev == FIRST else queries.before(db, raw.prev)
    after = queries.after(db, raw.chain, raw.seq, event)
    checks = (
        *_bytes(replica, raw, parts),
        _certified(replica, raw, trail),
        _chained(replica, raw, before, after),
        _marked(replica, path, stations),
    )
    return Proof(
        raw, parts, checks, before, tuple(after), tuple(trail), replica.identity.root_node, tuple(stations), path,
        tuple(refusals),
    )  # fmt: skip


def proof_json(found: Proof) -> dict[str, Any]:
    """What the API adds to an event: `{checks, next, certificates}`."""
    return {
        "checks": [{"name": one.name, "ok": one.ok, "outcome": one.outcome} for one in found.checks],
        "next": [one.hash for one in found.after],
        "certificates": [
            {"event": one.event, "node": one.node, "unit": one.unit, "level": one.level, "issuer": one.issuer,
             "standing": one.standing, "verified": one.intact}
            for one in found.trail
        ],
    }  # fmt: skip


def _bytes(replica: Replica, raw: Raw, parts: Sequence[Part]) -> tuple[Check, Check]:
    """Whether parts and header fit each other and the hash, and the signature the key that the chain names."""
    fault = sound(raw.header, raw.signature, parts, raw.hash, lambda node: key_of(replica.db, node))
    bad = fault in _BYTES
    content = Check("content", not bad, "content_bad" if bad else "content_ok")
    key = key_of(replica.db, raw.node)
    if key is None:
        return content, Check("signature", None, "signature_no_key", {"node": raw.node})
    line = raw.header.encode("ascii", "backslashreplace")
    holds = certificates.fits(key, raw.node) and verify(key, "event", line, raw.signature)
    return content, Check("signature", holds, "signature_ok" if holds else "signature_bad")


def _trail(replica: Replica, node: str) -> list[Certificate]:
    """The certificates from a node's own up to one that the root issued, or as far as they are held."""
    found: list[Certificate] = []
    root = replica.identity.root_node
    while node != root and len(found) < MAX_CERTIFICATES:
        row = queries.certificate_of(replica.db, node)
        if row is None or any(one.node == node for one in found):
            break
        event, unit, level, issuer, standing, received_at = row
        intact = certificates.intact(replica.db, event)
        found.append(Certificate(event, node, unit, level, issuer, standing, received_at, intact))
        node = issuer
    return found


def _certified(replica: Replica, raw: Raw, trail: Sequence[Certificate]) -> Check:
    name = "certificate"
    if raw.node == replica.identity.root_node:
        return Check(name, True, "certificate_root")
    if not trail or trail[-1].issuer != replica.identity.root_node:
        return Check(name, None, "certificate_missing")
    if not all(one.intact for one in trail):
        return Check(name, False, "certificate_bad")
    if raw.standing == "revoked" or any(one.standing == "revoked" for one in trail):
        return Check(name, False, "certificate_revoked")
    if raw.standing == "bad_scope":
        return Check(name, False, "certificate_scope", {"unit": trail[0].unit})
    return Check(name, True, "certificate_ok", {"unit": trail[0].unit, "n": len(trail)})


def _chained(replica: Replica, raw: Raw, before: Neighbour | None, after: Sequence[Neighbour]) -> Check:
    name, params = "chain", {"n": raw.seq}
    if queries.beside(replica.db, raw.chain, raw.seq) > 1 or len(after) > 1:
        return Check(name, False, "chain_fork", {"n": raw.seq})
    if raw.prev == FIRST:
        if raw.seq == 1:
            return Check(name, True, "chain_first", params)
        return Check(name, False, "chain_bad", {**params, "next": FIRST})
    if before is None:
        told = chains.is_told(replica.db, raw.prev)  # the one before was set aside, and is listed as such
        return Check(name, None if told else False, "chain_gap", {"n": raw.seq})
    if before.seq != raw.seq - 1:
        return Check(name, False, "chain_bad", {"n": raw.seq, "next": before.seq})
    if not after:
        return Check(name, True, "chain_last", {"before": before.seq, **params})
    return Check(name, True, "chain_ok", {"before": before.seq, "next": after[0].seq, **params})


def _stations(replica: Replica, raw: Raw, *, disputed: bool) -> list[Station]:
    """The first mark of each node above that covers the event, lowest instants first."""
    found = []
    reached = marks.reached(replica.db, raw.chain, raw.seq, raw.hash, disputed)
    for by, at in sorted(reached.items(), key=lambda one: one[1]):
        row = queries.mark_at(replica.db, raw.chain, by, at)
        certificate = queries.certificate_of(replica.db, by)
        if row is None or certificate is None:
            continue
        found.append(Station(certificate[1], by, at, row[1], _mark_holds(replica, by, *row)))
    return found


def _mark_holds(replica: Replica, by: str, line: str, signature: bytes) -> bool:
    key = key_of(replica.db, by)
    try:
        named = parse_mark(line).by
    except Corrupt:
        return False
    return key is not None and named == by and verify(key, "mark", line.encode("ascii", "replace"), signature)


def _marked(replica: Replica, path: Path, stations: Sequence[Station]) -> Check:
    """Marks go down, never up: what levels below this node signed stays there, and says nothing here."""
    name, here = "marks", LEVELS.index(replica.identity.level)
    if not all(one.holds for one in stations):
        return Check(name, False, "marks_bad")
    hops = [hop for hop in path.hops[1:] if LEVELS.index(hop.level) >= here]
    there = sum(1 for hop in hops if hop.at is not None)
    if not hops:
        return Check(name, True, "marks_top")
    if there < len(hops):
        return Check(name, None, "marks_waiting", {"n": there, "total": len(hops)})
    return Check(name, True, "marks_all", {"n": len(hops)})
