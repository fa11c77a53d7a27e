"""Words on screen, by key, Chinese first. The catalogues are data: `locale/zh_CN.json` and `locale/en.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Final

from schemas.errors import GridError, Invalid
from schemas.period_words import period_words
from schemas.periods import Period, parse_period
from schemas.reasons import reason_key

LANGUAGES: Final = ("zh_CN", "en")
DEFAULT_LANGUAGE: Final = "zh_CN"
_VALUE_SHOWN = 80  # characters of an offending value that a message repeats
_WHOLE: Final = frozenset({"allowed"})
# Codes that a message says in words: parameters by their name, values by the error's code.
_CODES: Final = {"role": "role.", "level": "level_short.", "fault": "geojson."}
_CODES_AS_VALUE: Final = {"role_not_allowed": "role.", "act_not_allowed": "action."}
# What a broken shape is called: the library that reads shapes speaks English only. The last three are our own shapes.
_SHAPES: Final = (
    ("missing_field", re.compile(r"Missing data for required field\.")),
    ("unknown_field", re.compile(r"Unknown field\.")),
    ("null_field", re.compile(r"Field may not be null\.")),
    ("not_text", re.compile(r"Not a valid (?:utf-8 )?string\.")),
    ("not_whole", re.compile(r"Not a valid integer\.")),
    ("not_true_or_false", re.compile(r"Not a valid boolean\.")),
    ("not_a_list", re.compile(r"Not a valid list\.")),
    ("not_fields", re.compile(r"Invalid (?:input )?type\.|Not a valid mapping type\.")),
    ("bad_length", re.compile(r"Length must be between (?P<low>\d+) and (?P<high>\d+)\.")),
    ("over_length", re.compile(r"Longer than maximum length (?P<high>\d+)\.")),
    ("wrong_length", re.compile(r"Length must be (?P<low>\d+)\.")),
    ("bad_unit", re.compile(r"12 or 15 digits")),
    ("bad_date", re.compile(r"YYYY-MM-DD")),
    ("bad_event", re.compile(r"an event's hash, 43 characters")),
    ("not_one_of", re.compile(r"Must be one of: (?P<allowed>.+)\.")),
    (
        "out_of_range",
        re.compile(r"Must be greater than or equal to (?P<low>\S+) and less than or equal to (?P<high>\S+)\."),
    ),
)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All labels of one language. Raises KeyError for a language that is not shipped."""
    if language not in LANGUAGES:
        raise KeyError(language)
    text = files("schemas").joinpath("locale", f"{language}.json").read_text("utf-8")
    labels: dict[str, str] = json.loads(text)
    return labels


def label(language: str, key: str, /, **params: object) -> str:
    """The text of a key with its `{placeholders}` filled in. Raises KeyError if the key does not exist."""
    return catalogue(language)[key].format(**params)


def period_text(period: Period | str, language: str) -> str:
    """A period, or what its key names, in words; a text that is no period's key stays as it is."""
    try:
        return period_words(parse_period(period) if isinstance(period, str) else period, catalogue(language))
    except Invalid:
        return str(period)


def has_label(language: str, key: str) -> bool:
    """Whether the catalogue holds the key."""
    return key in catalogue(language)


def shown(value: object) -> str:
    """A value as a message repeats it: one line, cut at 80 characters; a path stays whole, its end tells it apart."""
    text = " ".join(_written(value).split())
    return text if len(text) <= _VALUE_SHOWN or isinstance(value, PurePath) else text[: _VALUE_SHOWN - 1] + "…"


def _written(value: object) -> str:
    """A value as its writer put it down: what JSON calls null, true and an object is called so again."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_written, value))
    if value is None or isinstance(value, bool | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def reason(language: str, error: Exception) -> str:
    """What went wrong with a file, in a few words; the error's own where it is not one of a file."""
    key = reason_key(error)
    return label(language, key) if key else shown(getattr(error, "strerror", None) or error)


def _word(language: str, family: str, code: str) -> str:
    """The word of a code; a code that has none stays as it is."""
    return catalogue(language).get(f"{family}{code}", code)


def explain(language: str, error: GridError) -> str:
    """One sentence for people: what was wrong, with the value, and the way out, which is never cut."""
    values = {name: _written(value) if name in _WHOLE else shown(value) for name, value in error.params.items()}
    values |= {name: reason(language, why) for name, why in error.params.items() if isinstance(why, Exception)}
    code, value = error.code, shown(error.value)
    if "period" in values:
        values["period"] = period_text(values["period"], language)
    if error.field == "period":
        value = period_text(value, language)
    values |= {name: _word(language, family, values[name]) for name, family in _CODES.items() if name in values}
    if family := _CODES_AS_VALUE.get(code):
        value = _word(language, family, value)
    for told, pattern in _SHAPES if code == "bad_shape" else ():
        if found := pattern.fullmatch(values.get("why", "")):  # words of the library that reads shapes: English only
            code, values = told, found.groupdict()
            break
    return label(language, f"error.{code}", field=error.field or "", value=value, **values)
