"""Quality review (考评) of a unit and of those right below, from the same figures as a rollup."""

from __future__ import annotations

from typing import Any

from node.figures import quality_cases, rollup
from schemas.labels import DEFAULT_LANGUAGE
from schemas.periods import parse_period
from schemas.quality import CRITERIA, QUALITY_MEASURES, review
from sync.replica import Replica


def answer(
    replica: Replica, unit: str, period: str, *, now_ms: int, language: str = DEFAULT_LANGUAGE
) -> dict[str, Any]:
    """The document of `GET /api/v1/quality`: rows in directory order. Raises NotFound and Invalid naming the field."""
    found: Any = rollup.answer(replica, unit, period, by="children", tree="then", now_ms=now_ms, language=language)
    of_cases, nothing = quality_cases.figures(replica, unit, parse_period(period)), dict.fromkeys(QUALITY_MEASURES, 0)
    rows = [
        {
            "key": row["key"],
            "label": row["label"],
            "criteria": review({**row["measures"], **of_cases.get(row["key"], nothing)}),
        }
        for row in found["rows"]
    ]
    return {
        "unit": unit,
        "period": found["period"],
        "as_of": found["as_of"],
        "position": found["position"],
        "criteria": review({**found["measures"], **of_cases[""]}),
        "opens": {name: list(one.opens) for name, one in CRITERIA.items()},
        "rows": rows,
    }
