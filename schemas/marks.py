"""The grammar of marks: a level's signed word that it holds these tips of a chain, and what
came before them, but for the gaps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.errors import Corrupt

MARK_DOMAIN: Final = b"grid/mark/1\n"
MAX_TIPS: Final = 64
_DIGESTS: Final = r"[A-Za-z0-9_-]{43}(?:,[A-Za-z0-9_-]{43}){0,63}"
_MARK: Final = re.compile(
    rf"m1\t([a-z2-7]{{26}}\.[a-z2-7]{{8}})\t(0|[1-9][0-9]{{0,14}})\t([a-z2-7]{{26}})\t({_DIGESTS})\t((?:{_DIGESTS})?)"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """`by` (a node id) held the `tips` of `chain` at `at` (unix ms, by its own clock), but not the `gaps`."""

    chain: str
    at: int
    by: str
    tips: tuple[str, ...]
    gaps: tuple[str, ...]

    def text(self) -> str:
        """The line that is signed."""
        return "\t".join(("m1", self.chain, str(self.at), self.by, ",".join(self.tips), ",".join(self.gaps)))


def parse_mark(line: str) -> Mark:
    """The fields of a mark line. Raises Corrupt `unreadable`."""
    match = _MARK.fullmatch(line)
    if match is None or line.endswith("\n"):
        raise Corrupt("unreadable", field="mark", value=line, why="mark")
    chain, at, by, tips, gaps = match.groups()
    return Mark(chain, int(at), by, tuple(tips.split(",")), tuple(gaps.split(",")) if gaps else ())
