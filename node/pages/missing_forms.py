"""应报未报 of forms: for each form that units below fill, how many have sent its newest period, and who has not."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from flask import url_for

from node.guard import language
from node.pages.forms import newest
from node.reports import form_rollup
from node.reports.forms import forms_of
from node.scope import today_of
from sync.replica import Replica

SENT: Final = ("sent", "late", "returned")
LACKING: Final = ("missing", "due", "not_due")  # one of them at a time: the grace of a period is over or not


def form_rows(node: Replica, unit: str) -> list[dict[str, Any]]:
    """A row for each form that the unit or one below owes: {title, period, due, sent, excused, state, lacking, href};
    `state` is missing, due or not_due, and `lacking` how many are in it. The list of those is a page of its own.
    """
    forms, today, now = forms_of(node.db), today_of(node), node.env.now_ms()
    found = []
    for form in forms.ids():
        held = forms.on(form, today)
        if held is None:
            continue
        period = newest(held.cadence, today)
        states = Counter(one.state for one in form_rollup.duties(node, forms, form, unit, period, "then", now))
        if not states:
            continue
        state = next((one for one in LACKING if states[one]), LACKING[0])
        asked = {"form": form, "unit": unit, "period": period.key} | ({"state": state} if states[state] else {})
        found.append(
            {
                "title": held.title[language()],
                "period": period,
                "due": states.total(),
                "sent": sum(states[one] for one in SENT),
                "excused": states["excused"],
                "state": state,
                "lacking": states[state],
                "href": url_for("pages.form_totals", **asked),  # type: ignore[arg-type]
            }
        )
    return found
