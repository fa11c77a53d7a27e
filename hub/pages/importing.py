"""目录导入: a list of units as it shall be, shown as what it would change before anything is signed."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, request, url_for

from hub import unit_changes
from hub.reading import text_of
from node import upload_queries as uploads
from node.guard import language, me, replica
from node.pages.frame import page, typed
from node.scope import require_scope
from node.upload_queries import Upload
from schemas.clock import business_day
from schemas.errors import Conflict, GridError, Invalid, NotFound
from schemas.labels import explain, label
from schemas.periods import parse_day
from schemas.strict_json import dumps, loads
from schemas.units.acts import ACTS
from sync import directory
from sync.database import write

KIND: Final = "units"
MAX_BYTES: Final = 1_500_000


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/directory/import", "import_units", import_page)
    routes.add_url_rule("/directory/import", "preview_units", preview, methods=["POST"])
    routes.add_url_rule("/directory/import/confirm", "confirm_units", confirm, methods=["POST"])


def import_page() -> Response:
    """Where a list is handed in."""
    require_scope(replica(), me(), replica().identity.unit)
    return _page(None)


def _page(error: GridError | None, **found: Any) -> Response:
    node = replica()
    model = {
        "at": business_day(node.env.now_ms()).isoformat(), "within": "", "close_missing": False, "plan": None,
        "changes": [], "upload": None, "verbs": ACTS, **found,
        "error": {"field": error.field, "text": explain(language(), error)} if error else None,
    }  # fmt: skip
    return page("directory_import.html", "page.import.title", error.status if error else 200, **model)


def preview() -> Response:
    """What a list would change, and what is wrong with it line by line; nothing is signed."""
    node = replica()
    require_scope(node, me(), node.identity.unit)
    options = {
        "at": typed("at"),
        "within": typed("within"),
        "close_missing": request.form.get("close_missing") == "yes",
    }
    try:
        text = uploaded_text()
    except Invalid as error:
        return _page(error, **options)
    return _shown(text, options)


def uploaded_text() -> str:
    """The file of a form, else what was pasted. Raises Invalid."""
    file = request.files.get("file")
    raw = file.read(MAX_BYTES + 1) if file and file.filename else request.form.get("text", "").encode("utf-8")
    if not raw.strip() or len(raw) > MAX_BYTES:
        raise Invalid("upload_size", field="file", value=len(raw), limit=MAX_BYTES)
    try:
        return text_of(raw)
    except UnicodeError as error:
        raise Invalid("file_unreadable", field="file", value=file.filename if file else "", why=error) from error


def _read(options: dict[str, Any]) -> tuple[date, str]:
    node = replica()
    within = options["within"] or node.identity.unit
    if not directory.tree_of(node).exists(within):
        raise NotFound("unknown_unit", field="within", value=within)
    return parse_day(options["at"], "at"), within


def _shown(text: str, options: dict[str, Any]) -> Response:
    node = replica()
    try:
        day, within = _read(options)
    except GridError as error:
        return _page(error, **options)
    made, trial = unit_changes.planned(node, text, day, within, close_missing=options["close_missing"])
    faults = [{"line": one.line, "text": explain(language(), one.error)} for one in made.faults]
    model = {
        **options, "plan": {"faults": faults, "counts": made.counts, "lines": made.lines, "unchanged": made.unchanged},
        "changes": trial.changes, "total": len(made.acts), "past": day <= business_day(node.env.now_ms()),
    }  # fmt: skip
    if not faults and made.acts:
        model["upload"] = keep(KIND, text, options)
    return _page(None, **model)


def keep(kind: str, text: str, options: dict[str, Any]) -> str:
    """Keeps what was handed in until it is confirmed; returns its id."""
    node = replica()
    said = dumps(options)
    name = hashlib.sha256(f"{kind}\n{me().name}\n{said}\n{text}".encode()).hexdigest()
    with write(node.db, "publish", node.env):
        uploads.put(node.db, Upload(name, kind, me().name, node.env.now_ms(), text, said))
    return name


def kept(kind: str) -> tuple[Upload, dict[str, Any]]:
    """What was handed in, by the form. Raises Conflict `upload_gone`, Invalid without the confirmation."""
    if request.form.get("confirm") != "yes":
        raise Invalid("confirm_needed", field="confirm")
    found = uploads.get(replica().db, typed("upload"), kind, me().name)
    if found is None:
        raise Conflict("upload_gone", field="upload", value=typed("upload")[:10])
    options = loads(found.options)
    assert isinstance(options, dict)
    return found, options


def confirm() -> Any:
    """Signs what was shown, worked out once more on the tree as it stands now."""
    node = replica()
    require_scope(node, me(), node.identity.unit)
    try:
        upload, options = kept(KIND)
    except (Conflict, Invalid) as error:
        return _page(error)
    day, within = _read(options)
    made, trial = unit_changes.planned(node, upload.content, day, within, close_missing=bool(options["close_missing"]))
    if made.faults or not made.acts:  # somebody changed the directory in between
        return _shown(upload.content, options)
    count = unit_changes.signed(node, trial)
    with write(node.db, "publish", node.env):
        uploads.drop(node.db, upload.id)
    flash(label(language(), "page.directory.signed", n=count), "ok")
    return redirect(url_for("city.directory", at=day.isoformat()))
