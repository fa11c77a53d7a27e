"""The short version of `./grid bench rollup`: forty groups, two months; counts, no seconds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import rollup
from city_year import CityYear

from node.projections import calendar_of
from schemas.checks import Report
from schemas.measures import CHECK_MEASURES, recount
from schemas.units.tree import LEVELS
from sync.database import read

GROUPS, DAYS, CASES = 40, 75, 90


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> tuple[CityYear, list[tuple[rollup.Asked, int, int]]]:
    return rollup.laid_out(GROUPS, DAYS, CASES, Path(tmp_path_factory.mktemp("city")))


def test_no_rollup_reads_more_rows_for_more_records(laid: tuple[CityYear, list[tuple[rollup.Asked, int, int]]]) -> None:
    year, counted = laid
    assert rollup.grown_too_much(year, counted) == []
    assert len(counted) > 20
    assert min(was for _, was, _ in counted) > 100  # they did count something


def test_the_bulk_path_writes_what_a_recount_from_the_reports_says(
    laid: tuple[CityYear, list[tuple[rollup.Asked, int, int]]],
) -> None:
    year, _ = laid
    with read(year.db):
        rows = year.db.execute("SELECT event, unit, day, result, first_recorded_at FROM check_duty").fetchall()
    reports = [
        Report(event, unit, date.fromisoformat(day), "regular", result, int(result == "found"), 0, None, at, at)
        for event, unit, day, result, at in rows
    ]
    assert len(reports) > GROUPS * DAYS * 0.9
    calendar, now_ms = calendar_of(year.db), year.city.clock.at_ms
    for level in LEVELS:
        unit = rollup.unit_at(year, level)
        for first in (rollup.LAST - timedelta(days=DAYS - 1), date(2026, 11, 3)):
            span = f"{first}..2026-11-30"
            document = rollup.answer(year, rollup.Asked(level, span, None))
            expected = recount(
                year.tree, calendar, reports, [], unit, first, rollup.LAST, now_ms, "then", date(2026, 12, 1)
            )
            assert {name: document["measures"][name] for name in CHECK_MEASURES} == expected
            assert expected["checks_found"] or level == "group"
            assert expected["checks_missing"] > 0 or level == "group"
    city = rollup.answer(year, rollup.Asked("city", "2026", None))["measures"]
    assert city["registered"] == CASES


def test_an_unlucky_question_is_named(laid: tuple[CityYear, list[tuple[rollup.Asked, int, int]]]) -> None:
    year, counted = laid
    asked, was, _ = counted[0]
    more = rollup.STEPS_A_ROW * (1 + rollup.more_keys(year, asked)) + 1
    assert len(rollup.grown_too_much(year, [(asked, was, was + more)])) == 1
