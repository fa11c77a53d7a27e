"""The hub's web application: a node's, with the city's extra rooms."""

from __future__ import annotations

from flask import Flask

from hub.api import directory_routes
from node.app import Grid, create_app


def create_hub_app(grid: Grid) -> Flask:
    """The application of the city's own node."""
    return create_app(grid, api_rooms=[directory_routes])
