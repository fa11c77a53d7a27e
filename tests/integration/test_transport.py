"""The way out over HTTP: whatever answers there, and however it breaks off, is one kind of error."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from sync.env import TransportError
from sync.transport import HttpTransport
from sync.wire import MAX_PLAIN_BYTES

HOST: Final = "127.0.0.1"
OK: Final = b"HTTP/1.1 200 OK\r\n"
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is reset
BROKEN: Final = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 2",
    "no status line": b"<html>welcome to the portal</html>\r\n\r\n",
    "headers alone": OK + b"Content-Length: 10\r\n\r\n",
    "half a body": OK + b"Content-Length: 10\r\n\r\nhalf",
    "half a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\na\r\nhalf",
    "a chunk without its length": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n",
    "headers without end": OK + b"X: " + b"x" * 70_000,
    "too many headers": OK + b"X: x\r\n" * 200 + b"\r\n",
    "more than a reply may hold": OK + b"\r\n" + b"x" * (MAX_PLAIN_BYTES + 1),
}


@contextmanager
def answering(reply: bytes, *, reset: bool) -> Iterator[str]:
    """The address of a server that sends these bytes to whoever asks, and hangs up."""
    with socket.create_server((HOST, 0)) as listener:

        def answer() -> None:
            near, _ = listener.accept()
            with near:
                near.recv(65_536)
                near.sendall(reply)
                if reset:
                    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

        serving = threading.Thread(target=answer)
        serving.start()
        yield f"http://{HOST}:{listener.getsockname()[1]}/"
        serving.join(60)
        assert not serving.is_alive()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN.keys())
def test_a_reply_that_is_none_or_breaks_off_is_an_error_of_the_way(reply: bytes, reset: bool) -> None:
    with answering(reply, reset=reset) as url, pytest.raises(TransportError):
        HttpTransport().request("POST", url, {}, b"asked")


def test_a_whole_reply_is_handed_on_as_it_came_and_a_redirect_is_not_followed() -> None:
    with answering(OK + b"X-One: 1\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x00\xff", reset=False) as url:
        reply = HttpTransport().request("GET", url, {}, b"")
    assert (reply.status, reply.headers["x-one"], reply.body) == (200, "1", b"\x1f\x8b\x00\xff")
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with answering(moved, reset=False) as url:
        assert HttpTransport().request("GET", url, {}, b"").status == 302


def test_an_address_where_nobody_listens_is_an_error_of_the_way() -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    for url in (f"http://{HOST}:{port}/", "http://no.such.host.invalid/", "http://[::1/", "gopher://x/"):
        with pytest.raises(TransportError):
            HttpTransport().request("GET", url, {}, b"")
