"""A count that changes on some days, and its sum over any span of days in O(log changes)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping


class Steps:
    """A step function over days (ordinals), made from its changes: {day: change from that day on}."""

    __slots__ = ("_before", "_counts", "_days")

    def __init__(self, changes: Mapping[int, int]) -> None:
        self._days: list[int] = []
        self._counts: list[int] = []
        self._before: list[int] = []  # the sum over all days before the step
        count = total = 0
        last = 0
        for day in sorted(changes):
            if changes[day] == 0:
                continue
            total += count * (day - last)
            count += changes[day]
            last = day
            self._days.append(day)
            self._counts.append(count)
            self._before.append(total)

    def at(self, day: int) -> int:
        """The count on a day."""
        place = bisect_right(self._days, day) - 1
        return self._counts[place] if place >= 0 else 0

    def total(self, first: int, last: int) -> int:
        """The sum of the counts from `first` to `last`, both included; 0 when `last` is before `first`."""
        return self._until(last + 1) - self._until(first) if first <= last else 0

    def _until(self, day: int) -> int:
        """The sum over all days before `day`."""
        place = bisect_right(self._days, day) - 1
        return self._before[place] + self._counts[place] * (day - self._days[place]) if place >= 0 else 0

    def changes_within(self, first: int | None, end: int | None) -> dict[int, int]:
        """The changes of this function cut to the days from `first` to before `end`; None: without that bound."""
        changes: dict[int, int] = {}
        before = 0
        for day, count in zip(self._days, self._counts, strict=True):
            if end is not None and day >= end:
                break
            inside = day if first is None else max(day, first)
            changes[inside] = changes.get(inside, 0) + count - before
            before = count
        if end is not None and before:
            changes[end] = changes.get(end, 0) - before
        return changes
