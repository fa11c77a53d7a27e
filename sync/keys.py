"""Ed25519 keys behind two functions, each signature in a domain of its own."""

from __future__ import annotations

from typing import Final, Literal

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from schemas.encoding import node_id

Domain = Literal["event", "mark", "req", "reply", "enrol", "file"]
SEED_BYTES: Final = 32
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


class Signer:
    """A private key. `public` is the public key, `node` the node id that it gives."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)
        self.public: bytes = bytes(self._key.verify_key)
        self.node: str = node_id(self.public)

    def sign(self, domain: Domain, message: bytes) -> bytes:
        """The signature over the domain's name and the message."""
        return self._key.sign(_prefix(domain) + message).signature


def verify(key: bytes, domain: Domain, message: bytes, signature: bytes) -> bool:
    """Whether the signature is this key's over this message in this domain; malformed input is simply False."""
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        VerifyKey(key).verify(_prefix(domain) + message, signature)
    except BadSignatureError:
        return False
    return True


def _prefix(domain: Domain) -> bytes:
    return f"grid/{domain}/1\n".encode("ascii")
