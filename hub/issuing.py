"""Issuing a bulletin: frozen as a signed event that holds its text, served as the same bytes ever after."""

from __future__ import annotations

from typing import Final

from hub import bulletin_files
from hub.bulletin import Document, digest, draft
from node.evidence import audit
from node.figures import bulletin_queries as queries
from node.figures import bulletins
from node.figures.bulletin_queries import Draft, Issued
from node.people.accounts import Account
from schemas.bulletin import MAX_REMARKS
from schemas.clock import business_day
from schemas.errors import Conflict, Invalid, NotFound, TooLarge
from schemas.periods import parse_period
from schemas.strict_json import dumps
from sync.database import write
from sync.intake import Intake
from sync.replica import Replica

MAX_PAYLOAD_BYTES: Final = 48 * 1024  # quotes are escaped inside the line, and an event takes 64 KiB


def prepared(replica: Replica, unit: str, period: str, corrects: str | None, language: str) -> Document:
    """The bulletin with what was written for it so far. Raises NotFound and Invalid."""
    old = None if corrects is None else _corrected(replica, unit, period, corrects)
    written = queries.draft(replica.db, unit, period, corrects or "")
    year = parse_period(period).last.year
    no = old.no if old else written.no if written else queries.last_no(replica.db, unit, year) + 1
    return draft(
        replica, unit, period, language=language, remarks=written.remarks if written else "", no=no, corrects=corrects
    )


def _corrected(replica: Replica, unit: str, period: str, event: str) -> Issued:
    old = queries.issued(replica.db, event)
    if old is None:
        raise NotFound("unknown_bulletin", field="corrects", value=event)
    if (old.unit, old.period) != (unit, period):
        raise Invalid("bulletin_of_another", field="corrects", value=event, unit=old.unit, period=old.period)
    return old


def write_draft(
    replica: Replica, by: Account, unit: str, period: str, corrects: str | None, no: int, remarks: str
) -> None:
    """Keeps remarks and number for later. Raises NotFound and Invalid; what was written before stays then."""
    if len(remarks) > MAX_REMARKS:
        raise Invalid("too_long", field="remarks", value=remarks, limit=MAX_REMARKS)
    draft(replica, unit, period, language="zh_CN", remarks=remarks, no=no, corrects=corrects)  # all that it refuses
    with write(replica.db, "publish", replica.env):
        one = Draft(no, remarks, by.name, replica.env.now_ms())
        queries.put_draft(replica.db, unit, period, corrects or "", one)


def issue(replica: Replica, by: Account, unit: str, period: str, corrects: str | None, seen: str, language: str) -> str:
    """Signs the bulletin if it still says what the person has `seen`; returns the event's hash.

    Raises Conflict `bulletin_changed` when it does not, `bulletin_no_taken`, TooLarge, and what `prepared` raises.
    """
    document = prepared(replica, unit, period, corrects, language)
    if digest(document) != seen:
        raise Conflict("bulletin_changed", field="digest", value=seen[:10])
    text = bulletin_files.markdown(document)
    public = bulletins.statement({**document}, text, by.name)
    size = len(dumps(public).encode("utf-8"))
    if size > MAX_PAYLOAD_BYTES:
        raise TooLarge("bulletin_too_large", field="remarks", value=size, limit=MAX_PAYLOAD_BYTES)
    with write(replica.db, "publish", replica.env):
        if corrects is None and queries.has_no(replica.db, unit, document["year"], document["no"]):
            raise Conflict("bulletin_no_taken", field="no", value=document["no"], year=document["year"])
        intake = Intake(replica, replica.env.now_ms())
        event = intake.author(
            kind=bulletins.KIND, schema=bulletins.SCHEMA, unit=unit, day=business_day(intake.now_ms), public=public
        )
        intake.finish()
        queries.keep_file(replica.db, event.hash, "html", bulletin_files.rendered(document, "html"))
        queries.drop_draft(replica.db, unit, period, corrects or "")
        audit.note(replica, "bulletin_issued", unit=unit, subject=event.hash, purpose=f"{period} no. {document['no']}")
    return event.hash


def issued_file(replica: Replica, event: str, kind: str) -> bytes:
    """An issued bulletin in one of FORMATS: Markdown from its signed event, the others as they were made first."""
    document, text = bulletins.content(replica, event)
    if kind == "md":
        return text.encode("utf-8")
    kept = queries.kept_file(replica.db, event, kind)
    if kept is None:  # a PDF that nobody has asked for yet, or a hub that was made anew from its children
        content = bulletin_files.rendered(document, kind)  # type: ignore[arg-type]
        with write(replica.db, "publish", replica.env):
            queries.keep_file(replica.db, event, kind, content)
        kept = queries.kept_file(replica.db, event, kind)
    assert kept is not None
    return kept
