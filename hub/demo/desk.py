"""What the levels above do in the demonstration before anybody reports: a campaign, and excuses."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from hub.demo.periods import ONE_DAY, Replicas
from hub.demo.work import REVIEWER, Body
from hub.publishing import publish
from node.daily import excuses
from node.people.accounts import Account
from schemas.campaigns import PREFIX
from schemas.clock import at_time, iso_instant
from schemas.units.tree import Tree

CAMPAIGN: Final = "key-places"
CAMPAIGN_NAME: Final = "重点场所矛盾纠纷和安全隐患集中排查"
CAMPAIGN_BACK: Final = 6  # days before the last one on which it begins
CAMPAIGN_AHEAD: Final = 7
CHECKED: Final = 0.93  # of the villages
FLOOD_DAYS: Final = 3
YEAR: Final = 365 * ONE_DAY  # with the first day as long as an excuse may be
WORDS: Final[Mapping[str, str]] = {
    "before": "系统自 {day} 起启用，此前免报。",
    "others": "本演示只录入{name}的数据，其余县（市、区）暂免报。",
    "flood": "强降雨造成道路中断，村组干部全力转移安置群众。",
}


@dataclass(frozen=True, slots=True)
class Excuse:
    """Who is excused by whom, from which day to which, and why."""

    by: str
    unit: str
    first: date
    last: date
    reason_code: str
    reason: str


def plan_excuses(
    tree: Tree, city: str, own: str, punctual: Sequence[str], days: Sequence[date], seed: int
) -> list[Excuse]:
    """Everybody for the year before the first day, the other counties for the year from then on, and one village of the
    own county for a flood.
    """
    first, last = days[0], days[-1]
    named = tree.nearest(own, last)
    before = WORDS["before"].format(day=first)
    others = WORDS["others"].format(name=named.name if named else own)
    found = []
    for county in (one.id for one in tree.subtree(city, last) if one.level == "county"):
        found.append(Excuse(city, county, first - YEAR - ONE_DAY, first - ONE_DAY, "suspended", before))
        if county != own:
            found.append(Excuse(city, county, first, first + YEAR, "suspended", others))
    chance = random.Random(f"{seed} flood {first}")  # noqa: S311 - generated work
    villages = [one.id for one in tree.subtree(own, last) if one.level == "village" and one.id not in punctual]
    flooded, begins = chance.choice(villages), chance.choice(days[: max(1, len(days) - FLOOD_DAYS)])
    ends = min(begins + (FLOOD_DAYS - 1) * ONE_DAY, last)
    return [*found, Excuse(own, flooded, begins, ends, "disaster", WORDS["flood"])]


def open_desk(replicas: Replicas, city: str, planned: Sequence[Excuse], days: Sequence[date]) -> None:
    """What the levels above do before anybody reports: the campaign, and the excuses."""
    first, last = campaign_span(days)
    entry: dict[str, Any] = {"type": "campaign", "id": CAMPAIGN, "name": CAMPAIGN_NAME, "levels": ["village"]}
    publish(replicas[city], [{**entry, "from": first.isoformat(), "to": last.isoformat(), "cadence": "week"}])
    for one in planned:
        body = {"unit": one.unit, "from": one.first.isoformat(), "to": one.last.isoformat()}
        why = {"reason_code": one.reason_code, "reason": one.reason}
        excuses.give(replicas[one.by], Account(REVIEWER, REVIEWER, one.by), {**body, **why})


def campaign_span(days: Sequence[date]) -> tuple[date, date]:
    """From when to when the campaign runs: its end is still to come."""
    return max(days[0], days[-1] - CAMPAIGN_BACK * ONE_DAY), days[-1] + CAMPAIGN_AHEAD * ONE_DAY


def plan_campaign(tree: Tree, own: str, days: Sequence[date], seed: int, now_ms: int) -> list[Body]:
    """One check for the campaign by most villages of a county, on one of the days that it has run so far."""
    first, _ = campaign_span(days)
    found: list[Body] = []
    for village in (one.id for one in tree.subtree(own, days[-1]) if one.level == "village"):
        chance = random.Random(f"{seed} {CAMPAIGN} {village}")  # noqa: S311 - generated work
        day = first + chance.randrange((days[-1] - first).days + 1) * ONE_DAY
        recorded_ms = at_time(day, time(10, 30)) + chance.randrange(360) * 60_000
        body: Body = {"unit": village, "date": day.isoformat(), "occasion": PREFIX + CAMPAIGN, "depth": "key",
                      "direction": "horizontal", "places_visited": chance.randint(2, 9), "result": "zero"}  # fmt: skip
        if chance.random() < 1 - CHECKED:
            continue
        if chance.random() < 0.08:
            body |= {"result": "found", "found": {"disputes": 0, "hazards": 1}}
        found.append({**body, "recorded_at": iso_instant(min(recorded_ms, now_ms))})
    return found
