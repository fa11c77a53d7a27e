"""Keys and certificates: what events say of them, and whether bytes at hand fit the key they claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlite_utils import Database

from schemas.encoding import node_id, unb64
from schemas.errors import Corrupt
from schemas.events import Event, Part, header_hash, parse_header, part_hash, parts_hash, payload, withholds_facts
from schemas.strict_json import Json
from schemas.units.tree import LEVELS
from sync.keys import KEY_BYTES, verify

KeyOf = Callable[[str], bytes | None]


def key_of(db: Database, node: str, extra: Mapping[str, bytes] | None = None) -> bytes | None:
    """The public key of a node, from what is held or from `extra`; None when it never came."""
    if extra and node in extra:
        return extra[node]
    row = db.execute("SELECT key FROM node_key WHERE node = ?", [node]).fetchone()
    return row[0] if row else None


def fits(key: bytes, node: str) -> bool:
    """Whether a node is named after this key."""
    return node_id(key) == node


def signed_by_its_node(event: Event, key: bytes | None) -> bool:
    """Whether the facts are there, and parts, header and signature fit each other and the key."""
    if key is None or node_id(key) != event.node or parts_hash(event.parts) != event.header.phash:
        return False
    if withholds_facts(event.parts):  # the hashes fit without the text too: a level above would store and not count it
        return False
    return verify(key, "event", event.line.encode("ascii", "backslashreplace"), event.signature)


def intact(db: Database, event_hash: str) -> bool:
    """Whether the stored bytes of a held event still give its hash and signature."""
    row = db.execute("SELECT n, header, sig FROM event WHERE hash = ?", [event_hash]).fetchone()
    if row is None or header_hash(row[1]) != event_hash:
        return False
    parts = db.execute("SELECT name, salt, text, hash FROM part WHERE event = ? ORDER BY place", [row[0]])
    return sound(row[1], row[2], [Part(*part) for part in parts], event_hash, lambda node: key_of(db, node)) is None


def sound(line: str, signature: bytes, parts: Sequence[Part], event_hash: str, key: KeyOf) -> str | None:
    """None when all fits, else the problem's code: unreadable, bad_hash, bad_parts, no_key or bad_sig."""
    try:
        header = parse_header(line)
    except Corrupt:
        return "unreadable"
    if header_hash(line) != event_hash:
        return "bad_hash"
    if any(p.text is not None and part_hash(p.name, p.salt or b"", p.text) != p.hash for p in parts):
        return "bad_parts"
    if parts_hash(parts) != header.phash or withholds_facts(parts):
        return "bad_parts"
    found = key(header.node)
    if found is None:
        return "no_key"
    return None if signed_by_its_node(Event(line, header, signature, tuple(parts), event_hash), found) else "bad_sig"


def certificate(event: Event) -> tuple[str, str, str, bytes] | None:
    """(node, unit, level, key) that a `cert` event speaks of, or None when it doesn't make sense."""
    try:
        value = payload(event)
        node, unit, level, key = (_text(value, name) for name in ("node", "unit", "level", "key"))
        raw = unb64(key, KEY_BYTES)
    except (Corrupt, ValueError):
        return None
    if node != node_id(raw) or level not in LEVELS:
        return None
    return node, unit, level, raw


def keys_in(event: Event) -> list[tuple[str, bytes]]:
    """Public keys that an event brings: they prove themselves, a node id being the hash of its key."""
    if event.header.kind == "cert":
        claim = certificate(event)
        return [(claim[0], claim[3])] if claim else []
    if event.header.kind == "inc":
        try:
            raw = unb64(_text(payload(event), "key"), KEY_BYTES)
        except (Corrupt, ValueError):
            return []
        return [(event.node, raw)] if node_id(raw) == event.node else []
    return []


def _text(value: dict[str, Json], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise ValueError(name)
    return found
