"""The word that is carried back for a file: a `.gack` says how far the log came, what was set aside, and marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.encoding import unb64
from schemas.errors import Invalid
from schemas.strict_json import Json, dumps
from sync import directory, log, marks, trails
from sync.carrier import Carried, opened, sealed
from sync.certificates import certificate
from sync.database import write
from sync.intake import Intake
from sync.manifest import VERSION, point_json
from sync.replica import Replica
from sync.wire import MAX_EVENTS

BACK: Final = ".gack"


def receipt(replica: Replica, node: str, log_id: str, chains: Sequence[str]) -> Carried:
    """A signed `.gack`: how far this node has the writer's log, what it set aside, and the newest marks it knows."""
    db, unit = replica.db, _unit_of(replica, node)
    if unit is None:
        raise Invalid("file_not_below", field="node", value=node, own=replica.identity.unit)
    link = replica.link_to(unit)
    have = log.in_tip(db, link, log_id)
    refused = db.execute(
        "SELECT n, hash, code FROM refused WHERE link IN (?, ?) AND log = ? ORDER BY n LIMIT ?",
        [link, f"file {link}", log_id, MAX_EVENTS],
    ).fetchall()
    certs = trails.own_lines(db)
    said = {
        "v": VERSION, "for": node, "log": log_id, "have": point_json(have) if have else None,
        "refused": [list(row) for row in refused], "marks": marks.newest(db, list(chains)), "now": replica.env.now_ms(),
    }  # fmt: skip
    content, digest = sealed(replica, [*certs, dumps(said)], 0)
    return Carried(f"{node}-{have[0] if have else 0}-{digest[:4].hex()}{BACK}", content, 0)


def _unit_of(replica: Replica, node: str) -> str | None:
    """The unit of a file's writer, by a certificate that has no effect too: its issuer may have been revoked."""
    found = directory.unit_of(replica.db, node)
    if found is not None:
        return found[0]
    waiting = log.events(replica.db, "e.kind = 'cert' AND e.standing <> ?", ["ok"])
    claims = [certificate(stored.event) for stored in waiting]
    return next((claim[1] for claim in claims if claim is not None and claim[0] == node), None)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a `.gack` said: by which unit, how many new marks it brought, whether the parent's cursor is known now."""

    unit: str
    marks: int
    refused: int
    moved: bool


def take_receipt(replica: Replica, content: bytes) -> Acknowledged:
    """Takes in what a level above said of our file. Raises Invalid when it is not for us, or damaged."""
    trail, said, _lines = opened(content)
    me, db, (by, unit, _level, _key) = replica.identity, replica.db, trail.claims[-1]
    if trail.root != me.root_node:
        raise Invalid("file_other_city", field="file", value=unit)
    if said.get("for") != me.node:
        raise Invalid("gack_for_other", field="file", value=said.get("for"), own=me.node)
    refused, relayed = said.get("refused"), said.get("marks")
    have = _point(said.get("have"))
    with write(db, "import", replica.env):
        intake = Intake(replica, replica.env.now_ms())
        for event in trail.events:
            intake.add(event, "down")
        intake.finish()
        kept = marks.take_in(replica, relayed if isinstance(relayed, list) else [])
        noted = _note_refused(replica, by, said.get("log"), refused, intake.now_ms)
        fits = have is not None and unit == me.parent and said.get("log") == me.up_log
        moved = fits and have is not None and log.up_acc(db, have[0]) == have[1]
        if moved and have is not None:
            db.execute("UPDATE link SET hint = MAX(hint, ?) WHERE link = ?", [have[0], replica.link_up])
    return Acknowledged(unit, kept, noted, bool(moved))


def _note_refused(replica: Replica, by: str, log_id: Json, refused: Json, now: int) -> int:
    count = 0
    for item in refused if isinstance(refused, list) else []:
        match item:
            case [int(n), str(event_hash), str(code)] if log.held(replica.db, event_hash):
                count += 1
                replica.db.execute(
                    "INSERT INTO refused (link, log, n, hash, code, by, line, at) VALUES (?, ?, ?, ?, ?, ?, NULL, ?)"
                    " ON CONFLICT DO NOTHING",
                    [f"file {replica.link_up}", str(log_id), n, event_hash, code, by, now],
                )
    return count


def _point(value: Json) -> log.Point | None:
    match value:
        case [int(n), str(acc)]:
            try:
                return n, unb64(acc, 32)
            except ValueError:
                return None
        case _:
            return None
