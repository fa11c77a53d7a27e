"""What a phone sends: one tap for nothing found, or a found dispute or hazard, by the version of the form it was made
with. A version that was once given out is read for good: an entry may have waited on a phone through an upgrade.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.cases.fields import flag, one_of, unit
from schemas.clock import MAX_INTEGER
from schemas.errors import Invalid
from schemas.periods import parse_day
from schemas.phone_clock import PhoneClock

FORM: Final = 1  # the version that is given out now
FORMS: Final = (1,)
KINDS: Final = ("zero", "found")
FILE_FORMAT: Final = "fivegrid-phone/1"
MAX_ENTRIES: Final = 500  # in one file
_ID: Final = re.compile(r"[a-z0-9-]{16,64}")
_FIELDS: Final = ("form", "kind", "unit", "date", "today", "made_at", "seen_at", "offset_ms", "case")
_CASE: Final = ("kind", "category", "source", "complexity", "urgency", "scale", "amount_band", "private")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `today`: made for the day it was made on, so a wrong clock moves it to the right day; `case` holds
    the fields of a registration, not yet judged, for what was found.
    """

    kind: str
    unit: str
    day: date
    today: bool
    clock: PhoneClock
    case: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class EntryFile:
    """Entries that a phone wrote into a file: (id, body), in the order in which they were made."""

    account: str
    entries: tuple[tuple[str, Mapping[str, object]], ...]


def read_entry(body: Mapping[str, object]) -> Entry:
    """An entry of any version that was ever given out. Raises Invalid naming the field."""
    if isinstance(body.get("form"), bool) or body.get("form") not in FORMS:
        raise Invalid("entry_form", field="form", value=body.get("form"), known=", ".join(map(str, FORMS)))
    for name in body:
        if name not in _FIELDS:
            raise Invalid("unknown_field", field=name, value=body[name])
    kind = str(one_of(KINDS)(body.get("kind"), "kind"))
    clock = PhoneClock(
        _instant(body.get("made_at"), "made_at"),
        None if body.get("seen_at") is None else _instant(body["seen_at"], "seen_at"),
        None if body.get("offset_ms") is None else _offset(body["offset_ms"]),
    )
    return Entry(
        kind,
        str(unit(body.get("unit"), "unit")),
        parse_day(body.get("date"), "date"),
        bool(flag(body.get("today", False), "today")),
        clock,
        _case(body.get("case"), kind),
    )


def read_file(document: object) -> EntryFile:
    """The file that a phone wrote. Raises Invalid when it is none, or holds more than MAX_ENTRIES."""
    if not isinstance(document, Mapping) or document.get("format") != FILE_FORMAT:
        raise Invalid("not_a_phone_file", field="file", value=None)
    listed = document.get("entries")
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_ENTRIES:
        raise Invalid("phone_file_length", field="file", value=None, limit=MAX_ENTRIES)
    found = []
    for one in listed:
        if not isinstance(one, Mapping) or not isinstance(one.get("body"), Mapping):
            raise Invalid("not_a_phone_file", field="file", value=None)
        found.append((entry_id(one.get("id")), one["body"]))
    return EntryFile(str(document.get("account") or ""), tuple(found))


def entry_id(value: object) -> str:
    """The id that the phone gave the entry: it makes sending twice harmless. Raises Invalid."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Invalid("entry_id", field="id", value=value)
    return value


def phone_instant(text: str | None) -> int | None:
    """Unix ms from a header; None where it is missing or no number: it helps to set a clock right, and no more."""
    if text is None or not re.fullmatch(r"[0-9]{1,15}", text):
        return None
    return int(text)


def _instant(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_INTEGER:
        raise Invalid("bad_instant", field=field, value=value)
    return value


def _offset(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= MAX_INTEGER:
        raise Invalid("bad_instant", field="offset_ms", value=value)
    return value


def _case(value: object, kind: str) -> Mapping[str, object] | None:
    if kind == "zero":
        if value is not None:
            raise Invalid("found_with_zero", field="case", value=None)
        return None
    if not isinstance(value, Mapping):
        raise Invalid("entry_case", field="case", value=value)
    for name in value:
        if name not in _CASE:
            raise Invalid("unknown_field", field=f"case.{name}", value=value[name])
    return value
