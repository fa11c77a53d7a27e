"""Request bodies and answers: strict JSON in, problem documents out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from flask import Request, Response, g, request
from marshmallow import Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser

from schemas.errors import PROBLEM_TYPE, BadRequest, GridError, Invalid, TooLarge, UnsupportedMedia
from schemas.labels import explain, label
from schemas.strict_json import Json, dumps, loads

MAX_BODY_BYTES: Final = 256 * 1024
MAX_LIMIT: Final = 500
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")


class StrictSchema(Schema):
    """The shape of a request: unknown fields are refused, so that a typing mistake is not a silent loss."""

    class Meta:
        """marshmallow's own switch."""

        unknown = "raise"


class Whole(fields.Integer):
    """An integer that is one already: `"12"`, `1.9` and `true` are refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class StrictParser(FlaskParser):
    """Reads bodies with the strict loader, and raises our errors."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"json": None, "query": "raise"}  # noqa: RUF012

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body as an object."""
        return json_body()

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """The query's parameters, each at most once: of two values one would be dropped in silence."""
        for name, values in req.args.lists():
            if len(values) > 1:
                raise Invalid("repeated_parameter", field=name, value=values)
        return super().load_querystring(req, schema)

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        """The first field that breaks the shape, by its dotted path."""
        messages: Any = error.normalized_messages()  # type: ignore[no-untyped-call]
        inner = next(iter(messages.values()), {}) if isinstance(messages, dict) else messages
        path, text = _first(inner)
        raise Invalid("bad_shape", field=path or "body", value=_value_at(path), why=text)


def json_body() -> dict[str, Json]:
    """The request's object, read once. Raises BadRequest, TooLarge or UnsupportedMedia naming what is wrong."""
    if "json_body" not in g:
        if request.mimetype != "application/json":
            raise UnsupportedMedia("media_type", field="Content-Type", value=request.mimetype)
        raw = request.stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge("body_too_large", field="body", value=request.content_length, limit=MAX_BODY_BYTES)
        value = loads(raw)
        if not isinstance(value, dict):
            raise BadRequest("not_an_object", field="body", value=dumps(value))
        g.json_body = value
    body: dict[str, Json] = g.json_body
    return body


def idempotency_key(*, required: bool) -> str | None:
    """The request's key. Raises BadRequest when it is missing where it must be, or not 1-128 visible characters."""
    key = request.headers.get("Idempotency-Key")
    if key is None and not required:
        return None
    if key is None or not _KEY.fullmatch(key):
        raise BadRequest("idempotency_key", field="Idempotency-Key", value=key)
    return key


def problem(error: GridError, language: str) -> Response:
    """An error as `application/problem+json` (RFC 9457)."""
    document = {
        "type": "about:blank",
        "title": label(language, f"status.{error.status}"),
        "status": error.status,
        "code": error.code,
        "detail": explain(language, error),
        "field": error.field,
        "retry": error.retry,
        **{name: value for name, value in error.params.items() if isinstance(value, str | int | list)},
    }
    response = Response(dumps(document), error.status, content_type=PROBLEM_TYPE)
    wait = error.params.get("retry_after_s")
    if isinstance(wait, int):
        response.headers["Retry-After"] = str(wait)
    return response


def _first(messages: Any, path: str = "") -> tuple[str, str]:
    if isinstance(messages, dict) and messages:
        key, inner = next(iter(messages.items()))
        return _first(inner, path if key == "_schema" else f"{path}.{key}" if path else str(key))
    if isinstance(messages, list) and messages:
        return path, str(messages[0])
    return path, str(messages)


def _value_at(path: str) -> object:
    value: Any = g.get("json_body", dict(request.args))
    for step in path.split(".") if path else []:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
