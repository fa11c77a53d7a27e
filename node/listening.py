"""Whether `serve` can listen where it is told to, and with which certificate: asked before anything is announced."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import time
from typing import Final

from schemas.errors import Conflict, Invalid

MAX_PORT: Final = 65_535
PORT_WAIT_S: Final = 5.0
PORT_POLL_S: Final = 0.2
_BIND: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]/]+)):([0-9]{1,5})")


def require_free(bind: str) -> None:
    """Raises Invalid where nobody can listen, Conflict where somebody does; who is just going gets a few seconds."""
    found = _BIND.fullmatch(bind)
    if found is None or not 0 < int(found[3]) <= MAX_PORT:
        raise Invalid("bad_bind", field="--bind", value=bind)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            found[1] or found[2], int(found[3]), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise Invalid("bind_elsewhere", field="--bind", value=bind) from error
    deadline = time.monotonic() + PORT_WAIT_S
    while (why := _tried(socket.socket(family, kind, protocol), address)) is not None:
        if why.errno == errno.EADDRNOTAVAIL:
            raise Invalid("bind_elsewhere", field="--bind", value=bind) from why
        if why.errno != errno.EADDRINUSE:
            raise Invalid("bind_refused", field="--bind", value=bind, why=why) from why
        if time.monotonic() > deadline:
            raise Conflict("port_taken", field="--bind", value=bind) from why
        time.sleep(PORT_POLL_S)


def _tried(listener: socket.socket, address: tuple[object, ...]) -> OSError | None:
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            listener.bind(address)
        except OSError as error:
            return error
    return None


def require_certificate(certfile: str | None, keyfile: str | None) -> None:
    """Raises Invalid unless both are left out, or are a certificate and its key: else every page would fail later."""
    if (certfile is None) != (keyfile is None):
        raise Invalid("cert_without_key", field="--certfile", value=certfile or keyfile)
    if certfile is None or keyfile is None:
        return
    for field, path in (("--certfile", certfile), ("--keyfile", keyfile)):
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise Invalid("file_unreadable", field=field, value=path, why=error) from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certfile, keyfile, password=lambda: "-")
    except ssl.SSLError as error:
        raise Invalid("cert_no_pair", field="--certfile", value=certfile, key=keyfile) from error
