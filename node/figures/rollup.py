"""Rollups of checks and cases as documents: any unit, any span, the tree as it was or as it is. The rows that are read
don't depend on the number of records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from node.figures.rollup_figures import MATRIX, Rollup
from node.figures.rollup_question import CAMPAIGN, asked
from schemas.cases.measures import DIMENSIONS as CASE_DIMENSIONS
from schemas.cases.measures import case_rates
from schemas.clock import iso_instant
from schemas.comparison import compared, kinds_of, other_period
from schemas.errors import Invalid
from schemas.labels import DEFAULT_LANGUAGE, label
from schemas.measures import rates
from schemas.periods import Period, parse_period
from sync.database import read
from sync.replica import Replica

DIMENSIONS: Final = ("children", "day", *CASE_DIMENSIONS, CAMPAIGN, MATRIX)


def answer(
    replica: Replica,
    unit: str,
    period: str,
    *,
    by: str | None,
    tree: str,
    now_ms: int,
    language: str = DEFAULT_LANGUAGE,
    campaign: str | None = None,
    categories: str | None = None,
    compare: str | None = None,
) -> dict[str, Any]:
    """The rollup document of 4-interfaces. Raises NotFound and Invalid naming the field."""
    if by not in (None, "", *DIMENSIONS):
        raise Invalid("bad_dimension", field="by", value=by, allowed=", ".join(DIMENSIONS))
    span, kinds = parse_period(period), kinds_of(compare)
    with read(replica.db):
        question = asked(replica, unit, span, tree, now_ms, campaign, categories)
        rollup = Rollup(replica, question)
        total = rollup.measures(unit, span.first, span.last)
        rows = [{**row, "rates": all_rates(row["measures"], language)} for row in rollup.rows(by or None, language)]
        whole = {"measures": total, "rates": all_rates(total, language)}
        beside = {kind: _compared(rollup, unit, span, whole, kind, language) for kind in kinds}
    return {
        "unit": unit,
        "period": span.key,
        "tree": tree,
        **({"campaign": campaign} if campaign else {}),
        **({"categories": categories} if categories else {}),
        "as_of": iso_instant(now_ms),
        "position": question.position,
        **whole,
        "rows": rows,
        **({"comparison": beside} if kinds else {}),
    }


def _compared(
    rollup: Rollup, unit: str, span: Period, whole: Mapping[str, Any], kind: str, language: str
) -> dict[str, Any] | None:
    other = other_period(span, kind)
    if other is None:
        return None
    measures = rollup.measures(unit, other.first, other.last)
    return compared(whole, {"measures": measures, "rates": all_rates(measures, language)}, other)


def all_rates(measures: Mapping[str, int], language: str) -> dict[str, Any]:
    """Every rate of checks and cases; one over 100 % with a note that says why."""
    found: dict[str, Any] = {**rates(measures), **case_rates(measures)}
    for one in found.values():
        if "note" in one:
            one["note"] = label(language, one["note"])
    return found
