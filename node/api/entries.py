"""`/api/v1/entries`: what a phone's outbox sends; `/api/v1/phone`: what it shows without a network."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask import request
from flask.views import MethodView
from flask_wtf.csrf import generate_csrf
from marshmallow import fields, validate

from node.api.base import blueprint
from node.api.case_shapes import PrivateBody
from node.api.parsing import StrictSchema, Whole, idempotency_key, json_body
from node.api.shapes import DAY, UNIT, Document
from node.guard import language, me, replica, wake
from node.pages.phone import version
from node.pages.records import recent
from node.pages.reminding import reminded
from node.phones import entries, phone
from node.scope import today_of
from schemas.entries import KINDS, entry_id, phone_instant
from sync.database import read
from sync.directory import tree_of

routes = blueprint("entries", "手机填报 / entries made on a phone")
PHONE_NOW: Final = "Grid-Phone-Now"
_CODE: Final = validate.Length(1, 40)
# Records shown for each unit: a worker has one or a few groups, a village with all of its own gets the last days only.
FEW_UNITS: Final = 5
RECORD_DAYS: Final = (14, 3)


class FoundBody(StrictSchema):
    """What was found: the fields of a registration without unit and date."""

    kind = fields.String(required=True, validate=_CODE)
    category = fields.String(required=True, validate=_CODE)
    source = fields.String(required=True, validate=_CODE)
    complexity = fields.String(required=True, validate=_CODE)
    urgency = fields.String(required=True, validate=_CODE)
    scale = fields.String(allow_none=True, validate=_CODE)
    amount_band = fields.String(allow_none=True, validate=_CODE)
    private = fields.Nested(PrivateBody, allow_none=True)


class EntryBody(StrictSchema):
    """One entry, by the version of the form that it was made with; instants in unix ms of the phone's clock."""

    form = Whole(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    unit = fields.String(required=True, validate=UNIT)
    date = fields.String(required=True, validate=DAY)
    today = fields.Boolean()
    made_at = Whole(required=True)
    seen_at = Whole(allow_none=True)
    offset_ms = Whole(allow_none=True)
    case = fields.Nested(FoundBody, allow_none=True)


@routes.route("/entries")
class Entries(MethodView):
    """Entries that were made on a phone, maybe long before they arrive."""

    @routes.arguments(EntryBody)
    @routes.response(201, Document)
    @routes.alt_response(200, schema=Document, description="The same entry came before")
    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Records a zero-report, or registers a case and counts it in the day's report, in one transaction. The
        Idempotency-Key is the entry's id, given by the phone; `Grid-Phone-Now` is its clock on sending, unix ms.
        """
        key = entry_id(idempotency_key(required=True))
        answer = entries.take(replica(), key, json_body(), phone_instant(request.headers.get(PHONE_NOW)))
        wake()
        return answer.document, 200 if answer.repeated else 201


@routes.route("/phone")
class Phone(MethodView):
    """What a phone keeps."""

    @routes.response(200, Document)
    def get(self) -> dict[str, Any]:
        """The account, its units with the state of their last days and records, the node's clock (unix ms), the
        token to send with, and the version of the page that this node gives out.
        """
        node, account = replica(), me()
        tree, today = tree_of(node), today_of(node)
        units = []
        with read(node.db):
            groups = phone.units_of(node, account)
            days = RECORD_DAYS[len(groups) > FEW_UNITS]
            for one in groups:
                records = recent(node, [one.id], today - timedelta(days=days), today)
                units.append(
                    {
                        "id": one.id, "name": one.name, "path": phone.path_names(tree, one.id, today),
                        "reminded": reminded(node, [one.id]),
                        "records": [{**each, "day": each["day"].isoformat()} for each in records],
                        **phone.day_by_day(node, one),
                    }
                )  # fmt: skip
        return {
            "account": account.name, "role": account.role, "unit": account.unit, "lang": language(),
            "home": account.role == "worker" and bool(units), "now": node.env.now_ms(), "csrf": generate_csrf(),
            "version": version(), "units": units,
        }  # fmt: skip
