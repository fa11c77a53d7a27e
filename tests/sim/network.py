"""The simulated network: bytes go in at a child and come out at its parent's real handlers, or do not."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from surroundings import Clock, Faults, SimCrash

from sync import enrol, server
from sync.env import Reply, TransportError
from sync.replica import Replica
from sync.server import EXCHANGE_PATH, HELLO_PATH, REBASE_PATH, WireReply

SCHEME: Final = "http://"  # the unit is the host
PORTAL: Final = "<!doctype html><title>登录</title><p>请先登录无线网络。</p>".encode()
PORTAL_STATUS: Final = (200, 302, 404, 511)
KEPT_FOR_REPLAY: Final = 12
SERVE_MS: Final = (5, 400)  # the least and the most that one request takes


class Host(Protocol):
    """A node that answers requests."""

    replica: Replica
    secret: bytes
    is_up: bool

    def restart(self) -> None:
        """Starts the process again from what is durable."""


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    headers: Mapping[str, str]
    body: bytes


class Network:
    """A transport for everybody. `requests` counts what was sent; `told_to_wait_s` is the last Retry-After given;
    `meanwhile` says what happens elsewhere while a reply is on its way.
    """

    def __init__(self, clock: Clock, faults: Faults, hosts: Callable[[str], Host | None]) -> None:
        self._clock = clock
        self._faults = faults
        self._hosts = hosts
        self._earlier: deque[_Request] = deque(maxlen=KEPT_FOR_REPLAY)
        self.requests = 0
        self.told_to_wait_s: int | None = None
        self.errors: list[str] = []
        self.meanwhile: dict[str, Callable[[], object]] = {}

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The parent's reply, or whatever stands in its place. Raises TransportError."""
        self.requests += 1
        self.told_to_wait_s = None
        faults = self._faults
        self._clock.pass_ms(faults.random.randint(*SERVE_MS))
        sent = _Request(url, {name.lower(): value for name, value in headers.items()}, body)
        stranger = self._on_the_way_there()
        if stranger is not None:
            return stranger
        if self._earlier and faults.strikes("replayed"):
            self._lost_reply(faults.random.choice(self._earlier))
        self._earlier.append(sent)
        if body and faults.strikes("flipped_request"):
            sent = _Request(url, sent.headers, faults.flipped(body))
        reply = self._deliver(sent)
        if faults.strikes("duplicated"):
            second = self._deliver(sent)
            reply = faults.random.choice((reply, second))
        for fault, happen in self.meanwhile.items():
            if faults.strikes(fault):
                with faults.held_back():  # a crash here would be one of the requesting computer too
                    happen()
        return self._on_the_way_back(reply)

    def _on_the_way_there(self) -> Reply | None:
        faults = self._faults
        if faults.strikes("request_lost"):
            raise TransportError("no answer")
        if faults.strikes("portal"):
            return Reply(faults.random.choice(PORTAL_STATUS), {"content-type": "text/html"}, PORTAL)
        if faults.strikes("busy_503"):
            self.told_to_wait_s = faults.random.randint(1, 600)
            body = faults.random.choice((b"", b"busy", b'{"code":"busy"}'))
            return Reply(503, {"retry-after": str(self.told_to_wait_s)}, body)
        return None

    def _on_the_way_back(self, reply: Reply) -> Reply:
        faults = self._faults
        if faults.strikes("reply_lost"):
            raise TransportError("connection reset")
        if reply.body and faults.strikes("truncated"):
            return Reply(reply.status, reply.headers, faults.cut(reply.body))
        if reply.body and faults.strikes("flipped_reply"):
            return Reply(reply.status, reply.headers, faults.flipped(reply.body))
        return reply

    def _lost_reply(self, request: _Request) -> None:
        try:
            self._deliver(request)
        except TransportError:
            return  # nobody waits for this reply

    def _deliver(self, request: _Request) -> Reply:
        unit, _, path = request.url.removeprefix(SCHEME).partition("/")
        host = self._hosts(unit)
        if host is None or not host.is_up:
            raise TransportError("connection refused")
        try:
            reply = self._handle(host, "/" + path, request)
        except SimCrash as crash:
            host.restart()
            raise TransportError(f"the parent died: {crash}") from crash
        except Exception:  # noqa: BLE001 - whatever a handler raises is a finding, not the end of the run
            self.errors.append(f"{unit} {path}: {traceback.format_exc(limit=-4)}")
            return Reply(500, {"content-type": "text/html"}, b"<h1>500</h1>")
        return Reply(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.body)

    def _handle(self, host: Host, path: str, request: _Request) -> WireReply:
        if path == HELLO_PATH:
            return server.hello(host.replica, host.secret)
        if path == EXCHANGE_PATH:
            return server.exchange(host.replica, host.secret, request.headers, request.body)
        if path == REBASE_PATH:
            return server.rebase(host.replica, host.secret, request.headers, request.body)
        assert path == enrol.PATH, path
        return enrol.enrol(host.replica, host.secret, request.body)
