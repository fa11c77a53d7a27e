"""What a to-do list says of forms: those that the unit owes for their newest period, and those sent back to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from node.daily.calendars import calendar_of
from node.desk.todo_rows import DAY_MS, RETURNED_MS, Other, timed
from node.people.accounts import Account
from node.reports import form_queries, form_returns
from node.reports.forms import forms_of
from node.scope import hosts, today_of
from schemas.forms import Form
from schemas.labels import LANGUAGES
from schemas.returns import last_owed
from schemas.roles import REVIEW
from sync.directory import tree_of
from sync.replica import Replica

MAX_ROWS: Final = 100


def rows(replica: Replica, account: Account, unit: str) -> Iterator[Other]:
    """The rows of a unit that is served here, for those who may fill: each form's newest period while it is not sent
    nor excused; older ones would never leave the list.
    """
    today, now = today_of(replica), replica.env.now_ms()
    known = tree_of(replica).at(unit, today)
    if known is None or account.role not in REVIEW or not hosts(replica, unit):
        return
    forms, calendar = forms_of(replica.db), calendar_of(replica.db)
    for form in forms.ids():
        owed = last_owed(forms, calendar, form, known.level, now, today)
        if owed is None or form_returns.duty_of(replica, known, form, owed)[0] not in ("due", "missing"):
            continue
        title = _title(forms.on(form, owed.period.last), form)
        said = {"form": form, "title": title, "period": owed.period.key}
        yield timed(owed.due_ms, "form", f"{form}/{owed.period.key}", unit, 1, owed.opens_ms, said)
    back = form_queries.sent_back(replica.db, unit, now - RETURNED_MS, MAX_ROWS)
    for event, form, period, version, by, at in back:
        title = _title(forms.version(form, version), form)
        said = {"by": by, "form": form, "title": title, "period": period, "event": event}
        yield Other(at + DAY_MS, "form_returned", event, unit, said=said)


def _title(form: Form | None, named: str) -> dict[str, str]:
    """The form's title by language; its id for one that is not held."""
    return dict(form.title) if form else dict.fromkeys(LANGUAGES, named)
