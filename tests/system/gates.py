"""A wire between two live nodes that a test can cut; what passes over it is kept to be looked at."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import zlib
from typing import Final

HOST: Final = "127.0.0.1"
CHUNK: Final = 65_536
CONNECT_S: Final = 5
IDLE_S: Final = 60


class Gate:
    """Listens on a port of its own and passes on to another one, unless it is cut."""

    def __init__(self, port: int) -> None:
        self._to = (HOST, port)
        self._listener = socket.create_server((HOST, 0))
        self._whole = True
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.passed: list[bytearray] = []  # what went one way over one connection
        self.turned_away = 0  # connections that came while it was cut
        self.breaks_off = False  # set: a reply ends behind its headers
        self.broken_off = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the child finds its parent."""
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Ends every connection, and lets no new one through."""
        with self._lock:
            self._whole = False
            for one in self._open:
                hang_up(one)

    def mend(self) -> None:
        """Lets connections through again."""
        with self._lock:
            self._whole = True

    def close(self) -> None:
        """Ends everything."""
        self.cut()
        hang_up(self._listener)  # who waits in accept would wait on
        self._listener.close()

    def bodies(self) -> bytes:
        """All that passed, as it stood on the wire and with every gzip body opened."""
        with self._lock:
            raw = [bytes(one) for one in self.passed]
        return b"\n".join([*raw, *(opened(one) for one in raw)])

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            with self._lock:
                if not self._whole:
                    self.turned_away += 1
                    near.close()
                    continue
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        """One connection, from its first byte to its last. Sockets are closed here alone: `cut` only hangs up, so that
        nobody is left with a number that may be another connection's by now.
        """
        with near:
            try:
                far = socket.create_connection(self._to, CONNECT_S)
            except OSError:
                return  # the parent is down: so is the wire
            with far:
                for one in (near, far):
                    one.settimeout(IDLE_S)
                with self._lock:
                    if not self._whole:
                        return
                    self._open |= {near, far}
                back = threading.Thread(target=self._pump, args=(far, near, True), daemon=True)
                back.start()
                self._pump(near, far)
                back.join()
                with self._lock:
                    self._open -= {near, far}

    def _pump(self, source: socket.socket, target: socket.socket, replies: bool = False) -> None:
        kept = bytearray()
        with self._lock:
            self.passed.append(kept)
        try:
            while chunk := source.recv(CHUNK):
                with self._lock:
                    kept += chunk
                headers, end, _ = chunk.partition(b"\r\n\r\n")
                if replies and self.breaks_off and end:
                    target.sendall(headers + end)
                    self.broken_off += 1
                    return
                target.sendall(chunk)
        except OSError:
            return  # cut, or one side went away
        finally:
            for one in (source, target):
                hang_up(one)


def hang_up(one: socket.socket) -> None:
    """Ends a connection; who waits for its bytes gets none."""
    with contextlib.suppress(OSError):  # it has ended already
        one.shutdown(socket.SHUT_RDWR)


def opened(stream: bytes) -> bytes:
    """Every gzip member that stands in a stream of HTTP messages, inflated as far as it goes."""
    found, start = [], 0
    while (at := stream.find(b"\x1f\x8b\x08", start)) >= 0:
        inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        with contextlib.suppress(zlib.error):  # three bytes that only look like the start of one
            found.append(inflate.decompress(stream[at:]))
        start = at + 3
    return b"\n".join(found)


assert opened(b"x" + gzip.compress(b"seen")) == b"seen"  # a gate that sees nothing would prove nothing
