"""Filled-in forms of the demonstration: plausible totals by each form's rules, nothing about a person."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from hub.demo.periods import LATE, Replicas, Timed, arrival, enter_timed
from node.reports import form_returns
from schemas.cadence import Calendar
from schemas.confirmations import Owed
from schemas.forms import Form, Forms
from schemas.periods import Period
from schemas.returns import last_owed, owed_between
from schemas.units.tree import Tree

UNSENT: Final = "meetings"  # the form that one township has not sent
# What is drawn for the parts of each form; totals are worked out by its rules.
RANGES: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {
    "training": {"sessions": (1, 4), "mediators": (12, 60), "grid_workers": (20, 90), "village_staff": (8, 40),
                 "others": (0, 12), "hours": (4, 16)},
    "meetings": {"meetings": (1, 4), "units_attending": (8, 30), "discussed": (2, 9), "settled": (1, 7)},
    "judges": {"visits": (1, 6), "agreed": (2, 9), "not_agreed": (0, 3), "confirmed": (0, 4)},
    "supervised": {"controlled": (0, 1), "probation": (180, 260), "parole": (4, 9), "outside": (2, 6),
                   "released": (40, 70), "corrected": (30, 60)},
}  # fmt: skip
TEXTS: Final = {"topics": "人民调解法；调解协议书制作；土地承包纠纷调处"}


def plan(
    forms: Forms, calendar: Calendar, tree: Tree, top: str, days: Sequence[date], seed: int, now_ms: int
) -> list[Timed]:
    """The filled-in forms of a county and its units, up to now: of periods that end within days, and the newest of each
    form. One township's is missing, a few are late.
    """
    found: list[Timed] = []
    for form_id in (one for one in forms.ids() if one in RANGES):
        for level in ("township", "county"):
            for owed in _owed(forms, calendar, form_id, level, days, now_ms):
                form = forms.on(form_id, owed.period.last)
                assert form is not None  # it is owed
                units = [one.id for one in tree.subtree(top, owed.period.last) if one.level == level]
                found += _returns(form, owed, units, seed, now_ms)
    return sorted(found, key=lambda one: one.at_ms)


def _owed(forms: Forms, calendar: Calendar, form: str, level: str, days: Sequence[date], now_ms: int) -> list[Owed]:
    span = Period(f"{days[0]}..{days[-1]}", days[0], days[-1])
    newest = last_owed(forms, calendar, form, level, now_ms, days[-1])
    within = [one for one in owed_between(forms, calendar, form, level, span) if one.opens_ms <= now_ms]
    return within if newest is None or newest in within else [newest, *within]


def _returns(form: Form, owed: Owed, units: Sequence[str], seed: int, now_ms: int) -> list[Timed]:
    found = []
    silent = random.Random(f"{seed} {form.id} {owed.period.key}").choice(units)  # noqa: S311 - generated work
    for unit in units:
        chance = random.Random(f"{seed} {unit} {form.id} {owed.period.key}")  # noqa: S311 - generated work
        at_ms = arrival(chance, owed, now_ms, late=len(units) > 1 and chance.random() < LATE)
        if at_ms is None or (form.id == UNSENT and len(units) > 1 and unit == silent):
            continue
        body = {"form": form.id, "unit": unit, "period": owed.period.key, "values": values(form, owed.period, chance)}
        found.append(Timed(at_ms, unit, owed.period.last, body))
    return found


def values(form: Form, period: Period, chance: random.Random) -> dict[str, Any]:
    """Values for every field of one of the shipped forms, by its sum and bound rules."""
    drawn: dict[str, Any] = {}
    for field in form.fields:
        if field.type == "choice":
            drawn[field.key] = chance.choice(field.choices)[0]
        elif field.type == "date":
            drawn[field.key] = (period.first + timedelta(days=chance.randrange(period.days))).isoformat()
        elif field.type == "text":
            drawn[field.key] = TEXTS[field.key]
        elif (span := RANGES[form.id].get(field.key)) is not None:
            drawn[field.key] = chance.randint(*span)
    for rule in form.sums:
        drawn[rule.total] = sum(drawn[part] for part in rule.parts)
    for bound in form.bounds:
        drawn[bound.low] = min(drawn[bound.low], drawn[bound.high])
    return drawn


def enter(replicas: Replicas, timed: Sequence[Timed], on_entered: Callable[[int], None]) -> None:
    """Signs and stores filled-in forms, each at the node that hosts its unit."""
    enter_timed(replicas, timed, form_returns.enter, on_entered)
