"""Excuses (免报) at a node: who is excused on which days, giving and taking back an excuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any, Final

from sqlite_utils import Database

from node import answers
from node.answers import Answer, Document, request_bytes
from node.daily import excuse_queries as queries
from node.people.accounts import Account
from node.scope import require_hosted, today_of
from schemas.clock import business_day
from schemas.errors import Conflict, Forbidden, Invalid, NotFound
from schemas.excuses import KIND, SCHEMA, ExcuseAct, Span, merged, read_excuse, without
from schemas.periods import Period, months_inside
from schemas.units.tree import Tree
from sync.directory import tree_of
from sync.intake import Intake
from sync.replica import Replica

_ONE_DAY: Final = timedelta(days=1)
Standing = Callable[[Sequence[str], date, date], Iterable[Span]]  # what excuses any of some units on any of some days


# ---- who is excused


@dataclass(frozen=True, slots=True)
class Excused:
    """Which units are excused on one day; what is asked of a unit's line is kept, since a city has 20,000 groups."""

    tree: Tree
    day: date
    units: frozenset[str]
    known: dict[str, bool] = field(default_factory=dict)

    def has(self, unit: str) -> bool:
        """Whether the unit, or one above it on that day, is excused."""
        if not self.units:
            return False
        version = self.tree.nearest(unit, self.day)
        parent = version.parent_id if version else None
        if parent is None:
            return unit in self.units
        if parent not in self.known:
            self.known[parent] = not self.units.isdisjoint(self.tree.ancestors(parent, self.day))
        return self.known[parent] or unit in self.units


def excused_on(replica: Replica, day: date) -> Excused:
    """Who is excused on a day."""
    return Excused(tree_of(replica), day, queries.units_on(replica.db, day))


def excuse_of(replica: Replica, unit: str, day: date) -> str | None:
    """The act by which a unit is excused on a day: its own before one of a unit above; None if it is not."""
    above = tree_of(replica).ancestors(unit, day) or (unit,)
    found = queries.standing_of(replica.db, above, day, day)
    return min(found, key=lambda one: (above.index(one[0]), one[1]))[1] if found else None


def days_excused(db: Database, tree: Tree, unit: str, first: date, last: date) -> list[Span]:
    """The days from `first` to `last` on which the unit, or one above it as of the day, is excused."""

    def standing(above: Sequence[str], begin: date, end: date) -> list[Span]:
        return [span for _, _, span in queries.standing_of(db, above, begin, end)]

    return days_lifted(tree, unit, first, last, standing)


def days_lifted(tree: Tree, unit: str, first: date, last: date, standing: Standing) -> list[Span]:
    """The days from `first` to `last` that `standing` excuses for the unit or for one above it as of the day."""
    spans: list[Span] = []
    for begin, until, above in tree.lineages(unit, first, last + _ONE_DAY):
        end = last if until is None else min(last, until - _ONE_DAY)
        for start, stop in standing(above or (unit,), begin, end):
            spans.append((max(start, begin), min(stop, end)))
    return merged(spans)


def count(db: Database, tree: Tree, unit: str, first: date, last: date, unreported: Callable[[date, date], int]) -> int:
    """Group days of a unit's subtree, as it was, that are excused and not reported.

    `unreported(first, last)`: the group days owed and not reported in a span, which are all lifted where the unit
    itself, or one above it, is excused.
    """
    if last < first:
        return 0
    whole = days_excused(db, tree, unit, first, last)
    lifted = sum(unreported(begin, end) for begin, end in whole)
    for begin, end in without(first, last, whole):
        months, edges = months_inside(Period("", begin, end))
        lifted += sum(queries.sum_days(db, unit, start, stop) for start, stop in edges)
        if months:
            lifted += queries.sum_months(db, unit, months[0], months[-1])
    return lifted


# ---- giving one


def give(replica: Replica, account: Account, body: Mapping[str, Any], key: str | None = None) -> Answer:
    """A reviewer of a higher unit excuses a unit for a span of days. Raises GridError naming the field that breaks a
    rule; nothing is stored then.
    """

    def act(intake: Intake) -> Document:
        unit, today = str(body.get("unit")), business_day(intake.now_ms)
        by = _higher(replica, account, unit, today)
        public, private = read_excuse(body, today)
        if "amends" in public:
            _amended(replica, account, str(public["amends"]), unit)
        return _sign(intake, unit, {"by": by, **public}, private)

    return answers.once(replica, account.name, key, request_bytes(body, route="excuses"), "excuse", act)


def take_back(replica: Replica, account: Account, event: str, body: Mapping[str, Any], key: str | None) -> Answer:
    """Takes an excuse back: the duties stand again, and what was not reported in time is missing."""

    def act(intake: Intake) -> Document:
        kept = queries.act(replica.db, event)
        if kept is None:
            raise NotFound("unknown_event", field="event", value=event)
        by = _higher(replica, account, kept.unit, business_day(intake.now_ms))
        _amended(replica, account, event, kept.unit)
        stated = {**body, "from": kept.first.isoformat(), "to": kept.last.isoformat(), "amends": event}
        public, private = read_excuse({**stated, "reason_code": kept.reason_code}, kept.last)
        return _sign(intake, kept.unit, {"by": by, **public, "cancelled": True}, private)

    request = request_bytes(body, excuse=event)
    return answers.once(replica, account.name, key, request, "excuse", act)


def _sign(intake: Intake, unit: str, public: dict[str, object], private: dict[str, object]) -> Document:
    day = business_day(intake.now_ms)
    event = intake.author(kind=KIND, schema=SCHEMA, unit=unit, day=day, public=public, private=private).hash
    said = {name: public.get(name) for name in ("by", "from", "to", "reason_code", "amends")}
    return {"id": event, "event": event, "unit": unit, **said, "cancelled": bool(public.get("cancelled"))}


def _higher(replica: Replica, account: Account, unit: str, day: date) -> str:
    """The unit in whose name somebody acts on one below it. Raises NotFound, Forbidden or Conflict."""
    tree = tree_of(replica)
    if not tree.exists(unit):
        raise NotFound("unknown_unit", field="unit", value=unit)
    if unit == account.unit or not tree.ever_below(unit, account.unit):
        raise Forbidden("not_above", field="unit", value=unit, own=account.unit)
    require_hosted(replica, account.unit, day)
    return account.unit


def _amended(replica: Replica, account: Account, event: str, unit: str) -> None:
    """Raises unless the act named excuses the unit now, and was not given by a unit above the user's."""
    kept = queries.act(replica.db, event)
    if kept is None or kept.unit != unit:
        raise Invalid("amends_other_excuse", field="amends", value=event)
    if all(one[1] != event for one in queries.standing_of(replica.db, [unit], kept.first, kept.last)):
        raise Conflict("excuse_not_standing", field="amends", value=event)
    if not tree_of(replica).ever_below(kept.by, account.unit):
        raise Forbidden("excuse_of_higher", field="amends", value=event, by=kept.by)


# ---- lists


def listed(
    replica: Replica, unit: str, first: date, last: date, after: tuple[str, str] | None, limit: int
) -> dict[str, Any]:
    """Excuses that stand for units of a subtree, or for one above it, on any of these days: the latest first."""
    tree = tree_of(replica)
    every = queries.standing_between(replica.db, first, last, after or ("9999-12-31", "~"))
    found = list(
        islice((one for one in every if tree.ever_below(one.unit, unit) or tree.ever_below(unit, one.unit)), limit + 1)
    )
    last_one = found[limit - 1] if len(found) > limit else None
    following = f"{last_one.first.isoformat()} {last_one.event}" if last_one else None
    return {"items": [_item(replica, one) for one in found[:limit]], "next": following}


def _item(replica: Replica, act: ExcuseAct) -> dict[str, Any]:
    named = tree_of(replica).nearest(act.unit, today_of(replica))
    return {
        "id": act.event,
        "event": act.event,
        "unit": act.unit,
        "name": named.name if named else act.unit,
        "by": act.by,
        "from": act.first.isoformat(),
        "to": act.last.isoformat(),
        "reason_code": act.reason_code,
        "amends": act.amends,
    }
