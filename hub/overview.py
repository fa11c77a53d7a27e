"""What the overview of a unit shows: several rollups as of one instant, one state of the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from node.daily import duties
from node.daily.duties import DutyDay
from node.figures import rollup
from node.figures.masks import for_role
from node.guard import language, me
from node.pages.calendars import span_of
from node.pages.choosing import Choice
from node.projections import calendar_of
from schemas.clock import business_day
from schemas.duties import last_closed_day
from sync.database import read
from sync.replica import Replica

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Overview:
    """Rollup documents: today, the last day whose grace is over, and the period by the units below, by day, by category
    and by kind. `judged`: today's duties.
    """

    today: date
    judged: DutyDay
    now: Document
    closed_day: date
    closed: Document
    period: Document
    days: Document
    categories: Document
    kinds: Document


def ask(node: Replica, choice: Choice, now_ms: int, period: str, by: str | None) -> Document:
    """A rollup document about the choice's unit, as the reader may see it. Raises NotFound and Invalid."""
    document = rollup.answer(node, choice.unit, period, by=by, tree=choice.tree, now_ms=now_ms, language=language())
    return for_role(node, document, by, me().role, now_ms=now_ms, as_of=choice.as_of)


def overview(node: Replica, choice: Choice, now_ms: int) -> Overview:
    """The figures of a unit as the node knows them. Raises NotFound and Invalid naming the field."""

    def asked(period: str, by: str | None = None) -> Document:
        return ask(node, choice, now_ms, period, by)

    with read(node.db):
        today = business_day(now_ms)
        closed_day = last_closed_day(calendar_of(node.db), now_ms)
        key = choice.period.key
        return Overview(
            today=today,
            judged=duties.duty_day(node, today),
            now=asked(today.isoformat()),
            closed_day=closed_day,
            closed=asked(closed_day.isoformat()),
            period=asked(key, "children"),
            days=asked(span_of(choice.period).key, "day"),
            categories=asked(key, "category"),
            kinds=asked(key, "kind"),
        )
