"""The hub's web application: a node's, with the city's extra rooms."""

from __future__ import annotations

from flask import Flask

from hub import pages
from hub.api import directory_routes
from node.app import create_app
from node.grid import Grid
from node.rooms import Rooms


def create_hub_app(grid: Grid) -> Flask:
    """The application of the city's own node."""
    rooms = Rooms((directory_routes,), (pages.blueprint(),), pages.MENU, pages.INSIDE, home="city.overview")
    return create_app(grid, rooms)
