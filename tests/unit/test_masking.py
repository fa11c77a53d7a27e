"""No masked figure can be worked out: not from the sums together, and not from one sum and what its masks say."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cases.measures import CASE_MEASURES, CASE_RATES, SETTLED_AT, case_rates
from schemas.masking import BELOW, Masked, inputs_of, is_masked, masked, shown
from schemas.measures import CHECK_MEASURES, RATES, rates
from schemas.suppression import SMALL, Key, Sum, is_small, suppress

MASK = {"value": None, "masked": True}
Table = tuple[dict[Key, int], list[Sum]]


def table_of(rows: list[list[int]]) -> Table:
    """A table with row totals, column totals and the total of all, and everything that adds up in it."""
    columns = range(len(rows[0]))
    values: dict[Key, int] = {}
    for place, row in enumerate(rows):
        values |= {(place, column): row[column] for column in columns} | {(place, "all"): sum(row)}
    values |= {("all", column): sum(row[column] for row in rows) for column in columns}
    values["all", "all"] = sum(map(sum, rows))
    places: list[Any] = [*range(len(rows)), "all"]
    sums = [Sum((place, "all"), tuple((place, column) for column in columns)) for place in places]
    sums += [Sum(("all", column), tuple((place, column) for place in range(len(rows)))) for column in [*columns, "all"]]
    return values, sums


def rank(rows: list[list[Fraction]]) -> int:
    """The rank of a matrix, by plain elimination."""
    found, rows = 0, [list(row) for row in rows]
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows[found:] if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        for place in range(found + 1, len(rows)):
            factor = rows[place][column] / pivot[column]
            rows[place] = [one - factor * two for one, two in zip(rows[place], pivot, strict=True)]
        found += 1
    return found


def determined(sums: list[Sum], hidden: list[Key]) -> list[Key]:
    """The hidden cells that the sums determine: adding "this cell is known" tells nothing new."""
    system = [[Fraction(int(cell in one.parts) - int(cell == one.total)) for cell in hidden] for one in sums]
    full = rank(system)
    return [cell for cell in hidden if rank([*system, [Fraction(int(cell == one)) for one in hidden]]) == full]


def values_of(cell: Key, one: Sum, values: dict[Key, int], hidden: set[Key], small: set[Key], high: int) -> set[int]:
    """The values that a small hidden part can have by one sum alone, tried one by one."""
    others = [part for part in one.parts if part in hidden and part != cell]
    rest = values[one.total] - sum(values[part] for part in one.parts if part not in hidden)
    choices = [list(SMALL) if part in small else [0, *range(SMALL.stop, high)] for part in others]
    left = {rest - sum(chosen) for chosen in product(*choices)}
    return left & set(SMALL)


figures = st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5, 6, 9, 30])


@settings(max_examples=150)
@given(
    rows=st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(figures, min_size=width, max_size=width), min_size=1, max_size=4)
    ),
    totals_too=st.booleans(),
)
def test_no_onlooker_can_work_a_masked_figure_out(rows: list[list[int]], totals_too: bool) -> None:
    values, sums = table_of(rows)
    sensitive = [key for key in values if totals_too or "all" not in key]  # type: ignore[operator]
    hidden, said, lost = suppress(values, sums, sensitive)
    small = {key for key in sensitive if is_small(values[key])}
    assert small <= hidden
    assert (said <= small, lost) == (True, frozenset())
    assert hidden == (hidden if small else frozenset())
    assert determined(sums, sorted(hidden, key=repr)) == []
    for one in sums:
        in_it = [part for part in (one.total, *one.parts) if part in hidden]
        assert len(in_it) != 1, one
        if one.total not in hidden and len(in_it) <= 4:
            for cell in small.intersection(one.parts):
                assert len(values_of(cell, one, values, set(hidden), small, 200)) > 1, (one, cell)


@settings(max_examples=100)
@given(parts=st.lists(figures, min_size=1, max_size=6), rest=st.lists(figures, max_size=2))
def test_beside_a_printed_total_no_mask_gives_a_small_figure_away_and_nothing_printed_is_masked(
    parts: list[int], rest: list[int]
) -> None:
    values = {"total": sum(parts) + sum(rest), **dict(enumerate(parts)), **{f"p{n}": one for n, one in enumerate(rest)}}
    printed = {"total", *(f"p{n}" for n in range(len(rest)))}
    one = Sum("total", tuple(key for key in values if key != "total"))
    found = suppress(values, [one], range(len(parts)), printed)
    small = {key for key in range(len(parts)) if is_small(values[key])}
    assert (small <= found.masked, found.masked & printed, found.lost <= small) == (True, frozenset(), True)
    assert bool(found.lost) == (len(parts) == 1 and bool(small))
    assert found.lost or len(found.masked) != 1
    for cell in found.said - found.lost:
        assert len(values_of(cell, one, values, set(found.masked), set(found.said), 200)) > 1


def test_a_table_with_no_small_figure_is_printed_whole() -> None:
    values, sums = table_of([[0, 5], [12, 0]])
    assert suppress(values, sums, list(values)) == (frozenset(), frozenset(), frozenset())


def test_one_small_figure_takes_the_smallest_other_with_it_and_one_alone_its_total() -> None:
    values = {"total": 32, "a": 3, "b": 20, "c": 9}
    assert suppress(values, [Sum("total", ("a", "b", "c"))], ["a", "b", "c"])[0] == {"a", "c"}
    alone = {"total": 3, "a": 3}
    assert suppress(alone, [Sum("total", ("a",))], ["a"])[0] == {"a", "total"}
    tight = {"total": 11, "a": 1, "b": 1, "c": 9}  # two of which each is at least 1
    assert suppress(tight, [Sum("total", ("a", "b", "c"))], ["a", "b", "c"])[0] == {"a", "b", "c"}


# ---- documents


def row_of(key: str, **counts: int) -> dict[str, Any]:
    measures = {**dict.fromkeys((*CHECK_MEASURES, *CASE_MEASURES), 0), **counts}
    return {"key": key, "label": key, "measures": measures, "rates": {**rates(measures), **case_rates(measures)}}


def document_of(unit: str, *rows: dict[str, Any]) -> dict[str, Any]:
    names = rows[0]["measures"]
    total = row_of(unit, **{name: sum(row["measures"][name] for row in rows) for name in names})
    return {"unit": unit, "measures": total["measures"], "rates": total["rates"], "rows": list(rows)}


LEVEL_OF = {"county": "county", "town": "township", "v1": "village", "v2": "village", "v3": "village"}.get


def test_a_county_s_townships_are_never_masked() -> None:
    document = document_of("county", row_of("town", registered=3), row_of("county", registered=1))
    assert masked(document, "children", LEVEL_OF) == document


def test_a_township_s_villages_are_masked_with_their_rates_and_the_township_is_not() -> None:
    document = document_of(
        "town",
        row_of("v1", accepted=3, mediated=3, agreed=2, not_agreed=1, settled_at_village=2),
        row_of("v2", accepted=20, mediated=20, agreed=13, not_agreed=7, settled_at_village=13),
        row_of("v3", accepted=40, mediated=40, agreed=30, not_agreed=10, settled_at_village=30),
    )
    found = masked(document, "children", LEVEL_OF)
    assert (found["measures"], found["rates"]) == (document["measures"], document["rates"])
    first, second, third = found["rows"]
    assert {name for name, value in first["measures"].items() if value == MASK} == {
        "accepted", "mediated", "agreed", "not_agreed", "settled_at_village",
    }  # fmt: skip
    assert [shown(row["measures"]["accepted"]) for row in found["rows"]] == ["<5", "*", "40"]
    assert first["rates"]["success_rate"] == {"value": None, "numerator": MASK, "denominator": MASK, "masked": True}
    assert is_masked(second["rates"]["mediation_rate"])
    assert third["measures"] == document["rows"][2]["measures"]
    assert first["rates"]["coverage"] == document["rows"][0]["rates"]["coverage"]


def test_a_village_s_own_total_is_masked_whatever_the_rows_are() -> None:
    first, second = (
        row_of("2026-11-01", checks_due=2, checks_zero=2),
        row_of("2026-11-02", checks_due=2, checks_missing=2),
    )
    document = document_of("v1", first, second)
    found = masked(document, "day", LEVEL_OF)
    assert {name for name, value in found["measures"].items() if value == MASK} == {
        "checks_due", "checks_zero", "checks_missing",
    }  # fmt: skip
    assert all(is_masked(row["measures"]["checks_due"]) for row in found["rows"])
    assert is_masked(found["rates"]["coverage"])


def test_what_a_mask_stands_for_is_no_part_of_the_answer() -> None:
    assert Masked(small=True) == Masked(small=False) == MASK
    assert (Masked(small=True).text, Masked(small=False).text) == ("<5", "*")


@pytest.mark.parametrize("name", [*RATES, *CASE_RATES])
def test_the_measures_of_every_rate_are_known(name: str) -> None:
    assert set(inputs_of(name)) <= {*CHECK_MEASURES, *CASE_MEASURES}
    assert inputs_of(name)


def test_a_rate_of_a_later_version_rests_on_nothing_that_is_known() -> None:
    assert inputs_of("mood") == ()
    assert set(inputs_of("settled_within_village")) == set(SETTLED_AT)


def test_villages_and_groups_are_below_township_level() -> None:
    assert BELOW == ("group", "village")


def test_what_is_still_open_by_the_calendar_and_what_is_all_late_gives_nothing_away() -> None:
    def group(key: str, zero: int, found: int) -> dict[str, Any]:
        reported = zero + found
        return row_of(
            key, checks_due=30, checks_zero=zero, checks_found=found, checks_late=reported, checks_missing=22 - reported
        )

    document = document_of("v1", group("v2", 13, 3), group("v3", 12, 3), group("town", 13, 3))
    found = masked(document, "children", {"v1": "village", "v2": "group", "v3": "group", "town": "group"}.get)
    for row, exact in zip(found["rows"], document["rows"], strict=True):
        counts = row["measures"]
        assert counts["checks_found"] == MASK
        # 30 owed, 8 days to come, so many missing and excused: one of what is left has to be hidden beside it.
        assert any(is_masked(counts[name]) for name in ("checks_due", "checks_zero", "checks_missing"))
        assert any(is_masked(counts[name]) for name in ("checks_zero", "checks_late"))
        assert exact["measures"]["checks_found"] == 3
