"""Campaigns 集中排查: special checks between two days, by a cadence of their own (2-domain, Cadence).

They are a dimension of their own: nothing of them counts in the regular duties.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from schemas.cadence import Calendar, Profile, grace_end
from schemas.errors import Invalid
from schemas.periods import CADENCES, Period, parse_day, period_of
from schemas.strict_json import Json
from schemas.units.acts import LEVELS

PREFIX: Final = "campaign:"
MAX_DAYS: Final = 366
MAX_NAME: Final = 60
_ID: Final = re.compile(r"[a-z0-9_-]{1,40}")
_FIELDS: Final = ("id", "name", "from", "to", "theme", "levels", "cadence")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign: units of `levels` owe its checks from `first` to `last`, by `cadences` where it overrides them."""

    id: str
    name: str
    first: date
    last: date
    theme: str | None
    levels: tuple[str, ...]
    cadences: Mapping[str, str] = field(hash=False)

    @property
    def occasion(self) -> str:
        """What a check says that belongs to it."""
        return PREFIX + self.id


def campaign_of(occasion: str) -> str | None:
    """The campaign's id that an occasion names, None for the regular one."""
    return occasion.removeprefix(PREFIX) if occasion.startswith(PREFIX) else None


def read_campaign(body: Mapping[str, object]) -> Campaign:
    """The campaign of a payload. `id`, `name`, `from`, `to` are needed; `levels` is `["group"]` where not given.

    `cadence` is one cadence for all levels, or an object by level. Raises: Invalid naming the field.
    """
    for key in body:
        if key not in _FIELDS:
            raise Invalid("unknown_field", field=key, value=body[key])
    first, last = parse_day(body.get("from"), "from"), parse_day(body.get("to"), "to")
    if not first <= last or (last - first).days >= MAX_DAYS:
        raise Invalid("bad_campaign_span", field="to", value=last.isoformat(), since=first.isoformat(), limit=MAX_DAYS)
    levels = _levels(body.get("levels"))
    return Campaign(
        id=_matching(body.get("id"), "id", "bad_campaign_id"),
        name=_name(body.get("name")),
        first=first,
        last=last,
        theme=None if body.get("theme") is None else _matching(body["theme"], "theme", "bad_theme"),
        levels=levels,
        cadences=_cadences(body.get("cadence"), levels),
    )


def campaign_payload(campaign: Campaign) -> dict[str, Json]:
    """The campaign as it is published; `read_campaign` gives it back."""
    return {
        "id": campaign.id,
        "name": campaign.name,
        "from": campaign.first.isoformat(),
        "to": campaign.last.isoformat(),
        "theme": campaign.theme,
        "levels": list(campaign.levels),
        "cadence": dict(campaign.cadences),
    }


def _matching(value: object, name: str, code: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Invalid(code, field=name, value=value)
    return value


def _name(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise Invalid("bad_unit_name", field="name", value=value, limit=MAX_NAME)
    return text


def _levels(value: object) -> tuple[str, ...]:
    given = [LEVELS[0]] if value is None else value
    if not isinstance(given, list) or not given or any(level not in LEVELS for level in given):
        raise Invalid("bad_campaign_levels", field="levels", value=value, allowed=", ".join(LEVELS))
    return tuple(level for level in LEVELS if level in given)


def _cadences(value: object, levels: tuple[str, ...]) -> dict[str, str]:
    given: object = {} if value is None else value
    if isinstance(given, str):
        given = dict.fromkeys(levels, given)
    if not isinstance(given, Mapping):
        raise Invalid("bad_cadence", field="cadence", value=value, allowed=", ".join(CADENCES))
    for level, cadence in given.items():
        if level not in levels:
            raise Invalid("bad_campaign_levels", field=f"cadence.{level}", value=level, allowed=", ".join(levels))
        if cadence not in CADENCES:
            raise Invalid("bad_cadence", field=f"cadence.{level}", value=cadence, allowed=", ".join(CADENCES))
    return {level: given[level] for level in levels if level in given}


class Schedule:
    """When a campaign's checks are owed: by its own cadences, else by those in force on its first day."""

    def __init__(self, campaign: Campaign, calendar: Calendar) -> None:
        self.campaign = campaign
        self._profile: Profile = calendar.on(campaign.first)
        self._cadences = {
            level: campaign.cadences.get(level, self._profile.cadences[level]) for level in campaign.levels
        }

    def holds(self, day: date) -> bool:
        """Whether a day belongs to the campaign."""
        return self.campaign.first <= day <= self.campaign.last

    def daily(self, level: str) -> bool:
        """Whether units of a level owe one check a day."""
        return self._cadences.get(level) == "day"

    def duty(self, level: str, day: date) -> Period | None:
        """The period, cut to the campaign, for which a unit of a level owes a check on a day; None: it owes none."""
        cadence = self._cadences.get(level)
        if cadence is None or not self.holds(day):
            return None
        whole = period_of(cadence, day)
        first, last = max(whole.first, self.campaign.first), min(whole.last, self.campaign.last)
        return Period(whole.key, first, last)

    def duties(self, level: str, first: date, last: date) -> Iterator[Period]:
        """The duties of a level whose last day lies from `first` to `last`; a duty counts on its last day."""
        day = max(first, self.campaign.first)
        while day <= min(last, self.campaign.last):
            owed = self.duty(level, day)
            if owed is None:
                return
            if owed.last <= last:
                yield owed
            day = date.fromordinal(owed.last.toordinal() + 1)

    def grace_ms(self, level: str, owed: Period) -> int:
        """The last instant (unix ms) at which the check of a duty is on time."""
        return grace_end(self._profile, level, owed)
