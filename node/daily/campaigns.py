"""Campaigns at a node: what was published, and which of their checks count where. Everything here is derived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from sqlite_utils import Database

from node.daily import campaign_queries as queries
from node.daily.campaign_queries import CampaignDuty, CampaignSlot
from schemas.cadence import Calendar
from schemas.campaigns import PREFIX, Campaign, Schedule, campaign_of, campaign_payload, read_campaign
from schemas.errors import GridError, Invalid
from schemas.events import payload
from schemas.periods import Period
from schemas.strict_json import dumps, loads
from schemas.units.tree import Tree
from sync.replica import Replica, Stored

CAMPAIGN_KIND: Final = "campaign"
CAMPAIGN_SCHEMA: Final = "campaign/1"
Weights = dict[CampaignSlot, list[int]]
_COUNTED: Final = ("zero", "found", "late", "extra")


def held(db: Database) -> dict[str, Campaign]:
    """Every campaign that was published, as last published, by id."""
    found: dict[str, Campaign] = {}
    for campaign, text in queries.entries(db):
        value = loads(text)
        assert isinstance(value, dict)  # only what could be read is kept
        found[campaign] = read_campaign(value)
    return found


def require(db: Database, campaign: str, field: str) -> Campaign:
    """One campaign. Raises Invalid("unknown_campaign")."""
    found = held(db).get(campaign)
    if found is None:
        raise Invalid("unknown_campaign", field=field, value=campaign)
    return found


def campaign_name(db: Database, occasion: str) -> str | None:
    """The name of the campaign that a check belongs to, its id where it is not held; None for a regular check."""
    named = campaign_of(occasion)
    known = held(db).get(named) if named else None
    return known.name if known else named


def check_occasion(db: Database, occasion: str, day: date) -> None:
    """Raises Invalid if the occasion names a campaign that is not held, or a day on which that one does not run."""
    named = campaign_of(occasion)
    if named is None:
        return
    campaign = require(db, named, "occasion")
    if not campaign.first <= day <= campaign.last:
        raise Invalid(
            "outside_campaign", field="date", value=day.isoformat(), name=campaign.name,
            since=campaign.first.isoformat(), until=campaign.last.isoformat(),
        )  # fmt: skip


def grace_ms(db: Database, tree: Tree, calendar: Calendar, unit: str, day: date, occasion: str) -> int | None:
    """Until when (unix ms) a check for a campaign is on time; None where no campaign is held, or none is owed."""
    campaign = held(db).get(campaign_of(occasion) or "")
    if campaign is None:
        return None
    schedule = Schedule(campaign, calendar)
    owed = duty_of(schedule, tree, unit, day)
    return None if owed is None else schedule.grace_ms(tree.level(unit) or "", owed)


def duty_of(schedule: Schedule, tree: Tree, unit: str, day: date) -> Period | None:
    """The duty that a unit's check of a day answers: the unit owes it if it is valid on the duty's last day."""
    owed = schedule.duty(tree.level(unit) or "", day)
    return owed if owed is not None and tree.at(unit, owed.last) is not None else None


def weigh(
    schedule: Schedule,
    tree: Tree,
    unit: str,
    day: date,
    owed: Period | None,
    checks: Sequence[tuple[str, str, str, int]],
) -> CampaignDuty:
    """How the effective checks (day, event, result, first recorded at) of one duty count, or one that answers none.

    One that found something beats those that found nothing, then the later day: each is a statement of its own.
    """
    chosen = max(checks, key=lambda one: (one[2] == "found", one[0]))
    first_recorded = min(one[3] for one in checks)
    level = tree.level(unit) or ""
    late = owed is not None and first_recorded > schedule.grace_ms(level, owed)
    return CampaignDuty(
        campaign=schedule.campaign.id,
        unit=unit,
        day=(owed.last if owed is not None else day).isoformat(),
        level=level,
        event=chosen[1],
        result=chosen[2],
        first_recorded_at=first_recorded,
        counted="extra" if owed is None else chosen[2],
        late=int(late),
    )


def weights(tree: Tree, row: CampaignDuty) -> Iterator[tuple[CampaignSlot, tuple[int, ...]]]:
    """What a row adds to its unit and all above it on its day."""
    counts = tuple(int(row.counted == name) if name != "late" else row.late for name in _COUNTED)
    for above in tree.ancestors(row.unit, date.fromisoformat(row.day)) or (row.unit,):
        yield CampaignSlot(row.campaign, above, row.day, row.level), counts


class CampaignProjection:
    """The campaigns' part of one write transaction's projection; counts once, at `finish`."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._db = replica.db
        self._again: set[str] = set()
        self._touched: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def define(self, stored: Stored) -> None:
        """Takes a published campaign in. Raises GridError when it can't be read."""
        if stored.event.header.unit != self._replica.identity.city:
            return
        value = payload(stored.event)
        number, stated = value.get("no"), value.get("campaign")
        if isinstance(number, bool) or not isinstance(number, int) or not isinstance(stated, dict):
            raise GridError("unreadable", field="campaign", value=stored.event.hash, why="no number or no campaign")
        campaign = read_campaign(stated)
        queries.put_entry(self._db, stored.event.hash, campaign.id, number, dumps(campaign_payload(campaign)))
        self._again.add(campaign.id)

    def touch(self, unit: str, day: str, occasion: str) -> None:
        """The effective check of a unit, day and occasion is another one now."""
        named = campaign_of(occasion)
        if named is not None:
            self._touched[named].add((unit, day))

    def finish(self, tree: Tree, calendar: Calendar, *, all_again: bool) -> None:
        """Counts what was touched; all of a campaign that was published, all of every campaign when the tree or the
        cadence changed.
        """
        if not (self._again or self._touched or all_again):
            return
        sums: Weights = defaultdict(lambda: [0] * len(_COUNTED))
        for campaign in held(self._db).values():
            keys = self._touched.get(campaign.id, set())
            if all_again or campaign.id in self._again:
                queries.clear(self._db, campaign.id)
                keys = set(queries.checked(self._db, campaign.occasion))
            schedule = Schedule(campaign, calendar)
            for unit, day in sorted(keys):
                self._settle(schedule, tree, unit, date.fromisoformat(day), sums)
        queries.add_tallies(self._db, [(slot, counts) for slot, counts in sorted(sums.items()) if any(counts)])
        self._again.clear()
        self._touched.clear()

    def _settle(self, schedule: Schedule, tree: Tree, unit: str, day: date, sums: Weights) -> None:
        owed = duty_of(schedule, tree, unit, day)
        first, last = (day, day) if owed is None else (owed.first, owed.last)
        checks = queries.effective(self._db, unit, PREFIX + schedule.campaign.id, first, last)
        row = weigh(schedule, tree, unit, day, owed, checks)
        before = queries.duty(self._db, row.campaign, unit, row.day)
        if row == before:
            return
        queries.put_duty(self._db, row)
        for one, sign in ((before, -1), (row, 1)):
            for slot, counts in weights(tree, one) if one is not None else ():
                for place, count in enumerate(counts):
                    sums[slot][place] += sign * count
