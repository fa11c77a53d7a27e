"""The certificate of the city's own CA, if this node has one to hand to phones, and its fingerprint."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 64 * 1024
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


def own_certificate(files: Iterable[Path]) -> bytes | None:
    """The first certificate, as PEM, of the first file that holds one; None where there is none."""
    for path in files:
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            text = path.read_text("ascii", "replace")
            start, end = text.find(_BEGIN), text.find(_END)
            if 0 <= start < end:
                return (text[start : end + len(_END)] + "\n").encode("ascii", "replace")
    return None


def fingerprint(pem: bytes) -> str:
    """SHA-256 of a certificate as phones show it: pairs of hex digits with colons between them."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))).digest().hex(":").upper()
