"""One event of a case, as the fold reads it: what its header says and its public part; nothing private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.cases.table import NAMES_OFFER, REGISTER
from schemas.clock import MAX_INTEGER
from schemas.errors import Invalid

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASH: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_ACTION: Final = re.compile(r"[a-z][a-z_]{0,39}")
_ENVELOPE: Final = ("case", "action", "after", "term", "offer")


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One act. `hash` is the event's, `after` the hash of the case event that it follows, None for a registration.

    `level` is the unit's, 0 for a group to 4 for the city; `rtime` the device's clock in unix ms; `public` the coded
    fields of the act as they stand in the event. It may hold anything: the fold voids what it can't read.
    """

    hash: str
    after: str | None
    case: str
    action: str
    unit: str
    level: int
    day: date
    rtime: int
    term: int
    offer: str | None
    public: Mapping[str, object]

    def text(self, name: str) -> str | None:
        """A public field that is a text, None where it is absent or something else."""
        value = self.public.get(name)
        return value if isinstance(value, str) else None


def case_payload(
    case: str, public: Mapping[str, object], after: str | None = None, term: int = 0, offer: str | None = None
) -> dict[str, object]:
    """The public payload of a case event: what goes with every act first, then the fields of this one.

    `public` is what `read_register` or `read_action` gave; `offer` is written for take, send_back and recall alone.
    """
    payload: dict[str, object] = {"case": case, "action": public["action"], "term": term}
    if after is not None:
        payload["after"] = after
    if offer is not None and public["action"] in NAMES_OFFER:
        payload["offer"] = offer
    payload.update((name, value) for name, value in public.items() if name not in _ENVELOPE)
    return payload


def read_case_event(
    event: str, unit: str, level: int, day: date, rtime: int, payload: Mapping[str, object]
) -> CaseEvent:
    """A case event from its hash, its header (unit, business day, device clock) and its public payload.

    Raises: Invalid if what goes with every act can't be read; fields of the act itself are left for the fold.
    """
    action = _matching(payload.get("action"), _ACTION, "action", "bad_code")
    after = payload.get("after")
    if after is not None or action != REGISTER.name:
        after = _matching(after, _HASH, "after", "bad_event")
    offer = payload.get("offer")
    if offer is not None:
        offer = _matching(offer, _HASH, "offer", "bad_event")
    term = payload.get("term", 0 if action == REGISTER.name else None)
    if isinstance(term, bool) or not isinstance(term, int) or not 0 <= term < MAX_INTEGER:
        raise Invalid("out_of_range", field="term", value=term, low=0, high=MAX_INTEGER - 1)
    case = check_case_id(payload.get("case"), "case")
    public = {name: value for name, value in payload.items() if name not in _ENVELOPE}
    return CaseEvent(event, after, case, action, unit, level, day, rtime, term, offer, public)


def check_case_id(value: object, field: str) -> str:
    """A case's id, a lower-case UUID. Raises: Invalid("bad_case") for anything else."""
    return _matching(value, _UUID, field, "bad_case")


def _matching(value: object, grammar: re.Pattern[str], field: str, problem: str) -> str:
    if not isinstance(value, str) or not grammar.fullmatch(value):
        raise Invalid(problem, field=field, value=value)
    return value
