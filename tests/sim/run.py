"""The simulator by hand: `python tests/sim/run.py --seeds N --seed K`. Prints a broken law with its seed and steps."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]  # started as a file, or as a module of the repository

from simulate import simulate  # noqa: E402
from world import STEPS  # noqa: E402


def main(argv: list[str] | None = None) -> int:
    """0: no law was broken; 1: one was. Stops at the first seed that breaks one, unless told to go on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="K", help="the first seed")
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="how many seeds")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of each")
    parser.add_argument("--keep-going", action="store_true", help="go on after a seed that broke a law")
    arguments = parser.parse_args(argv)
    counts: Counter[str] = Counter()
    bad: list[int] = []
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        began = time.monotonic()
        run = simulate(seed, arguments.steps)
        counts.update(run.world.faults.counts)
        print(
            f"seed {seed}: {len(run.breaches)} breaches, {run.world.size()}, {time.monotonic() - began:.1f} s",
            flush=True,
        )
        if run.breaches:
            bad.append(seed)
            print("\n".join(map(str, run.breaches)) if arguments.keep_going else run.report())
            if not arguments.keep_going:
                break
    print(told(counts))
    print(f"seeds that broke a law: {bad or 'none'}")
    return 1 if bad else 0


def told(counts: Counter[str]) -> str:
    """How often each fault struck, one a line."""
    return "\n".join(f"{number:7d}  {name}" for name, number in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
