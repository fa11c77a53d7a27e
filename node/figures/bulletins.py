"""From `cnf` events about bulletins to the list of those that the city issued."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from node.figures import bulletin_queries as queries
from node.figures.bulletin_queries import Issued
from schemas.errors import GridError
from schemas.events import payload
from schemas.strict_json import Json
from sync import directory, log
from sync.replica import Replica, Stored

KIND: Final = "cnf"
SCHEMA: Final = "bulletin/1"
ABOUT: Final = "bulletin"  # a `cnf` about a period is a unit's report


def is_bulletin(stored: Stored) -> bool:
    """Whether a `cnf` is an issued bulletin."""
    return stored.event.header.schema.partition("/")[0] == ABOUT


def project(replica: Replica, stored: Stored) -> None:
    """Takes an issued bulletin in. Raises GridError for one that can't be read, or that somebody below wrote."""
    author = directory.unit_of(replica.db, stored.event.node)
    if author is None or author[0] != replica.identity.city:
        raise GridError("unreadable", field="node", value=stored.event.node, why="not the city's")
    queries.put_issued(replica.db, read(stored))


def read(stored: Stored) -> Issued:
    """What a bulletin's event states. Raises GridError when it breaks the shape of SCHEMA."""
    value = payload(stored.event)
    document, text, sha256 = value.get("document"), value.get("text"), value.get("sha256")
    if not isinstance(document, dict) or not isinstance(text, str) or _digest(text) != sha256:
        raise GridError("unreadable", field="text", value=sha256, why="the text does not give its SHA-256")
    corrects = document.get("corrects")
    return Issued(
        event=stored.event.hash,
        unit=stored.event.header.unit,
        period=_text(document, "period"),
        year=_number(document, "year"),
        no=_number(document, "no"),
        corrects=corrects if isinstance(corrects, str) else None,
        title=_text(document, "title"),
        issued_at=stored.event.header.rtime,
        by=_text(value, "by"),
        sha256=_text(value, "sha256"),
    )


def content(replica: Replica, event: str) -> tuple[dict[str, Any], str]:
    """(document, Markdown) of an issued bulletin as its signed event holds them. Raises GridError when damaged."""
    stored = log.load(replica.db, event)
    if stored is None:
        raise GridError("unreadable", field="event", value=event, why="not held")
    read(stored)
    value: dict[str, Any] = payload(stored.event)
    return value["document"], value["text"]


def statement(document: dict[str, Any], text: str, by: str) -> dict[str, object]:
    """The public payload of an issued bulletin: all that is needed to print the same bytes again."""
    return {"about": ABOUT, "by": by, "sha256": _digest(text), "text": text, "document": document}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _text(value: dict[str, Json], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise GridError("unreadable", field=name, value=found, why="not a text")
    return found


def _number(value: dict[str, Json], name: str) -> int:
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, int):
        raise GridError("unreadable", field=name, value=found, why="not a number")
    return found
