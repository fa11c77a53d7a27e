"""Small figures, masked for whoever may not open the records (2-domain, Masking); bulletins and exports use it too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from node.access import EVIDENCE
from node.figures import rollup
from schemas.errors import Forbidden
from schemas.masking import below_township, masked
from schemas.periods import Period, parse_period, period_of
from sync.directory import tree_of
from sync.replica import Replica

_ONE_DAY: Final = timedelta(days=1)


def mask(replica: Replica, document: dict[str, Any], by: str | None) -> dict[str, Any]:
    """A rollup document by a dimension as it may be printed; `rollup.answer` gave it."""
    return masked(document, by or None, tree_of(replica).level)


def for_role(
    replica: Replica, document: dict[str, Any], by: str | None, role: str, *, now_ms: int, as_of: str | None
) -> dict[str, Any]:
    """The document as somebody of a role may read it: exact for who may open the records. Of a whole month, the tree as
    it was, a figure is masked alike wherever it stands (decision 0019); every other table by itself. `now_ms`,
    `as_of`: of when it was asked for. Call inside `read` of the database that it was read from.
    """
    if role in EVIDENCE:
        return document
    level_of, by = tree_of(replica).level, by or None
    month = _month(document) if as_of is None else None
    seen = _seen(replica, document["unit"], month, now_ms) if month else None
    return masked(document, by, level_of, seen)


def form_for_role(document: dict[str, Any], role: str) -> dict[str, Any]:
    """A form's rollup as somebody of a role may read it: whole for who may open the returns. Else from township level
    up, where no figure is masked: rows below it are left out together (`rows_withheld`), so none can be worked out.
    Raises Forbidden for a unit below township level.
    """
    if role in EVIDENCE:
        return document
    if below_township(document["level"]):
        raise Forbidden("small_forms", field="unit", value=document["unit"])
    small = any(below_township(row["level"]) for row in document["rows"])
    return {**document, "rows": [] if small else document["rows"], "rows_withheld": small}


def _month(document: dict[str, Any]) -> Period | None:
    """The month that a document is about, if all that can be asked about it beside the dimension is as usual."""
    if document["tree"] != "then" or "campaign" in document or "categories" in document:
        return None
    span = parse_period(document["period"])
    month = period_of("month", span.first)
    return month if (month.first, month.last) == (span.first, span.last) else None


def _seen(replica: Replica, unit: str, month: Period, now_ms: int) -> dict[str, Any] | None:
    """A unit's measures of a month as they stand in the table of the unit above, whose own come from further above: so
    they are the same wherever a viewer meets them. None where they stand in no such table.
    """
    tree = tree_of(replica)
    if not below_township(tree.level(unit)):
        return {}
    lines = tree.lineages(unit, month.first, month.last + _ONE_DAY)
    parents = {above[1] for _, _, above in lines if len(above) > 1}
    if len(parents) != 1:
        return None
    parent = parents.pop()
    seen = _seen(replica, parent, month, now_ms)
    if seen is None:
        return None
    table = rollup.answer(replica, parent, month.key, by="children", tree="then", now_ms=now_ms)
    rows = masked(table, "children", tree.level, seen)["rows"]
    return next((row["measures"] for row in rows if row["key"] == unit), None)
