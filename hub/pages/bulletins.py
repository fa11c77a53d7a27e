"""通报: making, checking and issuing bulletins; the issued ones as they were issued."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, request, url_for

from hub import bulletin, bulletin_files, issuing
from hub.bulletin import Document
from node.figures import bulletin_queries as queries
from node.figures import bulletins
from node.figures.bulletin_queries import Issued
from node.guard import language, me, replica
from node.pages.choosing import Choice, choosing
from node.pages.evidence import evidence_url
from node.pages.frame import Link, page, typed
from node.scope import require_scope
from schemas.bulletin import MAX_REMARKS
from schemas.bulletin_blocks import Figure
from schemas.clock import business_day
from schemas.errors import GridError, Invalid, NotFound
from schemas.labels import explain, label
from schemas.periods import parse_period
from sync.directory import tree_of

LISTED: Final = 200


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/bulletin", "bulletin", draft_page)
    routes.add_url_rule("/bulletin/file", "bulletin_file", draft_file)
    routes.add_url_rule("/bulletin/draft", "write_bulletin", write_draft, methods=["POST"])
    routes.add_url_rule("/bulletin/issue", "issue_bulletin", issue, methods=["POST"])
    routes.add_url_rule("/bulletin/issued/<event>", "issued_bulletin", issued_page)
    routes.add_url_rule("/bulletin/issued/<event>/file", "issued_bulletin_file", issued_file)


def draft_page() -> Response:
    """The bulletin as the figures stand, with what was written; and the issued ones."""
    return _draft(_asked())


def _asked() -> Link:
    """Unit, period and what is corrected, from query or form; last month of the own unit when nothing is said."""
    given = request.values
    today = business_day(replica().env.now_ms())
    last_month = f"{today.year - (today.month == 1)}-{(today.month - 2) % 12 + 1:02d}"
    period = parse_period(given.get("period") or last_month)
    return {
        "unit": given.get("unit") or me().unit, "period": period.key, "corrects": given.get("corrects") or None,
    }  # fmt: skip


def _draft(asked: Link, error: GridError | None = None, remarks: str | None = None) -> Response:
    node, lang = replica(), language()
    document = issuing.prepared(node, asked["unit"], asked["period"], asked["corrects"], lang)
    written = queries.draft(node.db, asked["unit"], asked["period"], asked["corrects"] or "")
    today = business_day(node.env.now_ms())
    period = parse_period(asked["period"])
    shown_remarks = written.remarks if remarks is None and written else remarks or ""
    return page(
        "bulletin.html", "nav.bulletin", error.status if error else 200,
        **bulletin_files.model(document), paper=False, opens=_opens(document), asked=asked,
        **choosing(node, Choice(asked["unit"], period, "then", None), today),
        digest=bulletin.digest(document), written=written, remarks=shown_remarks, max_remarks=MAX_REMARKS,
        max_no=bulletin.MAX_NO, issued=[_listed(one) for one in _mine(queries.listed(node.db, LISTED))],
        error={"field": error.field, "text": explain(lang, error)} if error else None, formats=bulletin_files.FORMATS,
    )  # fmt: skip


def _mine(found: list[Issued]) -> list[Issued]:
    tree, own = tree_of(replica()), me().unit
    return [one for one in found if one.unit == own or tree.ever_below(one.unit, own)]


def _listed(one: Issued) -> dict[str, Any]:
    node = replica()
    period = parse_period(one.period)
    named = tree_of(node).nearest(one.unit, min(period.last, business_day(node.env.now_ms())))
    return {
        **one._asdict(), "name": named.name if named else one.unit,
        "href": url_for("city.issued_bulletin", event=one.event),
        "corrected": bool(queries.correcting(node.db, one.event)),
    }  # fmt: skip


def _opens(document: Document, as_of: str | None = None) -> Callable[[Figure], str | None]:
    """Where the records behind a printed figure are."""

    def url(figure: Figure) -> str | None:
        if not figure["n"]:
            return None
        asked: Link = {"unit": document["unit"], "period": document["period"], **figure["f"], "measure": figure["m"]}
        if "unit" in figure["f"]:  # a row: what that unit reported below this one, or this one itself
            asked["under"] = document["unit"]
        return url_for("pages.rollup_records", **asked, as_of=as_of)

    return url


def draft_file() -> Response:
    """The bulletin as it would be issued now, as a file."""
    asked = _asked()
    kind = _kind()
    document = issuing.prepared(replica(), asked["unit"], asked["period"], asked["corrects"], language())
    return _file(bulletin_files.rendered(document, kind), kind, document["unit"], document["period"])


def _kind() -> str:
    kind = request.args.get("format", "md")
    if kind not in bulletin_files.FORMATS:
        raise Invalid("not_one_of", field="format", value=kind, allowed=", ".join(bulletin_files.FORMATS))
    return kind


def _file(content: bytes, kind: str, unit: str, period: str) -> Response:
    name = f"bulletin-{unit}-{period.replace('..', '_')}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, content_type=bulletin_files.TYPES[kind], headers=headers)


def write_draft() -> Any:
    """Keeps number and remarks, and shows the bulletin with them."""
    asked, remarks = _asked(), _remarks()
    try:
        no = _whole(typed("no"))
        issuing.write_draft(replica(), me(), asked["unit"], asked["period"], asked["corrects"], no, remarks)
    except Invalid as error:
        return _draft(asked, error, remarks)
    flash(label(language(), "page.bulletin.kept"), "ok")
    return redirect(url_for("city.bulletin", **asked))


def _remarks() -> str:
    """Remarks keep their lines."""
    text = request.form.get("remarks", "").replace("\r\n", "\n").strip()
    return "".join(sign for sign in text if sign == "\n" or sign.isprintable())


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(bulletin.MAX_NO))):
        raise Invalid("out_of_range", field="no", value=text, low=1, high=bulletin.MAX_NO)
    return int(text)


def issue() -> Any:
    """Signs what was shown, once that was confirmed."""
    asked = _asked()
    try:
        if request.form.get("confirm") != "yes":
            raise Invalid("confirm_needed", field="confirm")
        event = issuing.issue(
            replica(), me(), asked["unit"], asked["period"], asked["corrects"], typed("digest"), language()
        )
    except GridError as error:
        if error.status == 404 or error.field not in ("confirm", "digest", "no", "remarks"):
            raise
        return _draft(asked, error)
    flash(label(language(), "page.bulletin.done"), "ok")
    return redirect(url_for("city.issued_bulletin", event=event))


def _issued(event: str) -> Issued:
    found = queries.issued(replica().db, event)
    if found is None:
        raise NotFound("unknown_bulletin", field="event", value=event)
    require_scope(replica(), me(), found.unit)
    return found


def issued_page(event: str) -> Response:
    """An issued bulletin from its signed event."""
    node, found = replica(), _issued(event)
    document, _ = bulletins.content(node, event)
    held: Any = document
    corrected = [_listed(one) for one in queries.correcting(node.db, event)]
    return page(
        "bulletin_issued.html", "nav.bulletin", **bulletin_files.model(held), paper=False,
        opens=_opens(held, document["as_of"]), one=found, proof=evidence_url(event),
        corrected=corrected, formats=bulletin_files.FORMATS,
        corrects=queries.issued(node.db, found.corrects) if found.corrects else None,
    )  # fmt: skip


def issued_file(event: str) -> Response:
    """The stored bytes of an issued bulletin."""
    found, kind = _issued(event), _kind()
    return _file(issuing.issued_file(replica(), event, kind), kind, found.unit, found.period)
