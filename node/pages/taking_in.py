"""Taking in from a phone: the file that its page wrote where no network reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from flask import Blueprint, Response, request

from node.guard import language, me, replica, wake
from node.pages.case_words import unit_name
from node.pages.frame import page
from node.phones import entries
from node.scope import require_scope
from schemas.entries import EntryFile, read_file
from schemas.errors import GridError, Invalid, TooLarge
from schemas.labels import explain
from schemas.strict_json import loads

MAX_FILE_BYTES: Final = 1024 * 1024


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/today/take-in", "take_in", take_in)
    routes.add_url_rule("/today/take-in", "take_in_file", take_in_file, methods=["POST"])


def take_in() -> Response:
    """Where a file is chosen."""
    return _page(200)


def take_in_file() -> Response:
    """Takes every entry of the file in, each by itself; one that came before is no second one."""
    try:
        file = _uploaded()
    except GridError as error:
        return _page(error.status, error=explain(language(), error))
    results = [_taken(entry_id, body) for entry_id, body in file.entries]
    wake()
    counts = {state: sum(one["state"] == state for one in results) for state in ("taken", "held", "refused")}
    return _page(200, results=results, counts=counts, account=file.account)


def _taken(entry_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """One line of the result: taken, held before, or refused and why."""
    node, unit = replica(), body.get("unit")
    shown = {"unit": unit_name(node, unit) if isinstance(unit, str) else "", "day": None, "kind": "zero", "why": ""}
    try:
        if isinstance(unit, str):
            require_scope(node, me(), unit)
        answer = entries.take(node, entry_id, body, None)
    except GridError as error:
        return {**shown, "state": "refused", "why": explain(language(), error)}
    kind = "found" if answer.document["case"] else "zero"
    return {**shown, "state": "held" if answer.repeated else "taken", "day": answer.document["date"], "kind": kind}


def _uploaded() -> EntryFile:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid("missing_field", field="file")
    with closing(file):  # a large one is a file on the disk by now
        raw = file.stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise TooLarge("body_too_large", field="file", value=file.filename, limit=MAX_FILE_BYTES)
    return read_file(loads(raw))


def _page(status: int, **more: object) -> Response:
    model: dict[str, Any] = {"error": None, "results": None, "counts": {}, "account": "", **more}
    return page("take_in.html", "phone.take_in.title", status, **model)
