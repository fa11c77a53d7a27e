"""Server-rendered pages, Chinese first; they work without JavaScript. One module per subject."""

from __future__ import annotations

from flask import Blueprint

from node.pages import (
    account,
    audit,
    carrying,
    case,
    casework,
    check_returning,
    devices,
    erasing,
    evidence,
    figures,
    figures_behind,
    form_totals,
    forms,
    found_case,
    lifting,
    missing,
    missing_reports,
    nodes,
    people,
    phone,
    quality,
    quality_records,
    records,
    reminding,
    reports,
    supervising,
    syncing,
    taking_in,
    today,
    todo,
    users,
)


def blueprint() -> Blueprint:
    """All pages of a node."""
    routes = Blueprint("pages", __name__)
    for subject in (
        today, found_case, phone, taking_in, todo, supervising, records, check_returning, casework, case, missing,
        missing_reports, lifting, reminding, reports, forms, form_totals, quality, quality_records, people, account,
        devices, users, nodes, syncing, carrying, figures, figures_behind, audit, evidence, erasing,
    ):  # fmt: skip
        subject.register(routes)
    return routes
