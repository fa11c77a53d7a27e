"""When an entry was made, by a phone whose clock nobody can vouch for (decision 0015).

A phone says when an entry was made, when it is sent, and what it knew at its last contact with the node. From these the
instant is worked out; it is corrected only where the phone is more than ten minutes off, and never refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TOLERANCE_MS: Final = 10 * 60_000


@dataclass(frozen=True, slots=True)
class PhoneClock:
    """What a phone says, unix ms. `made`: its clock at the tap. `seen`: the node's clock at the last contact before
    that, `offset`: node minus phone at that contact; both None before the first one.
    """

    made: int
    seen: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """When an entry was made (unix ms), and by how many seconds the phone's word was corrected; None: not at all."""

    at: int
    offset_s: int | None = None


def made_at(clock: PhoneClock, sent: int | None, now: int | None) -> Made:
    """The instant at which an entry was made. `sent`: the phone's clock as the entry left it, None for one that came
    in a file; `now`: the node's clock as it arrives, None when that one can't be trusted itself.

    The entry was made after the last contact and before now. A phone that is wrong all the time is set right by the
    difference seen when sending; one that was set right in between, by the difference seen at the last contact. Where
    neither lands between the two, the nearer end is taken.
    """
    if now is None:
        return Made(clock.made)
    seen = min(clock.seen or 0, now)
    told = [] if sent is None else [now - sent]
    told += [] if clock.offset is None else [clock.offset]
    tries = [clock.made + offset for offset in told] or [clock.made]
    at = next((one for one in tries if seen - TOLERANCE_MS <= one <= now + TOLERANCE_MS), tries[0])
    at = min(max(at, seen), now)
    if abs(at - clock.made) <= TOLERANCE_MS:
        return Made(min(clock.made, now))
    return Made(at, round((at - clock.made) / 1000))
