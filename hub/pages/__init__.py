"""The city's own pages. One module per subject: its `register(routes)` adds the routes, MENU and INSIDE say where they
stand in the menu, `node/access.py` who may open them.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from hub.pages import bulletins, directory, drill, importing, mapping, matrix, overview, regime
from node.rooms import Entry

# By group of the menu, in reading order. Entries of a group that a node has too stand in front of the node's.
MENU: Final[dict[str, tuple[Entry, ...]]] = {
    "nav.group.city": (
        ("city.overview", "nav.overview", "chart"),
        ("city.drill", "nav.drill", "down"),
        ("city.matrix", "nav.matrix", "list"),
        ("city.bulletin", "nav.bulletin", "print"),
    ),
    "nav.group.system": (("city.directory", "nav.directory", "list"), ("city.regime", "nav.regime", "list")),
}
INSIDE: Final[dict[str, tuple[str, ...]]] = {
    "city.bulletin": ("city.write_bulletin", "city.issue_bulletin", "city.issued_bulletin"),
    "city.regime": (
        "city.cadence",
        "city.sign_cadence",
        "city.publish_page",
        "city.try_publication",
        "city.sign_publication",
    ),
    "city.directory": (
        "city.change_unit",
        "city.sign_change",
        "city.import_units",
        "city.preview_units",
        "city.confirm_units",
        "city.city_map",
        "city.preview_map",
        "city.confirm_map",
        "city.clear_map",
    ),
}
SUBJECTS: Final = (
    overview,
    drill,
    matrix,
    bulletins,
    directory,
    importing,
    mapping,
    regime,
)


def blueprint() -> Blueprint:
    """All pages of the city; their templates extend the node's `base.html`."""
    routes = Blueprint("city", __name__, template_folder="../templates")
    for subject in SUBJECTS:
        subject.register(routes)
    return routes
