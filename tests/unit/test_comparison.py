from __future__ import annotations

from datetime import date

import pytest

from schemas.comparison import change, compared, kinds_of, last_year, other_period, points, previous
from schemas.errors import Invalid
from schemas.measures import rate
from schemas.periods import parse_period


@pytest.mark.parametrize(
    ("period", "before", "year"),
    [
        ("2026-11", "2026-10", "2025-11"),
        ("2026-01-01", "2025-12-31", "2025-01-01"),
        ("2026-W01", "2025-W52", "2025-W01"),
        ("2027-W01", "2026-W53", "2026-W01"),
        ("2026-W53", "2026-W52", "2025-W52"),
        ("2026-11-H1", "2026-10-H2", "2025-11-H1"),
        ("2026-Q1", "2025-Q4", "2025-Q1"),
        ("2026-S2", "2026-S1", "2025-S2"),
        ("2026", "2025", "2025"),
        ("2024-02-29", "2024-02-28", "2023-02-28"),
        ("2026-11-01..2026-11-22", "2026-10-01..2026-10-22", "2025-11-01..2025-11-22"),
        ("2026-03-01..2026-03-30", "2026-02-01..2026-02-28", "2025-03-01..2025-03-30"),
        ("2026-02-01..2026-02-28", "2026-01-01..2026-01-31", "2025-02-01..2025-02-28"),
        ("2024-02-10..2024-02-29", "2024-01-21..2024-02-09", "2023-02-10..2023-02-28"),
        ("2026-10-25..2026-11-03", "2026-10-15..2026-10-24", "2025-10-25..2025-11-03"),
    ],
)
def test_every_period_has_the_one_before_and_the_same_one_a_year_earlier(period: str, before: str, year: str) -> None:
    span = parse_period(period)
    assert (previous(span).key, last_year(span).key) == (before, year)
    for found in (previous(span), last_year(span)):
        assert parse_period(found.key) == found
        assert found.last < span.first or found.first < span.first


def test_there_is_nothing_before_the_calendar_begins() -> None:
    assert other_period(parse_period("2000-01"), "previous") is None
    assert other_period(parse_period("2000"), "last_year") is None


@pytest.mark.parametrize("text", ["month", "previous,last_year"])
def test_another_comparison_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        kinds_of(text)


def test_a_change_has_its_percent_where_there_was_something_and_a_rate_its_points() -> None:
    assert change(15, 10) == {"difference": 5, "percent": "50.00"}
    assert change(2, 3) == {"difference": -1, "percent": "-33.33"}
    assert change(2, 0) == {"difference": 2, "percent": None}
    assert points(rate(3, 4), rate(1, 2)) == "25.00"
    assert points(rate(3, 4), rate(0, 0)) is None
    now, then = ({"measures": {"open": n}, "rates": {"share": rate(n, 10)}} for n in (4, 5))
    span = parse_period("2026-10")
    assert compared(now, then, span) == {
        "period": "2026-10", "from": "2026-10-01", "to": date(2026, 10, 31).isoformat(), "measures": {"open": 5},
        "rates": {"share": rate(5, 10)}, "change": {"open": {"difference": -1, "percent": "-20.00"}},
        "points": {"share": "-10.00"},
    }  # fmt: skip
