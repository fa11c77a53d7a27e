"""Cadence profiles: how often each level owes its report, and until when (2-domain, Cadence)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from types import MappingProxyType
from typing import Final

from schemas.clock import at_time
from schemas.errors import Invalid
from schemas.periods import CADENCES, Period
from schemas.units.acts import LEVELS

MAX_DUE_DAY: Final = 60
MAX_GRACE_DAYS: Final = 31
MAX_VERSION: Final = 9999
_DAY_MS: Final = 86_400_000
_ONE_DAY: Final = timedelta(days=1)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")

# Days after the end of a period longer than a day.
DUE_DAYS: Final[Mapping[str, int]] = MappingProxyType(
    {"group": 0, "village": 2, "township": 3, "county": 5, "city": 10}
)


@dataclass(frozen=True, slots=True)
class Profile:
    """What each level owes. Times are of Asia/Shanghai.

    A daily report is due at `due_time` of its day, in grace until `daily_grace` of the next; a longer period's at
    `due_time` of the `due_day`th day after its end, in grace for `grace_days` more.
    """

    name: str
    cadences: Mapping[str, str] = field(hash=False)
    version: int = 1
    due_day: Mapping[str, int] = field(default_factory=lambda: DUE_DAYS, hash=False)
    due_time: time = time(20, 0)
    daily_grace: time = time(10, 0)
    grace_days: int = 1

    @property
    def groups_owe(self) -> bool:
        """Whether groups owe their checks: these are owed by the day, or not at all."""
        return self.cadences[LEVELS[0]] == "day"


def _levels(*cadences: str) -> Mapping[str, str]:
    return MappingProxyType(dict(zip(LEVELS, cadences, strict=True)))


# The ends are the city's ("once a day … at the county once a quarter", bulletin 2022 no. 4), the middle follows
# published local rules; the city's own half-year is an assumption.
PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "jingzhou-2022": Profile("jingzhou-2022", _levels("day", "half-month", "month", "quarter", "half-year")),
        "dense": Profile("dense", _levels("day", "week", "half-month", "month", "quarter")),
    }
)
DEFAULT_PROFILE: Final = PROFILES["jingzhou-2022"]


def profile_payload(profile: Profile) -> dict[str, object]:
    """The profile as it is published: strings, integers and objects of them."""
    return {
        "name": profile.name,
        "version": profile.version,
        "cadences": dict(profile.cadences),
        "due_day": dict(profile.due_day),
        "due_time": profile.due_time.isoformat("minutes"),
        "daily_grace": profile.daily_grace.isoformat("minutes"),
        "grace_days": profile.grace_days,
    }


def read_profile(payload: Mapping[str, object]) -> Profile:
    """The profile of a payload. `name` and `cadences` of all five levels are needed, the rest has defaults.

    Raises: Invalid naming the field, also for an unknown one: a misspelt rule must not be dropped silently.
    """
    wanted = {"name", "version", "cadences", "due_day", "due_time", "daily_grace", "grace_days"}
    for key in payload:
        if key not in wanted:
            raise Invalid("unknown_field", field=key, value=payload[key])
    name = payload.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Invalid("bad_profile_name", field="name", value=name)
    return Profile(
        name=name,
        cadences=_read_cadences(payload.get("cadences")),
        version=_whole(payload.get("version", 1), "version", 1, MAX_VERSION),
        due_day=_read_due_days(payload.get("due_day", {})),
        due_time=_clock(payload.get("due_time", "20:00"), "due_time"),
        daily_grace=_clock(payload.get("daily_grace", "10:00"), "daily_grace"),
        grace_days=_whole(payload.get("grace_days", 1), "grace_days", 0, MAX_GRACE_DAYS),
    )


def _by_level(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise Invalid("not_by_level", field=name, value=value, allowed=", ".join(LEVELS))
    for level in value:
        if level not in LEVELS:
            raise Invalid("unknown_field", field=f"{name}.{level}", value=value[level])
    return value


def _read_cadences(value: object) -> Mapping[str, str]:
    given = _by_level(value, "cadences")
    cadences: dict[str, str] = {}
    for level in LEVELS:
        cadence = given.get(level)
        if not isinstance(cadence, str) or cadence not in CADENCES:
            raise Invalid("bad_cadence", field=f"cadences.{level}", value=cadence, allowed=", ".join(CADENCES))
        cadences[level] = cadence
    return MappingProxyType(cadences)


def _read_due_days(value: object) -> Mapping[str, int]:
    given = _by_level(value, "due_day")
    days = {level: _whole(given.get(level, DUE_DAYS[level]), f"due_day.{level}", 0, MAX_DUE_DAY) for level in LEVELS}
    return MappingProxyType(days)


def _whole(value: object, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Invalid("out_of_range", field=name, value=value, low=low, high=high)
    return value


def _clock(value: object, name: str) -> time:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Invalid("bad_clock_time", field=name, value=value)
    return time(int(match[1]), int(match[2]))


def due_at(profile: Profile, level: str, period: Period) -> int:
    """The instant (unix ms) at which a report for the period is due: of the same day for a period of one day."""
    after = 0 if period.days == 1 else profile.due_day[level]
    return at_time(period.last + after * _ONE_DAY, profile.due_time)


def grace_end(profile: Profile, level: str, period: Period) -> int:
    """The last instant (unix ms) at which a report for the period is still on time."""
    if period.days == 1:
        return at_time(period.last + _ONE_DAY, profile.daily_grace)
    return due_at(profile, level, period) + profile.grace_days * _DAY_MS


class Calendar:
    """Which profile holds on which day: each from its date on, the greatest sort key where dates are equal."""

    def __init__(self, entries: Iterable[tuple[date, object, Profile]]) -> None:
        ordered = sorted(entries, key=lambda entry: (entry[0], entry[1], repr(profile_payload(entry[2]))))
        by_day = {day: profile for day, _, profile in ordered}
        self._days = list(by_day)
        self._profiles = list(by_day.values())

    def on(self, day: date) -> Profile:
        """The profile of a day; the default one before the first entry."""
        place = bisect_right(self._days, day) - 1
        return self._profiles[place] if place >= 0 else DEFAULT_PROFILE

    def segments(self, first: date, last: date) -> list[tuple[date, date, Profile]]:
        """The span cut at the days on which another profile begins: (first, last, profile), in order, none empty."""
        starts = [first, *(day for day in self._days if first < day <= last)] if first <= last else []
        ends = [*(day - _ONE_DAY for day in starts[1:]), last]
        return [(start, end, self.on(start)) for start, end in zip(starts, ends, strict=False)]
