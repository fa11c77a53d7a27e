"""How every API blueprint is made."""

from __future__ import annotations

from flask_smorest import Blueprint

from node.api.parsing import StrictParser

PREFIX = "/api/v1"


def blueprint(name: str, description: str) -> Blueprint:
    """An API blueprint whose bodies and queries are read strictly."""
    made = Blueprint(name, name, url_prefix=PREFIX, description=description)
    made.ARGUMENTS_PARSER = StrictParser()
    return made
