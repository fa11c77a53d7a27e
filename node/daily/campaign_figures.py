"""Figures of campaigns: what their units owe by the dated tree and reported by the tallies, and the records behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from sqlite_utils import Database

from node.daily import campaign_queries as queries
from node.daily.campaigns import held
from node.reports.confirmation_excuses import lifted
from schemas.cadence import Calendar
from schemas.campaigns import Campaign, Schedule
from schemas.measures import CHECK_MEASURES
from schemas.periods import Period
from schemas.units.tree import Tree

Counts = dict[str, int]
# Which units are summed: (unit, 1 for what it did itself, else 0 for its subtree as it was).
Parts = Sequence[tuple[str, int]]
_REPORTED = ("zero", "found", "late", "extra")


class CampaignFigures:
    """The measures of checks of each campaign as judged at `now_ms`. Call inside `sync.database.read`."""

    def __init__(self, db: Database, tree: Tree, calendar: Calendar, now_ms: int) -> None:
        self._db, self._tree, self._now_ms = db, tree, now_ms
        self.schedules = {key: Schedule(one, calendar) for key, one in held(db).items()}
        self._lifted: dict[tuple[str, str, date], frozenset[str]] = {}

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
                excused = sum(self._excused(schedule, level, owed, unit, own) for unit, own in parts)
                row["checks_excused"] += excused
                if self._closed(schedule, level, owed):
                    row["checks_missing"] += due - reported.get((day, level), 0) - excused
        return found

    def _excused(self, schedule: Schedule, level: str, owed: Period, unit: str, own: int) -> int:
        """How many units were excused on each day of a duty and did not report."""
        excused = self._excused_units(schedule, level, owed)
        return int(unit in excused) if own else sum(self._tree.below(one, unit, owed.last) for one in excused)

    def _excused_units(self, schedule: Schedule, level: str, owed: Period) -> frozenset[str]:
        key = (schedule.campaign.id, level, owed.last)
        if key not in self._lifted:
            excused = lifted(self._db, self._tree, level, owed)
            reported = queries.reported(self._db, schedule.campaign.id, owed.last) if excused else excused
            self._lifted[key] = excused - reported
        return self._lifted[key]

    def _owing(self, unit: str, own: int, level: str, day: date) -> int:
        if own:
            return int(self._tree.level(unit) == level and self._tree.at(unit, day) is not None)
        return self._tree.level_count(unit, level, day)

    def _closed(self, schedule: Schedule, level: str, owed: Period) -> bool:
        return self._now_ms > schedule.grace_ms(level, owed)

    # ---- the records behind a cell

    def owed(
        self, campaign: str, period: Period, inside: Callable[[str, date], bool], measure: str
    ) -> Iterator[tuple[str, str]]:
        """(day, unit) of every duty that ends in a period, by day and unit: all (`checks_due`), or those that count as
        `checks_missing` or `checks_excused`.
        """
        schedule = self.schedules[campaign]
        due: dict[date, list[tuple[str, Period]]] = {}
        for level in schedule.campaign.levels:
            for one in schedule.duties(level, period.first, period.last):
                if measure != "checks_missing" or self._closed(schedule, level, one):
                    due.setdefault(one.last, []).append((level, one))
        for day, owed in sorted(due.items()):
            levels = {level for level, _ in owed}
            owing = {one.id for one in self._tree.units(day) if one.level in levels}
            if measure != "checks_due":
                excused = frozenset().union(*(self._excused_units(schedule, level, one) for level, one in owed))
                lifts = measure == "checks_excused"
                owing = owing & excused if lifts else owing - excused - queries.reported(self._db, campaign, day)
            yield from ((day.isoformat(), one) for one in sorted(owing) if inside(one, day))
