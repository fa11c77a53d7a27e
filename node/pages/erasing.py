"""抹除: which private parts of which records go, on what ground, typed out first; and what was erased before."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from node.cases.acts import require_case
from node.evidence import erasure_queries as queries
from node.guard import language, me, replica
from node.pages.case_words import unit_name
from node.pages.frame import page, typed
from node.pages.nodes import require_typed
from node.pages.texts import day_text
from node.scope import in_scope
from schemas.errors import GridError, Invalid, NotFound
from schemas.events import FIELD_COUNT
from schemas.labels import explain, has_label, label
from schemas.strict_json import Json, loads
from sync import erasure
from sync.erase import MAX_GROUND_CHARS, erase
from sync.erasure import MAX_HASHES
from sync.replica import Replica

MAX_LISTED: Final = 50
WORD: Final = "page.erase.word"
_BDATE: Final = 6


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/erase", "erase_page", erase_page)
    routes.add_url_rule("/erase", "erase_records", erase_records, methods=["POST"])


def erase_page() -> Response:
    """What would go, of one record (`event`) or of a case (`case`); without either only what was erased before."""
    return _page(request.args.get("event", ""), request.args.get("case", ""), {}, {})


def erase_records() -> Response:
    """Erases the private parts of the chosen records once the word was typed out."""
    event, case, chosen = typed("event"), typed("case"), request.form.getlist("record")
    values = {"ground": request.form.get("ground", "").strip(), "typed": typed("typed")}
    offered = {row["event"] for row in _records(replica(), event, case)}
    try:
        if not chosen or not offered.issuperset(chosen):
            raise Invalid("erase_none_chosen", field="record", value=len(chosen))
        if not 0 < len(values["ground"]) <= MAX_GROUND_CHARS:
            raise Invalid("erase_ground", field="ground", value=values["ground"][:60], limit=MAX_GROUND_CHARS)
        require_typed(label(language(), WORD))
        erase(replica(), chosen, values["ground"])
    except GridError as error:
        return _page(
            event, case, values, {error.field or "record": explain(language(), error)}, set(chosen), error.status
        )
    return _page(event, case, {}, {}, done=len(set(chosen)))


def _page(
    event: str,
    case: str,
    values: dict[str, str],
    errors: dict[str, str],
    chosen: set[str] | None = None,
    status_code: int = 200,
    *,
    done: int = 0,
) -> Response:
    node = replica()
    records = _records(node, event, case)
    return page(
        "erase.html",
        "page.erase.title",
        status_code,
        event=event,
        case=case,
        back=url_for("pages.case", case_id=case) if case else None,
        records=records,
        left=[one for one in records if not one["erased"]],
        chosen=chosen,
        values=values,
        errors=errors,
        done=done,
        limit=MAX_GROUND_CHARS,
        word=label(language(), WORD),
        erasures=[_erasure(node, *row) for row in queries.erasures(node.db, MAX_LISTED)],
    )


def _records(node: Replica, event: str, case: str) -> list[dict[str, Any]]:
    """Records with a private part that the reader may erase. Raises NotFound for a record or case that is not here."""
    if case:
        require_case(node, me(), case)
        rows = queries.records_of_case(node.db, case, MAX_HASHES)
    elif event:
        row = queries.record(node.db, event)
        if row is None or not in_scope(node, me(), row[2]):
            raise NotFound("nothing_to_erase", field="event", value=event)
        rows = [row]
    else:
        return []
    return [_record(node, *row) for row in rows if in_scope(node, me(), row[2])]


def _record(
    node: Replica, event: str, kind: str, unit: str, header: str, received_at: int, held: int, public: str | None
) -> dict[str, Any]:
    fields = header.split("\t")
    kind_key = f"action.{_object(public).get('action')}" if kind == "case" else f"kind.{kind}"
    return {
        "event": event,
        "kind": label(language(), kind_key) if has_label(language(), kind_key) else kind,
        "unit": unit_name(node, unit),
        "day": day_text(fields[_BDATE]) if len(fields) == FIELD_COUNT else "",
        "received_at": received_at,
        "held": bool(held),
        "erased": bool(erasure.state(node, event)),
        "href": url_for("pages.evidence", event=event),
    }


def _erasure(node: Replica, event: str, unit: str, received_at: int, standing: str, text: str | None) -> dict[str, Any]:
    said = _object(text)
    hashes, ground = said.get("hashes"), said.get("ground")
    return {
        "unit": unit_name(node, unit),
        "at": received_at,
        "count": len(hashes) if isinstance(hashes, list) else 0,
        "ground": ground if isinstance(ground, str) else "",
        "counts": standing == "ok",
        "href": url_for("pages.evidence", event=event),
    }


def _object(text: str | None) -> dict[str, Json]:
    """A public part; nothing of one that cannot be read, a later version's perhaps: it is listed all the same."""
    try:
        value = loads(text or "")
    except GridError:
        return {}
    return value if isinstance(value, dict) else {}
