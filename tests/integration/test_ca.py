"""The city's own CA: what it signs, what it must not, and how phones get its certificate."""

from __future__ import annotations

import sqlite3
import ssl
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from desk import Desk, assert_refused, desk_in, image

from builders import EAST, City
from hub import ca
from node.app import create_app
from node.cli import main
from node.folder import DATABASE
from node.grid import Grid
from node.phones.own_ca import fingerprint, own_certificate
from sync.env import TransportError
from sync.transport import HttpTransport


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A hub and a county's node on disk."""
    return desk_in(tmp_path, capsys, monkeypatch).ready()


def issued(folder: Path) -> x509.Certificate:
    """The certificate that a node serves with."""
    return x509.load_pem_x509_certificate((folder / ca.ISSUED).read_bytes())


def test_what_makes_no_sense_is_refused_and_nothing_is_written(desk: Desk) -> None:
    out = desk.folder / "out"
    before = image(desk.hub)
    for refused in (
        desk.at_hub("ca"),
        desk.at_hub("ca", "issue", "hub.internal", "--out", out),  # no CA yet
        desk.at_hub("ca", "init", "--domain", "-not a name-"),
        desk.at_hub("ca", "init", "--domain", "全市"),
        desk.at_county("ca", "init"),  # the hub's alone
    ):
        assert_refused(refused)
    assert image(desk.hub) == before
    assert not out.exists()


def test_a_second_ca_is_refused_and_so_is_every_name_outside_of_the_first(desk: Desk) -> None:
    made = desk.at_hub("ca", "init", "--domain", "grid.jz.example", "--json").document
    assert made["names"] == ["grid.jz.example"]
    out = desk.folder / "out"
    before = image(desk.hub)
    assert_refused(desk.at_hub("ca", "init"))
    for name in ("bank.example", "xgrid.jz.example", "8.8.8.8", "2001:4860::1", "a b", ""):
        assert_refused(desk.at_hub("ca", "issue", name, "--out", out))
    assert_refused(desk.at_hub("ca", "issue", "a.grid.jz.example", "bank.example", "--out", out))
    assert_refused(desk.at_hub("ca", "issue", *(f"n{at}.grid.jz.example" for at in range(21)), "--out", out))
    assert not out.exists()
    assert image(desk.hub) == before


def test_a_certificate_is_good_for_its_names_for_a_year_and_only_its_owner_reads_the_key(desk: Desk) -> None:
    desk.at_hub("ca", "init")
    out = desk.folder / "out"
    said = desk.at_hub("ca", "issue", "honghu.internal", "192.168.3.4", "--out", out, "--json").document
    certificate = issued(out)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["honghu.internal"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.168.3.4"]
    assert 396 <= (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days <= 398
    assert (out / ca.ISSUED_KEY).stat().st_mode & 0o077 == 0
    assert (desk.hub / "ca" / ca.KEY).stat().st_mode & 0o077 == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(out / ca.ISSUED, out / ca.ISSUED_KEY)  # key and certificate belong together
    root = x509.load_pem_x509_certificate((out / "ca.crt").read_bytes())
    certificate.verify_directly_issued_by(root)
    assert said["fingerprint"] == fingerprint((out / "ca.crt").read_bytes())
    constraints = root.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert "internal" in [one.value for one in constraints.value.permitted_subtrees or []]


def test_a_certificate_is_put_in_the_place_of_another_only_when_that_was_said(desk: Desk) -> None:
    desk.at_hub("ca", "init")
    out = desk.folder / "out"
    assert desk.at_hub("ca", "issue", "a.internal", "--out", out).code == 0
    first = (out / ca.ISSUED).read_bytes()
    assert_refused(desk.at_hub("ca", "issue", "a.internal", "--out", out))
    assert (out / ca.ISSUED).read_bytes() == first
    assert desk.at_hub("ca", "issue", "a.internal", "--out", out, "--renew").code == 0
    assert issued(out).serial_number != x509.load_pem_x509_certificate(first).serial_number
    assert sorted(path.name for path in out.iterdir()) == ["ca.crt", "tls.crt", "tls.key"]


def test_without_the_extra_it_says_what_to_install(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ca, "find_spec", lambda name: None)
    said = desk.at_hub("ca", "init")
    assert_refused(said)
    assert "cryptography" in said.err
    assert not (desk.hub / "ca").exists()


def test_both_acts_stand_in_the_audit(desk: Desk) -> None:
    desk.at_hub("ca", "init")
    desk.at_hub("ca", "issue", "a.internal", "--out", desk.folder / "out")
    with closing(sqlite3.connect(desk.hub / DATABASE)) as conn:
        acts = conn.execute("SELECT act, subject FROM audit ORDER BY n DESC LIMIT 2").fetchall()
    assert acts == [("ca_issued", "a.internal"), ("ca_made", "internal")]


def test_a_node_that_is_told_of_a_ca_keeps_it_and_a_file_without_one_is_refused(desk: Desk) -> None:
    desk.at_hub("ca", "init")
    code = desk.at_hub("invite", EAST).out.strip()
    nothing = desk.folder / "nothing.crt"
    nothing.write_text("no certificate", "ascii")
    node = desk.folder / "node"
    words = ("init", "--unit", EAST, "--parent", "http://hub.test", "--code", code, "--data", node)
    assert_refused(desk.run(main, *words, "--ca", nothing))
    assert not node.exists()
    assert desk.run(main, *words, "--ca", desk.hub / "ca" / "ca.crt").code == 0
    assert (node / "ca.crt").read_bytes() == (desk.hub / "ca" / "ca.crt").read_bytes()
    assert 'ca_file = "ca.crt"' in (node / "config.toml").read_text("utf-8")


def test_phones_get_the_certificate_with_its_fingerprint_and_steps_and_a_node_without_one_says_so(
    tmp_path: Path,
) -> None:
    node = City().hub
    made = ca.init(tmp_path, "试点市", [], node.env.now_ms())
    plain = node.browser()
    assert "没有本市的自建证书" in plain.get("/ca").text
    assert plain.get("/ca.crt").status_code == 404
    app = create_app(Grid(lambda: node.replica, node.secret, lambda: False, ca_files=[tmp_path / "ca" / "ca.crt"]))
    page = app.test_client().get("/ca", base_url="http://192.168.3.4:8080")
    assert page.status_code == 200
    assert made.fingerprint in page.text.replace("<wbr>", "")
    assert "http://192.168.3.4:8080/ca" in page.text
    assert "<svg" in page.text
    file = app.test_client().get("/ca.crt")
    assert file.mimetype == "application/x-x509-ca-cert"
    assert file.data == own_certificate([tmp_path / "ca" / "ca.crt"])


def test_a_ca_file_that_is_gone_is_an_unreachable_parent_and_no_crash(tmp_path: Path) -> None:
    with pytest.raises(TransportError):
        HttpTransport(str(tmp_path / "gone.crt")).request("GET", "https://127.0.0.1:9/", {}, b"")
