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
        self._whole = threading.Event()
        self._whole.set()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.passed: list[bytearray] = []  # what went one way over one connection
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the child finds its parent."""
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Ends every connection, and lets no new one through."""
        self._whole.clear()
        self._drop()

    def mend(self) -> None:
        """Lets connections through again."""
        self._whole.set()

    def close(self) -> None:
        """Ends everything."""
        self.cut()
        self._listener.close()

    def bodies(self) -> bytes:
        """All that passed, as it stood on the wire and with every gzip body opened."""
        with self._lock:
            raw = [bytes(one) for one in self.passed]
        return b"\n".join([*raw, *(opened(one) for one in raw)])

    def _drop(self) -> None:
        with self._lock:
            going, self._open = self._open, set()
        for one in going:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            if not self._whole.is_set():
                near.close()
                continue
            try:
                far = socket.create_connection(self._to, CONNECT_S)
            except OSError:
                near.close()  # the parent is down: so is the wire
                continue
            with self._lock:
                self._open |= {near, far}
            for source, target in ((near, far), (far, near)):
                source.settimeout(IDLE_S)
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        kept = bytearray()
        with self._lock:
            self.passed.append(kept)
        try:
            while chunk := source.recv(CHUNK):
                with self._lock:
                    kept += chunk
                target.sendall(chunk)
        except OSError:
            return  # cut, or one side went away
        finally:
            for one in (source, target):
                with contextlib.suppress(OSError):
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
