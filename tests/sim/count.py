"""Counting by brute force what the hub's tallies must say, from what the simulator remembers and nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Final

from memory import Cadence, Entered, Memory

SHANGHAI_MS: Final = 8 * 3_600_000
ONE_DAY: Final = timedelta(days=1)
NAMES: Final = ("zero", "found", "late", "extra")
Counts = dict[tuple[str, str], tuple[int, int, int, int]]


def tallies(memory: Memory) -> tuple[Counts, Counts]:
    """({(unit, day): (zero, found, late, extra)}, the same by month) of every unit with any."""
    by_key: dict[tuple[str, date], list[Entered]] = defaultdict(list)
    for one in memory.entered.values():
        by_key[(one.unit, one.day)].append(one)
    days: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    months: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (unit, day), reports in by_key.items():
        word, late = weight(memory, unit, day, reports)
        for counts in [days[(above, f"{day}")] for above in _line(memory, unit)] + [
            months[(above, f"{day:%Y-%m}")] for above in _line(memory, unit)
        ]:
            counts[word] += 1
            counts["late"] += late
    return _plain(days), _plain(months)


def weight(memory: Memory, unit: str, day: date, reports: list[Entered]) -> tuple[str, int]:
    """How one unit's day counts: zero, found or extra, and 1 if it is late."""
    if not owes(memory, unit, day):
        return "extra", 0
    amended = {one.amends for one in reports}
    standing = [one for one in reports if one.event not in amended]
    found = any(one.result == "found" for one in standing)
    hours, minutes = cadence_on(memory, day).grace
    next_day = datetime(day.year, day.month, day.day, tzinfo=UTC) + ONE_DAY
    end_ms = int(next_day.timestamp() * 1000) + (hours * 60 + minutes) * 60_000 - SHANGHAI_MS
    return ("found" if found else "zero"), int(min(one.recorded_ms for one in reports) > end_ms)


def owes(memory: Memory, unit: str, day: date) -> bool:
    """Whether the unit is a group that owed a report on that day."""
    group = memory.groups.get(unit)
    if group is None or day < group.first or (group.end is not None and day >= group.end):
        return False
    return cadence_on(memory, day).daily


def cadence_on(memory: Memory, day: date) -> Cadence:
    """The newest cadence that holds on a day."""
    return max((one for one in memory.cadences if one.day <= day), key=lambda one: (one.day, one.number))


def due(memory: Memory, unit: str, first: date, last: date) -> int:
    """Group days that a unit's subtree owes."""
    groups = [group for group in memory.groups if unit in _line(memory, group)]
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return sum(owes(memory, group, day) for group in groups for day in days)


def _line(memory: Memory, unit: str) -> list[str]:
    above = memory.parents[unit]
    return [unit] if above is None else [unit, *_line(memory, above)]


def _plain(counted: dict[tuple[str, str], Counter[str]]) -> Counts:
    return {key: tuple(counts[name] for name in NAMES) for key, counts in counted.items()}  # type: ignore[misc]
