"""What the returns of a form come to in a subtree: the totals of its rollup fields, who has filled it and who has not.

A return counts in the period of its last day, for the ancestors that its unit had then (`then`) or has today (`now`);
total, rows and list come from the same duties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from node import link_queries
from node.daily import duty_queries
from node.daily.calendars import calendar_of
from node.reports import form_queries
from node.reports.confirmation_excuses import lifted
from node.reports.form_queries import Sent
from node.reports.form_returns import state_of_sent
from node.reports.forms import forms_of
from schemas.clock import business_day, iso_instant
from schemas.confirmations import Owed
from schemas.errors import Invalid, NotFound
from schemas.form_fields import FormField
from schemas.forms import Forms
from schemas.measures import rate
from schemas.periods import Period, parse_period
from schemas.returns import owed_between, state_unsent, unscaled
from schemas.units.tree import LEVELS, Unit
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

MEASURES: Final = (
    "due",
    "filled",
    "late",
    "returned",
    "excused",
    "missing",
)  # `filled` holds the late and returned ones
MAX_PERIODS: Final = 62
MAX_DAYS: Final = 1_100
_FILLED: Final = frozenset({"sent", "late", "returned"})


@dataclass(frozen=True, slots=True)
class Duty:
    """One unit's duty to fill a form for a period: the row of the rollup it counts in, its state, what was sent."""

    unit: Unit
    row: str
    owed: Owed
    state: str
    is_late: bool
    sent: Sent | None


def answer(
    replica: Replica, form: str, unit: str, period: str, *, tree: str, now_ms: int, language: str
) -> dict[str, Any]:
    """`{form, title, unit, period, tree, as_of, position, fields, measures, rates, totals, rows}`; a row for each unit
    below that owes something or has something owing below it, and for the unit itself. Raises GridError by field.
    """
    with read(replica.db):
        span, forms = asked(replica, form, unit, period, tree)
        fields = fields_of(forms, form, span)
        counted: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(MEASURES, 0))
        sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys([one.key for one in fields], 0))
        numbers = _numbers(replica, form, span)
        for duty in duties(replica, forms, form, unit, span, tree, now_ms):
            for key in ("", duty.row):
                _count(counted[key], duty)
                if duty.sent is not None:
                    _add(sums[key], numbers.get((duty.sent.unit, duty.sent.period), ()))
        names = tree_of(replica)
        rows = []
        for key in sorted(counted.keys() - {""}):
            named = names.nearest(key, span.last)
            row = {"key": key, "label": named.name if named else key, "level": names.level(key)}
            rows.append({**row, **_figures(counted[key], sums[key], fields)})
        newest = forms.on(form, span.last) or forms.versions(form)[-1]
        return {
            "form": form,
            "title": newest.title[language],
            "unit": unit,
            "level": names.level(unit),
            "period": span.key,
            "tree": tree,
            "as_of": iso_instant(now_ms),
            "position": link_queries.events_held(replica.db),
            "fields": [{"key": one.key, "label": one.label[language], "type": one.type} for one in fields],
            "sums": [{"total": one.total, "parts": list(one.parts)} for one in newest.sums],
            **_figures(counted[""], sums[""], fields),
            "rows": rows,
        }


def asked(replica: Replica, form: str, unit: str, period: str, tree: str) -> tuple[Period, Forms]:
    """The span and the forms, if this can be asked. Raises NotFound and Invalid naming the field."""
    span, forms = parse_period(period), forms_of(replica.db)
    if not forms.versions(form):
        raise NotFound("unknown_form", field="form", value=form)
    if span.days > MAX_DAYS:
        raise Invalid("span_too_long", field="period", value=span.key, days=span.days, limit=MAX_DAYS)
    if tree not in ("then", "now"):
        raise Invalid("bad_tree", field="tree", value=tree)
    if not tree_of(replica).exists(unit):
        raise NotFound("unknown_unit", field="unit", value=unit)
    return span, forms


def fields_of(forms: Forms, form: str, span: Period) -> list[FormField]:
    """The fields that roll up: of the last version in force in the span, then what only earlier ones there have."""
    there = {held.version: held for day in span.each_day() if (held := forms.on(form, day)) is not None}
    found: dict[str, FormField] = {}
    for version in reversed(list(there.values()) or forms.versions(form)[-1:]):
        for one in version.fields:
            if one.key in version.rollup:
                found.setdefault(one.key, one)
    return list(found.values())


def duties(
    replica: Replica, forms: Forms, form: str, unit: str, span: Period, tree_mode: str, now_ms: int
) -> Iterator[Duty]:
    """Every duty of a unit's subtree whose period ends in the span, by (last day, level, unit)."""
    db, tree, calendar = replica.db, tree_of(replica), calendar_of(replica.db)
    sent = {(one.unit, one.period): one for one in form_queries.sent_between(db, form, span.first, span.last)}
    returned = duty_queries.returned_among(db, [one.event for one in sent.values()])
    owing = [(level, owed) for level in LEVELS for owed in owed_between(forms, calendar, form, level, span)]
    if len({owed.period.last for _, owed in owing}) > MAX_PERIODS:
        raise Invalid("too_many_periods", field="period", value=span.key, limit=MAX_PERIODS)
    today = business_day(now_ms)
    for level, owed in sorted(owing, key=lambda one: (one[1].period.last, LEVELS.index(one[0]))):
        day = owed.period.last
        excused = lifted(db, tree, level, owed.period)
        for one in sorted((one for one in tree.units(day) if one.level == level), key=lambda one: one.id):
            above = tree.ancestors(one.id, day if tree_mode == "then" else today)
            if unit not in above:
                continue
            place = above.index(unit)
            given = sent.get((one.id, owed.period.key))
            state = (
                state_of_sent(owed, given, returned) if given else state_unsent(owed, now_ms, excused=one.id in excused)
            )
            late = given is not None and state_of_sent(owed, given, frozenset()) == "late"
            yield Duty(one, above[place - 1] if place else unit, owed, state, late, given)


def listed(
    replica: Replica, form: str, unit: str, period: str, *, tree: str, state: str | None, now_ms: int,
    after: str | None, limit: int,
) -> dict[str, Any]:  # fmt: skip
    """A page of who owes the form, with the state and the return of each: `{form, unit, period, items, next}`."""
    with read(replica.db):
        span, forms = asked(replica, form, unit, period, tree)
        found: list[tuple[str, Duty]] = []
        for duty in duties(replica, forms, form, unit, span, tree, now_ms):
            key = f"{duty.owed.period.last} {LEVELS.index(duty.unit.level)} {duty.unit.id}"
            if (after is None or key > after) and state in (None, duty.state):
                found.append((key, duty))
            if len(found) > limit:
                break
        return {
            "form": form,
            "unit": unit,
            "period": span.key,
            "tree": tree,
            "items": [_item(duty) for _, duty in found[:limit]],
            "next": found[limit - 1][0] if len(found) > limit else None,
        }


def _item(duty: Duty) -> dict[str, Any]:
    return {
        "unit": duty.unit.id,
        "name": duty.unit.name,
        "level": duty.unit.level,
        "period": duty.owed.period.key,
        "due_at": iso_instant(duty.owed.due_ms),
        "grace_until": iso_instant(duty.owed.grace_ms),
        "state": duty.state,
        "event": duty.sent.event if duty.sent else None,
    }


def _numbers(replica: Replica, form: str, span: Period) -> dict[tuple[str, str], list[tuple[str, int]]]:
    found: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for unit, period, field, amount in form_queries.numbers_between(replica.db, form, span.first, span.last):
        found[(unit, period)].append((field, amount))
    return found


def _count(counts: dict[str, int], duty: Duty) -> None:
    counts["due"] += 1
    counts["filled"] += duty.state in _FILLED
    counts["late"] += duty.is_late
    for name in ("returned", "excused", "missing"):
        counts[name] += duty.state == name


def _add(sums: dict[str, int], numbers: Iterable[tuple[str, int]]) -> None:
    for field, amount in numbers:
        if field in sums:
            sums[field] += amount


def _figures(counts: dict[str, int], sums: dict[str, int], fields: list[FormField]) -> dict[str, Any]:
    return {
        "measures": dict(counts),
        "rates": {"filled_rate": rate(counts["filled"], counts["due"] - counts["excused"])},
        # Where nobody filled the form there is no total: missing is never a zero.
        "totals": {one.key: unscaled(sums[one.key], one) if counts["filled"] else None for one in fields},
    }
