"""A recount of what returns come to in plain Python, straight from the signed events, for `verify`."""

from __future__ import annotations

from collections import defaultdict

from node.reports import form_queries as queries
from node.reports.form_projection import RETURN_FORM_KIND, given_from, values_by
from node.reports.form_queries import Key
from node.reports.forms import forms_of
from schemas.errors import GridError
from schemas.forms import Form
from schemas.returns import Given, Value, effective_return, scaled
from sync import log
from sync.replica import Replica

Counted = dict[Key, tuple[str, int, int, dict[str, int]]]


def compare(replica: Replica) -> tuple[int, list[tuple[str, str]]]:
    """How many returns that count were compared, and (code, text) of each that differs from the recount."""
    kept, counted = queries.all_sent(replica.db), recount(replica)
    keys = sorted(kept.keys() | counted.keys())
    problems = [
        ("bad_tally", f"form_sent {' '.join(key)}: kept {kept.get(key)}, recounted {counted.get(key)}")
        for key in keys
        if kept.get(key) != counted.get(key)
    ]
    return len(keys), problems


def recount(replica: Replica) -> Counted:
    """{(form, unit, period): (event, first recorded, conflicts, {field: amount})} from the events alone."""
    given: dict[Key, list[Given]] = defaultdict(list)
    read: dict[str, tuple[Form, dict[str, Value]]] = {}
    forms = forms_of(replica.db)
    for stored in log.events(replica.db, "e.kind = ? AND e.standing = 'ok'", [RETURN_FORM_KIND]):
        try:
            one = given_from(stored)
            read[one.event] = values_by(forms, one.form, one.version, one.values)
        except GridError:
            continue  # has no effect: listed as unprojected
        given[(one.form, one.unit, one.period.key)].append(one)
    found: Counted = {}
    for key, reports in given.items():
        standing = effective_return(reports)
        form, values = read[standing.report.event]
        numbers = {one.key: scaled(values[one.key]) for one in form.fields if one.is_number and one.key in values}
        found[key] = (standing.report.event, standing.first_recorded_ms, len(standing.conflicts), numbers)
    return found
