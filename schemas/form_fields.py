"""The fields of a form: what each takes, and its limits. Texts travel to every level, so no field asks for a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from schemas.errors import Invalid
from schemas.labels import LANGUAGES
from schemas.strict_json import Json

TYPES: Final = ("integer", "decimal", "choice", "date", "text")
NUMBERS: Final = ("integer", "decimal")
PLACES: Final = 4  # decimals at most: what numbers are scaled by in tables
MAX_NUMBER: Final = 999_999_999  # so that tens of thousands of them, scaled, fit 64 bits
MAX_TITLE: Final = 60
MAX_LABEL: Final = 60
MAX_CHOICES: Final = 50
MAX_TEXT: Final = 500
DEFAULT_PLACES: Final = 2
DEFAULT_TEXT: Final = 200
DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,4})?")
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CODE: Final = re.compile(r"[a-z0-9_]{1,40}")
_COMMON: Final = ("key", "label", "type", "required")
_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "integer": ("min", "max"),
    "decimal": ("min", "max", "places"),
    "choice": ("choices",),
    "date": (),
    "text": ("max_length",),
}
# Guard rail 2: what no record of this system asks for, by words of a key and by parts of a Chinese label.
FORBIDDEN_KEYS: Final = frozenset(
    {"ethnicity", "religion", "health", "political", "petitioner", "idcard", "phone", "gps", "location", "track"}
)
FORBIDDEN_WORDS: Final = (
    "民族成份", "民族成分", "宗教信仰", "健康状况", "病史", "政治面貌", "信访人", "上访人", "身份证", "姓名", "手机号",
    "联系电话", "定位", "轨迹",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FormField:
    """One question. `low` and `high` limit numbers, `places` are decimals, `choices` (code, words), `max_length` signs
    of a text.
    """

    key: str
    label: Mapping[str, str]
    type: str
    required: bool = True
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(MAX_NUMBER)
    places: int = 0
    choices: tuple[tuple[str, Mapping[str, str]], ...] = ()
    max_length: int = 0

    @property
    def is_number(self) -> bool:
        """Whether rules and rollup may name it, if it is required."""
        return self.type in NUMBERS


def words(value: object, where: str, limit: int) -> dict[str, str]:
    """A text in each language: `{"zh_CN": …, "en": …}`. Raises Invalid naming the field."""
    if not isinstance(value, Mapping):
        raise Invalid("bad_form_words", field=where, value=value, limit=limit)
    found: dict[str, str] = {}
    for language in LANGUAGES:
        text = value.get(language)
        if not isinstance(text, str) or not 0 < len(text.strip()) <= limit or not text.isprintable():
            raise Invalid("bad_form_words", field=f"{where}.{language}", value=text, limit=limit)
        found[language] = text.strip()
    for language in value:
        if language not in LANGUAGES:
            raise Invalid("unknown_field", field=f"{where}.{language}", value=value[language])
    return found


def read_field(value: object, where: str) -> FormField:
    """The field of a form. Raises Invalid naming what breaks a rule, also for a limit that its type does not have."""
    if not isinstance(value, Mapping):
        raise Invalid("bad_form_field", field=where, value=value)
    key, kind, required = value.get("key"), value.get("type"), value.get("required", True)
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise Invalid("bad_form_key", field=f"{where}.key", value=key)
    if not isinstance(kind, str) or kind not in TYPES:
        raise Invalid("bad_form_type", field=f"{where}.type", value=kind, allowed=", ".join(TYPES))
    if not isinstance(required, bool):
        raise Invalid("bad_form_required", field=f"{where}.required", value=required)
    for name in value:
        if name not in (*_COMMON, *_OWN[kind]):
            raise Invalid("unknown_field", field=f"{where}.{name}", value=value[name])
    label = words(value.get("label"), f"{where}.label", MAX_LABEL)
    _refuse_people(key, label, where)
    if kind in NUMBERS:
        return _number(key, label, kind, required, value, where)
    if kind == "choice":
        return FormField(key, label, kind, required, choices=_choices(value.get("choices"), f"{where}.choices"))
    longest = _whole(value.get("max_length", DEFAULT_TEXT), f"{where}.max_length", 1, MAX_TEXT) if kind == "text" else 0
    return FormField(key, label, kind, required, max_length=longest)


def field_payload(field: FormField) -> dict[str, Json]:
    """The field as it is published; `read_field` gives it back."""
    found: dict[str, Json] = {
        "key": field.key, "label": dict(field.label), "type": field.type, "required": field.required,
    }  # fmt: skip
    if field.type == "integer":
        found |= {"min": int(field.low), "max": int(field.high)}
    elif field.type == "decimal":
        found |= {"min": str(field.low), "max": str(field.high), "places": field.places}
    elif field.type == "choice":
        found["choices"] = [{"code": code, **dict(text)} for code, text in field.choices]
    elif field.type == "text":
        found["max_length"] = field.max_length
    return found


def _refuse_people(key: str, label: Mapping[str, str], where: str) -> None:
    named = FORBIDDEN_KEYS & {*key.split("_"), key.replace("_", "")}
    said = [word for word in FORBIDDEN_WORDS if word in label["zh_CN"]]
    if named or said:
        raise Invalid("form_field_forbidden", field=f"{where}.key" if named else f"{where}.label",
                      value=key if named else label["zh_CN"])  # fmt: skip


def _number(
    key: str, label: dict[str, str], kind: str, required: bool, value: Mapping[object, object], where: str
) -> FormField:
    places = 0
    if kind == "decimal":
        places = _whole(value.get("places", DEFAULT_PLACES), f"{where}.places", 1, PLACES)
    low = _limit(value.get("min", 0), f"{where}.min", places)
    high = _limit(value.get("max", MAX_NUMBER), f"{where}.max", places)
    if low > high:
        raise Invalid("bad_form_limits", field=f"{where}.max", value=str(high), limit=MAX_NUMBER)
    return FormField(key, label, kind, required, low, high, places)


def _limit(value: object, where: str, places: int) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER:
        return Decimal(value)
    if places and isinstance(value, str) and DECIMAL.fullmatch(value) and decimals(value) <= places:
        return Decimal(value)
    raise Invalid("bad_form_limits", field=where, value=value, limit=MAX_NUMBER)


def decimals(text: str) -> int:
    """How many digits stand behind the point."""
    return len(text.partition(".")[2])


def _choices(value: object, where: str) -> tuple[tuple[str, Mapping[str, str]], ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_CHOICES:
        raise Invalid("bad_form_choices", field=where, value=value, limit=MAX_CHOICES)
    found: dict[str, Mapping[str, str]] = {}
    for place, one in enumerate(value):
        code = one.get("code") if isinstance(one, Mapping) else None
        if not isinstance(code, str) or not _CODE.fullmatch(code) or code in found or not isinstance(one, Mapping):
            raise Invalid("bad_form_choices", field=f"{where}.{place}", value=one, limit=MAX_CHOICES)
        rest = {name: text for name, text in one.items() if name != "code"}
        found[code] = words(rest, f"{where}.{place}", MAX_LABEL)
    return tuple(found.items())


def _whole(value: object, where: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Invalid("out_of_range", field=where, value=value, low=low, high=high)
    return value
