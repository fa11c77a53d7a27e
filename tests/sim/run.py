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

from disks import walk  # noqa: E402
from simulate import simulate  # noqa: E402
from world import STEPS  # noqa: E402

Seen = tuple[str, str, Counter[str]]


def main(argv: list[str] | None = None) -> int:
    """0: no law was broken; 1: one was. Stops at the first seed that breaks one, unless told to go on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="K", help="the first seed")
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="how many seeds")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of each city")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="seeds at a time")
    parser.add_argument("--keep-going", action="store_true", help="go on after a seed that broke a law")
    arguments = parser.parse_args(argv)
    counts: Counter[str] = Counter()
    bad: list[int] = []
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for seed, (line, report, struck) in zip(
            seeds, pool.map(partial(one_seed, arguments.steps), seeds), strict=True
        ):
            counts.update(struck)
            print(line, flush=True)
            if report:
                bad.append(seed)
                print(report, flush=True)
                if not arguments.keep_going:
                    pool.shutdown(cancel_futures=True)
                    break
    print(told(counts))
    print(f"seeds that broke a law: {bad or 'none'}")
    return 1 if bad else 0


def one_seed(steps: int, seed: int) -> Seen:
    """A city under faults of wire, clock and power, and a walk of disks that go back, are copied, lost and moved: what
    to print of both, the report of what broke, and how often each fault struck.
    """
    began = time.monotonic()
    run = simulate(seed, steps)
    walked, broken = walk(seed)
    line = (
        f"seed {seed}: {len(run.breaches) + len(broken)} breaches, {run.world.size()},"
        f" then {len(walked.city.nodes)} disks, {time.monotonic() - began:.1f} s"
    )
    report = run.report() if run.breaches else ""
    if broken:
        report += "\n".join([*walked.trace, f"the walk of seed {seed} broke:", *broken])
    return line, report, run.world.faults.counts + walked.counts


def told(counts: Counter[str]) -> str:
    """How often each fault struck, one a line."""
    return "\n".join(f"{number:7d}  {name}" for name, number in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
