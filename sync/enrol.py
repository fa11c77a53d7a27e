"""Enrolment by a one-time code (3-sync, Trust). The code holds a secret and 80 bits of the root key's hash, so that the
child knows the city's key before it trusts a single byte of the reply; the secret itself never travels.
"""

from __future__ import annotations

import base64
import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlite_utils import Database

from schemas.encoding import b32, b64, node_id, unb64
from schemas.errors import BadRequest, Conflict, Corrupt, Forbidden, GridError, Invalid, NotFound, TooMany
from schemas.events import Event, plain_line
from schemas.strict_json import Json, dumps, loads
from sync import auth, clocks, directory, issuing, log
from sync.certificates import certificate
from sync.database import write
from sync.env import Env, TransportError
from sync.intake import Intake
from sync.keys import KEY_BYTES, Signer
from sync.manifest import require_version
from sync.replica import Replica
from sync.server import WireReply, status_of
from sync.trails import Claim, own_lines, read_trail

PATH: Final = "/sync/v1/enrol"
CODE_LIFE_MS: Final = 48 * 3_600_000
SECRET_CHARS: Final = 16  # base32: 80 bits each
ROOT_CHARS: Final = 16
MAX_ATTEMPTS: Final = 10


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time code for a unit; `expires_at` in unix ms. `replaces`: the unit has a node, which would be revoked."""

    code: str
    unit: str
    expires_at: int
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a child learns: the certificates from the root's first event down to its own, and who its parent is."""

    trail: tuple[Event, ...]
    unit: str
    level: str
    city: str
    root_node: str
    parent: str
    parent_node: str


# ---- at the parent


def invite(replica: Replica, unit: str) -> Invitation:
    """A fresh code for a unit that this node hosts; an earlier code of the unit ends. Raises NotFound or Conflict."""
    now, today = replica.env.now_ms(), clocks.today(replica)
    tree, me = directory.tree_of(replica), replica.identity
    if tree.at(unit, today) is None:
        raise NotFound("unknown_unit", field="unit", value=unit)
    if unit == me.unit or not tree.below(unit, me.unit, today):
        raise Conflict("invite_not_below", field="unit", value=unit, own=me.unit)
    certified = directory.certified_units(replica.db)
    host = directory.parent_host(tree, certified, unit, today)
    if host != me.unit:
        raise Conflict("invite_elsewhere", field="unit", value=unit, host=host)
    secret = replica.env.random_bytes(10)
    with write(replica.db, "invite", replica.env):
        replica.db.execute(
            "INSERT INTO invite (unit, secret, issued_at, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (unit) DO UPDATE"
            " SET secret = excluded.secret, issued_at = excluded.issued_at, expires_at = excluded.expires_at,"
            " attempts = 0, used_by = NULL",
            [unit, secret, now, now + CODE_LIFE_MS],
        )
        replica.app.note(replica, "node_invited", unit=unit, subject="")
    text = (me.root_node[:ROOT_CHARS] + b32(secret)).upper()
    code = "-".join(text[at : at + 4] for at in range(0, len(text), 4))
    return Invitation(code, unit, now + CODE_LIFE_MS, replaces=unit in certified)


def enrol(replica: Replica, secret: bytes, body: bytes) -> WireReply:
    """Answers a child that proves to hold the code; the same child asking again gets the same certificate."""
    now = replica.env.now_ms()
    proof = ""
    try:
        value = loads(body)
        if not isinstance(value, dict):
            raise BadRequest("manifest", field="body", value=value)
        require_version(value)
        unit, key, proof = (_field(value, name) for name in ("unit", "key", "proof"))
        certified = _certify(replica, unit, _key(key), proof, now, replace=value.get("replace") is True)
        status, answer = 200, _trail(replica, certified, now)
    except GridError as error:
        status, answer = status_of(error), {"code": error.code, "field": error.field}
    reply = dumps(answer).encode()
    headers = auth.sign_reply(replica.signer, proof, status, reply)
    headers |= {"content-type": "application/json", auth.NONCE_HEADER: auth.make_nonce(secret, now)}
    return WireReply(status, headers, reply)


def _certify(replica: Replica, unit: str, key: bytes, proof: str, now: int, *, replace: bool) -> Event:
    db = replica.db
    child = node_id(key)
    refusal: GridError | None = None
    with write(db, "enrol", replica.env):
        row = db.execute("SELECT secret, expires_at, attempts, used_by FROM invite WHERE unit = ?", [unit]).fetchone()
        if row is None:
            raise Forbidden("code_wrong", field="code")
        secret, expires_at, attempts, used_by = row
        proven = hmac.compare_digest(_proof(secret, unit, key), proof)
        nodes = directory.live_nodes(db, unit)
        if proven and child in nodes:  # asks again, whoever else tried in between
            return _certificate_of(db, child)
        if attempts >= MAX_ATTEMPTS:
            refusal = TooMany("code_locked", field="code", limit=MAX_ATTEMPTS)
        elif not proven:
            db.execute("UPDATE invite SET attempts = attempts + 1 WHERE unit = ?", [unit])
            refusal = Forbidden("code_wrong", field="code")
        elif used_by is not None:
            refusal = Forbidden("code_used", field="code")
        elif now > expires_at:
            refusal = Forbidden("code_expired", field="code")
        else:
            if not nodes or replace:
                return _issue(replica, unit, key, child, nodes, now)
            refusal = Conflict("unit_has_node", field="unit", value=unit)
    assert refusal is not None
    raise refusal


def _certificate_of(db: Database, node: str) -> Event:
    held = db.execute("SELECT event FROM node_cert WHERE node = ? ORDER BY event", [node]).fetchone()
    stored = log.load(db, held[0])
    assert stored is not None
    return stored.event


def _issue(replica: Replica, unit: str, key: bytes, child: str, replaced: list[str], now: int) -> Event:
    """The certificate; a node that the child takes the place of is revoked at what is held of it now."""
    intake = Intake(replica, now)
    for node in replaced:
        issuing.revoke(intake, unit, node)
    event = issuing.certify(intake, unit, child, key, directory.tree_of(replica).level(unit), replaced)
    intake.finish()
    replica.app.note(replica, "node_enrolled", unit=unit, subject=child)
    replica.db.execute("UPDATE invite SET used_by = ? WHERE unit = ?", [child, unit])
    return event


def _require_below(replica: Replica, unit: str) -> None:
    """Raises Forbidden for the own unit, and for one that never was below it."""
    me = replica.identity
    if unit == me.unit or not directory.tree_of(replica).ever_below(unit, me.unit):
        raise Forbidden("unit_out_of_scope", field="unit", value=unit, own=me.unit)


def waiting_for(replica: Replica, unit: str) -> dict[str, Claim]:
    """The nodes of a unit, by id, whose certificate has no effect because its issuer was revoked."""
    claims = [certificate(stored.event) for stored in log.events(
        replica.db, "e.kind = 'cert' AND e.standing IN ('revoked', 'late_key') AND e.unit = ?", [unit]
    )]  # fmt: skip
    named = {claim[0]: claim for claim in claims if claim is not None and claim[1] == unit}
    return {node: claim for node, claim in named.items() if directory.unit_of(replica.db, node) is None}


def readmit(replica: Replica, unit: str, node: str | None = None) -> list[str]:
    """A new certificate for the node of a unit whose certificate has no effect because its issuer was revoked: the node
    keeps its key and its chain (3-sync, Trust). Returns its id. Raises NotFound when none asks, Conflict when several
    do and a person has not said which.
    """
    _require_below(replica, unit)
    with write(replica.db, "enrol", replica.env):
        waiting = waiting_for(replica, unit)
        if not waiting or (node is not None and node not in waiting):
            raise NotFound("no_node", field="unit", value=unit)
        if node is None and len(waiting) > 1:  # perhaps one of them was certified by whoever stole the issuer's key
            raise Conflict("readmit_several", field="--node", value=", ".join(sorted(waiting)))
        chosen, _unit, level, key = waiting[node or next(iter(waiting))]
        intake = Intake(replica, replica.env.now_ms())
        issuing.certify(intake, unit, chosen, key, level)
        intake.finish()
        replica.app.note(replica, "node_readmitted", unit=unit, subject=chosen)
    return [chosen]


def revoke(replica: Replica, unit: str) -> list[str]:
    """Revokes every node of a unit that stands below this one; returns their ids. Raises NotFound or Forbidden."""
    _require_below(replica, unit)
    with write(replica.db, "revoke", replica.env):
        nodes = directory.live_nodes(replica.db, unit)
        if not nodes:
            raise NotFound("no_node", field="unit", value=unit)
        intake = Intake(replica, replica.env.now_ms())
        for node in nodes:
            issuing.revoke(intake, unit, node)
        intake.finish()
    return nodes


def _trail(replica: Replica, certified: Event, now: int) -> dict[str, object]:
    me = replica.identity
    return {
        "v": 1,
        "certs": [*own_lines(replica.db), plain_line(certified)],
        "parent": me.unit,
        "node": me.node,
        "now": now,
    }


# ---- at the child


def ask(env: Env, url: str, unit: str, code: str, signer: Signer, *, replace: bool = False) -> Enrolment:
    """Enrols at a parent. Raises Invalid for a code that is no code, GridError for what the parent refuses, and
    TransportError when it can't be reached or its reply is not its own.
    """
    text = _plain_code(code)
    root_part, secret = text[:ROOT_CHARS], base64.b32decode(text[ROOT_CHARS:].upper())
    proof = _proof(secret, unit, signer.public)
    request = {"v": 1, "unit": unit, "key": b64(signer.public), "proof": proof}
    body = dumps(request | ({"replace": True} if replace else {})).encode()
    reply = env.transport.request("POST", url.rstrip("/") + PATH, {"content-type": "application/json"}, body)
    if reply.status >= 500:  # perhaps of a proxy in between: the certificate may be issued, so the key must be kept
        raise TransportError(f"the parent answers {reply.status}")
    try:
        value = loads(reply.body)
    except GridError as error:
        raise TransportError("the reply is not a node's") from error
    if not isinstance(value, dict):
        raise TransportError("the reply is not a node's")
    if reply.status != 200:
        raise Forbidden(_known_refusal(value.get("code")), field="code", value=unit, limit=MAX_ATTEMPTS)
    try:
        enrolment, parent_key = _checked(value, root_part, unit, signer)
    except Corrupt as error:
        raise TransportError("a certificate can't be read") from error
    if not auth.reply_is_signed(parent_key, reply.headers, proof, reply.status, reply.body):
        raise TransportError("the reply is not signed by the parent")
    return enrolment


def _checked(value: Mapping[str, Json], root_part: str, unit: str, signer: Signer) -> tuple[Enrolment, bytes]:
    """The trail, verified link by link from the root that the code names."""
    trail = read_trail(value.get("certs"))
    if trail.root[:ROOT_CHARS] != root_part:
        raise Forbidden("code_other_city", field="code")
    if len(trail.claims) < 2 or trail.claims[-1][:2] != (signer.node, unit):
        raise TransportError("the certificates do not lead here")
    city, parent, own = trail.claims[0], trail.claims[-2], trail.claims[-1]
    return Enrolment(trail.events, unit, own[2], city[1], trail.root, parent[1], parent[0]), parent[3]


def _known_refusal(code: Json) -> str:
    known = ("code_wrong", "code_used", "code_expired", "code_locked", "unit_has_node")
    return code if isinstance(code, str) and code in known else "enrol_refused"


def _plain_code(code: str) -> str:
    text = unicodedata.normalize("NFKC", code).replace("-", "").replace(" ", "").strip().lower()
    if len(text) != ROOT_CHARS + SECRET_CHARS or not set(text) <= set("abcdefghijklmnopqrstuvwxyz234567"):
        raise Invalid("code_malformed", field="code", value=code)
    return text


def _proof(secret: bytes, unit: str, key: bytes) -> str:
    return b64(hmac.digest(secret, b"grid/enrol/1\n" + unit.encode("utf-8") + b"\n" + key, "sha256"))


def _field(value: Mapping[str, Json], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or len(found) > 200 or not found.isascii():
        raise BadRequest("manifest", field=name, value=found)
    return found


def _key(text: str) -> bytes:
    try:
        return unb64(text, KEY_BYTES)
    except ValueError as error:
        raise BadRequest("manifest", field="key", value=text) from error
