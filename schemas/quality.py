"""Case quality review (考评): what a unit's records show, per unit and never per worker; no total, no ranking, and
nothing that scores fewer cases, fewer petitions, or a share of zeros (1-product, guard rails 3 and 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.measures import Measures, Rate, rate


class Criterion(NamedTuple):
    """A share of what was owed; `opens` are the measures whose records stand behind it, what is lacking first."""

    above: Callable[[Measures], int]
    below: Callable[[Measures], int]
    opens: tuple[str, ...]


def _reported(measures: Measures) -> int:
    return measures["checks_zero"] + measures["checks_found"]


def _checks_judged(measures: Measures) -> int:
    """Duties that were reported, or whose grace ended without a report; excused ones are left out."""
    return _reported(measures) + measures["checks_missing"]


def _confirmations_judged(measures: Measures) -> int:
    return measures["confirmations_done"] + measures["confirmations_missing"]


# Counted from the rows that each case leaves for the review (schemas/cases/review.py).
QUALITY_MEASURES: Final = (
    "follow_ups_due", "follow_ups_done", "follow_ups_in_time", "records_judged", "records_complete",
)  # fmt: skip
CRITERIA: Final[Mapping[str, Criterion]] = MappingProxyType(
    {
        "checks_complete": Criterion(_reported, _checks_judged, ("checks_missing", "checks_zero", "checks_found")),
        "checks_on_time": Criterion(
            lambda m: _reported(m) - m["checks_late"], _checks_judged, ("checks_late", "checks_missing")
        ),
        "confirmations_complete": Criterion(
            lambda m: m["confirmations_done"], _confirmations_judged, ("confirmations_missing", "confirmations_done")
        ),
        "confirmations_on_time": Criterion(
            lambda m: m["confirmations_done"] - m["confirmations_late"],
            _confirmations_judged,
            ("confirmations_late", "confirmations_missing"),
        ),
        "limits_kept": Criterion(lambda m: m["open"] - m["overdue"], lambda m: m["open"], ("overdue", "open")),
        "agreements_performed": Criterion(
            lambda m: m["performed"], lambda m: m["agreed"], ("agreed", "performed", "reneged")
        ),
        "follow_ups_done": Criterion(
            lambda m: m["follow_ups_done"], lambda m: m["follow_ups_due"], ("follow_ups_missed", "follow_ups_due")
        ),
        "follow_ups_in_time": Criterion(
            lambda m: m["follow_ups_in_time"], lambda m: m["follow_ups_due"], ("follow_ups_late", "follow_ups_due")
        ),
        "records_complete": Criterion(
            lambda m: m["records_complete"], lambda m: m["records_judged"], ("records_incomplete", "records_judged")
        ),
    }
)


def review(measures: Measures) -> dict[str, Rate]:
    """Every criterion from measures that hold every name; the value is None where nothing was owed."""
    return {name: rate(one.above(measures), one.below(measures)) for name, one in CRITERIA.items()}
