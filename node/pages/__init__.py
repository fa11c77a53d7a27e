"""Server-rendered pages, Chinese first; they work without JavaScript. One module per subject."""

from __future__ import annotations

from flask import Blueprint

from node.pages import figures, people, records, syncing, today


def blueprint() -> Blueprint:
    """All pages of a node."""
    routes = Blueprint("pages", __name__)
    for subject in (today, records, people, syncing, figures):
        subject.register(routes)
    return routes
