"""Why another machine did not answer, in words: the libraries' own are English, and name their classes."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from schemas.labels import label

MAX_CAUSES: Final = 12
_NO_WAY: Final = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


def cause(language: str, error: BaseException) -> str:
    """The first cause that people know: no such host, refused, no way there, silence, no https, else that whoever
    answers is no node.
    """
    for one in _causes(error):
        key = _key(one)
        if key is not None:
            return label(language, key)
    return label(language, "reason.no_node_there")


def _key(error: BaseException) -> str | None:
    if isinstance(error, socket.gaierror):
        return "reason.no_such_host"
    if isinstance(error, ConnectionRefusedError):
        return "reason.refused"
    if isinstance(error, TimeoutError):
        return "reason.silent"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "reason.untrusted"
    if isinstance(error, ssl.SSLError):
        return "reason.no_https"
    return "reason.no_way" if isinstance(error, OSError) and error.errno in _NO_WAY else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what it carries and what it came from; libraries wrap in all three ways."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < MAX_CAUSES:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        wrapped = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        waiting += [inner for inner in wrapped if isinstance(inner, BaseException)]
