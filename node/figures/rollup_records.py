"""The records behind one cell of a rollup: their count is the cell, for every measure and every filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from node.cases import figure_queries
from node.cases.figure_queries import FILTERS, Place
from node.daily import campaign_queries
from node.daily.excuses import excused_on
from node.figures import rollup_queries
from node.figures.rollup_figures import DUTY_MEASURES, Rollup
from node.figures.rollup_question import CAMPAIGN, Question, asked
from node.reports.confirmation_records import confirmations
from schemas.cases.lists import SOURCE_GROUPS
from schemas.cases.measures import CASE_MEASURES, DIMENSIONS, STANDING_MEASURES
from schemas.clock import business_day, iso_instant
from schemas.confirmations import CONFIRMATION_MEASURES
from schemas.errors import Invalid, NotFound
from schemas.periods import parse_period
from schemas.units.tree import Tree
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

MEASURES: Final = (*DUTY_MEASURES, *CASE_MEASURES)
_BY_DUTY: Final = ("checks_due", "checks_missing", "checks_excused")
Key = tuple[str, str]  # the day, and the unit or the case: what pages go on from
Item = dict[str, Any]


def records(
    replica: Replica, unit: str, period: str, measure: str, *, tree: str, now_ms: int,
    filters: Mapping[str, str], after: str | None, limit: int, categories: str | None = None,
    under: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A page of `{items, next}` with what was asked. Raises NotFound and Invalid naming the field.

    `under` picks the cell of the unit's row below that parent: as it was, only the days on which it stood there; of the
    row of the unit itself, where it is the unit, only what it did itself.
    """
    if measure not in MEASURES:
        raise Invalid("not_one_of", field="measure", value=measure, allowed=", ".join(MEASURES))
    span, start = parse_period(period), _after(after)
    with read(replica.db):
        question = asked(replica, unit, span, tree, now_ms, filters.get(CAMPAIGN), categories)
        if under is not None and not tree_of(replica).exists(under):
            raise NotFound("unknown_unit", field="under", value=under)
        where = Where.of(tree_of(replica), question, under)
        coded = {name: (key,) for name, key in filters.items() if name != CAMPAIGN}
        if measure in CASE_MEASURES and not question.campaign:
            found = _cases(replica, question, where, measure, coded, start, limit + 1)
        elif measure in CONFIRMATION_MEASURES:
            inside = _inside(tree_of(replica), question, where)
            found = [] if filters else confirmations(replica, question, measure, inside, start, limit + 1)
        elif coded or measure in CASE_MEASURES:  # no check has such a code, no case a campaign: the cell is 0
            found = []
        else:
            found = _checks(replica, question, where, measure, start, limit + 1)
    more = len(found) > limit
    return {
        "unit": unit,
        "period": span.key,
        "tree": tree,
        "measure": measure,
        "as_of": iso_instant(now_ms),
        "position": question.position,
        "items": [item for _, item in found[:limit]],
        "next": " ".join(found[limit - 1][0]) if more else None,
    }


def read_filters(query: Mapping[str, Any]) -> dict[str, str]:
    """The dimensions that a query names, with the key of each. Raises Invalid for a key that no row can have."""
    chosen = {name: str(query[name]) for name in (*FILTERS, CAMPAIGN) if query.get(name) is not None}
    for name, key in chosen.items():
        if name not in ("category", CAMPAIGN) and key not in DIMENSIONS[name]:  # a category may be of a later list
            raise Invalid("not_one_of", field=name, value=key, allowed=", ".join(DIMENSIONS[name]))
    return chosen


@dataclass(frozen=True, slots=True)
class Where:
    """What a cell counts: the unit's subtree on these days, what stood open at `end` (None: nothing); with `own` only
    what the unit did itself.
    """

    spans: tuple[tuple[date, date], ...]
    end: date | None
    own: bool

    @staticmethod
    def of(tree: Tree, question: Question, under: str | None) -> Where:
        """The row of the unit below a parent, or the unit as a whole."""
        unit, period, today = question.unit, question.period, business_day(question.now_ms)
        end = min(period.last, today)
        if under is None or under == unit or question.mode == "now":
            return Where(((period.first, period.last),), end, under == unit)
        spans = tuple(tree.days_under(unit, under, period.first, period.last))
        return Where(spans, end if under in tree.ancestors(unit, end) else None, own=False)

    def holds(self, day: date) -> bool:
        """Whether a day is counted."""
        return any(first <= day <= last for first, last in self.spans)


# ---- cases


def _cases(
    replica: Replica,
    question: Question,
    where: Where,
    measure: str,
    filters: Mapping[str, Sequence[str]],
    after: Key,
    limit: int,
) -> list[tuple[Key, Item]]:
    db = replica.db
    late = Rollup.overdue_before(question) if measure == "overdue" else None
    rows = []
    rollup = Rollup(replica, question)
    chosen = [(name, rollup.codes_of(keys) if name == "category" else keys) for name, keys in filters.items()]
    for unit, own in [(question.unit, 1)] if where.own else rollup.parts(question.unit):
        place = Place(unit, own, "")
        if measure not in STANDING_MEASURES:
            for span in where.spans:
                rows += figure_queries.fact_records(db, place, measure, span, chosen, after, limit)
        elif where.end is not None:
            rows += figure_queries.standing_records(db, place, where.end, late, chosen, after, limit)
    return [((row[0], row[1]), _case(row)) for row in sorted(rows)[:limit]]


def _case(row: tuple[Any, ...]) -> Item:
    day, case_id, unit, level, event, kind, category, source, urgency, state = row
    return {
        "id": case_id,
        "event": event,
        "unit": unit,
        "date": day,
        "level": level,
        "kind": kind,
        "category": category,
        "source": source,
        "source_group": SOURCE_GROUPS.get(source),
        "urgency": urgency,
        "state": state,
    }


# ---- checks


def _checks(
    replica: Replica, question: Question, where: Where, measure: str, after: Key, limit: int
) -> list[tuple[Key, Item]]:
    tree = tree_of(replica)
    inside = _inside(tree, question, where)
    if measure in _BY_DUTY:
        duties = _duties(replica, question, measure, inside, after[0])
        wanted = ((key, _duty(key)) for key in duties if key > after)
        return [one for _, one in zip(range(limit), wanted, strict=False)]
    span = (question.period.first, question.period.last)
    units = sorted(one for one in tree.all_ids() if tree.ever_below(one, question.unit))
    listed = None if len(units) > rollup_queries.MAX_UNITS else units
    found: list[tuple[Key, Item]] = []
    while len(found) < limit:
        if question.campaign:
            rows = campaign_queries.records(replica.db, question.campaign, measure, span, after, limit)
        else:
            rows = rollup_queries.effective_checks(replica.db, measure, listed, span, after, limit)
        if not rows:
            break
        after = (rows[-1][0], rows[-1][1])
        found += [
            ((day, unit), {"event": event, "unit": unit, "date": day, "result": result})
            for day, unit, event, result in rows
            if inside(unit, date.fromisoformat(day))
        ]
    return found[:limit]


def _duties(
    replica: Replica, question: Question, measure: str, inside: Callable[[str, date], bool], since: str
) -> Iterator[Key]:
    """Group days owed, missing or excused, by (day, unit): known from the dated tree and the cadence. Regular ones from
    the day `since` on: a later page does not look at the days of the pages before it.
    """
    tree, rollup = tree_of(replica), Rollup(replica, question)
    if question.campaign:
        yield from rollup.campaign_duties(question.campaign, inside, measure)
        return
    for day in question.period.each_day():
        if day.isoformat() < since or not rollup.daily(day) or (measure == "checks_missing" and day > rollup.closed):
            continue
        groups = sorted(one.id for one in tree.units(day) if one.level == "group")
        if measure != "checks_due":
            reported, excused = rollup_queries.reported_units(replica.db, day), excused_on(replica, day)
            lifted = measure == "checks_excused"
            groups = [one for one in groups if one not in reported and excused.has(one) is lifted]
        yield from ((day.isoformat(), one) for one in groups if inside(one, day))


def _duty(key: Key) -> Item:
    return {"event": None, "unit": key[1], "date": key[0], "result": None}


def _inside(tree: Tree, question: Question, where: Where) -> Callable[[str, date], bool]:
    today, unit = business_day(question.now_ms), question.unit

    def inside(one: str, day: date) -> bool:
        if not where.holds(day) or (where.own and one != unit):
            return False
        return tree.below(one, unit, day if question.mode == "then" else today)

    return inside


def _after(text: str | None) -> Key:
    if text is None:
        return ("", "")
    day, _, rest = text.partition(" ")
    if not rest:
        raise Invalid("bad_after", field="after", value=text)
    return day, rest
