"""审计: the log of administrative acts and of readings of private text; its chain worked out again, and exported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from flask import Blueprint, Response, request, stream_with_context, url_for

from node.evidence import audit
from node.figures.sheets import CSV_TYPE, harmless
from node.guard import language, me, replica
from node.pages.frame import Link, page
from schemas.audit import ACTS, Entry
from schemas.clock import business_day
from schemas.errors import Invalid
from schemas.labels import label
from schemas.strict_json import dumps
from sync.database import write
from sync.directory import tree_of

SHOWN: Final = 100
CHECKED_AT_ONCE: Final = 2_000  # a longer log is checked when somebody asks for it
KINDS: Final = ("csv", "json")
COLUMNS: Final = ("n", "at", "account", "role", "act", "unit", "subject", "purpose", "prev", "hash")


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/audit", "audit_page", audit_page)
    routes.add_url_rule("/audit/export", "audit_export", audit_export)


def audit_page() -> Response:
    """The latest entries of the reader's subtree, and whether the chain holds."""
    node = replica()
    about, account = request.args.get("about") or None, request.args.get("account", "").strip() or None
    found = audit.listed(
        node, me().unit, before=_place(request.args.get("before")), account=account, about=about, limit=SHOWN
    )
    held = audit.count(node)
    checked = audit.checked(node) if held <= CHECKED_AT_ONCE or request.args.get("check") else None
    asked: Link = {"about": about, "account": account}
    return page(
        "audit.html", "nav.audit",
        entries=[_shown(one) for one in found], held=held, checked=checked, abouts=tuple(ACTS), **asked,
        check_url=url_for("pages.audit_page", **asked, check=1),
        next_url=url_for("pages.audit_page", **asked, before=found[-1].n) if len(found) == SHOWN else None,
        files={kind: url_for("pages.audit_export", format=kind) for kind in KINDS},
    )  # fmt: skip


def _place(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise Invalid("bad_after", field="before", value=text)
    return int(text)


def _shown(entry: Entry) -> dict[str, Any]:
    node = replica()
    named = tree_of(node).nearest(entry.unit, business_day(node.env.now_ms()))
    shown = {**entry._asdict(), "unit_name": named.name if named else entry.unit, "href": None}
    if entry.act == "private_read":
        shown["href"] = url_for("pages.case", case_id=entry.subject)
    elif entry.act.startswith(("user_", "token_")) and entry.subject:
        shown["href"] = url_for("pages.one_user", name=entry.subject)
    return shown


def audit_export() -> Response:
    """All entries that the reader sees, as a file with which anybody can work the chain out again; logged as well."""
    node, kind = replica(), request.args.get("format", "csv")
    if kind not in KINDS:
        raise Invalid("not_one_of", field="format", value=kind, allowed=", ".join(KINDS))
    with write(node.db, "audit", node.env):
        audit.note(node, "audit_exported", unit=me().unit, purpose=kind)
    rows = audit.exported(node, me().unit)
    body = _csv(rows) if kind == "csv" else _json(rows)
    name = f"audit-{node.identity.unit}-{business_day(node.env.now_ms())}.{kind}"
    return Response(
        stream_with_context(body), content_type=CSV_TYPE if kind == "csv" else "application/json; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    lang = language()
    yield "\ufeff" + _line([label(lang, f"audit.column.{name}") for name in COLUMNS])
    for row in rows:
        yield _line([harmless(row[name]) for name in COLUMNS])


def _line(cells: list[Any]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _json(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    me_ = replica().identity
    yield dumps({"node": me_.node, "unit": me_.unit, "rule": "grid/audit/1"})[:-1] + ',"entries":['
    for place, row in enumerate(rows):
        yield ("," if place else "") + "\n" + dumps(row)
    yield "\n]}\n"
