"""U 盘传送 on the 同步 page: a file with what has not gone up, and files that were brought here."""

from __future__ import annotations

from itertools import chain
from pathlib import PurePosixPath
from typing import Final

from flask import Blueprint, Response, request

from node import carriage
from node.console import commands_carry
from node.guard import language, replica, wake
from node.pages.frame import page, typed
from schemas.errors import GridError, Invalid
from schemas.labels import explain, label
from sync import carrier, receipts
from sync.carrier import Carried
from sync.wire import MAX_PLAIN_BYTES

MAX_CHAINS: Final = 50
MAX_DIGITS: Final = 15


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/carry/out", "carry_out", carry_out, methods=["POST"])
    routes.add_url_rule("/carry/in", "carry_in", carry_in, methods=["POST"])
    routes.add_url_rule("/carry/receipt", "carry_receipt", carry_receipt, methods=["POST"])


def carry_out() -> Response:
    """The file of records that the parent has not got, or the list of them; a word when there is nothing to carry."""
    after = typed("after")
    if len(after) > MAX_DIGITS or not (after.isascii() and after.isdigit()):
        after = ""
    try:
        files = carrier.export(replica(), everything=typed("all") == "1", after=int(after) if after else None)
        first, second = next(files, None), None if after else next(files, None)
    except GridError as error:
        return _page(None, explain(language(), error), error.status)
    if first is None:
        return _page(None, label(language(), "page.carry.nothing"))
    if second is None:
        return _download(first)
    listed = [{"name": file.name, "count": file.count, "after": file.after} for file in chain((first, second), files)]
    return page("carry_list.html", "page.carry.title", files=listed)


def carry_in() -> Response:
    """Takes an uploaded file in, and offers the receipt to carry back."""
    try:
        file = request.files.get("file")
        name = PurePosixPath((file.filename if file else None) or "").name
        if file is None or not name:
            raise Invalid("missing_field", field="file")
        brought = carriage.bring(replica(), name, file.stream.read(MAX_PLAIN_BYTES + 1))
    except GridError as error:
        return _page(None, explain(language(), error), error.status)
    wake()
    return _page(brought, None)


def carry_receipt() -> Response:
    """The receipt for a file that was taken in here."""
    chains = [one for one in typed("chains").split(",") if one][:MAX_CHAINS]
    try:
        return _download(receipts.receipt(replica(), typed("node"), typed("log"), chains))
    except GridError as error:
        return _page(None, explain(language(), error), error.status)


def _page(brought: carriage.Brought | None, problem: str | None, status: int = 200) -> Response:
    done = commands_carry.words(brought.document()) if brought else None
    receipt = brought.imported if brought else None
    return page("carried.html", "page.carry.title", status, done=done, problem=problem, receipt=receipt)


def _download(file: Carried) -> Response:
    headers = {"content-disposition": f'attachment; filename="{file.name}"', "cache-control": "no-store"}
    return Response(file.content, 200, headers, mimetype="application/x-ndjson")
