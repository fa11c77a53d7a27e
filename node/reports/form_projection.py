"""From `form` and `ret` events to the return that counts for each form, unit and period, and its numbers.

A return is judged by the version of the form that it names; one that came before its form waits, listed as not
understood, and counts as soon as the form is here. So order of arrival decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from node.keeping import unprojected
from node.reports import form_queries as queries
from node.reports.form_queries import Held, Key, Sent
from node.reports.forms import define, forms_of
from schemas.errors import Invalid
from schemas.events import payload
from schemas.forms import Form, Forms
from schemas.periods import parse_day
from schemas.returns import Given, Value, effective_return, read_return, require_values, scaled
from schemas.strict_json import dumps, loads
from sync.replica import Replica, Stored

RETURN_FORM_KIND: Final = "ret"
RETURN_FORM_SCHEMA: Final = "ret/1"


def given_from(stored: Stored) -> Given:
    """The return that a `ret` states. Raises GridError when its payload breaks a rule that no form decides."""
    header = stored.event.header
    day = parse_day(header.bdate, "bdate")
    return read_return(stored.event.hash, header.unit, day, header.rtime, payload(stored.event))


def values_by(forms: Forms, form: str, version: int, content: object) -> tuple[Form, dict[str, Value]]:
    """The values of a return by its form. Raises Invalid for a form that is not held, and for values that break it."""
    found = forms.version(form, version)
    if found is None:
        raise Invalid("unknown_form", field="form", value=form)
    return found, require_values(found, content)


def valid_among(forms: Forms, held: Iterable[Held]) -> dict[str, tuple[Held, Form, dict[str, Value]]]:
    """Those of some returns that their forms take, by event, each with its form and values."""
    found: dict[str, tuple[Held, Form, dict[str, Value]]] = {}
    for one in held:
        try:
            found[one.event] = (one, *values_by(forms, one.form, one.version, loads(one.content)))
        except Invalid:  # its form is not here, or another program took what the form refuses
            continue
    return found


class FormProjection:
    """The forms and returns of one write transaction; what counts is worked out once a key, at `finish`."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._db = replica.db
        self._forms: Forms | None = None
        self._touched: set[Key] = set()

    def define(self, stored: Stored) -> None:
        """Takes a form in: every return of it is judged again."""
        form = define(self._replica, stored)
        if form is not None:
            self._forms = None
            self._touched.update(queries.keys_of_form(self._db, form.id))

    def project(self, stored: Stored) -> None:
        """Takes a return in. Raises GridError when it can't be read at all; then it has no effect."""
        one = given_from(stored)
        queries.insert(
            self._db,
            Held(
                one.event, one.form, one.version, one.unit, one.period.key, one.period.last.isoformat(), one.amends,
                one.recorded_ms, dumps(one.values),
            ),
        )  # fmt: skip
        self._touched.add((one.form, one.unit, one.period.key))

    def finish(self) -> None:
        """Works out what counts for every key that something came in for."""
        for key in sorted(self._touched):
            self._settle(key)
        self._touched.clear()

    def _settle(self, key: Key) -> None:
        if self._forms is None:
            self._forms = forms_of(self._db)
        held = queries.held_for(self._db, key)
        valid = valid_among(self._forms, held)
        for one in held:
            (unprojected.forget if one.event in valid else unprojected.note)(self._db, one.event)
        if not valid:
            queries.drop_sent(self._db, key)
            return
        standing = effective_return([one for one, _, _ in valid.values()])
        won, form, values = valid[standing.report.event]
        numbers = {one.key: scaled(values[one.key]) for one in form.fields if one.is_number and one.key in values}
        counts = Sent(
            won.form, won.unit, won.period, won.day, won.event, won.version, standing.first_recorded_ms,
            len(standing.conflicts),
        )  # fmt: skip
        queries.put_sent(self._db, counts, numbers)
