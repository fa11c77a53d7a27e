"""JSON as every level reads it: UTF-8, no duplicate keys, no floats, no NaN, no lone surrogates, ASCII keys,
integers below 2^53 in size, at most 16 levels deep. What passes means the same to every reader (design 3-sync).
"""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias

from schemas.errors import BadRequest

MAX_DEPTH: Final = 16
MAX_INTEGER: Final = 2**53  # exclusive
_STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_OPEN: Final = frozenset("[{")
_CLOSE: Final = frozenset("]}")
WHOLE: Final = "body"

Json: TypeAlias = "str | int | bool | None | list[Json] | dict[str, Json]"


class _Unwelcome:
    """Stands for a number that JSON readers disagree on, until the walk can say where it stood."""

    def __init__(self, text: str) -> None:
        self.text = text


class _Pairs(list[tuple[str, object]]):
    """An object as it was written, so that a repeated key is still seen."""


def loads(raw: bytes | str) -> Json:
    """The value of one JSON document. Raises BadRequest naming the field (a dotted path) that breaks a rule."""
    text = _decoded(raw)
    _refuse_depth(text)
    try:
        value = json.loads(
            text, object_pairs_hook=_Pairs, parse_float=_Unwelcome, parse_constant=_Unwelcome, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        raise BadRequest(
            "json_syntax", field=WHOLE, value=text[error.pos : error.pos + 20], line=error.lineno, column=error.colno
        ) from error
    return _walked(value, "")


def dumps(value: object) -> str:
    """The compact text that is hashed and stored; never re-made from what was read."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _decoded(raw: bytes | str) -> str:
    if isinstance(raw, str):
        return raw
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("json_encoding", field=WHOLE, value=repr(raw[error.start : error.start + 4])) from error
    if text.startswith("\ufeff"):
        raise BadRequest("json_encoding", field=WHOLE, value="BOM")
    return text


def _refuse_depth(text: str) -> None:
    """Counts brackets outside strings first: the parser itself would run out of stack on a hostile body."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for sign in _STRINGS.sub("", text):
        if sign in _OPEN:
            depth += 1
            if depth > MAX_DEPTH:
                raise BadRequest("json_too_deep", field=WHOLE, value=depth, limit=MAX_DEPTH)
        elif sign in _CLOSE:
            depth -= 1


def _integer(text: str) -> int | _Unwelcome:
    if len(text) > 17:  # longer than -2^53: not even converted, a digit bomb is quadratic
        return _Unwelcome(text)
    value = int(text)
    return value if -MAX_INTEGER < value < MAX_INTEGER else _Unwelcome(text)


def _walked(value: object, path: str) -> Json:
    if isinstance(value, str):
        _refuse_surrogates(value, path)
        return value
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, _Pairs):
        return _object(value, path)
    if isinstance(value, list):
        return [_walked(item, _joined(path, str(place))) for place, item in enumerate(value)]
    assert isinstance(value, _Unwelcome)
    raise _number_refused(value.text, path)


def _object(pairs: _Pairs, path: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, item in pairs:
        where = _joined(path, key)
        if not key.isascii() or not key.isprintable():
            raise BadRequest("json_key", field=path or WHOLE, value=key.encode("ascii", "backslashreplace").decode())
        if key in found:
            raise BadRequest("json_duplicate_key", field=where, value=key)
        found[key] = _walked(item, where)
    return found


def _refuse_surrogates(text: str, path: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise BadRequest("json_surrogate", field=path or WHOLE, value=shown) from error


def _number_refused(text: str, path: str) -> BadRequest:
    code = "json_big_integer" if re.fullmatch(r"-?[0-9]+", text) else "json_number"
    return BadRequest(code, field=path or WHOLE, value=text[:40])


def _joined(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step
