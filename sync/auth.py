"""Signed requests and replies: a village network may have no TLS, and a captive portal answers anything."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from schemas.encoding import b64, unb64
from schemas.errors import Unauthorised
from sync.keys import SIGNATURE_BYTES, Signer, verify

NONCE_LIFE_MS: Final = 3_600_000
NODE_HEADER: Final = "grid-node"
AUTH_HEADER: Final = "grid-auth"
REPLY_HEADER: Final = "grid-sig"
NONCE_HEADER: Final = "grid-nonce"
_TAG_BYTES: Final = 16


def make_nonce(secret: bytes, now_ms: int) -> str:
    """A nonce that proves its own age; nothing is remembered.

    A request replayed within the hour meets the cursor and does nothing.
    """
    stamp = now_ms.to_bytes(8)
    return b64(stamp + hmac.digest(secret, stamp, "sha256")[:_TAG_BYTES])


def nonce_is_fresh(secret: bytes, nonce: str, now_ms: int) -> bool:
    """Whether this server made the nonce within the last hour by its own clock."""
    try:
        raw = unb64(nonce, 8 + _TAG_BYTES)
    except ValueError:
        return False
    stamp, tag = raw[:8], raw[8:]
    if not hmac.compare_digest(tag, hmac.digest(secret, stamp, "sha256")[:_TAG_BYTES]):
        return False
    return abs(now_ms - int.from_bytes(stamp)) <= NONCE_LIFE_MS


def sign_request(signer: Signer, method: str, path: str, body: bytes, nonce: str) -> dict[str, str]:
    """The headers that prove who sends this very body."""
    signature = signer.sign("req", _request(method, path, body, nonce))
    return {NODE_HEADER: signer.node, AUTH_HEADER: f"{nonce}:{b64(signature)}"}


def request_nonce(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """(node, nonce, signature text) of a request. Raises Unauthorised when a header is missing."""
    node = headers.get(NODE_HEADER, "")
    nonce, colon, signature = headers.get(AUTH_HEADER, "").partition(":")
    if not node or not colon:
        raise Unauthorised("auth_missing", field="Grid-Auth", value=headers.get(AUTH_HEADER))
    return node, nonce, signature


def check_request(key: bytes, method: str, path: str, body: bytes, nonce: str, signature: str) -> None:
    """Raises Unauthorised unless the signature is this key's over the request."""
    try:
        raw = unb64(signature, SIGNATURE_BYTES)
    except ValueError as error:
        raise Unauthorised("auth_wrong", field="Grid-Auth", value=signature) from error
    if not verify(key, "req", _request(method, path, body, nonce), raw):
        raise Unauthorised("auth_wrong", field="Grid-Auth", value=signature)


def sign_reply(signer: Signer, request_signature: str, status: int, body: bytes) -> dict[str, str]:
    """The headers that bind a reply to the request it answers."""
    signature = signer.sign("reply", _reply(request_signature, status, body))
    return {NODE_HEADER: signer.node, REPLY_HEADER: b64(signature)}


def reply_is_signed(key: bytes, headers: Mapping[str, str], request_signature: str, status: int, body: bytes) -> bool:
    """Whether the reply is this key's answer to that request."""
    try:
        raw = unb64(headers.get(REPLY_HEADER, ""), SIGNATURE_BYTES)
    except ValueError:
        return False
    return verify(key, "reply", _reply(request_signature, status, body), raw)


def _request(method: str, path: str, body: bytes, nonce: str) -> bytes:
    return "\n".join((method, path, b64(hashlib.sha256(body).digest()), nonce)).encode("utf-8")


def _reply(request_signature: str, status: int, body: bytes) -> bytes:
    return "\n".join((request_signature, str(status), b64(hashlib.sha256(body).digest()))).encode("utf-8")
