"""Forms 报表表样: which questions units of a level answer for each period, as data that the city publishes (2-domain).

A form says its fields, which of them add up to which, which may not exceed which, and which roll up. Rules and rollup
name required numbers only: a missing figure is never a zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.errors import Invalid
from schemas.form_fields import MAX_TITLE, NUMBERS, FormField, field_payload, read_field, words
from schemas.periods import CADENCES, parse_day
from schemas.strict_json import Json, dumps
from schemas.units.acts import LEVELS

MAX_FIELDS: Final = 60
MAX_RULES: Final = 60
MAX_PARTS: Final = 20
MAX_VERSION: Final = 9_999
MAX_BYTES: Final = 32 * 1024  # of one form; an event takes 64 KiB
_ID: Final = re.compile(r"[a-z0-9_-]{1,40}")
_WORD: Final = r"[a-z][a-z0-9_]{0,39}"
_SUM: Final = re.compile(rf"\s*({_WORD})\s*=\s*({_WORD}(?:\s*\+\s*{_WORD})+)\s*")
_BOUND: Final = re.compile(rf"\s*({_WORD})\s*<=\s*({_WORD})\s*")
_FIELDS: Final = (
    "id", "version", "from", "to", "title", "levels", "cadence", "fields", "sums", "bounds", "rollup",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SumRule:
    """`total` is the sum of `parts`."""

    total: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.total} = {' + '.join(self.parts)}"


@dataclass(frozen=True, slots=True)
class BoundRule:
    """`low` is at most `high`."""

    low: str
    high: str

    def __str__(self) -> str:
        return f"{self.low} <= {self.high}"


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a form, in force from `first` to `last` (None: without end), both included. Units of `levels` fill
    it once for each period of `cadence`; `rollup` are keys of fields.
    """

    id: str
    version: int
    first: date
    last: date | None
    title: Mapping[str, str]
    levels: tuple[str, ...]
    cadence: str
    fields: tuple[FormField, ...]
    sums: tuple[SumRule, ...]
    bounds: tuple[BoundRule, ...]
    rollup: tuple[str, ...]

    def field(self, key: str) -> FormField | None:
        """The field of a key."""
        return next((one for one in self.fields if one.key == key), None)


class Forms:
    """Every version of every form, and which holds on a day."""

    def __init__(self, versions: Iterable[Form]) -> None:
        """Of one version that was published twice the last given holds."""
        self._versions = {(one.id, one.version): one for one in versions}

    def version(self, form: str, number: int) -> Form | None:
        """One version."""
        return self._versions.get((form, number))

    def versions(self, form: str) -> list[Form]:
        """All versions of a form, in order."""
        return sorted((one for one in self._versions.values() if one.id == form), key=lambda one: one.version)

    def all(self) -> list[Form]:
        """Every version of every form."""
        return [self._versions[key] for key in sorted(self._versions)]

    def ids(self) -> list[str]:
        """The forms there are, in order."""
        return sorted({form for form, _ in self._versions})

    def on(self, form: str, day: date) -> Form | None:
        """The version in force on a day: of those that have begun the one that began last, the greater number where
        two began on one day; None before the first, and after the end of that one.
        """
        begun = [one for one in self.versions(form) if one.first <= day]
        if not begun:
            return None
        found = max(begun, key=lambda one: (one.first, one.version))
        return found if found.last is None or day <= found.last else None


# ---- reading what is published


def read_form(body: Mapping[str, object], known: Forms) -> Form:
    """The form of a publication; strict, so that a misspelt rule is not a rule dropped.

    `version` is the next one where not given, `levels` may be one level, `sums`, `bounds`, `rollup` may be left out.
    Raises: Invalid naming the field.
    """
    for key in body:
        if key not in _FIELDS:
            raise Invalid("unknown_field", field=key, value=body[key])
    form = body.get("id")
    if not isinstance(form, str) or not _ID.fullmatch(form):
        raise Invalid("bad_form_id", field="id", value=form)
    first = parse_day(body.get("from"), "from")
    last = None if body.get("to") is None else parse_day(body["to"], "to")
    if last is not None and last < first:
        raise Invalid("bad_form_span", field="to", value=last.isoformat(), since=first.isoformat())
    fields = _fields(body.get("fields"))
    found = Form(
        id=form,
        version=_version(body.get("version"), known.versions(form)),
        first=_begins(first, known.versions(form)),
        last=last,
        title=words(body.get("title"), "title", MAX_TITLE),
        levels=_levels(body.get("levels")),
        cadence=_cadence(body.get("cadence")),
        fields=fields,
        sums=tuple(_sums(body.get("sums"), fields)),
        bounds=tuple(_bounds(body.get("bounds"), fields)),
        rollup=_rollup(body.get("rollup"), fields),
    )
    size = len(dumps(form_payload(found)).encode("utf-8"))
    if size > MAX_BYTES:
        raise Invalid("form_too_big", field="fields", value=size, limit=MAX_BYTES)
    return found


def form_payload(form: Form) -> dict[str, Json]:
    """The form as it is published; `stored_form` gives it back."""
    return {
        "id": form.id,
        "version": form.version,
        "from": form.first.isoformat(),
        "to": None if form.last is None else form.last.isoformat(),
        "title": dict(form.title),
        "levels": list(form.levels),
        "cadence": form.cadence,
        "fields": [field_payload(one) for one in form.fields],
        "sums": [str(rule) for rule in form.sums],
        "bounds": [str(rule) for rule in form.bounds],
        "rollup": list(form.rollup),
    }


def stored_form(value: Mapping[str, Json]) -> Form:
    """A form as it stands in an event: every rule holds but that its version follows the one before.

    Raises: Invalid naming the field.
    """
    number = value.get("version")
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MAX_VERSION:
        raise Invalid("out_of_range", field="version", value=number, low=1, high=MAX_VERSION)
    rest = {key: one for key, one in value.items() if key != "version"}
    found = read_form(rest, Forms([]))
    return Form(**{name: getattr(found, name) for name in Form.__slots__} | {"version": number})


def _version(value: object, before: Sequence[Form]) -> int:
    expected = before[-1].version + 1 if before else 1
    if value is None:
        return expected
    if isinstance(value, bool) or value != expected or expected > MAX_VERSION:
        raise Invalid("form_version", field="version", value=value, expected=expected)
    return expected


def _begins(first: date, before: Sequence[Form]) -> date:
    if before and first < before[-1].first:
        raise Invalid("form_from_earlier", field="from", value=first.isoformat(), since=before[-1].first.isoformat())
    return first


def _levels(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given or any(level not in LEVELS for level in given):
        raise Invalid("bad_form_levels", field="levels", value=value, allowed=", ".join(LEVELS))
    return tuple(level for level in LEVELS if level in given)


def _cadence(value: object) -> str:
    if not isinstance(value, str) or value not in CADENCES:
        raise Invalid("bad_cadence", field="cadence", value=value, allowed=", ".join(CADENCES))
    return value


def _fields(value: object) -> tuple[FormField, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_FIELDS:
        raise Invalid("bad_form_fields", field="fields", value=value, limit=MAX_FIELDS)
    found: dict[str, FormField] = {}
    for place, one in enumerate(value):
        read = read_field(one, f"fields.{place}")
        if read.key in found:
            raise Invalid("form_key_twice", field=f"fields.{place}.key", value=read.key)
        found[read.key] = read
    return tuple(found.values())


def _rules(value: object, name: str, grammar: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
    given: object = [] if value is None else value
    if not isinstance(given, list) or len(given) > MAX_RULES:
        raise Invalid("bad_form_rule", field=name, value=value, limit=MAX_RULES)
    for place, rule in enumerate(given):
        match = grammar.fullmatch(rule) if isinstance(rule, str) else None
        if match is None:
            raise Invalid("bad_form_rule", field=f"{name}.{place}", value=rule, limit=MAX_RULES)
        yield f"{name}.{place}", match


def _sums(value: object, fields: Sequence[FormField]) -> Iterator[SumRule]:
    seen: set[str] = set()
    for where, match in _rules(value, "sums", _SUM):
        total, parts = match[1], tuple(part.strip() for part in match[2].split("+"))
        for key in (total, *parts):
            _require_number(key, where, fields)
        if total in parts or len(set(parts)) != len(parts) or len(parts) > MAX_PARTS or total in seen:
            raise Invalid("form_rule_twice", field=where, value=match[0].strip(), limit=MAX_PARTS)
        seen.add(total)
        yield SumRule(total, parts)


def _bounds(value: object, fields: Sequence[FormField]) -> Iterator[BoundRule]:
    seen: set[tuple[str, str]] = set()
    for where, match in _rules(value, "bounds", _BOUND):
        for key in (match[1], match[2]):
            _require_number(key, where, fields)
        if match[1] == match[2] or (match[1], match[2]) in seen:
            raise Invalid("form_rule_twice", field=where, value=match[0].strip(), limit=MAX_PARTS)
        seen.add((match[1], match[2]))
        yield BoundRule(match[1], match[2])


def _rollup(value: object, fields: Sequence[FormField]) -> tuple[str, ...]:
    given: object = [] if value is None else value
    if not isinstance(given, list) or len(given) > MAX_FIELDS:
        raise Invalid("bad_form_rollup", field="rollup", value=value)
    for place, key in enumerate(given):
        if not isinstance(key, str) or key in given[:place]:
            raise Invalid("bad_form_rollup", field=f"rollup.{place}", value=key)
        _require_number(key, f"rollup.{place}", fields)
    return tuple(one.key for one in fields if one.key in given)


def _require_number(key: str, where: str, fields: Sequence[FormField]) -> None:
    named = next((one for one in fields if one.key == key), None)
    if named is None or named.type not in NUMBERS or not named.required:
        raise Invalid("form_rule_field", field=where, value=key)
