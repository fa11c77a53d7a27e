"""Rollups of checks: any unit, any span, the tree as it was or as it is. The rows read don't depend on the records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from node import queries
from node.projections import calendar_of
from node.queries import Tally
from schemas.cadence import Calendar, grace_end
from schemas.clock import business_day, iso_instant
from schemas.errors import Invalid, NotFound
from schemas.measures import CHECK_MEASURES, rates
from schemas.periods import Period, months_inside, parse_period, period_of
from schemas.units import Tree
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

TreeMode = Literal["then", "now"]
DIMENSIONS: Final = ("children", "day")
MAX_ROWS: Final = 5_000
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the tallies, at which instant (unix ms) and log position."""

    unit: str
    period: Period
    mode: TreeMode
    now_ms: int
    position: int


class Rollup:
    """Answers of one node at one instant. Reads only; call inside `sync.database.read`."""

    def __init__(self, replica: Replica, question: Question) -> None:
        self._db = replica.db
        self._tree: Tree = tree_of(replica)
        self._calendar: Calendar = calendar_of(replica.db)
        self._question = question
        self._today = business_day(question.now_ms)
        self._closed = self._last_closed_day()

    def measures(self, unit: str, first: date, last: date) -> dict[str, int]:
        """The check measures of a unit's subtree over days, each always present."""
        whole = self._sum(unit, first, last)
        due = self._due(unit, first, last)
        closed = min(last, self._closed)
        missing = 0
        if closed >= first:
            missing = self._due(unit, first, closed) - self._sum(unit, first, closed).reported
        return {
            "checks_due": due,
            "checks_zero": whole.zero,
            "checks_found": whole.found,
            "checks_late": whole.late,
            "checks_excused": 0,
            "checks_missing": missing,
            "checks_extra": whole.extra,
        }

    def rows(self, by: str | None) -> Iterator[tuple[str, str, dict[str, int]]]:
        """(key, label, measures) along a dimension."""
        unit, period = self._question.unit, self._question.period
        if by == "children":
            listed = {child: self._row(child, unit) for child in self._children(unit)}
            if self._question.mode == "then":
                # Reports for days on which a unit was closed, or not open yet, count above it: they need a row too.
                strays = {
                    child: self._row(child, unit) for child in self._tree.children_ever(unit) if child not in listed
                }
                listed |= {child: found for child, found in strays.items() if any(found.values())}
            for child, found in listed.items():
                named = self._tree.nearest(child, min(period.last, self._today))
                yield child, named.name if named else child, found
        elif by == "day":
            if period.days > MAX_ROWS:
                raise Invalid("too_many_rows", field="period", value=period.key, limit=MAX_ROWS)
            for day in period.each_day():
                yield day.isoformat(), day.isoformat(), self.measures(unit, day, day)

    def _row(self, child: str, parent: str) -> dict[str, int]:
        """A child's measures; as it was, only of the days on which it stood under this parent."""
        period = self._question.period
        spans = [(period.first, period.last)]
        if self._question.mode == "then":
            spans = list(self._tree.days_under(child, parent, period.first, period.last))
        total = dict.fromkeys(CHECK_MEASURES, 0)
        for first, last in spans:
            for name, value in self.measures(child, first, last).items():
                total[name] += value
        return total

    # ---- sums

    def _sum(self, unit: str, first: date, last: date) -> Tally:
        if self._as_it_was(unit):
            return self._kept(unit, first, last)
        total = queries.sum_own_extra(self._db, unit, first, last)
        for child in self._children(unit):
            total += self._sum(child, first, last)
        return total

    def _kept(self, unit: str, first: date, last: date) -> Tally:
        months, edges = months_inside(Period("", first, last))
        total = Tally()
        for start, end in edges:
            total += queries.sum_days(self._db, unit, start, end)
        if months:
            total += queries.sum_months(self._db, unit, months[0], months[-1])
        return total

    def _due(self, unit: str, first: date, last: date) -> int:
        """Group days owed: known from the dated tree and the cadence alone, before any report."""
        if not self._as_it_was(unit):
            return sum(self._due(child, first, last) for child in self._children(unit))
        return sum(
            self._tree.group_days(unit, start, end)
            for start, end, profile in self._calendar.segments(first, last)
            if profile.cadences["group"] == "day"
        )

    def _as_it_was(self, unit: str) -> bool:
        """Whether the sums kept by the tree of the day are the ones asked for: always, but above a unit that moved."""
        return self._question.mode == "then" or unit not in self._tree.moved_ancestors

    def _children(self, unit: str) -> list[str]:
        if self._question.mode == "now":
            return self._tree.children_nearest(unit, self._today)
        return self._tree.children_in(unit, self._question.period.first, self._question.period.last)

    def _last_closed_day(self) -> date:
        """The last day whose grace is over: up to it a duty without a report is missing."""
        day = self._today
        while grace_end(self._calendar.on(day), "group", period_of("day", day)) >= self._question.now_ms:
            day -= ONE_DAY
        return day


def answer(replica: Replica, unit: str, period: str, *, by: str | None, tree: str, now_ms: int) -> dict[str, object]:
    """The rollup document of 4-interfaces. Raises NotFound and Invalid naming the field."""
    if by not in (None, "", *DIMENSIONS):
        raise Invalid("bad_dimension", field="by", value=by, allowed=", ".join(DIMENSIONS))
    if tree not in ("then", "now"):
        raise Invalid("bad_tree", field="tree", value=tree)
    span = parse_period(period)
    with read(replica.db):
        known = tree_of(replica)
        if not known.exists(unit):
            raise NotFound("unknown_unit", field="unit", value=unit)
        position = queries.events_held(replica.db)
        mode: TreeMode = "now" if tree == "now" else "then"
        rollup = Rollup(replica, Question(unit, span, mode, now_ms, position))
        total = rollup.measures(unit, span.first, span.last)
        rows = [
            {"key": key, "label": label, "measures": found, "rates": rates(found)}
            for key, label, found in rollup.rows(by or None)
        ]
    return {
        "unit": unit,
        "period": span.key,
        "tree": tree,
        "as_of": iso_instant(now_ms),
        "position": position,
        "measures": total,
        "rates": rates(total),
        "rows": rows,
    }
