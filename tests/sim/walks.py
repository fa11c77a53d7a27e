"""Every kind of walk by its name: played from a script, shortened, reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import disks
import hostile
from script import Script
from shrink import shrink

from sync.database import COMMITS

WALKS: Final[dict[str, Any]] = {disks.NAME: disks, hostile.NAME: hostile}


@dataclass(frozen=True, slots=True)
class Played:
    """A walk at its end."""

    script: Script
    trace: list[str]
    broken: list[str]
    counts: Counter[str]
    size: int


def script_of(name: str, seed: int) -> Script:
    """The whole script of a seed."""
    script: Script = WALKS[name].script_of(seed)
    return script


def play(script: Script) -> Played:
    """Plays a script from its beginning to rest."""
    one, broken = WALKS[script.walk].play(script)
    if one is None:
        return Played(script, [], broken, Counter(), 0)
    return Played(script, one.trace, broken, one.counts, len(one.city.nodes))


def shrunk(script: Script, player: Callable[[Script], Played] = play) -> Script:
    """As little of a broken script as still breaks the same law."""
    return shrink(script, lambda shorter: player(shorter).broken)


def report(script: Script, kept: Path | None = None) -> str:
    """What a person needs to find it again: the steps that are left, the seed, and what was seen."""
    played = play(script)
    steps = ", ".join(f"{at} {deed}" for at, deed in script.steps)
    again = [f"again: ./grid sim --replay {kept}"] if kept else []
    found = [f"the {script.walk} walk of seed {script.seed} broke, with the steps {steps}:", *played.broken]
    return "\n".join([*played.trace, *found, *again])


def expected(wanted: Collection[str]) -> set[str]:
    """Every fault that has to strike in these walks, and, where cities are looked at too, every crash point."""
    found = {name for walk in wanted if walk in WALKS for name in WALKS[walk].COUNTED}
    crashes = {f"crash {name} {moment}" for name in COMMITS for moment in ("before", "after")}
    return found | crashes if "city" in wanted else found
