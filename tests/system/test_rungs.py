"""The rungs with https: the city's own CA, and a public one. A real Chromium trusts them as a phone does, by what was
taken in; a real node below knows its parent by them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from fakes import E_GROUPS, EAST
from live import Live, Nodes, today, wait_for
from phones import ARGS, WAIT_MS, WAIT_S, chromium
from playwright.sync_api import BrowserContext, Error, sync_playwright

pytestmark = [pytest.mark.system, pytest.mark.browser]
CITY_NAME: Final = "hub.internal"
PUBLIC_NAME: Final = "grid.example.com"
OTHER_NAME: Final = "bank.example.com"
ALIKE: Final = tuple(f"MAP {name} 127.0.0.1" for name in (CITY_NAME, PUBLIC_NAME, OTHER_NAME))
RESOLVE: Final = f"--host-resolver-rules={','.join(ALIKE)}"


class Trust:
    """The CAs that one browser trusts, in a home folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home, self._store = home, f"sql:{home}/.pki/nssdb"
        (home / ".pki" / "nssdb").mkdir(parents=True)
        self._certutil("-N", "--empty-password")

    def take_in(self, certificate: Path) -> None:
        """As a person does on a phone: this CA may vouch for sites."""
        self._certutil("-A", "-t", "C,,", "-n", certificate.parent.name, "-i", str(certificate))

    def _certutil(self, *words: str) -> None:
        program = shutil.which("certutil")
        assert program, "these tests need certutil: apt-get install -y libnss3-tools"
        subprocess.run([program, "-d", self._store, *words], check=True, capture_output=True, timeout=WAIT_S)


def sign(issuer_folder: Path, name: str, out: Path) -> None:
    """A certificate for any name by the key of a CA: what somebody would do who stole it."""
    issuer = x509.load_pem_x509_certificate((issuer_folder / "ca.crt").read_bytes())
    signer = load_pem_private_key((issuer_folder / "ca.key").read_bytes(), None)
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    )
    out.mkdir()
    (out / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (out / "tls.crt").write_bytes(certificate.public_bytes(Encoding.PEM))


def public_ca(folder: Path) -> None:
    """A CA as browsers come with: it may vouch for every name."""
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Public")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir()
    (folder / "ca.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "ca.crt").write_bytes(certificate.public_bytes(Encoding.PEM))


class Rung:
    """A hub that serves everything, and browsers with trust of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.nodes = folder, Nodes(folder)
        self.hub = self.nodes.hub()
        self.hub.command("ca", "init")
        self.city_ca = self.hub.folder / "ca"
        self.hub.stop()

    def serve(self, certificate: Path, ca: Path) -> None:
        """The hub serves https with this certificate."""
        self.hub.kill()
        self.hub.ca = ca / "ca.crt"
        self.hub.options = ("--certfile", str(certificate / "tls.crt"), "--keyfile", str(certificate / "tls.key"))
        self.hub.spawn()
        wait_for(lambda: "127.0.0.1" in self.hub.log and self._listens(), WAIT_S, lambda: self.hub.log)

    def _listens(self) -> bool:
        code = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.hub.port}"], stdin=subprocess.DEVNULL,
            capture_output=True, timeout=WAIT_S, check=False,
        )  # fmt: skip
        return b"BEGIN CERTIFICATE" in code.stdout

    def worker(self, name: str, unit: str) -> str:
        """A code by which a phone signs in, as an administrator's page would make it."""
        return self.hub.command("user", "add", name, "--role", "worker", "--unit", unit).stdout.strip()


@pytest.fixture(scope="module")
def rung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rung]:
    """One hub for all of them."""
    folder = tmp_path_factory.mktemp("rungs")
    made = None
    try:
        made = Rung(folder)
        yield made
    finally:
        if made:
            made.nodes.close()


def browse(playwright: object, trust: Trust, folder: Path) -> BrowserContext:
    """A browser that trusts what its home says."""
    context: BrowserContext = playwright.chromium.launch_persistent_context(  # type: ignore[attr-defined]
        folder, executable_path=chromium(), locale="zh-CN", viewport={"width": 360, "height": 740},
        args=[*(one for one in ARGS if not one.startswith("--host-resolver")), RESOLVE],
        env={**os.environ, "HOME": str(trust.home)}, timeout=WAIT_MS,
    )  # fmt: skip
    context.set_default_timeout(WAIT_MS)
    return context


@pytest.mark.parametrize(("kind", "name"), [("city", CITY_NAME), ("public", PUBLIC_NAME)])
def test_with_https_the_phone_s_page_is_installed_opens_without_a_network_and_sends_afterwards(
    rung: Rung, tmp_path: Path, kind: str, name: str
) -> None:
    out = tmp_path / "served"
    if kind == "city":
        rung.hub.command("ca", "issue", name, "127.0.0.1", "--out", str(out))
        ca = rung.city_ca
    else:
        public_ca(ca := tmp_path / "public")
        sign(ca, name, out)
    rung.serve(out, ca)
    unit = E_GROUPS[0 if kind == "city" else 1]
    secret = rung.worker(f"w-{kind}", unit)
    knows, stranger = Trust(tmp_path / "knows"), Trust(tmp_path / "stranger")
    knows.take_in(ca / "ca.crt")
    address = f"https://{name}:{rung.hub.port}"
    with sync_playwright() as playwright:
        context = browse(playwright, stranger, tmp_path / "p0")
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            context.new_page().goto(f"{address}/sign-in")
        context.close()

        context = browse(playwright, knows, tmp_path / "p1")
        page = context.pages[0]
        page.goto(f"{address}/sign-in?next=/today")
        assert page.evaluate("isSecureContext")
        page.fill("[name=name]", f"w-{kind}")
        page.fill("[name=secret]", secret)
        page.click("main form:has([name=secret]) button")
        page.wait_for_url("**/set-password")
        for field in ("password", "again"):
            page.fill(f"[name={field}]", "grid-password")
        page.click("main form:has([name=again]) button")
        page.wait_for_selector("body[data-ready]")
        wait_for(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), WAIT_S)
        (cookie,) = [one for one in context.cookies() if one["name"] == "grid_session"]
        assert cookie["secure"]

        rung.hub.kill()
        context.close()
        context = browse(playwright, knows, tmp_path / "p1")
        page = context.pages[0]
        page.goto(f"{address}/today")
        page.wait_for_selector("body[data-ready]")
        page.click("#zero")
        page.wait_for_selector("text=待传 1 条")
        rung.serve(out, ca)
        page.evaluate("document.getElementById('send')?.click()")  # unless it went by itself already
        wait_for(lambda: checks(rung.hub, unit) == [(str(today()), "zero")], WAIT_S, lambda: checks(rung.hub, unit))
        context.close()


def test_whoever_steals_the_city_s_key_can_t_pass_for_another_site(rung: Rung, tmp_path: Path) -> None:
    sign(rung.city_ca, OTHER_NAME, tmp_path / "forged")
    rung.serve(tmp_path / "forged", rung.city_ca)
    trust = Trust(tmp_path / "home")
    trust.take_in(rung.city_ca / "ca.crt")
    with sync_playwright() as playwright:
        context = browse(playwright, trust, tmp_path / "p")
        with pytest.raises(Error, match="ERR_CERT"):
            context.new_page().goto(f"https://{OTHER_NAME}:{rung.hub.port}/sign-in")
        context.close()


def test_a_node_below_enrols_and_syncs_over_https_by_the_city_s_ca_and_not_without_it(
    rung: Rung, tmp_path: Path
) -> None:
    out = tmp_path / "served"
    rung.hub.command("ca", "issue", "127.0.0.1", "--out", str(out))
    rung.serve(out, rung.city_ca)
    code = rung.hub.command("invite", EAST).stdout.strip()
    plain = Live(tmp_path / "plain", EAST)
    plain.command("init", "--unit", EAST, "--parent", rung.hub.url, "--code", code, code=1)
    assert not (tmp_path / "plain" / "grid.db").exists()
    county = rung.nodes.below(rung.hub, EAST)
    event = county.check(E_GROUPS[2], today(), "over-https")
    wait_for(lambda: event in rung.hub.checks_held(), WAIT_S, lambda: county.json("status"))


def checks(node: Live, unit: str) -> list[tuple[str, str]]:
    """(day, result) of every report of a unit."""
    return [(str(a), str(b)) for a, b in node.rows("SELECT day, result FROM check_report WHERE unit = ?", unit)]
