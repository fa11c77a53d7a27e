"""Reading the fields of case acts: strict for what people write, open to later code lists for what stands in events."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from unicodedata import category

from schemas.cases.lists import PARTY_ROLES
from schemas.errors import Invalid
from schemas.periods import parse_day

# A reader takes (value, name of the field), gives the value as it is stored, or raises Invalid.
Reader: TypeAlias = Callable[[object, str], object]

MAX_WORDS: Final = 500
MAX_PARTIES: Final = 20
MAX_NAME: Final = 60
MAX_PHONE: Final = 30
MAX_PLACE: Final = 200
# An event is at most 64 KiB, and a Chinese character takes 3 bytes.
MAX_NARRATIVE: Final = 5_000
MAX_AGREEMENT: Final = 5_000

_CODE: Final = re.compile(r"[a-z0-9][a-z0-9_+-]{0,39}")
_LIST: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}/[1-9][0-9]{0,3}")
_UNIT: Final = re.compile(r"[0-9]{12}(?:[0-9]{3})?")
_ANY_UNIT: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_EVENT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
# Control characters and lone surrogates. Not `isprintable`: it refuses the full-width blank of Chinese texts.
_UNREADABLE: Final = ("Cc", "Cs")
_PRIVATE: Final = ("parties", "place", "narrative", "agreement")
_PARTY: Final = ("role", "name", "phone")


def one_of(codes: tuple[str, ...]) -> Reader:
    """A reader that takes only these codes."""

    def read(value: object, field: str) -> object:
        if not isinstance(value, str) or value not in codes:
            raise Invalid("not_one_of", field=field, value=value, allowed=", ".join(codes))
        return value

    return read


def code(value: object, field: str) -> object:
    """Any well-formed code: a stored event may use a later version of a list."""
    return _matching(value, _CODE, field, "bad_code")


def list_key(value: object, field: str) -> object:
    """The key of a version of a category list: `hubei-15/1`."""
    return _matching(value, _LIST, field, "bad_code")


def unit(value: object, field: str) -> object:
    """A unit's id: 12 digits, or 15 for a group."""
    return _matching(value, _UNIT, field, "bad_unit")


def any_unit(value: object, field: str) -> object:
    """A unit's id as an event may name it, also by a later numbering."""
    return _matching(value, _ANY_UNIT, field, "bad_unit")


def event(value: object, field: str) -> object:
    """An event's hash, 43 characters."""
    return _matching(value, _EVENT, field, "bad_event")


def day(value: object, field: str) -> object:
    """A strict `YYYY-MM-DD`, given back as text."""
    return parse_day(value, field).isoformat()


def flag(value: object, field: str) -> object:
    """True or False, never 0, 1 or a text."""
    if not isinstance(value, bool):
        raise Invalid("not_true_or_false", field=field, value=value)
    return value


def _matching(value: object, grammar: re.Pattern[str], field: str, problem: str) -> str:
    if not isinstance(value, str) or not grammar.fullmatch(value):
        raise Invalid(problem, field=field, value=value)
    return value


def is_blank(value: object) -> bool:
    """None, or a text of nothing but blanks: what an empty form field sends."""
    return value is None or (isinstance(value, str) and not value.strip())


def words(limit: int) -> Reader:
    """A reader of free words without blanks around them, 1 to `limit` characters; line breaks are kept."""

    def read(value: object, field: str) -> object:
        text = value.strip().replace("\r\n", "\n") if isinstance(value, str) else ""
        if not text:
            raise Invalid("words_missing", field=field, value="" if value is None else value, limit=limit)
        if len(text) > limit:
            raise Invalid("words_too_long", field=field, value=text, limit=limit, length=len(text))
        if any(category(sign) in _UNREADABLE and sign not in "\n\t" for sign in text):
            raise Invalid("words_unreadable", field=field, value=text)
        return text

    return read


def particulars(value: object, field: str) -> object:
    """The private part of a case: parties, place, narrative, agreement; what is blank is left out.

    There is deliberately no field for an identity number, nor for what somebody is or believes: an unknown field is
    refused, not dropped, so that nobody thinks that it was kept. Raises: Invalid naming the field.
    """
    if not isinstance(value, Mapping):
        raise Invalid("private_shape", field=field, value=value)
    for name in value:
        if name not in _PRIVATE:
            raise Invalid("unknown_field", field=f"{field}.{name}", value=value[name])
    found: dict[str, object] = {}
    if value.get("parties") is not None:
        found["parties"] = _parties(value["parties"], f"{field}.parties")
    for name, limit in (("place", MAX_PLACE), ("narrative", MAX_NARRATIVE), ("agreement", MAX_AGREEMENT)):
        if not is_blank(value.get(name)):
            found[name] = words(limit)(value[name], f"{field}.{name}")
    return {name: entry for name, entry in found.items() if entry}


def _parties(value: object, field: str) -> list[dict[str, object]]:
    if not isinstance(value, list) or len(value) > MAX_PARTIES:
        raise Invalid("bad_parties", field=field, value=value, limit=MAX_PARTIES)
    parties: list[dict[str, object]] = []
    for place, entry in enumerate(value):
        if not isinstance(entry, Mapping):
            raise Invalid("bad_parties", field=f"{field}.{place}", value=entry, limit=MAX_PARTIES)
        for name in entry:
            if name not in _PARTY:
                raise Invalid("unknown_field", field=f"{field}.{place}.{name}", value=entry[name])
        if not (is_blank(entry.get("name")) and is_blank(entry.get("phone"))):  # else an unused row of a form
            parties.append(_party(entry, f"{field}.{place}"))
    return parties


def _party(value: Mapping[str, object], field: str) -> dict[str, object]:
    party = {"role": one_of(PARTY_ROLES)(value.get("role"), f"{field}.role")}
    for name, limit in (("name", MAX_NAME), ("phone", MAX_PHONE)):
        if not is_blank(value.get(name)):
            party[name] = words(limit)(value[name], f"{field}.{name}")
    return party
