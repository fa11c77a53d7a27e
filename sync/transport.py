"""HTTP by requests, with hard limits: no redirects, no environment proxies, capped replies, bounded time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import requests
import urllib3

from sync.env import Reply, TransportError
from sync.wire import MAX_PLAIN_BYTES

CONNECT_TIMEOUT_S: Final = 10
READ_TIMEOUT_S: Final = 30
TOTAL_TIMEOUT_S: Final = 120
CHUNK_BYTES: Final = 64 * 1024


class HttpTransport:
    """One keep-alive session to a parent. `ca_file` names the city's own CA where there is one."""

    def __init__(self, ca_file: str | None = None) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._verify: bool | str = ca_file or True

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply with its body as sent (still compressed). Raises TransportError."""
        deadline = time.monotonic() + TOTAL_TIMEOUT_S
        try:
            with self._session.request(
                method,
                url,
                headers={"accept-encoding": "identity", **headers},
                data=body or None,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
                verify=self._verify,
            ) as reply:
                content = self._read(reply, deadline)
                return Reply(reply.status_code, {k.lower(): v for k, v in reply.headers.items()}, content)
        # A body that breaks off is urllib3's error, not one of requests: it is read as it came, from below requests.
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise TransportError(str(error)) from error

    def _read(self, reply: requests.Response, deadline: float) -> bytes:
        content = bytearray()
        while True:
            chunk = reply.raw.read(CHUNK_BYTES, decode_content=False)
            if not chunk:
                break
            content += chunk
            if len(content) > MAX_PLAIN_BYTES:
                raise TransportError(f"reply over {MAX_PLAIN_BYTES} bytes")
            if time.monotonic() > deadline:
                raise TransportError(f"reply took over {TOTAL_TIMEOUT_S} s")
        length = reply.headers.get("content-length")
        if length is not None and length.isdigit() and int(length) != len(content):
            raise TransportError("reply cut short")
        return bytes(content)
