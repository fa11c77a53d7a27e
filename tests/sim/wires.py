"""What wires and proxies do to requests and replies in a walk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final
from urllib.parse import urlsplit

from builders import DAY_MS, City, Sent
from sync.env import Reply, TransportError

STATUSES: Final = (413, 429, 500, 503, 507)
WIRES: Final = (
    "lost_request", "lost_reply", "portal", "status", "cut_request", "cut_reply", "flipped_request", "flipped_reply",
    "twice", "replayed", "reordered", "delayed",
)  # fmt: skip
STRUCK: Final = (*(one for one in WIRES if one != "status"), *(f"status_{one}" for one in STATUSES), "delayed_by_weeks")
OFTEN: Final = {"lost_request": 0.08, "lost_reply": 0.08}
SELDOM: Final = 0.02
ARRIVES: Final = 0.1  # how often in a step a request arrives that was delayed
WEEK_MS: Final = 7 * DAY_MS
PORTAL: Final = b"<!doctype html><title>login</title>"


class Wires:
    """Faults of the network. Each fault draws from a source of its own, so that one more kind changes no other."""

    def __init__(self, city: City, faults: frozenset[str], counts: Counter[str]) -> None:
        self._city, self._faults, self._counts = city, faults, counts
        self._source: Callable[[object], Random] = Random
        self._sources: dict[str, Random] = {}
        self._held: list[Sent] = []  # overtaken by the next request
        self._late: list[tuple[int, Sent]] = []  # (when it was sent, the request): arrives in a later step
        self._quiet = False

    def begin(self, source: Callable[[object], Random]) -> None:
        """A step begins; something may arrive that was sent long ago."""
        self._source = source
        self._sources.clear()
        random = self._of("late")
        if self._late and random.random() < ARRIVES:
            self.arrive(random)

    def arrive(self, random: Random) -> None:
        """One of the delayed requests arrives after all."""
        if not self._late:
            return
        sent_at, sent = self._late.pop(random.randrange(len(self._late)))
        self._counts["delayed_by_weeks"] += self._city.clock.at_ms - sent_at > WEEK_MS
        self._deliver(sent)

    def before(self, sent: Sent) -> Reply | None:
        """On the way there: lost, spoilt, late, answered by somebody else, or overtaken by an old request."""
        if self._quiet:
            return None
        if self._strikes("lost_request"):
            raise TransportError("lost")
        if self._strikes("delayed"):
            self._late.append((self._city.clock.at_ms, _copy(sent)))
            raise TransportError("time-out")
        if self._strikes("reordered"):
            self._held.append(_copy(sent))
            raise TransportError("time-out")
        if self._strikes("portal"):
            return Reply(200, {"content-type": "text/html"}, PORTAL)
        if self._strikes("status", counted=False):
            status = self._of("status").choice(STATUSES)
            self._counts[f"status_{status}"] += 1
            return Reply(status, {"retry-after": "30"}, b'{"code":"busy"}')
        if self._city.network.log[:-1] and self._strikes("replayed"):
            self._deliver(self._of("replayed").choice(self._city.network.log[:-1]))
        self._spoil(sent)
        return None

    def _spoil(self, sent: Sent) -> None:
        if sent.body and self._strikes("cut_request"):
            sent.body = sent.body[: self._of("cut_request").randrange(len(sent.body))]
        if sent.body and self._strikes("flipped_request"):
            sent.body = flipped(self._of("flipped_request"), sent.body)

    def after(self, sent: Sent, reply: Reply) -> Reply:
        """On the way back."""
        if self._quiet:
            return reply
        while self._held:
            self._deliver(self._held.pop())
        if self._strikes("twice"):
            self._deliver(sent)
        if self._strikes("lost_reply"):
            raise TransportError("lost")
        if reply.body and self._strikes("cut_reply"):
            return Reply(reply.status, reply.headers, reply.body[: self._of("cut_reply").randrange(len(reply.body))])
        if reply.body and self._strikes("flipped_reply"):
            return Reply(reply.status, reply.headers, flipped(self._of("flipped_reply"), reply.body))
        return reply

    def _deliver(self, sent: Sent) -> None:
        """Nobody waits for this reply."""
        handler = self._city.network.hosts.get(urlsplit(sent.url).netloc)
        quiet, self._quiet = self._quiet, True
        try:
            if handler is not None:
                handler(_copy(sent))
        except TransportError:
            return  # the parent died over it, and is up again
        finally:
            self._quiet = quiet

    def _strikes(self, fault: str, *, counted: bool = True) -> bool:
        struck = fault in self._faults and self._of(fault).random() < OFTEN.get(fault, SELDOM)
        if counted:
            self._counts[fault] += struck
        return struck

    def _of(self, fault: str) -> Random:
        if fault not in self._sources:
            self._sources[fault] = self._source(fault)
        return self._sources[fault]


def flipped(random: Random, body: bytes) -> bytes:
    """The body with one bit turned."""
    changed = bytearray(body)
    changed[random.randrange(len(body))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _copy(sent: Sent) -> Sent:
    return Sent(sent.method, sent.url, dict(sent.headers), sent.body)
