"""The city's own certificate authority for https (extra `ca`), name-constrained: what it signs is good for the city's
own names and for addresses of private networks, and for nothing else, whoever gets hold of its key.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.folder import CA_FILE, write_private
from node.phones.own_ca import fingerprint
from schemas.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, GeneralName

FOLDER: Final = "ca"
KEY: Final = "ca.key"
ISSUED_KEY: Final = "tls.key"
ISSUED: Final = "tls.crt"
CA_DAYS: Final = 3_650
ISSUED_DAYS: Final = 397  # phones refuse what is good for longer
BACK: Final = timedelta(hours=24)  # a phone's clock may be behind
MAX_NAMES: Final = 20
DEFAULT_DOMAINS: Final = ("internal",)
# RFC 1918, link-local, loopback, and the unique local addresses of IPv6: nobody's on the public network.
NETWORKS: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
MAX_DOMAIN: Final = 253


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was made: its names, its end, the SHA-256 of the CA's certificate, where the files stand."""

    names: tuple[str, ...]
    not_after: datetime
    fingerprint: str
    folder: Path


def init(folder: Path, name: str, domains: Sequence[str], now_ms: int) -> Issued:
    """Makes the CA in `folder`/ca: a key that only its owner may read, and the certificate that phones take in.

    `name` is the city's; `domains` are those below which names may be signed. Raises Conflict where there is one
    already, or where the extra is missing; Invalid for a domain that is none.
    """
    _require_extra()
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    place = folder / FOLDER
    if (place / KEY).exists():
        raise Conflict("ca_exists", field="--data", value=place)
    permitted = [_domain(one, "--domain") for one in domains or DEFAULT_DOMAINS]
    now = _instant(now_ms)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"五级网格 {name}"[:64])])
    constraints = x509.NameConstraints([*map(x509.DNSName, permitted), *_networks()], None)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK)
        .not_valid_after(now + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    place.mkdir(mode=0o700, exist_ok=True)
    write_private(place / KEY, _key_bytes(key))
    (place / CA_FILE).write_bytes(_pem(certificate))
    return Issued(tuple(permitted), now + timedelta(days=CA_DAYS), fingerprint(_pem(certificate)), place)


def issue(folder: Path, names: Sequence[str], out: Path, now_ms: int, *, renew: bool = False) -> Issued:
    """A certificate for a node's names or addresses: `tls.crt` and `tls.key` in `out`, and `ca.crt` beside them.

    Raises NotFound without a CA, Invalid for a name outside its constraints, Conflict where `out` has a key already
    (unless it is renewed).
    """
    _require_extra()
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    place = folder / FOLDER
    if not (place / KEY).is_file() or not (place / CA_FILE).is_file():
        raise NotFound("no_ca", field="--data", value=place)
    issuer = x509.load_pem_x509_certificate((place / CA_FILE).read_bytes())
    signer = load_pem_private_key((place / KEY).read_bytes(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise Invalid("key_broken", field="--data", value=place / KEY)
    if not 0 < len(names) <= MAX_NAMES:
        raise Invalid("ca_names", field="NAME", value=len(names), limit=MAX_NAMES)
    wanted = [_permitted(issuer, one) for one in dict.fromkeys(names)]
    if (out / ISSUED_KEY).exists() and not renew:
        raise Conflict("ca_issued_already", field="--out", value=out / ISSUED_KEY)
    now = _instant(now_ms)
    end = min(now + timedelta(days=ISSUED_DAYS), issuer.not_valid_after_utc)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(wanted), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    _write_all(out, _key_bytes(key), _pem(certificate) + _pem(issuer), _pem(issuer))
    return Issued(tuple(dict.fromkeys(names)), end, fingerprint(_pem(issuer)), out)


def _require_extra() -> None:
    if find_spec("cryptography") is None:
        raise Conflict("ca_missing", field="ca", value="cryptography")


def _permitted(issuer: Certificate, name: str) -> GeneralName:
    """The name as it stands in a certificate. Raises Invalid for one that the CA must not sign."""
    from cryptography import x509

    constraints = issuer.extensions.get_extension_for_class(x509.NameConstraints).value
    allowed = constraints.permitted_subtrees or []
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        domain = _domain(name, "NAME")
        suffixes = [one.value for one in allowed if isinstance(one, x509.DNSName)]
        if not any(domain == suffix or domain.endswith(f".{suffix}") for suffix in suffixes):
            raise Invalid("ca_name_outside", field="NAME", value=name, allowed=", ".join(suffixes)) from None
        return x509.DNSName(domain)
    networks = [one.value for one in allowed if isinstance(one, x509.IPAddress)]
    within = [net for net in networks if isinstance(net, (ipaddress.IPv4Network, ipaddress.IPv6Network))]
    if not any(address.version == net.version and address in net for net in within):
        raise Invalid("ca_name_outside", field="NAME", value=name, allowed=", ".join(map(str, within)))
    return x509.IPAddress(address)


def _domain(text: str, field: str) -> str:
    name = text.strip().lower().removeprefix("*.").rstrip(".")
    if len(name) > MAX_DOMAIN or not _DOMAIN.fullmatch(name):
        raise Invalid("ca_bad_name", field=field, value=text)
    return name


def _networks() -> list[GeneralName]:
    from cryptography import x509

    return [x509.IPAddress(ipaddress.ip_network(net)) for net in NETWORKS]


def _instant(now_ms: int) -> datetime:
    return datetime.fromtimestamp(now_ms // 1000, UTC)


def _pem(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _key_bytes(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_all(out: Path, key: bytes, chain: bytes, ca: bytes) -> None:
    """The key first, each file whole or not at all."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_private(out / f"{ISSUED_KEY}.part", key)
        for name, content in ((ISSUED, chain), (CA_FILE, ca)):
            (out / f"{name}.part").write_bytes(content)
        for name in (ISSUED_KEY, ISSUED, CA_FILE):
            os.replace(out / f"{name}.part", out / name)
    except OSError as error:
        raise Invalid("folder_not_writable", field="--out", value=out, why=error) from error
