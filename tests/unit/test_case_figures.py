"""The figures of the 2022 no. 4 bulletin, dimensions, and the matrix."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta

import pytest
from case_stories import DAY, Story, days

from schemas.cases.fold import Case
from schemas.cases.matrix import Cell, matrix
from schemas.cases.measures import CASE_MEASURES, DIMENSIONS, case_rates, recount, recount_by
from schemas.clock import at_time

FIRST, LAST = date(2021, 3, 1), date(2022, 4, 29)
LATER_MS = at_time(date(2027, 6, 1), time())


def everywhere(unit: str, day: date) -> bool:
    return True


def nonzero(counts: dict[str, int]) -> dict[str, int]:
    assert tuple(counts) == CASE_MEASURES
    return {name: number for name, number in counts.items() if number}


def agreed_case(story: Story, unit: str) -> Story:
    for action in ("accept", "mediate", "agree"):
        story.act(action, unit)
    return story


# The figures of the bulletin


def bulletin_cases() -> Iterator[Case]:
    """802 cases of the city centre: 525 self, 276 court, 1 petition; 666 agreed, of these 100 confirmed."""
    sources = ["self_applied"] * 525 + ["court"] * 276 + ["petition"]
    for number, source in enumerate(sources):
        day = FIRST + timedelta(days=number % (LAST - FIRST).days)
        agreed = number < 666
        acts = ["accept", "mediate", "agree" if agreed else "fail"]
        if agreed and number % 6 == 0 and number < 600:
            acts += ["apply_confirmation", "confirm"]
        story = Story("city", day=day, source=source, category=f"{number % 14 + 1:02}")
        for action in acts:
            due = {"performance_due": "2022-05-01"} if action == "agree" else {}
            story.act(action, "city", **due)
        yield story.case


def test_the_bulletin_s_figures_come_out() -> None:
    cases = list(bulletin_cases())
    counts = recount(cases, FIRST, LAST, everywhere, LATER_MS)
    assert nonzero(counts) == {
        "registered": 802,
        "accepted": 802,
        "mediated": 802,
        "agreed": 666,
        "not_agreed": 136,
        "confirmed": 100,
        "settled_at_city": 666,
    }
    rates = case_rates(counts)
    assert {name: rate["value"] for name, rate in rates.items()} == {
        "mediation_rate": "100.00",
        "success_rate": "83.04",
        "performance_rate": "0.00",
        "confirmation_of_mediated": "12.47",
        "confirmation_of_agreed": "15.02",
        "settled_within_village": "0.00",
        "settled_within_township": "0.00",
    }
    groups = recount_by("source_group", cases, FIRST, LAST, everywhere, LATER_MS)
    assert {key: row["accepted"] for key, row in groups.items()} == {
        "self": 525,
        "court": 276,
        "petition": 1,
        "transfer": 0,
    }


@pytest.mark.parametrize("dimension", list(DIMENSIONS))
def test_the_rows_of_a_dimension_add_up_to_the_whole(dimension: str) -> None:
    cases = some_cases()
    whole = recount(cases, DAY, DAY + days(9), everywhere, LATER_MS)
    rows = recount_by(dimension, cases, DAY, DAY + days(9), everywhere, LATER_MS)
    assert set(DIMENSIONS[dimension]) <= set(rows)
    assert {name: sum(row[name] for row in rows.values()) for name in CASE_MEASURES} == whole
    assert whole["registered"] == len(cases)


def some_cases() -> list[Case]:
    stories = [
        agreed_case(Story("g1", category="01"), "g1"),
        agreed_case(Story("v1", category="01", source="police"), "v1"),
        Story("t1", kind="hazard", category="fire", urgency="red"),
        Story("t2", category="hubei-2030", source="court"),
    ]
    stories[2].act("accept", "t1")
    stories[2].act("mediate", "t1")
    stories[2].act("fail", "t1", day=DAY + days(3))
    return [story.case for story in stories]


# The matrix


def test_the_matrix_counts_categories_by_the_level_that_handled() -> None:
    rows = {row.key: row for row in matrix(some_cases(), DAY, DAY + days(1), everywhere)}
    assert list(rows)[-1] == "total"
    assert {key for key, row in rows.items() if row.subtotal != (0, 0)} == {"01", "total"}
    one, hazard, total = rows["01"], rows["fire"], rows["total"]
    assert (one.cells["group"], one.cells["village"], one.cells["city"]) == (Cell(1, 1), Cell(1, 1), Cell(0, 0))
    assert (one.subtotal, one.year_to_date) == (Cell(2, 2), Cell(2, 2))
    assert (hazard.subtotal, hazard.year_to_date) == (Cell(0, 0), Cell(0, 0))
    assert (total.subtotal, total.cells["group"]) == (Cell(2, 2), Cell(1, 1))


def test_the_year_to_date_begins_on_the_first_of_january() -> None:
    rows = {row.key: row for row in matrix(some_cases(), DAY + days(2), DAY + days(3), everywhere)}
    assert (rows["fire"].subtotal, rows["fire"].year_to_date) == (Cell(1, 0), Cell(1, 0))
    assert (rows["01"].subtotal, rows["01"].year_to_date) == (Cell(0, 0), Cell(2, 2))
    assert (rows["total"].subtotal, rows["total"].year_to_date) == (Cell(1, 0), Cell(3, 2))
    later = matrix(some_cases(), date(2027, 1, 1), date(2027, 1, 31), everywhere)
    assert [row.year_to_date for row in later] == [Cell(0, 0)] * len(later)
    assert len(later) == 23


def test_a_category_of_a_later_list_has_a_row_of_its_own() -> None:
    case = agreed_case(Story(category="hubei-2030"), "g1").case
    keys = [row.key for row in matrix([case], DAY, DAY, everywhere)]
    assert keys[-2:] == ["hubei-2030", "total"]
