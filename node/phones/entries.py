"""What phones send: one tap, or a found dispute or hazard with its case, in one transaction and once for good.

Both ways in, over the network and in a file, end here; an entry's own id makes the second one harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from node import answers, queries
from node.answers import Answer, Document, request_bytes
from node.cases import acts
from node.daily import checks
from node.phones.entry_queries import public_text
from schemas.checks import MAX_CASES, REGULAR, Report, read_payload
from schemas.clock import business_day, iso_instant
from schemas.entries import Entry, read_entry
from schemas.errors import Conflict
from schemas.phone_clock import TOLERANCE_MS, Made, made_at
from schemas.strict_json import loads
from sync import clocks
from sync.intake import Intake
from sync.replica import Replica

# No account has a slash in its name. An entry is the same whoever brings it: the worker's phone, or a clerk its file.
ACCOUNT: Final = "/entries"
# When it was made is no part of what it says: the same form sent twice from the node's own page is one entry.
_WHEN: Final = ("made_at", "seen_at", "offset_ms")


def take(replica: Replica, entry_id: str, body: Mapping[str, Any], sent_ms: int | None) -> Answer:
    """Records one entry; the same id with the same body again gives the same answer. `sent_ms`: the phone's clock as
    the entry left it. Raises GridError naming the field that breaks a rule; nothing is stored then.
    """

    def act(intake: Intake) -> Document:
        entry = read_entry(body)
        made = made_at(entry.clock, sent_ms, _trusted_now(replica))
        day = business_day(made.at) if entry.today and made.offset_s is not None else entry.day
        standing = _standing(replica, entry.unit, day)
        case_id = None
        if entry.kind == "zero":
            stated = _zero(standing)
        else:
            case_id = acts.enter(intake, {**dict(entry.case or {}), "unit": entry.unit, "date": day.isoformat()})
            stated = _found(replica, standing, entry, case_id)
        event, _ = checks.enter(intake, {**stated, **_envelope(entry, day, made)})
        return {
            "id": event, "event": event, "state": checks.state_of(replica, entry.unit, day), "date": day.isoformat(),
            "case": case_id, "recorded_at": iso_instant(made.at), "clock_offset_s": made.offset_s,
        }  # fmt: skip

    said = {name: value for name, value in body.items() if name not in _WHEN}
    return answers.once(replica, ACCOUNT, entry_id, request_bytes(said), "check", act)


def _envelope(entry: Entry, day: date, made: Made) -> dict[str, Any]:
    more = {} if made.offset_s is None else {"clock_offset_s": made.offset_s}
    return {"unit": entry.unit, "date": day.isoformat(), "recorded_at": made.at, **more}


def _trusted_now(replica: Replica) -> int | None:
    """The node's clock; None when others show that it is behind: it may not set a phone right then."""
    own, *others = clocks.known(replica)
    newest = max([at for at in others if at is not None], default=0)
    return own if own >= newest - TOLERANCE_MS else None


def _standing(replica: Replica, unit: str, day: date) -> Report | None:
    row = queries.duty_row(replica.db, (unit, day.isoformat(), REGULAR))
    return queries.report_by_event(replica.db, row.event) if row else None


def _zero(standing: Report | None) -> dict[str, Any]:
    """ "Nothing today" by one tap must not wipe out what somebody found; the page for corrections may."""
    if standing is not None and standing.result == "found":
        told = {"disputes": standing.disputes, "hazards": standing.hazards}
        raise Conflict("found_stands", field="kind", value="zero", **told)
    return {"result": "zero"}


def _found(replica: Replica, standing: Report | None, entry: Entry, case_id: str) -> dict[str, Any]:
    """One more than what stands: each entry is one case."""
    disputes, hazards, cases = 0, 0, []
    if standing is not None and standing.result == "found":
        disputes, hazards = standing.disputes, standing.hazards
        text = public_text(replica.db, standing.event)
        payload = loads(text) if text is not None else None
        if isinstance(payload, dict):
            cases = read_payload(payload)["found"]["cases"]
    is_hazard = (entry.case or {}).get("kind") == "hazard"
    found = {
        "disputes": disputes + (not is_hazard),
        "hazards": hazards + is_hazard,
        "cases": [*cases, case_id][-MAX_CASES:],
    }
    return {"result": "found", "found": found}
