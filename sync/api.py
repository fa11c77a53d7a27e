"""The sync routes: thin shells over byte-in, byte-out handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from flask import Blueprint, Response, request

from schemas.errors import TooLarge
from sync import enrol, server
from sync.replica import Replica
from sync.wire import MAX_GZIP_BYTES

MAX_ENROL_BYTES: Final = 4 * 1024
Handler: TypeAlias = Callable[[Replica, bytes, Mapping[str, str], bytes], server.WireReply]


def blueprint(replica: Callable[[], Replica], secret: bytes, on_news: Callable[[], None]) -> Blueprint:
    """`/sync/v1/*`. `replica` opens the node for this request; `on_news` is told when events came from below."""
    routes = Blueprint("sync", __name__, url_prefix="/sync/v1")

    def _answered(handler: Handler, limit: int) -> server.WireReply:
        """Even the refusal to read a body is signed: an unsigned one would be taken for a captive portal's."""
        opened = replica()
        headers = {name.lower(): value for name, value in request.headers.items()}
        return server.answered(opened, secret, headers, lambda _now: handler(opened, secret, headers, _body(limit)))

    @routes.get("/hello")
    def hello() -> Response:
        return _response(server.hello(replica(), secret))

    @routes.post("/exchange")
    def exchange() -> Response:
        reply = _answered(server.exchange, MAX_GZIP_BYTES)
        if reply.news:
            on_news()
        return _response(reply)

    @routes.post("/rebase")
    def rebase() -> Response:
        return _response(_answered(server.rebase, server.MAX_LADDER_BYTES))

    @routes.post("/enrol")
    def enrol_child() -> Response:
        return _response(enrol.enrol(replica(), secret, _body(MAX_ENROL_BYTES)))

    return routes


def _body(limit: int) -> bytes:
    """The raw body; one byte over the limit is read at most, the handler says so."""
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge("body_too_large", field="body", value=request.content_length, limit=limit)
    return request.stream.read(limit + 1)


def _response(reply: server.WireReply) -> Response:
    return Response(reply.body, reply.status, reply.headers)
