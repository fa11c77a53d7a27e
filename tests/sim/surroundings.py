"""What a simulated node takes from its surroundings: a clock that may be wrong, seeded bytes, a crash at any commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from sync.env import Head, Moment, Transport

ROOM_BYTES: Final = 1 << 40
NETWORK: Final = (
    "request_lost", "reply_lost", "duplicated", "replayed", "truncated", "flipped_request", "flipped_reply", "portal",
    "busy_503",
)  # fmt: skip
FAULTS: Final = (*NETWORK, "meanwhile", "second_exchange", "outage", "clock_hours", "clock_years", "log_renewed")
# Commits that a run reaches hundreds of times; the others come a few times a run and are hit harder.
FREQUENT: Final = frozenset({"apply", "check", "exchange", "sync_state"})


class SimCrash(BaseException):
    """The power goes at a commit. Not an Exception: no handler of the product may take it for an error of its own."""

    def __init__(self, name: str, moment: Moment) -> None:
        super().__init__(f"{name} {moment}")
        self.name = name
        self.moment = moment


class Faults:
    """Which faults strike, by the seed alone. `counts` says how often each did; crashes: `crash <commit> <moment>`."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"{seed} faults")
        self.on = True
        self.counts: Counter[str] = Counter()
        self._rates = {fault: self.random.choice((0.0, 0.02, 0.08)) for fault in NETWORK}
        self._rates |= {"meanwhile": 0.05, "second_exchange": 0.03}
        self._frequent = self.random.choice((0.0, 0.04, 0.1))
        self._rare = self.random.choice((0.1, 0.3, 0.5))

    def strikes(self, fault: str) -> bool:
        """Whether this fault happens now; counted when it does."""
        struck = self.on and self.random.random() < self._rates[fault]
        self.counts[fault] += struck
        return struck

    def flipped(self, body: bytes) -> bytes:
        """The body with one bit turned."""
        changed = bytearray(body)
        changed[self.random.randrange(len(body))] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def cut(self, body: bytes) -> bytes:
        """A proper beginning of the body."""
        return body[: self.random.randrange(len(body))]

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Nothing strikes inside."""
        was_on, self.on = self.on, False
        try:
            yield
        finally:
            self.on = was_on

    def at_commit(self, name: str, moment: Moment) -> None:
        """Raises SimCrash where the power goes."""
        rate = self._frequent if name in FREQUENT else self._rare
        if self.on and self.random.random() < rate:
            self.counts[f"crash {name} {moment}"] += 1
            raise SimCrash(name, moment)


class Clock:
    """The true time of the simulated world, unix ms."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def pass_ms(self, count: int) -> None:
        """Lets time pass."""
        self.now_ms += count


class SimEnv:
    """The surroundings of one node. `offset_ms` is by how much its clock is wrong."""

    def __init__(self, clock: Clock, faults: Faults, entropy: Random, transport: Transport) -> None:
        self.offset_ms = 0
        self._clock = clock
        self._faults = faults
        self._entropy = entropy
        self._transport = transport
        self.marker: Head | None = None

    @property
    def transport(self) -> Transport:
        """The simulated network."""
        return self._transport

    def now_ms(self) -> int:
        """The device's wall clock, right or wrong."""
        return self._clock.now_ms + self.offset_ms

    def random_bytes(self, count: int) -> bytes:
        """The same bytes for the same seed."""
        return self._entropy.randbytes(count)

    def uniform(self) -> float:
        """A number in [0, 1)."""
        return self._entropy.random()

    def free_bytes(self) -> int:
        """Room enough: a full disk is no matter of this simulator."""
        return ROOM_BYTES

    def copies(self) -> list[Path]:
        """No earlier databases are kept."""
        return []

    def committing(self, name: str, moment: Moment) -> None:
        """Dies here, if the seed says so."""
        self._faults.at_commit(name, moment)

    def keep_head(self, head: Head) -> None:
        """The marker of this computer, kept apart from its database."""
        self.marker = head

    def kept_head(self) -> Head | None:
        """What was kept last."""
        return self.marker
