"""The check: one unit's report for one day and occasion, zero or found (2-domain, Check)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal, TypedDict

from schemas.amending import standing_of
from schemas.errors import Invalid

RESULTS: Final = ("zero", "found")
DEPTHS: Final = ("general", "key")
DIRECTIONS: Final = ("vertical", "horizontal")
REGULAR: Final = "regular"
MAX_FOUND: Final = 999
MAX_CASES: Final = 50
MAX_PLACES: Final = 9999
MAX_STAFF: Final = 999
MAX_INSTANT_MS: Final = 2**53 - 1
MAX_OFFSET_S: Final = MAX_INSTANT_MS // 1000
_CAMPAIGN: Final = re.compile(r"campaign:[a-z0-9_-]{1,40}")
_THEME: Final = re.compile(r"[a-z0-9_-]{1,40}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EVENT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Found(TypedDict):
    """What was found: counts, and the cases that were opened for it."""

    disputes: int
    hazards: int
    cases: list[str]


class Check(TypedDict):
    """A check as read from an event: every field is there, None or zero where it was not given.

    `clock_offset_s`: by how many seconds `recorded_at` lies after what a phone's clock said, where that was wrong.
    """

    result: Literal["zero", "found"]
    found: Found
    occasion: str
    depth: str
    direction: str
    theme: str | None
    places_visited: int | None
    staff_no: int | None
    amends: str | None
    recorded_at: int | None
    clock_offset_s: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """A check that stands in the log. `event` is the event's hash; instants are unix ms.

    `recorded_ms` is the origin's clock, `received_ms` this node's when the event came.
    """

    event: str
    unit: str
    date: date
    occasion: str
    result: str
    disputes: int
    hazards: int
    amends: str | None
    recorded_ms: int
    received_ms: int
    depth: str = "general"
    direction: str = "vertical"
    theme: str | None = None


@dataclass(frozen=True, slots=True)
class Effective:
    """The one check that counts for a (unit, date, occasion).

    `first_recorded_ms` is of the first report and decides whether it was on time; `conflicts` are events that stand
    beside it, amended by nobody.
    """

    report: Report
    first_recorded_ms: int
    conflicts: tuple[str, ...]


def read_check(body: Mapping[str, object]) -> dict[str, object]:
    """The payload of a check: allowed fields only, defaults filled in; unit and date stand in the event's header.

    Raises: Invalid naming the field that breaks a rule.
    """
    check = read_payload(body)
    payload: dict[str, object] = {key: value for key, value in check.items() if value is not None}
    if check["result"] == "zero":
        del payload["found"]
    return payload


def read_payload(payload: Mapping[str, object]) -> Check:
    """A check as it stands in an event, by the same rules; fields that are not known are left out.

    Raises: Invalid naming the field that breaks a rule.
    """
    result = _one_of(payload.get("result"), RESULTS, "result")
    return {
        "result": "found" if result == "found" else "zero",
        "found": _found(payload.get("found"), result),
        "occasion": _occasion(payload.get("occasion")),
        "depth": _one_of(_or(payload.get("depth"), DEPTHS[0]), DEPTHS, "depth"),
        "direction": _one_of(_or(payload.get("direction"), DIRECTIONS[0]), DIRECTIONS, "direction"),
        "theme": _matching(payload.get("theme"), _THEME, "theme", "bad_theme"),
        "places_visited": _optional_count(payload.get("places_visited"), "places_visited", MAX_PLACES),
        "staff_no": _optional_count(payload.get("staff_no"), "staff_no", MAX_STAFF),
        "amends": _matching(payload.get("amends"), _EVENT, "amends", "bad_amends"),
        "recorded_at": _optional_count(payload.get("recorded_at"), "recorded_at", MAX_INSTANT_MS),
        "clock_offset_s": _optional_offset(payload.get("clock_offset_s"), "clock_offset_s"),
    }


def _or(value: object, default: str) -> object:
    return default if value is None else value


def _one_of(value: object, allowed: tuple[str, ...], field: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise Invalid("not_one_of", field=field, value=value, allowed=", ".join(allowed))
    return value


def _occasion(value: object) -> str:
    if value is None or value == REGULAR:
        return REGULAR
    if not isinstance(value, str) or not _CAMPAIGN.fullmatch(value):
        raise Invalid("bad_occasion", field="occasion", value=value)
    return value


def _matching(value: object, grammar: re.Pattern[str], field: str, code: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not grammar.fullmatch(value):
        raise Invalid(code, field=field, value=value)
    return value


def _count(value: object, field: str, limit: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
        raise Invalid("out_of_range", field=field, value=value, low=0, high=limit)
    return value


def _optional_count(value: object, field: str, limit: int) -> int | None:
    return None if value is None else _count(value, field, limit)


def _optional_offset(value: object, field: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_OFFSET_S:
        raise Invalid("out_of_range", field=field, value=value, low=-MAX_OFFSET_S, high=MAX_OFFSET_S)
    return value


def _found(value: object, result: str) -> Found:
    """Zero is a statement of its own: it may not come with figures, and `found` may not come without."""
    if result == "zero":
        if value is not None:
            raise Invalid("found_with_zero", field="found", value=value)
        return {"disputes": 0, "hazards": 0, "cases": []}
    if not isinstance(value, Mapping):
        raise Invalid("found_missing", field="found", value=value)
    disputes = _count(value.get("disputes"), "found.disputes", MAX_FOUND)
    hazards = _count(value.get("hazards"), "found.hazards", MAX_FOUND)
    if disputes + hazards == 0:
        raise Invalid("found_nothing", field="found", value=0)
    return {"disputes": disputes, "hazards": hazards, "cases": _cases(value.get("cases"))}


def _cases(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_CASES:
        raise Invalid("bad_cases", field="found.cases", value=value, limit=MAX_CASES)
    cases: list[str] = []
    for case in value:
        if not isinstance(case, str) or not _UUID.fullmatch(case) or case in cases:
            raise Invalid("bad_cases", field="found.cases", value=case, limit=MAX_CASES)
        cases.append(case)
    return cases


def effective(reports: Sequence[Report]) -> Effective:
    """The check that counts among all reports held for one (unit, date, occasion), and those in conflict with it.

    It does not depend on order, nor on how often a report is given. A report stands if none held amends it; of
    several that stand found beats zero, then the greater hash. Forged reports may amend each other in a circle, so
    that none stands: then all are taken as standing. Raises: ValueError if there is no report.
    """
    found = standing_of(_once_each(reports), lambda report: (report.result == "found", report.event))
    return Effective(found.report, found.first_recorded_ms, found.conflicts)


def _once_each(reports: Iterable[Report]) -> list[Report]:
    """Each event once, as it was first received."""
    held: dict[str, Report] = {}
    for report in reports:
        known = held.get(report.event)
        received = report.received_ms if known is None else min(known.received_ms, report.received_ms)
        held[report.event] = replace(report, received_ms=received)
    return [held[event] for event in sorted(held)]
