"""Shapes of requests about cases; what the fields mean is read by `schemas.case_actions`."""

from __future__ import annotations

from marshmallow import fields, validate

from node.api.parsing import StrictSchema
from node.api.shapes import DAY, EVENT, SHORT, UNIT, Page
from node.cases.list_queries import SIGNALS

_CODE = validate.Length(1, 40)
_WORDS = validate.Length(max=5_000)


class PartyBody(StrictSchema):
    """Somebody who takes part; name and phone may be left out."""

    role = fields.String(required=True, validate=_CODE)
    name = fields.String(allow_none=True, validate=SHORT)
    phone = fields.String(allow_none=True, validate=SHORT)


class PrivateBody(StrictSchema):
    """What stays at the unit that handles the case."""

    parties = fields.List(fields.Nested(PartyBody), allow_none=True)
    place = fields.String(allow_none=True, validate=_WORDS)
    narrative = fields.String(allow_none=True, validate=_WORDS)
    agreement = fields.String(allow_none=True, validate=_WORDS)


class CaseBody(StrictSchema):
    """A registration."""

    unit = fields.String(required=True, validate=UNIT)
    date = fields.String(allow_none=True, validate=DAY)
    kind = fields.String(required=True, validate=_CODE)
    category = fields.String(required=True, validate=_CODE)
    source = fields.String(required=True, validate=_CODE)
    complexity = fields.String(required=True, validate=_CODE)
    urgency = fields.String(required=True, validate=_CODE)
    scale = fields.String(allow_none=True, validate=_CODE)
    amount_band = fields.String(allow_none=True, validate=_CODE)
    private = fields.Nested(PrivateBody, allow_none=True)


class ActBody(StrictSchema):
    """An act; which of the fields it needs, its row in the transition table says."""

    action = fields.String(required=True, validate=_CODE)
    after = fields.String(required=True, validate=EVENT)
    date = fields.String(allow_none=True, validate=DAY)
    to_unit = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    reason_code = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    body = fields.String(allow_none=True)
    advice = fields.String(allow_none=True)
    result = fields.String(allow_none=True)
    next_date = fields.String(allow_none=True)
    performed_at_once = fields.Boolean(allow_none=True)
    performance_due = fields.String(allow_none=True)
    due = fields.String(allow_none=True)
    reply = fields.String(allow_none=True)
    supervision = fields.String(allow_none=True)
    until = fields.String(allow_none=True)
    to = fields.String(allow_none=True)
    private = fields.Nested(PrivateBody, allow_none=True)


class CasesQuery(Page):
    """Which cases."""

    unit = fields.String(validate=UNIT)
    state = fields.String(validate=SHORT)
    owner = fields.String(validate=UNIT)
    due_before = fields.String(validate=SHORT)
    category = fields.String(validate=_CODE)
    kind = fields.String(validate=_CODE)
    level = fields.String(validate=_CODE)
    source = fields.String(validate=_CODE)
    signal = fields.String(validate=validate.OneOf(SIGNALS))


class SearchBody(StrictSchema):
    """A word of private text, and what it is looked for."""

    text = fields.String(required=True, validate=SHORT)
    purpose = fields.String(required=True, validate=SHORT)


class CaseQuery(StrictSchema):
    """What the private part is opened for; it stands in the log of readings."""

    purpose = fields.String(validate=SHORT)
