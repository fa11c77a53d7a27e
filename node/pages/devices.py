"""Phones: this node's address as a QR code, the code by which a phone signs in once, the city's own CA."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for

from node.guard import language, me, replica
from node.pages.frame import page, typed
from node.pages.signing import welcome
from node.phones import devices, qr
from node.phones.own_ca import fingerprint, own_certificate
from schemas.errors import GridError, NotFound
from schemas.labels import explain, label

if TYPE_CHECKING:
    from node.grid import Grid

LOOPBACK: Final = ("localhost", "127.", "[::1]")


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/phones", "devices", devices_page)
    routes.add_url_rule("/phones/code", "device_code", device_code, methods=["POST"])
    routes.add_url_rule("/phones/in", "device_in", device_in, methods=["GET", "POST"])
    routes.add_url_rule("/users/phone", "user_device", user_device, methods=["POST"])
    routes.add_url_rule("/users/device", "end_device", end_device, methods=["POST"])
    routes.add_url_rule("/ca", "own_ca", own_ca)
    routes.add_url_rule("/ca.crt", "own_ca_file", own_ca_file)


def devices_page() -> Response:
    """The address of this node for phones, as text and as QR code."""
    return _page()


def device_code() -> Response:
    """A code for a phone of one's own, shown once."""
    return _page(me().name, devices.new_code(replica(), me(), me().name))


def user_device() -> Response:
    """An administrator makes a code for somebody's phone."""
    name = typed("name")
    return _page(name, devices.new_code(replica(), me(), name))


def _page(name: str = "", code: str | None = None) -> Response:
    address = own_address()
    target = f"{address}/phones/in?code={quote(code)}" if code else address
    lang = language()
    return page(
        "devices.html",
        "page.devices.title",
        name=name,
        code=code,
        minutes=devices.CODE_LIFE_MS // 60_000,
        address=address,
        local=_is_local(address),
        secure=address.startswith("https://"),
        qr=qr.svg(target, label(lang, "page.devices.qr_in" if code else "page.devices.qr", address=address)),
        has_ca=own_certificate(_grid().ca_files) is not None,
    )


def device_in() -> Any:
    """On the phone: the code, shown before it is used, so that no preview of a link uses it up."""
    if request.method == "GET":
        return _device_in(request.args.get("code", "")[:40])
    code = typed("code")
    try:
        name = devices.redeem(replica(), code)
    except GridError as error:
        return _device_in(code, error)
    return welcome(name, url_for("pages.home"), devices.DEVICE_LIFE_MS)


def _device_in(code: str, error: GridError | None = None) -> Response:
    told = explain(language(), error) if error else None
    return page("device_in.html", "page.device_in.title", error.status if error else 200, code=code, error=told)


def end_device() -> Response:
    """An administrator signs one device of somebody out."""
    name = typed("name")
    devices.end(replica(), me(), name, typed("id"))
    return redirect(url_for("pages.one_user", name=name), 303)  # type: ignore[return-value]


# ---- the city's own CA


def own_ca() -> Response:
    """How a phone takes the city's certificate in, step by step."""
    pem = own_certificate(_grid().ca_files)
    where = f"{own_address()}/ca"
    return page(
        "own_ca.html",
        "page.own_ca.title",
        fingerprint=fingerprint(pem) if pem else None,
        address=where,
        qr=qr.svg(where, label(language(), "page.own_ca.qr", address=where)) if pem else None,
    )


def own_ca_file() -> Response:
    """The certificate itself, as phones take it. Raises NotFound where there is none."""
    pem = own_certificate(_grid().ca_files)
    if pem is None:
        raise NotFound("no_ca", field="route", value="/ca.crt")
    response = make_response(pem)
    response.mimetype = "application/x-x509-ca-cert"
    response.headers["Content-Disposition"] = 'attachment; filename="fivegrid-ca.crt"'
    return response


def _grid() -> Grid:
    grid: Grid = current_app.extensions["grid"]
    return grid


# ---- where we are


def own_address() -> str:
    """Where phones reach this node: as config.toml says, else as the reader reached it; who sits at the node itself,
    and so calls it localhost, is told the address in the local network.
    """
    stated = _grid().address
    if stated:
        return str(stated).rstrip("/")
    host = request.host
    if host.startswith(LOOPBACK):
        _, _, port = host.rpartition(":") if host.count(":") else ("", "", "")
        found = lan_address()
        if found is not None:
            host = f"{found}:{port}" if port.isdigit() else found
    return f"{request.scheme}://{host}"


def _is_local(address: str) -> bool:
    return address.partition("://")[2].startswith(LOOPBACK)


def lan_address() -> str | None:
    """This machine's address in its network, None without one. Nothing is sent: the kernel only picks a way out."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            found = str(probe.getsockname()[0])
    except OSError:
        return None
    return None if found.startswith(LOOPBACK) or found == "0.0.0.0" else found  # noqa: S104 - no network, not a bind
