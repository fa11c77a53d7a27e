"""报表汇总: what the returns of a form come to, opened from total to units, to the return, to its signed event."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node.access import EVIDENCE
from node.figures.masks import form_for_role
from node.guard import language, me, replica
from node.pages.choosing import crumbs, neighbour
from node.pages.forms import newest
from node.pages.frame import page
from node.reports import form_rollup
from node.reports.forms import forms_of
from node.scope import today_of
from schemas.errors import Invalid, NotFound
from schemas.periods import parse_period
from schemas.returns import STATES
from sync.directory import tree_of

A_PAGE: Final = 100
FILES: Final = ("csv", "xlsx")


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/forms/totals", "form_totals", form_totals)


def form_totals() -> Response:
    """Totals with the units below as rows, and who has filled the form and who has not."""
    node, today, form = replica(), today_of(replica()), request.args.get("form", "")
    unit, tree_mode = request.args.get("unit") or me().unit, request.args.get("tree", "then")
    state = request.args.get("state") or None
    if state is not None and state not in STATES:
        raise Invalid("not_one_of", field="state", value=state, allowed=", ".join(STATES))
    versions = forms_of(node.db).versions(form)
    if not versions:
        raise NotFound("unknown_form", field="form", value=form)
    period = parse_period(request.args.get("period") or newest(versions[-1].cadence, today).key)
    now = node.env.now_ms()
    document = form_rollup.answer(node, form, unit, period.key, tree=tree_mode, now_ms=now, language=language())
    document = form_for_role(document, me().role)
    opens = me().role in EVIDENCE  # who sees figures only opens no single return
    duties = form_rollup.listed(
        node, form, unit, period.key, tree=tree_mode, state=state, now_ms=now, after=request.args.get("after"),
        limit=A_PAGE,
    ) if opens else None  # fmt: skip

    def here(**changed: Any) -> str:
        asked: dict[str, Any] = {"form": form, "unit": unit, "period": period.key, "tree": tree_mode, "state": state}
        return url_for("pages.form_totals", **(asked | changed))

    known = tree_of(node).nearest(unit, period.last)
    before, after = neighbour(period, -1), neighbour(period, 1) if period.last < today else None
    model = {
        "document": document,
        "form": form,
        "unit": {"id": unit, "name": known.name if known else unit},
        "crumbs": crumbs(node, unit, today),
        "period": period,
        "before": here(period=before) if before else None,
        "before_key": before,
        "after": here(period=after) if after else None,
        "after_key": after,
        "tree": tree_mode,
        "rows": [{**row, "href": None if row["key"] == unit else here(unit=row["key"])} for row in document["rows"]],
        "state": state,
        "states": [(one, here(state=one)) for one in (None, "missing", "due", "sent", "late", "returned", "excused")],
        "duties": None
        if duties is None
        else [
            {**one, "href": url_for("pages.form_return", form=form, unit=one["unit"], period=one["period"])}
            for one in duties["items"]
        ],
        "next": here(after=duties["next"]) if duties and duties["next"] else None,
        "files": [
            (kind, url_for("returns.FormRollup", form=form, unit=unit, period=period.key, tree=tree_mode, format=kind))
            for kind in FILES
        ],
    }
    return page("form_totals.html", "page.form.totals", **model)
