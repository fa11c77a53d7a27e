"""Limits of cases, their signals, and the dates of follow-ups (2-domain, Cases). Instants are unix ms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Final

from schemas.clock import at_time, business_day

DAY_MS: Final = 24 * 60 * 60 * 1000
_MIDNIGHT: Final = time()
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LimitRules:
    """The limits in force, all in days. Signals: the part of the time that is left, in percent."""

    simple_days: int = 1
    ordinary_days: int = 7
    complex_days: int = 20
    total_days: int = 30
    court_extra_days: int = 30
    yellow_left: int = 50
    orange_left: int = 20
    follow_up_days: int = 7
    follow_up_after_due_days: int = 30

    def level_days(self, complexity: str) -> int:
        """The days within a level; an unknown complexity is given the longest."""
        days = {"simple": self.simple_days, "ordinary": self.ordinary_days}
        return days.get(complexity, self.complex_days)


DEFAULT_RULES: Final = LimitRules()


@dataclass(frozen=True, slots=True)
class Limit:
    """From when to when, instants in unix ms."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The limit within the owner's level and the limit in all."""

    level: Limit
    total: Limit

    @property
    def nearest(self) -> Limit:
        """The one that ends first: what the case is measured by."""
        return min(self.level, self.total, key=lambda limit: limit.end_ms)


def moment(day: date, device_ms: int) -> int:
    """The instant of an act: the device's clock, if it shows the business day; else the end of that day.

    An act may be entered days later, and a dead battery shows 1970: the business date decides, to the unit's favour.
    """
    return device_ms if business_day(device_ms) == day else end_of(day)


def end_of(day: date) -> int:
    """The first instant after a day in Shanghai."""
    return at_time(day + _ONE_DAY, _MIDNIGHT) if day < date.max else at_time(day, time.max)


@dataclass(frozen=True, slots=True)
class Clock:
    """What runs for an open case. `since` has, per level index, when the case first came to that level in this round;
    `extended` the end to which the limit within a level was moved, `total_end_ms` the moved end in all.

    Handing on starts the clock of a level that the case was not at before, and never resets one.
    """

    start_ms: int
    since: tuple[tuple[int, int], ...]
    extended: tuple[tuple[int, int], ...] = ()
    total_end_ms: int | None = None

    @staticmethod
    def begin(level: int, at_ms: int) -> Clock:
        """A clock that starts now: at registration, and again when an agreement is reneged on."""
        return Clock(at_ms, ((level, at_ms),))

    def arrive(self, level: int, at_ms: int) -> Clock:
        """The clock after the case came to a level."""
        if any(known == level for known, _ in self.since):
            return self
        return replace(self, since=tuple(sorted((*self.since, (level, at_ms)))))

    def limits(self, level: int, complexity: str, rules: LimitRules = DEFAULT_RULES) -> Limits:
        """The limits at a level."""
        since = dict(self.since).get(level, self.start_ms)
        level_end = max(since + rules.level_days(complexity) * DAY_MS, dict(self.extended).get(level, 0))
        total_end = max(self.start_ms + rules.total_days * DAY_MS, self.total_end_ms or 0)
        return Limits(Limit(since, level_end), Limit(self.start_ms, total_end))

    def last_day(self, court: bool, rules: LimitRules = DEFAULT_RULES) -> date:
        """The last day to which the limit may be moved: only a case entrusted by a court goes beyond the total."""
        days = rules.total_days + (rules.court_extra_days if court else 0)
        return business_day(self.start_ms + days * DAY_MS)

    def extend(
        self, until: date, level: int, complexity: str, court: bool, rules: LimitRules = DEFAULT_RULES
    ) -> Clock | None:
        """The clock with the limit moved to the end of a day; None if that is no gain, or later than it may be."""
        if until > self.last_day(court, rules):
            return None
        limits, end_ms = self.limits(level, complexity, rules), end_of(until)
        extended = tuple(sorted({**dict(self.extended), level: max(end_ms, limits.level.end_ms)}.items()))
        beyond = court and end_ms > limits.total.end_ms
        moved = replace(self, extended=extended, total_end_ms=end_ms if beyond else self.total_end_ms)
        gained = moved.limits(level, complexity, rules).nearest.end_ms > limits.nearest.end_ms
        return moved if gained else None


def signal(limit: Limit, now_ms: int, rules: LimitRules = DEFAULT_RULES) -> str | None:
    """`red` past the limit, `orange` at 20 % of the time left or less, `yellow` at 50 % or less, else None."""
    left, whole = limit.end_ms - now_ms, limit.end_ms - limit.start_ms
    if left < 0:
        return "red"
    if 100 * left <= rules.orange_left * whole:
        return "orange"
    return "yellow" if 100 * left <= rules.yellow_left * whole else None


def follow_up_dates(
    agreed: date,
    performance_due: date,
    last_follow_up: date | None = None,
    next_date: date | None = None,
    rules: LimitRules = DEFAULT_RULES,
) -> tuple[date, ...]:
    """The days on which an agreement that is not yet performed is to be followed up, earliest first, never none.

    Planned are 7 days after the agreement, the day of performance, and 30 days after that. A follow-up settles what
    was planned up to its day, and plans `next_date`; when nothing planned is left, 7 days later is.
    """
    planned = {
        _later(agreed, rules.follow_up_days),
        performance_due,
        _later(performance_due, rules.follow_up_after_due_days),
    }
    if last_follow_up is None:
        return tuple(sorted(planned))
    open_days = {day for day in planned | {next_date} if day is not None and day > last_follow_up}
    return tuple(sorted(open_days or {_later(last_follow_up, rules.follow_up_days)}))


def _later(day: date, days: int) -> date:
    return min(day, date.max - timedelta(days=days)) + timedelta(days=days)
