"""Ed25519 keys: signatures, each in a domain of its own, and texts sealed to a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from nacl.encoding import RawEncoder
from nacl.exceptions import BadSignatureError, CryptoError
from nacl.hash import blake2b
from nacl.public import Box, PrivateKey, SealedBox
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

    def open_sealed(self, ciphertext: bytes) -> bytes | None:
        """What somebody sealed to this key; None when it was another one, or the ciphertext is damaged."""
        try:
            return SealedBox(self._key.to_curve25519_private_key()).decrypt(ciphertext)
        except (CryptoError, ValueError, TypeError):
            return None


def seal(key: bytes, plain: bytes, random_bytes: Callable[[int], bytes]) -> bytes:
    """Ciphertext that only the holder of the private key can open, and nobody can say who wrote it: libsodium's sealed
    box, its one-time key drawn from the given bytes.
    """
    public, once = VerifyKey(key).to_curve25519_public_key(), PrivateKey(random_bytes(PrivateKey.SIZE))
    shared = bytes(once.public_key) + bytes(public)
    nonce = blake2b(shared, digest_size=Box.NONCE_SIZE, encoder=RawEncoder)
    return bytes(once.public_key) + Box(once, public).encrypt(plain, nonce).ciphertext


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
