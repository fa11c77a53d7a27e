"""Byte encodings of the wire format: base64url without padding, lower-case base32, node ids."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final
from uuid import UUID

DIGEST_BYTES: Final = 32
DIGEST_CHARS: Final = 43
NODE_ID_CHARS: Final = 26
INCARNATION_CHARS: Final = 8
UUID7_RANDOM_BYTES: Final = 10
_B64: Final = re.compile(r"[A-Za-z0-9_-]*")


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def unb64(text: str, length: int | None = None) -> bytes:
    """The bytes of a canonical base64url text. Raises ValueError when it is not, or not `length` bytes long."""
    if not _B64.fullmatch(text) or len(text) % 4 == 1:
        raise ValueError("not base64url")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64(raw) != text:  # spare bits set: a second spelling of the same bytes
        raise ValueError("not canonical base64url")
    if length is not None and len(raw) != length:
        raise ValueError(f"{len(raw)} bytes, not {length}")
    return raw


def b32(raw: bytes) -> str:
    """Lower-case RFC 4648 base32 without padding."""
    return base64.b32encode(raw).rstrip(b"=").decode("ascii").lower()


def node_id(public_key: bytes) -> str:
    """The name of a node: the first 26 base32 characters of SHA-256 of its public key."""
    return b32(hashlib.sha256(public_key).digest())[:NODE_ID_CHARS]


def uuid7(now_ms: int, random: bytes) -> str:
    """A UUID of version 7 (RFC 9562): 48 bits of unix ms, so that ids sort by time, and 74 of the 10 random bytes."""
    if len(random) != UUID7_RANDOM_BYTES:
        raise ValueError(f"{len(random)} random bytes, not {UUID7_RANDOM_BYTES}")
    raw = bytearray((max(0, now_ms) & (1 << 48) - 1).to_bytes(6, "big") + random)
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(raw)))
