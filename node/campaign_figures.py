"""Figures of campaigns: what their units owe by the dated tree and reported by the tallies, and the records behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from sqlite_utils import Database

from node import campaign_queries as queries
from node.campaigns import held
from schemas.cadence import Calendar
from schemas.campaigns import Campaign, Schedule
from schemas.measures import CHECK_MEASURES
from schemas.periods import Period
from schemas.units import Tree

Counts = dict[str, int]
# Which units are summed: (unit, 1 for what it did itself, else 0 for its subtree as it was).
Parts = Sequence[tuple[str, int]]
_REPORTED = ("zero", "found", "late", "extra")


class CampaignFigures:
    """The measures of checks of each campaign as judged at `now_ms`. Call inside `sync.database.read`."""

    def __init__(self, db: Database, tree: Tree, calendar: Calendar, now_ms: int) -> None:
        self._db, self._tree, self._now_ms = db, tree, now_ms
        self.schedules = {key: Schedule(one, calendar) for key, one in held(db).items()}

    def shown(self, units: Sequence[str], period: Period) -> list[Campaign]:
        """Campaigns that run in a period, or of which there are checks in it; the earliest first."""
        reported = {key for unit in units for key in queries.reported_in(self._db, unit, period.first, period.last)}
        campaigns = [one.campaign for one in self.schedules.values()]
        wanted = [
            one for one in campaigns if one.id in reported or (one.first <= period.last and one.last >= period.first)
        ]
        return sorted(wanted, key=lambda one: (one.first, one.id))

    def checks(self, campaign: str, parts: Parts, first: date, last: date) -> Counts:
        """Every measure of checks over the duties that end in a span of days."""
        total = dict.fromkeys(CHECK_MEASURES, 0)
        for counts in self.days(campaign, parts, first, last).values():
            for name, value in counts.items():
                total[name] += value
        return total

    def days(self, campaign: str, parts: Parts, first: date, last: date) -> dict[str, Counts]:
        """{day: every measure of checks} of the days on which duties end, or checks without a duty were made."""
        schedule, found = self.schedules[campaign], dict[str, Counts]()
        reported: dict[tuple[str, str], int] = {}
        for unit, own in parts:
            for day, level, *counts in queries.sums(self._db, campaign, unit, first, last, own=bool(own)):
                row = found.setdefault(day, dict.fromkeys(CHECK_MEASURES, 0))
                for name, count in zip(_REPORTED, counts, strict=True):
                    row[f"checks_{name}"] += count
                reported[day, level] = reported.get((day, level), 0) + counts[0] + counts[1]
        for level in schedule.campaign.levels:
            for owed in schedule.duties(level, first, last):
                due = sum(self._owing(unit, own, level, owed.last) for unit, own in parts)
                day = owed.last.isoformat()
                row = found.setdefault(day, dict.fromkeys(CHECK_MEASURES, 0))
                row["checks_due"] += due
                if self._closed(schedule, level, owed):
                    row["checks_missing"] += due - reported.get((day, level), 0)
        return found

    def _owing(self, unit: str, own: int, level: str, day: date) -> int:
        if own:
            return int(self._tree.level(unit) == level and self._tree.at(unit, day) is not None)
        return self._tree.level_count(unit, level, day)

    def _closed(self, schedule: Schedule, level: str, owed: Period) -> bool:
        return self._now_ms > schedule.grace_ms(level, owed)

    # ---- the records behind a cell

    def owed(
        self, campaign: str, period: Period, inside: Callable[[str, date], bool], *, missing: bool
    ) -> Iterator[tuple[str, str]]:
        """(day, unit) of every duty that ends in a period, by day and unit; only the missing ones when asked."""
        schedule = self.schedules[campaign]
        due: dict[date, list[str]] = {}
        for level in schedule.campaign.levels:
            for one in schedule.duties(level, period.first, period.last):
                if not missing or self._closed(schedule, level, one):
                    due.setdefault(one.last, []).append(level)
        for day, levels in sorted(due.items()):
            reported = queries.reported(self._db, campaign, day) if missing else frozenset()
            owing = sorted(one.id for one in self._tree.units(day) if one.level in levels)
            yield from ((day.isoformat(), one) for one in owing if one not in reported and inside(one, day))
