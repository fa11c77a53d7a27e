"""The simulator by hand: `python tests/sim/run.py --seeds N --seed K`. Prints a broken law with its seed and steps."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [
        str(HERE),
        str(HERE.parent),
        str(HERE.parents[1]),
    ]  # started as a file, or as a module of the repository

import walks  # noqa: E402
from script import Script, keep  # noqa: E402
from simulate import simulate  # noqa: E402
from surroundings import FAULTS as CITY_FAULTS  # noqa: E402
from world import STEPS  # noqa: E402

Seen = tuple[str, list[str], Counter[str]]
EVERY = ("city", *walks.WALKS)


def main(argv: list[str] | None = None) -> int:
    """0: no law was broken; 1: one was. Stops at the first seed that breaks one, unless told to go on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="K", help="the first seed")
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="how many seeds")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of each city")
    parser.add_argument("--only", choices=EVERY, help="only the city, or one kind of walk, of each seed")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="seeds at a time")
    parser.add_argument("--keep-going", action="store_true", help="go on after a seed that broke a law")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="plays one kept regression again")
    arguments = parser.parse_args(argv)
    if arguments.replay is not None:
        if not arguments.replay.is_file():
            parser.error(f"there is no file {arguments.replay}")
        return replay(arguments.replay)
    wanted = (arguments.only,) if arguments.only else EVERY
    counts: Counter[str] = Counter()
    bad: list[int] = []
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    began = time.monotonic()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for seed, (line, reports, struck) in zip(
            seeds, pool.map(partial(one_seed, arguments.steps, wanted), seeds), strict=True
        ):
            counts.update(struck)
            print(line, flush=True)
            if reports:
                bad.append(seed)
                print("\n".join(reports), flush=True)
                if not arguments.keep_going:
                    pool.shutdown(cancel_futures=True)
                    break
    print(table(counts, wanted))
    print(f"{time.monotonic() - began:.0f} s; seeds that broke a law: {bad or 'none'}")
    return 1 if bad else 0


def replay(path: Path) -> int:
    """Plays a kept regression: 0 when every law holds."""
    script = Script.read(path)
    played = walks.play(script)
    print("\n".join([*played.trace, *(played.broken or ["every law holds"])]))
    return 1 if played.broken else 0


def one_seed(steps: int, wanted: tuple[str, ...], seed: int) -> Seen:
    """A city under faults of wire, clock and power, and the walks of the same seed: what to print, the reports of what
    broke, and how often each fault struck.
    """
    began, counts, reports = time.monotonic(), Counter[str](), list[str]()
    said = []
    if "city" in wanted:
        run = simulate(seed, steps)
        counts.update(run.world.faults.counts)
        said.append(run.world.size())
        reports += [run.report()] if run.breaches else []
    for name in walks.WALKS:
        if name in wanted:
            played = walks.play(walks.script_of(name, seed))
            counts.update(played.counts)
            said.append(f"{name} {played.size} nodes")
            if played.broken:
                script = walks.shrunk(played.script)
                reports.append(walks.report(script, keep(script, walks.play(script).broken)))
    seconds = time.monotonic() - began
    return f"seed {seed}: {len(reports) or 'no'} breaches, {', '.join(said)}, {seconds:.1f} s", reports, counts


def table(counts: Counter[str], wanted: tuple[str, ...] = EVERY) -> str:
    """How often each fault and each crash point struck, one a line; what never did is named."""
    expected = {*(CITY_FAULTS if "city" in wanted else ()), *walks.expected(wanted)}
    return told(Counter({name: counts[name] for name in expected | counts.keys()}))


def told(counts: Counter[str]) -> str:
    """One a line."""
    return "\n".join(f"{number:7d}  {name}" for name, number in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
