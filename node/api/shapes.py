"""Shapes of requests and answers, as the OpenAPI document shows them."""

from __future__ import annotations

import re
from typing import Final

from marshmallow import ValidationError, fields, post_dump, validate

from node.api.parsing import MAX_LIMIT, StrictSchema, Whole
from schemas.cases.lists import REASONS
from schemas.duties import STATES
from schemas.returns import STATES as RETURN_STATES
from schemas.units.acts import LEVELS

UNIT: Final = validate.Regexp(r"\A[0-9]{12}(?:[0-9]{3})?\Z", error="12 or 15 digits")
DAY: Final = validate.Regexp(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", error="YYYY-MM-DD")
EVENT: Final = validate.Regexp(r"\A[A-Za-z0-9_-]{43}\Z", error="an event's hash, 43 characters")
DUTY_KINDS: Final = ("check", "confirmation", "form", "all")
SHORT: Final = validate.Length(max=200)
PERIOD: Final = validate.Length(1, 200)  # `period=` is a value that got lost, not the month of today


class Instant(fields.Field[object]):
    """An instant as RFC 3339 text or unix ms; the domain rule reads it."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> object:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ValidationError("RFC 3339 text or unix ms")
        return value


class Count(fields.Field[int]):
    """A number in a query string: ASCII digits only."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,6}", value):
            raise ValidationError("1-6 digits")
        return int(value)


class Found(StrictSchema):
    """What a check found, in numbers."""

    disputes = Whole(required=True, validate=validate.Range(0, 999))
    hazards = Whole(required=True, validate=validate.Range(0, 999))
    cases = fields.List(
        fields.String(validate=validate.Length(equal=36)), allow_none=True, validate=validate.Length(max=50)
    )


class Number(fields.Field[int]):
    """A log position in a query string: ASCII digits only."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,15}", value):
            raise ValidationError("1-15 digits")
        return int(value)


class CheckBody(StrictSchema):
    """One check; the unit, its date and the result are needed."""

    unit = fields.String(required=True, validate=UNIT)
    date = fields.String(required=True, validate=DAY)
    result = fields.String(required=True, validate=validate.OneOf(["zero", "found"]))
    found = fields.Nested(Found, allow_none=True)
    occasion = fields.String(allow_none=True, validate=SHORT)
    depth = fields.String(allow_none=True, validate=validate.OneOf(["general", "key"]))
    direction = fields.String(allow_none=True, validate=validate.OneOf(["vertical", "horizontal"]))
    theme = fields.String(allow_none=True, validate=validate.Length(1, 40))
    places_visited = Whole(allow_none=True, validate=validate.Range(0, 9999))
    staff_no = Whole(allow_none=True, validate=validate.Range(0, 999))
    amends = fields.String(allow_none=True, validate=EVENT)
    recorded_at = Instant(allow_none=True)


class ReturnBody(StrictSchema):
    """Why a report is returned: words of 1-500 characters, which stay private, beside an optional public code."""

    reason = fields.String(required=True, validate=validate.Length(1, 500))
    reason_code = fields.String(allow_none=True, validate=validate.OneOf(REASONS))
    text = fields.String(allow_none=True, validate=validate.Length(1, 500))


class ConfirmationBody(StrictSchema):
    """Which period of which unit is confirmed; its figures are not typed, they come from the rollup."""

    unit = fields.String(required=True, validate=UNIT)
    period = fields.String(required=True, validate=PERIOD)
    remarks = fields.String(allow_none=True, validate=validate.Length(max=1000))


class FormReturnBody(StrictSchema):
    """A filled form: which one, of whom, for which period, and a value for each of its fields."""

    form = fields.String(required=True, validate=validate.Length(1, 40))
    unit = fields.String(required=True, validate=UNIT)
    period = fields.String(required=True, validate=PERIOD)
    values = fields.Dict(required=True, keys=fields.String(), validate=validate.Length(max=200))


class Page(StrictSchema):
    """Paging by key: `after` is the last answer's `next`."""

    after = fields.String(validate=SHORT)
    limit = Count(load_default=100, validate=validate.Range(1, MAX_LIMIT))


class ChecksQuery(Page):
    """Which checks."""

    unit = fields.String(validate=UNIT)
    from_ = fields.String(data_key="from", validate=DAY)
    to = fields.String(validate=DAY)


class ConfirmationsQuery(Page):
    """Whose confirmations, of periods that end up to which day."""

    unit = fields.String(validate=UNIT)
    to = fields.String(validate=DAY)


class FormsQuery(Page):
    """Which day's forms, of which level."""

    at = fields.String(validate=DAY)
    level = fields.String(validate=validate.OneOf(LEVELS))


class FormReturnsQuery(Page):
    """Which form's returns, of whose subtree, of which period."""

    form = fields.String(required=True, validate=SHORT)
    unit = fields.String(validate=UNIT)
    period = fields.String(validate=PERIOD)


class FormDutiesQuery(Page):
    """Who owes a form, as of when, in which state."""

    form = fields.String(required=True, validate=SHORT)
    unit = fields.String(validate=UNIT)
    period = fields.String(required=True, validate=PERIOD)
    tree = fields.String(load_default="then", validate=validate.OneOf(["then", "now"]))
    state = fields.String(validate=validate.OneOf(RETURN_STATES))
    as_of = fields.String(validate=SHORT)


class FormRollupQuery(StrictSchema):
    """Which form's totals, of whose subtree, as of when."""

    form = fields.String(required=True, validate=SHORT)
    unit = fields.String(validate=UNIT)
    period = fields.String(required=True, validate=PERIOD)
    tree = fields.String(load_default="then", validate=validate.OneOf(["then", "now"]))
    as_of = fields.String(validate=SHORT)
    format = fields.String(load_default="json", validate=validate.OneOf(["json", "csv", "xlsx"]))


class QualityQuery(StrictSchema):
    """Which unit and period are reviewed."""

    unit = fields.String(validate=UNIT)
    period = fields.String(required=True, validate=PERIOD)


class QualityRecordsQuery(Page):
    """The cases behind a figure of the review; `own`: only those that the unit itself answers for."""

    unit = fields.String(validate=UNIT)
    period = fields.String(required=True, validate=PERIOD)
    list = fields.String(required=True, validate=SHORT)
    own = fields.Boolean()


class DutiesQuery(Page):
    """Which day of which subtree, of which level and kind, and duties in which state."""

    unit = fields.String(validate=UNIT)
    date = fields.String(validate=DAY)
    level = fields.String(validate=validate.OneOf(["group", "village", "township", "county", "city"]))
    kind = fields.String(validate=validate.OneOf(DUTY_KINDS))
    state = fields.String(validate=validate.OneOf(tuple(dict.fromkeys((*STATES, *RETURN_STATES)))))


class UnitsQuery(Page):
    """Which units: children of a parent, of a level, on a day."""

    parent = fields.String(validate=UNIT)
    level = fields.String(validate=validate.OneOf(["group", "village", "township", "county", "city"]))
    at = fields.String(validate=DAY)


class RollupQuery(StrictSchema):
    """Which figures."""

    unit = fields.String(validate=UNIT)
    period = fields.String(validate=PERIOD)
    by = fields.String(validate=SHORT)
    campaign = fields.String(validate=SHORT)
    categories = fields.String(validate=SHORT)
    compare = fields.String(validate=SHORT)
    tree = fields.String(load_default="then", validate=validate.OneOf(["then", "now"]))
    as_of = fields.String(validate=SHORT)
    format = fields.String(load_default="json", validate=validate.OneOf(["json", "csv", "xlsx"]))
    part = fields.String(load_default="table", validate=validate.OneOf(["table", "definitions"]))


class RecordsQuery(Page):
    """Which cell."""

    unit = fields.String(validate=UNIT)
    period = fields.String(validate=PERIOD)
    measure = fields.String(required=True, validate=SHORT)
    under = fields.String(validate=UNIT)
    tree = fields.String(load_default="then", validate=validate.OneOf(["then", "now"]))
    as_of = fields.String(validate=SHORT)
    category = fields.String(validate=SHORT)
    source = fields.String(validate=SHORT)
    source_group = fields.String(validate=SHORT)
    level = fields.String(validate=SHORT)
    kind = fields.String(validate=SHORT)
    urgency = fields.String(validate=SHORT)
    campaign = fields.String(validate=SHORT)
    categories = fields.String(validate=SHORT)
    format = fields.String(load_default="json", validate=validate.OneOf(["json", "csv", "xlsx"]))


class ArrivedQuery(Page):
    """What came after a log position, or after an instant."""

    unit = fields.String(validate=UNIT)
    period = fields.String(validate=PERIOD)
    since = Number()
    as_of = fields.String(validate=SHORT)


class UserBody(StrictSchema):
    """A new account."""

    name = fields.String(required=True, validate=validate.Length(1, 40))
    role = fields.String(required=True, validate=validate.Length(1, 20))
    unit = fields.String(allow_none=True, validate=UNIT)


class Document(StrictSchema):
    """Any object; the answers are described in docs/api.md."""

    class Meta:
        """Answers may grow."""

        unknown = "include"

    @post_dump(pass_original=True)
    def whole(self, _dumped: object, original: object, **_kwargs: object) -> object:
        """The answer as it is: marshmallow would drop every field that the schema does not name."""
        return original
