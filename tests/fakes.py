"""What a test holds in its hands: a clock, a network, a node's surroundings, and the tiny city's units."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from werkzeug.test import TestResponse

from schemas.clock import at_time
from sync import server
from sync.env import Head, Moment, Reply, TransportError

CITY: Final = "421000000000"
EAST: Final = "421001000000"
WEST: Final = "421002000000"
E_TOWN: Final = "421001001000"
W_TOWN: Final = "421002001000"
E_VILLAGE: Final = "421001001001"
W_VILLAGE: Final = "421002001001"
E_GROUPS: Final = tuple(f"{E_VILLAGE}{number:03d}" for number in (1, 2, 3))
W_GROUPS: Final = tuple(f"{W_VILLAGE}{number:03d}" for number in (1, 2, 3))
GROUPS: Final = E_GROUPS + W_GROUPS
UNITS: Final = (CITY, EAST, E_TOWN, E_VILLAGE, *E_GROUPS, WEST, W_TOWN, W_VILLAGE, *W_GROUPS)

TODAY: Final = date(2026, 11, 23)  # a Monday
NOW_MS: Final = at_time(TODAY, time(18, 0))
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
PLENTY_BYTES: Final = 2**40


def unit_list() -> str:
    """The tiny city as the CSV that `grid-hub init` takes: 1 city, 2 counties, townships and villages, 6 groups."""
    rows = ["code,name,level,parent_code", f"{CITY},试点市,city,"]
    for county, town, village, groups, name in (
        (EAST, E_TOWN, E_VILLAGE, E_GROUPS, "东"),
        (WEST, W_TOWN, W_VILLAGE, W_GROUPS, "西"),
    ):
        rows += [f"{county},{name}县,county,{CITY}", f"{town},{name}镇,township,{county}"]
        rows += [f"{village},{name}村,village,{town}"]
        rows += [f"{group},{name}村{number}组,group,{village}" for number, group in enumerate(groups, 1)]
    return "\n".join(rows) + "\n"


@dataclass
class Clock:
    """The true time of a test; every node's own clock is this one plus the node's error."""

    at_ms: int = NOW_MS

    def set(self, day: str | date, hour: int = 18, minute: int = 0) -> None:
        """Puts the clock to an hour of a day in Shanghai."""
        at = date.fromisoformat(day) if isinstance(day, str) else day
        self.at_ms = at_time(at, time(hour, minute))

    def forward(self, ms: int) -> None:
        """Lets time pass."""
        self.at_ms += ms


@dataclass
class Sent:
    """One request as it went over the fake network, with the reply that came back (None: none did)."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    reply: Reply | None = None


Handler = Callable[["Sent"], Reply]


class Network:
    """Carries requests to the handlers of the nodes of a process. Faults are functions put into `before` (may answer
    or raise TransportError instead of the parent) and `after` (may change the reply, or lose it).
    """

    def __init__(self) -> None:
        self.hosts: dict[str, Handler] = {}
        self.log: list[Sent] = []
        self.before: Callable[[Sent], Reply | None] | None = None
        self.after: Callable[[Sent, Reply], Reply] | None = None

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply of the node that listens at the URL. Raises TransportError where nobody does."""
        sent = Sent(method, url, {name.lower(): value for name, value in headers.items()}, body)
        self.log.append(sent)
        reply = self.before(sent) if self.before else None
        if reply is None:
            handler = self.hosts.get(urlsplit(url).netloc)
            if handler is None:
                raise TransportError("nobody listens")
            reply = handler(sent)
        if self.after:
            reply = self.after(sent, reply)
        sent.reply = reply
        return reply

    def posted(self) -> list[Sent]:
        """The exchanges so far."""
        return [sent for sent in self.log if urlsplit(sent.url).path == server.EXCHANGE_PATH]


@dataclass
class FakeEnv:
    """The surroundings of one node. `on_commit` may raise to die at a commit; `clock_error_ms` is this node's own."""

    clock: Clock
    network: Network
    random: random.Random
    clock_error_ms: int = 0
    free: int = PLENTY_BYTES
    on_commit: Callable[[str, Moment], None] | None = None
    commits: list[tuple[str, Moment]] = field(default_factory=list)
    marker: Head | None = None

    @property
    def transport(self) -> Network:
        """The way to the parent."""
        return self.network

    def now_ms(self) -> int:
        """This node's clock, unix ms."""
        return self.clock.at_ms + self.clock_error_ms

    def random_bytes(self, count: int) -> bytes:
        """Seeded bytes: the same test gives the same keys and hashes each time."""
        return self.random.randbytes(count)

    def uniform(self) -> float:
        """A seeded number in [0, 1)."""
        return self.random.random()

    def free_bytes(self) -> int:
        """Room left on the pretended disk."""
        return self.free

    def copies(self) -> list[Path]:
        """No earlier databases are kept."""
        return []

    def committing(self, name: str, moment: Moment) -> None:
        """Notes the commit, and dies if the test says so."""
        self.commits.append((name, moment))
        if self.on_commit is not None:
            self.on_commit(name, moment)

    def keep_head(self, head: Head) -> None:
        """The marker, kept apart from the database."""
        self.marker = head

    def kept_head(self) -> Head | None:
        """What was kept last."""
        return self.marker


def told(reply: TestResponse) -> Any:
    """The JSON document of a reply."""
    return json.loads(reply.data)
