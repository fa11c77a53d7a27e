"""The short version of `./grid bench pages`: a few units; what a page reads doesn't grow with what is held."""

from __future__ import annotations

from pages import FLOOR, measured

from builders import unit_list

ROOM = 1.5  # a year holds more months to add up than a month does; 1.1 to 1.4 when written


def test_a_page_of_figures_reads_no_more_when_a_year_is_held_than_when_a_month_is() -> None:
    units = "\n".join(row for row in unit_list().splitlines() if ",group," not in row)
    rows = measured(groups=1, cases=3_000, runs=1, seed=1, units=units)
    assert rows[0][0].path == FLOOR
    # The matrix adds the months of the year to date: of those there are more when more are held.
    over_a_month = [pair for pair in rows[1:] if "period=2026-" in pair[0].path and "/matrix" not in pair[0].path]
    assert len(over_a_month) >= 3
    grown = {year.path: year.steps / month.steps for month, year in over_a_month if year.steps > ROOM * month.steps}
    assert grown == {}
