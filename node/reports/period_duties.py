"""Duties of more than a day: confirmations and forms of a subtree, for periods that end on a day, as rows of a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from node.daily.excuses import excuse_of
from node.reports.confirmation_duties import owed_by
from node.reports.form_rollup import duties as form_duties
from node.reports.forms import forms_of
from schemas.clock import iso_instant
from schemas.confirmations import Owed
from schemas.duties import why_missing
from schemas.periods import Period
from schemas.units.tree import Unit
from sync.replica import Replica

ARRIVED_DAYS_LATE_MS: Final = 2 * 86_400_000


@dataclass(frozen=True, slots=True)
class Given:
    """What was sent for a duty: the event that counts, when it was first recorded (unix ms), and whether late."""

    event: str
    first_recorded_at: int
    late: bool
    conflicts: int


@dataclass(frozen=True, slots=True)
class PeriodDuty:
    """What one unit owes for one period. `kind` is confirmation or form, `form` the id of the form."""

    kind: str
    unit: Unit
    owed: Owed
    state: str
    given: Given | None
    form: str | None = None

    @property
    def key(self) -> str:
        """Its place in the list: with the unit's id, the forms of a unit behind its confirmation."""
        return self.unit.id if self.form is None else f"{self.unit.id} form/{self.form}"


def owed_on(replica: Replica, unit: str, day: date, level: str | None, kind: str | None) -> list[PeriodDuty]:
    """What the subtree owes for periods that end on the day; of one level, of one kind when asked; forms, whose
    states are their own, only when asked for. No order.
    """
    found = _confirmations(replica, unit, day, level) if kind in (None, "confirmation", "all") else []
    return [*found, *_forms(replica, unit, day, level)] if kind in ("form", "all") else found


def _confirmations(replica: Replica, unit: str, day: date, level: str | None) -> list[PeriodDuty]:
    found = []
    for one in owed_by(replica, unit, day, level):
        row = one.given
        given = Given(row.event, row.first_recorded_at, row.late, row.conflicts) if row else None
        found.append(PeriodDuty("confirmation", one.unit, one.owed, one.state, given))
    return found


def _forms(replica: Replica, unit: str, day: date, level: str | None) -> list[PeriodDuty]:
    forms, span, now = forms_of(replica.db), Period(day.isoformat(), day, day), replica.env.now_ms()
    found = []
    for form in forms.ids():
        for one in form_duties(replica, forms, form, unit, span, "then", now):
            if level in (None, one.unit.level):
                row = one.sent
                given = Given(row.event, row.first_recorded_at, one.is_late, row.conflicts) if row else None
                found.append(PeriodDuty("form", one.unit, one.owed, one.state, given, form))
    return found


def item(replica: Replica, day: date, one: PeriodDuty, known_to: int | None, arrived: int | None) -> dict[str, Any]:
    """The row of a duty. `known_to`: up to when the records of the unit's node are here, `arrived`: when what counts
    came (unix ms).
    """
    given, grace = one.given, one.owed.grace_ms
    why = why_missing(one.state, grace, known_to)
    late_here = given is not None and not given.late and arrived is not None and arrived > grace + ARRIVED_DAYS_LATE_MS
    return {
        "unit": one.unit.id,
        "name": one.unit.name,
        "level": one.unit.level,
        "kind": one.kind,
        "form": one.form,
        "period": one.owed.period.key,
        "due_at": iso_instant(one.owed.due_ms),
        "grace_until": iso_instant(grace),
        "state": one.state,
        "why": why,
        "silent_since": iso_instant(known_to) if why == "silent" else None,
        "event": given.event if given else None,
        "recorded_at": iso_instant(given.first_recorded_at) if given else None,
        "received_at": iso_instant(arrived),
        "arrived_late": late_here,
        "conflicts": given.conflicts if given else 0,
        "excuse": excuse_of(replica, one.unit.id, day) if one.state == "excused" else None,
    }
