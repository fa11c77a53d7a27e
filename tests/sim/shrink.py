"""Leaving out of a script whatever is not needed for it to break the same law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from script import Script

MAX_TRIES: Final = 400


def laws_in(broken: list[str]) -> set[str]:
    """The names of broken laws: the first word of each line."""
    return {text.split()[0].rstrip(":") for text in broken}


def shrink(script: Script, play: Callable[[Script], list[str]], max_tries: int = MAX_TRIES) -> Script:
    """A script with as few faults and steps as tries allow that still breaks one of the laws that the whole broke."""
    wanted = laws_in(play(script))
    tries = 0

    def still(shorter: Script) -> bool:
        nonlocal tries
        tries += 1
        return tries <= max_tries and bool(laws_in(play(shorter)) & wanted)

    size = max(1, len(script.steps) // 2)
    while size:
        for start in range(len(script.steps) - 1, -1, -size):
            piece = script.steps[max(0, start - size + 1) : start + 1]
            shorter = script.without(steps=piece)
            if piece and still(shorter):
                script = shorter
        size //= 2
    for fault in sorted(script.faults):
        shorter = script.without(fault=fault)
        if still(shorter):
            script = shorter
    return script
