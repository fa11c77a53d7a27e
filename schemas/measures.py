"""Measures of checks and their rates: one definition for every level, page, export and API (2-domain, Measures)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias, TypedDict

from schemas.cadence import Calendar, Profile, grace_end
from schemas.checks import REGULAR, Effective, Report, effective
from schemas.duties import on_time
from schemas.periods import Period
from schemas.units.tree import Tree

# Of regular group-day duties only; zero and found both hold the late ones, excused those without a report.
CHECK_MEASURES: Final = (
    "checks_due",
    "checks_zero",
    "checks_found",
    "checks_late",
    "checks_excused",
    "checks_missing",
    "checks_extra",
)
TreeMode: TypeAlias = Literal["then", "now"]
Measures: TypeAlias = Mapping[str, int]
_DAILY: Final = "day"
_HUNDREDTH: Final = Decimal("0.01")


class Rate(TypedDict):
    """A percentage with two decimals, None without a denominator, and the two numbers it is made of."""

    value: str | None
    numerator: int
    denominator: int


def _reported(measures: Measures) -> int:
    return measures["checks_zero"] + measures["checks_found"]


def _reported_on_time(measures: Measures) -> int:
    return _reported(measures) - measures["checks_late"]


def _owed(measures: Measures) -> int:
    return measures["checks_due"] - measures["checks_excused"]


RATES: Final[Mapping[str, tuple[Callable[[Measures], int], Callable[[Measures], int]]]] = MappingProxyType(
    {
        "coverage": (_reported, _owed),
        "on_time_rate": (_reported_on_time, _owed),
        "zero_share": (lambda measures: measures["checks_zero"], _reported),
    }
)
CHECK_RATES: Final = tuple(RATES)


def rate(numerator: int, denominator: int) -> Rate:
    """The percentage of two counts, half up to two decimals: `83.04`; the value is None if the denominator is 0."""
    value = None
    if not denominator:  # by far the most of a year by day, which makes thousands of rates
        return {"value": None, "numerator": numerator, "denominator": 0}
    if denominator > 0 <= numerator:
        # The same as below in whole numbers.
        hundredths = (20_000 * numerator + denominator) // (2 * denominator)
        value = f"{hundredths // 100}.{hundredths % 100:02}"
    else:
        percent = Decimal(100 * numerator) / Decimal(denominator)
        value = str(percent.quantize(_HUNDREDTH, rounding=ROUND_HALF_UP))
    return {"value": value, "numerator": numerator, "denominator": denominator}


def rates(measures: Measures) -> dict[str, Rate]:
    """Every rate of CHECK_RATES from measures that hold every name of CHECK_MEASURES."""
    return {name: rate(above(measures), below(measures)) for name, (above, below) in RATES.items()}


def missing_of(due_closed: int, reported_closed: int, excused_closed: int) -> int:
    """Missing duties, from counts over duties whose grace has ended; excused ones are those without a report."""
    return due_closed - reported_closed - excused_closed


class Excuse(NamedTuple):
    """A unit and all below it are excused from `first` to `last`, both included."""

    unit: str
    first: date
    last: date


def has_duty(tree: Tree, profile: Profile, unit: str, day: date) -> bool:
    """Whether the unit owes a regular check on a day: a group that is valid then, under a daily cadence."""
    return tree.level(unit) == "group" and tree.at(unit, day) is not None and profile.cadences["group"] == _DAILY


def recount(
    tree: Tree,
    calendar: Calendar,
    reports: Iterable[Report],
    excuses: Iterable[Excuse],
    unit: str,
    first: date,
    last: date,
    now_ms: int,
    tree_mode: TreeMode,
    today: date,
) -> dict[str, int]:
    """All CHECK_MEASURES of a unit from `first` to `last`, as judged at `now_ms`: the long way, day by day.

    Deliberately naive: it is what tallies are verified against, and shares none of their shortcuts.

    A group-day counts for the group's ancestors of that day (`then`) or of `today` (`now`). Reports on occasions
    other than the regular one are not counted here.
    """
    excused = list(excuses)
    checks = _effective_checks(reports, first, last)
    counts = dict.fromkeys(CHECK_MEASURES, 0)
    for day in Period("", first, last).each_day():
        profile = calendar.on(day)
        for group in tree.units(day):
            seen_from = day if tree_mode == "then" else today
            if has_duty(tree, profile, group.id, day) and unit in tree.ancestors(group.id, seen_from):
                is_excused = _is_excused(tree, excused, group.id, day)
                _count_duty(counts, profile, day, checks.get((group.id, day)), is_excused, now_ms)
    for reporter, day in checks:
        seen_from = day if tree_mode == "then" else today
        if not has_duty(tree, calendar.on(day), reporter, day) and unit in tree.ancestors(reporter, seen_from):
            counts["checks_extra"] += 1
    return counts


def _effective_checks(reports: Iterable[Report], first: date, last: date) -> dict[tuple[str, date], Effective]:
    held: dict[tuple[str, date], list[Report]] = {}
    for report in reports:
        if report.occasion == REGULAR and first <= report.date <= last:
            held.setdefault((report.unit, report.date), []).append(report)
    return {key: effective(group) for key, group in held.items()}


def _is_excused(tree: Tree, excuses: list[Excuse], unit: str, day: date) -> bool:
    above = tree.ancestors(unit, day)
    return any(excuse.unit in above and excuse.first <= day <= excuse.last for excuse in excuses)


def _count_duty(
    counts: dict[str, int], profile: Profile, day: date, check: Effective | None, excused: bool, now_ms: int
) -> None:
    grace_ms = grace_end(profile, "group", Period(day.isoformat(), day, day))
    counts["checks_due"] += 1
    if check is not None:
        counts[f"checks_{check.report.result}"] += 1
        counts["checks_late"] += 0 if on_time(check.first_recorded_ms, grace_ms) else 1
    elif excused:
        counts["checks_excused"] += 1
    elif now_ms > grace_ms:
        counts["checks_missing"] += 1
