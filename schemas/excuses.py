"""Excuses (免报): a higher unit lifts the duties of a unit, and of all below it, for a span of days. A report beats
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeAlias

from schemas.cases.fields import MAX_WORDS, code, event, one_of, words
from schemas.errors import Invalid
from schemas.events import unreadable
from schemas.periods import parse_day, read_day
from schemas.strict_json import Json

KIND: Final = "excuse"
SCHEMA: Final = "excuse/1"
REASON_CODES: Final = ("rest_day", "disaster", "suspended", "other")
MAX_DAYS: Final = 366  # of one excuse
MAX_AHEAD_DAYS: Final = 366
_ONE_DAY: Final = timedelta(days=1)
_UNIT_LENGTH: Final = 40

Span: TypeAlias = tuple[date, date]  # both days included
Below: TypeAlias = Callable[[str, str], bool]  # whether the first unit is, or ever was, the second or below it


@dataclass(frozen=True, slots=True)
class ExcuseAct:
    """An excuse as it stands in the log: `unit` is excused by the unit `by`, signed by the node of the unit `author`.

    `amends` names the act whose days it replaces; with `cancelled` it only takes that act back.
    """

    event: str
    unit: str
    by: str
    author: str
    first: date
    last: date
    amends: str | None
    cancelled: bool
    reason_code: str


def read_excuse(body: Mapping[str, object], today: date) -> tuple[dict[str, object], dict[str, object]]:
    """The public payload, all but `by`, and the private words of an excuse that somebody gives.

    Raises: Invalid naming the field that breaks a rule: no reason, an odd span, days too far ahead.
    """
    first, last = parse_day(body.get("from"), "from"), parse_day(body.get("to"), "to")
    if last < first:
        raise Invalid("bad_span", field="to", value=last, first=first)
    if (last - first).days >= MAX_DAYS:
        raise Invalid("excuse_too_long", field="to", value=last, limit=MAX_DAYS)
    if last > today + timedelta(days=MAX_AHEAD_DAYS):
        raise Invalid("excuse_too_far", field="to", value=last, limit=MAX_AHEAD_DAYS)
    public: dict[str, object] = {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "reason_code": one_of(REASON_CODES)(body.get("reason_code") or REASON_CODES[-1], "reason_code"),
    }
    if body.get("amends") is not None:
        public["amends"] = event(body["amends"], "amends")
    return public, {"reason": words(MAX_WORDS)(body.get("reason"), "reason")}


def read_stored(event_hash: str, unit: str, author: str, value: Mapping[str, Json]) -> ExcuseAct:
    """The act that a stored payload states. Raises Corrupt for one that can't be read."""
    by, amends, cancelled = value.get("by"), value.get("amends"), value.get("cancelled", False)
    stated = [read_day(str(value.get(name))) for name in ("from", "to")]
    if not isinstance(by, str) or not 0 < len(by) <= _UNIT_LENGTH:
        raise unreadable("by", by)
    if stated[0] is None or stated[1] is None or not 0 <= (stated[1] - stated[0]).days < MAX_DAYS:
        raise unreadable("to", value.get("to"))
    if not isinstance(cancelled, bool) or (cancelled and amends is None):
        raise unreadable("cancelled", cancelled)
    try:
        why = code(value.get("reason_code") or REASON_CODES[-1], "reason_code")
        replaced = None if amends is None else event(amends, "amends")
    except Invalid as error:
        raise unreadable(error.field or "", error.value) from error
    told = None if replaced is None else str(replaced)
    return ExcuseAct(event_hash, unit, by, author, stated[0], stated[1], told, cancelled, str(why))


def standing(acts: Iterable[ExcuseAct], below: Below) -> list[ExcuseAct]:
    """The acts that excuse now, by their hash: a pure function of the set of acts and the tree.

    Only a unit above can excuse, and only in the name of units that the signing node serves. An act is replaced, or
    taken back, by one of the same unit whose `by` is the first one's or above it.
    """
    held = {act.event: act for act in acts if _may(act, below)}
    replaced = {
        act.amends
        for act in held.values()
        if act.amends in held and held[act.amends].unit == act.unit and below(held[act.amends].by, act.by)
    }
    return [held[key] for key in sorted(held) if key not in replaced and not held[key].cancelled]


def _may(act: ExcuseAct, below: Below) -> bool:
    return act.unit != act.by and below(act.unit, act.by) and below(act.by, act.author)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The days of the spans as spans apart from each other, in order."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + _ONE_DAY:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def without(first: date, last: date, spans: Sequence[Span]) -> list[Span]:
    """The days from `first` to `last` that are in none of the spans, which come from `merged`."""
    found: list[Span] = []
    for begin, end in spans:
        if first < begin:
            found.append((first, min(last, begin - _ONE_DAY)))
        first = max(first, end + _ONE_DAY)
        if first > last:
            return [span for span in found if span[0] <= span[1]]
    return [*(span for span in found if span[0] <= span[1]), (first, last)]
