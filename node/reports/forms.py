"""The forms that a node holds, as the city published them."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

from node.reports import form_queries
from schemas.errors import GridError
from schemas.events import payload
from schemas.forms import Form, Forms, form_payload, stored_form
from schemas.strict_json import dumps, loads
from sync.replica import Replica, Stored

FORM_KIND: Final = "form"
FORM_SCHEMA: Final = "form/1"


def forms_of(db: Database) -> Forms:
    """Every version of every form; of one that was published twice the last holds."""
    values = [loads(payload) for _, payload in form_queries.versions(db)]
    return Forms(stored_form(value) for value in values if isinstance(value, dict))


def define(replica: Replica, stored: Stored) -> Form | None:
    """Takes a published version in; None for one that the city did not sign. Raises GridError when it can't be read."""
    if stored.event.header.unit != replica.identity.city:
        return None
    value = payload(stored.event)
    number, stated = value.get("no"), value.get("form")
    if isinstance(number, bool) or not isinstance(number, int) or not isinstance(stated, dict):
        raise GridError("unreadable", field="form", value=stored.event.hash, why="no number or no form")
    form = stored_form(stated)
    form_queries.put_version(replica.db, stored.event.hash, form.id, form.version, number, dumps(form_payload(form)))
    return form
