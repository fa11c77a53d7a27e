"""The figures of one rollup: of a unit as it was or as it is, in all and along a dimension. Tallies alone are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property, partial
from typing import Any, Final

from node import queries
from node.cases.figures import CaseFigures, no_counts
from node.daily import excuses
from node.daily.calendars import calendar_of
from node.daily.campaign_figures import CampaignFigures
from node.daily.check_days import check_days
from node.figures.category_lists import lists_of, word_of
from node.figures.rollup_question import CAMPAIGN, Question
from node.queries import Tally
from node.reports.confirmation_figures import ConfirmationFigures
from schemas.cadence import Calendar, grace_end
from schemas.cases.limits import end_of
from schemas.cases.lists import category_label
from schemas.cases.matrix import TOTAL, MatrixRow
from schemas.clock import business_day
from schemas.confirmations import CONFIRMATION_MEASURES
from schemas.errors import Invalid
from schemas.labels import has_label, label
from schemas.measures import CHECK_MEASURES
from schemas.periods import Period, months_inside, period_of
from schemas.units.tree import LEVELS, Tree
from sync.directory import tree_of
from sync.replica import Replica

# No check and no confirmation has a code: where cases are split, these stand at 0.
DUTY_MEASURES: Final = (*CHECK_MEASURES, *CONFIRMATION_MEASURES)
MATRIX: Final = "matrix"
Row = dict[str, Any]
MAX_ROWS: Final = 5_000
ONE_DAY: Final = timedelta(days=1)


class Rollup:
    """Answers of one node at one instant. Reads only; call inside `sync.database.read`."""

    def __init__(self, replica: Replica, question: Question) -> None:
        self._db = replica.db
        self._tree: Tree = tree_of(replica)
        self._calendar: Calendar = calendar_of(replica.db)
        self._question = question
        self._today = business_day(question.now_ms)
        self.closed = self._last_closed_day()
        self._lists = lists_of(replica.db)
        self.became = self._lists.mapping_to(question.categories) if question.categories else {}
        codes = self._lists.codes_on(min(question.period.last, self._today))
        if question.categories:
            codes = self._lists.codes_with(question.categories, codes)
        self._cases = CaseFigures(replica.db, self._tree, question.now_ms, codes, self.became)
        self._confirmations = ConfirmationFigures(replica.db, self._tree, self._calendar, question.now_ms)

    @cached_property
    def _campaigns(self) -> CampaignFigures:
        """Read only where campaigns are asked for."""
        return CampaignFigures(self._db, self._tree, self._calendar, self._question.now_ms)

    def measures(self, unit: str, first: date, last: date) -> dict[str, int]:
        """Every measure of a unit's subtree over days, each always present."""
        return {**self._duties(unit, first, last), **self._cases.totals(self._case_parts(unit), [(first, last)], last)}

    def _duties(self, unit: str, first: date, last: date) -> dict[str, int]:
        """Every measure of checks and confirmations; no confirmation belongs to a campaign."""
        confirmations = self._confirmations.totals(self._case_parts(unit), [(first, last)])
        return {**self._checks(unit, first, last), **confirmations}

    def _case_parts(self, unit: str) -> list[tuple[str, int]]:
        """No case belongs to a campaign."""
        return [] if self._question.campaign else self.parts(unit)

    def _checks(self, unit: str, first: date, last: date) -> dict[str, int]:
        if self._question.campaign:
            return self._campaigns.checks(self._question.campaign, self.parts(unit), first, last)
        whole = self._sum(unit, first, last)
        due = self._due(unit, first, last)
        closed = min(last, self.closed)
        missing = 0
        if closed >= first:
            missing = self._unreported(unit, first, closed) - self._excused(unit, first, closed)
        return {
            "checks_due": due,
            "checks_zero": whole.zero,
            "checks_found": whole.found,
            "checks_late": whole.late,
            "checks_excused": self._excused(unit, first, last),
            "checks_missing": missing,
            "checks_extra": whole.extra,
        }

    def rows(self, by: str | None, language: str) -> Iterator[Row]:
        """The rows along a dimension: key, label, measures, and cells in the matrix."""
        unit, period = self._question.unit, self._question.period
        if by == "children":
            yield from self._child_rows(unit, language)
        elif by == "day":
            if period.days > MAX_ROWS:
                raise Invalid("too_many_rows", field="period", value=period.key, limit=MAX_ROWS)
            by_day = self._duty_days(unit, period)
            for day, counts in self._cases.days(self._case_parts(unit), period):
                yield _row(day.isoformat(), day.isoformat(), {**by_day[day], **counts})
        elif by == MATRIX:
            yield from self._matrix_rows(unit, period, language)
        elif by == CAMPAIGN:
            for one in self._campaigns.shown([named for named, _ in self.parts(unit)], period):
                checks = self._campaigns.checks(one.id, self.parts(unit), period.first, period.last)
                yield _row(one.id, one.name, {**dict.fromkeys(DUTY_MEASURES, 0), **checks, **no_counts()})
        elif by:
            for key, counts in self._cases.rows(by, self._case_parts(unit), period).items():
                yield _row(key, self._word(by, key, language), {**dict.fromkeys(DUTY_MEASURES, 0), **counts})

    def _matrix_rows(self, unit: str, period: Period, language: str) -> Iterator[Row]:
        """The cells of each category beside its measures, which are those of its row by category; the total last."""
        parts = self._case_parts(unit)
        counted, whole = self._cases.rows("category", parts, period), no_counts()
        for counts in counted.values():
            whole = {name: value + counts[name] for name, value in whole.items()}
        counted[TOTAL] = whole
        for found in self._cases.matrix(parts, period):
            words = label(language, "table.total") if found.key == TOTAL else self._word(MATRIX, found.key, language)
            yield _matrix_row(found, words, counted.get(found.key) or no_counts())

    def _duty_days(self, unit: str, period: Period) -> dict[date, dict[str, int]]:
        """Every measure of checks and confirmations by day."""
        parts, nothing = self.parts(unit), dict.fromkeys(DUTY_MEASURES, 0)
        if self._question.campaign:
            found = self._campaigns.days(self._question.campaign, parts, period.first, period.last)
            return {day: {**nothing, **found.get(day.isoformat(), {})} for day in period.each_day()}
        checks = check_days(self._db, self._tree, self._calendar, parts, period, self.closed)
        confirmations = self._confirmations.days(parts, period)
        return {day: {**nothing, **counts, **confirmations.get(day, {})} for day, counts in checks.items()}

    def _word(self, by: str, key: str, language: str) -> str:
        return word_of(self._lists, key, language) if by in ("category", MATRIX) else row_label(by, key, language)

    def _child_rows(self, unit: str, language: str) -> Iterator[Row]:
        listed = {child: self._child(child, unit) for child in self._children(unit)}
        if self._question.mode == "then":
            # Reports for days on which a unit was closed, or not open yet, count above it: they need a row too.
            others = [child for child in self._tree.children_ever(unit) if child not in listed]
            strays = {child: self._child(child, unit) for child in others}
            listed |= {child: found for child, found in strays.items() if any(found.values())}
        for child, found in listed.items():
            yield _row(child, self._name(child), found)
        own = self._own(unit) if listed or self._tree.level(unit) != LEVELS[0] else {}
        if any(own.values()):  # what the unit did itself: without this row the rows would not add up
            yield _row(unit, label(language, "rollup.own", name=self._name(unit)), own)

    def _name(self, unit: str) -> str:
        named = self._tree.nearest(unit, min(self._question.period.last, self._today))
        return named.name if named else unit

    def _child(self, child: str, parent: str) -> dict[str, int]:
        """A child's measures; as it was, only of the days on which it stood under this parent."""
        period = self._question.period
        spans = [(period.first, period.last)]
        end: date | None = period.last
        if self._question.mode == "then":
            spans = list(self._tree.days_under(child, parent, period.first, period.last))
            judged = min(period.last, self._today)
            end = period.last if parent in self._tree.ancestors(child, judged) else None
        total = dict.fromkeys(DUTY_MEASURES, 0)
        for first, last in spans:
            for name, value in self._duties(child, first, last).items():
                total[name] += value
        return {**total, **self._cases.totals(self._case_parts(child), spans, end)}

    def _own(self, unit: str) -> dict[str, int]:
        period, campaign = self._question.period, self._question.campaign
        if campaign:
            own = self._campaigns.checks(campaign, [(unit, 1)], period.first, period.last)
            return {**dict.fromkeys(DUTY_MEASURES, 0), **own, **no_counts()}
        checks = dict.fromkeys(DUTY_MEASURES, 0)
        checks["checks_extra"] = queries.sum_own_extra(self._db, unit, period.first, period.last).extra
        spans, itself = [(period.first, period.last)], [(unit, 1)]
        checks |= self._confirmations.totals(itself, spans)
        return {**checks, **self._cases.totals(itself, spans, period.last)}

    def campaign_duties(
        self, campaign: str, inside: Callable[[str, date], bool], measure: str
    ) -> Iterator[tuple[str, str]]:
        """(day, unit) of the duties of a campaign that end in the period, or of the missing or excused ones."""
        return self._campaigns.owed(campaign, self._question.period, inside, measure)

    def codes_of(self, keys: Sequence[str]) -> list[str]:
        """The categories that stand in the rows of some keys: those themselves, and what became them."""
        gone = [code for code in keys if code in self.became]
        return [*(key for key in keys if key not in gone), *(old for old, new in self.became.items() if new in keys)]

    def daily(self, day: date) -> bool:
        """Whether groups owe a report each day by the cadence of that day."""
        return self._calendar.on(day).cadences["group"] == "day"

    @staticmethod
    def overdue_before(question: Question) -> int:
        """The instant (unix ms) by which the limit of what is overdue has passed: the period's end, or now."""
        return min(end_of(question.period.last), question.now_ms)

    def parts(self, unit: str) -> list[tuple[str, int]]:
        """The tallies of cases that make up a unit: its own subtree's, or, above a unit that moved, in today's tree
        what it did itself and what its present children make up.
        """
        if self._as_it_was(unit):
            return [(unit, 0)]
        return [(unit, 1), *(part for child in self._children(unit) for part in self.parts(child))]

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

    def _unreported(self, unit: str, first: date, last: date) -> int:
        return self._due(unit, first, last) - self._sum(unit, first, last).reported

    def _excused(self, unit: str, first: date, last: date) -> int:
        """Group days owed that are excused, as of the day itself, and not reported."""
        if not self._as_it_was(unit):
            return sum(self._excused(child, first, last) for child in self._children(unit))
        unreported = partial(self._unreported, unit)
        return excuses.count(self._db, self._tree, unit, first, last, unreported)

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


def row_label(dimension: str, key: str, language: str) -> str:
    """The word for a row key; a code of a later list stands for itself."""
    keys = {
        "category": category_label(key),
        "level": f"level.{key}",
        "kind": f"case_kind.{key}",
        MATRIX: category_label(key),
    }
    known = keys.get(dimension, f"{dimension}.{key}")
    return label(language, known) if has_label(language, known) else key


def _row(key: str, text: str, measures: dict[str, int]) -> Row:
    return {"key": key, "label": text, "measures": measures}


def _matrix_row(found: MatrixRow, text: str, counts: dict[str, int]) -> Row:
    """A category (or the total) with its cells."""
    return {
        **_row(found.key, text, {**dict.fromkeys(DUTY_MEASURES, 0), **counts}),
        "cells": {level: cell._asdict() for level, cell in found.cells.items()},
        "subtotal": found.subtotal._asdict(),
        "year_to_date": found.year_to_date._asdict(),
    }
