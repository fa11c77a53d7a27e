"""The benchmarks by hand: `./grid bench NAME [arguments]` runs `NAME.py` of this folder; without a name it lists them.

Each prints ratios of one run against a floor that does the least possible work; none asserts seconds.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]  # started as a file


def names() -> list[str]:
    """The benchmarks that there are: every module of this folder with a `main(argv) -> int`."""
    return sorted(
        path.stem
        for path in HERE.glob("*.py")
        if path.stem != "run" and not path.stem.startswith("test_") and "\ndef main(" in path.read_text("utf-8")
    )


def main(argv: list[str]) -> int:
    """The benchmark's exit code; 0 for the list; 2 for a name that is none."""
    if not argv:
        print("\n".join(names()) or "no benchmark yet")
        return 0
    if argv[0] not in names():
        print(f"no benchmark {argv[0]!r}; there are: {', '.join(names()) or 'none'}", file=sys.stderr)
        return 2
    code: int = importlib.import_module(argv[0]).main(argv[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
