"""Returning a report with a reason: a reviewer of a higher unit asks for a correction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sqlite_utils import Database

from node import answers
from node.answers import Answer, Document, request_bytes
from node.daily import duty_queries
from node.people.accounts import Account
from schemas.cases.fields import MAX_WORDS, words
from schemas.clock import business_day
from schemas.errors import Conflict, Forbidden, NotFound
from schemas.strict_json import loads
from sync.directory import tree_of
from sync.heads import is_covered
from sync.intake import Intake
from sync.replica import Replica

RETURN_KIND: Final = "return"
RETURN_SCHEMA: Final = "return/1"


class Reported(NamedTuple):
    """Whose report an event is, and the event that stands for its duty now."""

    unit: str
    standing: str


Find = Callable[[Database, str], Reported | None]


def send_back(
    replica: Replica, account: Account, event: str, body: Mapping[str, Any], key: str | None, find: Find
) -> Answer:
    """Returns the report that `find` knows by its event: it counts on until amended. Words stay private."""

    def act(intake: Intake) -> Document:
        report = find(replica.db, event)
        if report is None:
            raise NotFound("unknown_event", field="event", value=event)
        if report.unit == account.unit or not tree_of(replica).ever_below(report.unit, account.unit):
            raise Forbidden("return_not_above", field="event", value=event, unit=report.unit)
        if report.standing != event:
            raise Conflict("return_not_standing", field="event", value=event, standing=report.standing)
        read = words(MAX_WORDS)
        said = {"reason": read(body.get("reason"), "reason")}
        if body.get("text") is not None:
            said["text"] = read(body["text"], "text")
        signed = intake.author(
            kind=RETURN_KIND,
            schema=RETURN_SCHEMA,
            unit=report.unit,
            day=business_day(intake.now_ms),
            public={"report": event, "by": account.unit, "reason_code": body.get("reason_code") or "other"},
            private=said,
        )
        return {"id": signed.hash, "event": signed.hash, "report": event, "state": "returned"}

    request = request_bytes(body, **{"return": event})
    return answers.once(replica, account.name, key, request, "return", act)


def reason_of(db: Database, event: str) -> str | None:
    """Why a report was last sent back, in words, where they are held; None if it was not."""
    if is_covered(db):  # a restored database shows no words before it has heard what was erased
        return None
    found = duty_queries.returns_of(db, [event]).get(event)
    said = loads(found.words) if found is not None and found.words else None
    reason = said.get("reason") if isinstance(said, dict) else None
    return reason if isinstance(reason, str) else None
