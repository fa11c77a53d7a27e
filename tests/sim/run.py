"""The simulator by hand: `python tests/sim/run.py --seeds N --seed K`. Prints every breach with its seed and steps."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]


def main(argv: list[str] | None = None) -> int:
    """0: no law was broken; 1: one was, and the first seed that broke one is printed with its steps."""
    from laws import broken
    from world import STEPS, World

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="K", help="the first seed")
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="how many seeds")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--keep-going", action="store_true", help="all seeds, steps of none")
    arguments = parser.parse_args(argv)
    counts: Counter[str] = Counter()
    bad = 0
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        began = time.monotonic()
        world = World(seed, arguments.steps)
        world.run()
        breaches = broken(world)
        counts.update(world.faults.counts)
        took = time.monotonic() - began
        events = world.hub.db.execute("SELECT COUNT(*) FROM event").fetchone()[0]
        print(f"seed {seed}: {len(breaches)} breaches, {events} events, {world.rounds} rounds, {took:.1f} s", flush=True)
        if breaches:
            bad += 1
            print(report(seed, [] if arguments.keep_going else world.trace, breaches))
            if not arguments.keep_going:
                break
    print("\n".join(f"{number:6d} {name}" for name, number in sorted(counts.items())))
    return 1 if bad else 0


def report(seed: int, trace: list[str], breaches: list[object]) -> str:
    """A breach as a person reads it: what was done, step by step, and what was seen."""
    return "\n".join([*trace, f"seed {seed}:", *(f"  {one}" for one in breaches[:40])])


if __name__ == "__main__":
    sys.exit(main())
