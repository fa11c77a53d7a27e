"""How every API blueprint is made, and how a file is handed out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from flask import Response
from flask_smorest import Blueprint

from node.api.parsing import StrictParser

PREFIX = "/api/v1"
Item = TypeVar("Item")


def blueprint(name: str, description: str) -> Blueprint:
    """An API blueprint whose bodies and queries are read strictly."""
    made = Blueprint(name, name, url_prefix=PREFIX, description=description)
    made.ARGUMENTS_PARSER = StrictParser()
    return made


def page_of(
    found: Iterable[Item], key: Callable[[Item], str], after: str | None, limit: int, *, falling: bool = False
) -> tuple[list[Item], str | None]:
    """A page of what is in memory, in the order of its keys, and `next`: the last key where more follows."""
    kept = [one for one in found if after is None or (key(one) < after if falling else key(one) > after)]
    rest = sorted(kept, key=key, reverse=falling)
    return rest[:limit], key(rest[limit - 1]) if len(rest) > limit else None


def attachment(
    content: Iterable[bytes] | bytes, content_type: str, name: str, document: Mapping[str, Any] | None = None
) -> Response:
    """A file to save under a name; headers say the instant and log position of the document that it was made of: a csv
    has the same bytes whenever the figures are the same.
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if document is not None:
        headers |= {"Grid-As-Of": document["as_of"], "Grid-Position": str(document["position"])}
    return Response(content, content_type=content_type, headers=headers)
