"""One whole run: the world of a seed, its steps, its rest, and every law that it broke."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from laws import Broken, broken
from world import STEPS, World

from sync import client, server

SEEDS: Final = range(1, 21)
PAGES: Final = ((2, 600), (7, 2_000), (500, 64 * 1024))  # events of a reply, compressed bytes of a request
MAX_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Run:
    """A world at rest and what it broke."""

    world: World
    breaches: list[Broken]

    def report(self) -> str:
        """What a person needs to find it again: the steps, the seed, and what was seen."""
        shown = [f"  {one.law} at {one.where}: {one.text}" for one in self.breaches[:MAX_SHOWN]]
        again = f"again: python tests/sim/run.py --seeds 1 --seed {self.world.seed} --steps {self.world.steps}"
        return "\n".join([*self.world.trace, f"seed {self.world.seed} broke:", *shown, again])


def simulate(seed: int, steps: int = STEPS) -> Run:
    """Runs one seed to its end. The same seed does the same in every process."""
    with _pages(*Random(f"{seed} pages").choice(PAGES)):
        world = World(seed, steps)
        try:
            world.run()
            return Run(world, broken(world))
        except Exception:  # noqa: BLE001 - what the product raises where a person stands before it breaks a law, too
            return Run(world, [Broken("sound", "a computer", traceback.format_exc(limit=-6))])


@contextmanager
def _pages(events: int, target_bytes: int) -> Iterator[None]:
    """Small pages, so that a few dozen events take many exchanges, as a city's do."""
    kept = server.MAX_DOWN_EVENTS, client.TARGET_GZIP_BYTES
    server.MAX_DOWN_EVENTS, client.TARGET_GZIP_BYTES = events, target_bytes  # type: ignore[misc]
    try:
        yield
    finally:
        server.MAX_DOWN_EVENTS, client.TARGET_GZIP_BYTES = kept  # type: ignore[misc]
