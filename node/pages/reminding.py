"""催报: the reminders that the own unit sent, and what became of each; the form that sends them stands on 应报未报."""

from __future__ import annotations

import secrets
from typing import Any, Final

from flask import Blueprint, Response, redirect, request, url_for

from node.desk import reminders
from node.guard import language, me, replica, wake
from node.pages.case_words import unit_name
from node.pages.frame import page, typed
from schemas.errors import Invalid
from schemas.labels import period_text
from sync.database import read
from sync.replica import Replica

A_PAGE: Final = 50


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/reminders", "reminders", listed)
    routes.add_url_rule("/reminders", "remind", send, methods=["POST"])


def listed() -> Response:
    """Reminders of the own unit, the latest first."""
    node, after = replica(), request.args.get("after")
    if after and not (after.isascii() and after.isdigit() and len(after) < 18):
        raise Invalid("bad_after", field="after", value=after)
    with read(node.db):
        found = reminders.sent(node, me().unit, int(after) if after else None, A_PAGE)
        model = {
            "items": [{**one, "name": unit_name(node, one["unit"])} for one in found["items"]],
            "next_url": url_for("pages.reminders", after=found["next"]) if found["next"] else None,
            "unit": {"id": me().unit, "name": unit_name(node, me().unit)},
        }
    return page("reminders.html", "page.reminders.title", **model)


def send() -> Any:
    """Reminds the units that are ticked of one period; who has reported in the meantime is left out."""
    units = request.form.getlist("to")
    if not units:
        raise Invalid("nobody_ticked", field="to", value="")
    key = typed("idem") or secrets.token_hex(16)
    reminders.remind_all(replica(), me(), units, typed("period"), typed("text"), key)
    wake()
    return redirect(url_for("pages.reminders"))


def reminded(node: Replica, units: list[str]) -> list[dict[str, Any]]:
    """What some units were reminded of and have not reported, for the pages where they report."""
    return [
        {
            **one,
            "name": unit_name(node, one["unit"]),
            "by_name": unit_name(node, one["by"]),
            "period_name": period_text(one["period"], language()),
        }
        for one in reminders.received(node, units)
    ]
