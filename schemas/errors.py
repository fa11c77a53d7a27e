"""One error tree: every refusal has a stable code, an HTTP status, and whether sending again helps.

The words for people stand in the label catalogues under `error.<code>`; a test keeps both in step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

PROBLEM_TYPE = "application/problem+json"


class GridError(Exception):
    """A refusal. `code` names a text `error.<code>` in the label catalogues; `value` and `params` fill it in.

    `field` names the offending field (a dotted path, a header, or "body"), `value` is the value as it was given.
    """

    status: ClassVar[int] = 500
    retry: ClassVar[bool] = False

    def __init__(self, code: str, *, field: str | None = None, value: object = None, **params: object) -> None:
        super().__init__(code, field, value, params)
        self.code = code
        self.field = field
        self.value = value
        self.params: Mapping[str, object] = params

    def __str__(self) -> str:
        about = f" ({self.field}={self.value!r})" if self.field else ""
        extra = "".join(f" {k}={v}" for k, v in self.params.items())
        return f"{self.code}{about}{extra}"


class BadRequest(GridError):
    """The request can't be read at all."""

    status = 400


class Unauthorised(GridError):
    """Nobody is signed in, or the credentials do not hold."""

    status = 401


class Forbidden(GridError):
    """The role or the unit of the user does not allow it."""

    status = 403


class NotFound(GridError):
    """What was asked for is not held here."""

    status = 404


class MethodNotAllowed(GridError):
    """There is such an address, but not with this method; `allowed` names those that there are."""

    status = 405


class Conflict(GridError):
    """The request is right in itself but not in the present state."""

    status = 409


class TooLarge(GridError):
    """Over a named limit."""

    status = 413


class UnsupportedMedia(GridError):
    """The encoding or content type is not one that is read here."""

    status = 415


class Invalid(GridError):
    """A field breaks a rule; the message names field, value and rule."""

    status = 422


class TooMany(GridError):
    """Too many attempts; waiting helps."""

    status = 429
    retry = True


class Unavailable(GridError):
    """Busy; sending the same again later helps."""

    status = 503
    retry = True


class DiskFull(GridError):
    """The disk reserve is reached; nothing was stored."""

    status = 507
    retry = True


class Corrupt(GridError):
    """Bytes that we hold do not fit each other; found by `verify` and by the store function."""

    status = 500
