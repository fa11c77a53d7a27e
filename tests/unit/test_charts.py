"""Charts: what is drawn is what the figures say, in the look's classes, readable without seeing it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from node import charts
from node.charts.calendar import weeks
from node.charts.tiles import placed
from node.charts.trend import MAX_STEPS, scale, spread

CSS = (Path(__file__).resolve().parents[2] / "node" / "static" / "app.css").read_text("utf-8")
PAPER = charts.Paper(480, 200)
NOVEMBER = [date(2026, 11, 1) + timedelta(days=at) for at in range(30)]
TEN = tuple(range(10))


def days(count: int = 30, tone: str = "q3") -> list[charts.CalendarDay]:
    return [
        charts.CalendarDay(NOVEMBER[0] + timedelta(days=at), "97.4", tone, f"day {at + 1}", f"/missing?n={at}&x=1")
        for at in range(count)
    ]


def everything() -> dict[str, Markup]:
    """One drawing of every kind, names that want escaping included."""
    rude = "<b>\"&'</b>"
    tiles = [charts.Tile(rude, "98.86", "q4", "/a?b=1&c=2", (3, 1)), charts.Tile("乙", "—", None)]
    shape = charts.Shape(rude, "98.86", "q4", "M0 0 10 0 10 10Z", (5, 5), "/a?b=1&c=2")
    lines = [charts.Series((0, 5, 3), "s-c1"), charts.Series((1, 1, 0), "s-c2")]
    return {
        "bar": charts.bar(3, 4),
        "bar on paper": charts.bar(3, 4, PAPER),
        "split": charts.split([("f-ok", 3), ("f-found", 1)], 5),
        "split on paper": charts.split([("f-ok", 3), ("f-found", 1)], 5, PAPER),
        "trend": charts.trend(lines, ["1", rude, "3"], rude),
        "trend on paper": charts.trend(lines, ["1", rude, "3"], rude, PAPER),
        "calendar": charts.calendar(days(), list("一二三四五六日"), rude),
        "heat": charts.heat(days(), rude, [str(month) for month in range(1, 13)]),
        "tiles": charts.tile_map(tiles, rude),
        "tiles on paper": charts.tile_map(tiles, rude, PAPER),
        "shapes": charts.shape_map([shape], (600, 400), rude),
    }


@pytest.mark.parametrize("name", everything())
def test_a_chart_is_well_formed_without_colour_or_style_and_in_classes_that_the_look_has(name: str) -> None:
    drawn = everything()[name]
    tree = ET.fromstring(str(drawn))
    known = set(re.findall(r"\.([a-z][\w-]*)", CSS))
    for one in tree.iter():
        assert {"style", "fill", "stroke"} & one.attrib.keys() == set()
        assert set(one.attrib.get("class", "").split()) - known == set(), one.attrib
        if one.tag != "style":
            assert "#" not in (one.text or "")


@pytest.mark.parametrize("name", everything())
def test_a_chart_tells_what_it_shows_or_is_hidden_from_readers(name: str) -> None:
    tree = ET.fromstring(str(everything()[name]))
    svgs = [tree] if tree.tag == "svg" else list(tree.iter("svg"))
    for svg in svgs:
        if svg.get("aria-hidden") != "true":
            assert svg.get("role") in ("img", "group")
            assert svg.get("aria-label") == svg.findtext("title") != ""
    if tree.tag == "table":
        assert tree.findtext("caption")


def test_a_bar_is_as_long_as_its_figure_is_of_the_greatest() -> None:
    assert 'width="75%"' in charts.bar(3, 4)
    assert 'width="0%"' in charts.bar(0, 0)
    assert 'width="360"' in charts.bar(3, 4, PAPER)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5), st.integers(0, 10**6))
def test_the_parts_of_a_split_lie_side_by_side_and_leave_what_is_not_there(figures: list[int], rest: int) -> None:
    total = sum(figures) + rest
    tree = ET.fromstring(str(charts.split([("f-l1", one) for one in figures], total)))
    ground, *parts = tree.findall("rect")
    assert ground.get("width") == "100%"
    end, wanted = 0.0, [one for one in figures if one] if total else []
    assert len(parts) == len(wanted)
    for part, figure in zip(parts, wanted, strict=True):
        assert float(str(part.get("x"))[:-1]) == pytest.approx(end, abs=0.01)
        assert float(str(part.get("width"))[:-1]) == pytest.approx(100 * figure / total, abs=0.006)
        end = 100 * sum(wanted[: parts.index(part) + 1]) / total
    assert end <= 100


@given(st.integers(0, 10**7))
def test_a_scale_is_round_starts_at_nought_and_holds_the_greatest_in_few_steps(top: int) -> None:
    ticks = scale(top)
    step = ticks[1]
    assert ticks == [step * at for at in range(len(ticks))]
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert ticks[-1] >= top > ticks[-2] or (top == 0 and ticks == [0, 1])
    assert len(ticks) <= MAX_STEPS + 1


@given(st.integers(0, 400))
def test_labels_along_a_trend_are_few_and_reach_both_ends(count: int) -> None:
    places = spread(count)
    assert len(places) <= 5
    assert places == sorted(set(places))
    if count:
        assert (places[0], places[-1]) == (0, count - 1)


def test_a_trend_of_nothing_and_of_one_day_is_drawn_and_of_more_its_line_goes_through_every_figure() -> None:
    assert "<path" in charts.trend([charts.Series((), "s-c1")], [], "none")
    assert "M50.00 0.00h0" in charts.trend([charts.Series((1,), "s-c1")], ["1"], "one")
    assert 'd="M0.00 100.00 50.00 0.00 100.00 50.00"' in charts.trend([charts.Series((0, 4, 2), "s-c1")], TEN[:3], "x")


@given(st.dates(date(2001, 1, 1), date(2090, 1, 1)), st.integers(0, 400))
def test_a_calendar_has_every_day_once_in_the_column_of_its_weekday(first: date, count: int) -> None:
    given_days = [charts.CalendarDay(first + timedelta(days=at), "", "", "") for at in range(count)]
    rows = weeks(given_days)
    assert all(len(row) == 7 for row in rows)
    assert [one for row in rows for one in row if one is not None] == given_days
    for row in rows:
        assert all(one is None or one.day.weekday() == at for at, one in enumerate(row))


def test_a_month_shows_each_day_with_its_figure_and_opens_it() -> None:
    table = ET.fromstring(str(charts.calendar(days(), list("一二三四五六日"), "November")))
    cells = [cell for cell in table.iter("td") if len(cell)]
    assert len(cells) == 30
    link = cells[1].find("a")
    assert link is not None
    assert (link.get("href"), link.findtext("b"), link.findtext("span")) == ("/missing?n=1&x=1", "2", "97.4")


@pytest.mark.parametrize(
    ("reported", "owed", "tone"),
    [(0, 0, None), (949, 1000, "q1"), (950, 1000, "q2"), (9699, 10000, "q2"), (970, 1000, "q3"), (984, 1000, "q3"),
     (985, 1000, "q4"), (7, 7, "q4")],
)  # fmt: skip
def test_the_class_of_a_coverage_begins_exactly_at_its_bound(reported: int, owed: int, tone: str | None) -> None:
    assert charts.coverage_tone(reported, owed) == tone


def test_tiles_keep_their_hand_laid_place_and_others_take_the_first_free_one() -> None:
    tiles = [charts.Tile("a", "1", "q1", None, (2, 1)), charts.Tile("b", "2", "q1"), charts.Tile("c", "3", "q1")]
    assert placed(tiles) == [(2, 1), (1, 1), (3, 1)]
    assert len(set(placed([charts.Tile(str(at), "", None) for at in range(128)]))) == 128


@pytest.mark.parametrize("name", [name for name in everything() if "paper" in name])
def test_a_drawing_on_paper_brings_the_light_colours_of_its_classes_and_no_others(name: str) -> None:
    drawn = everything()[name]
    style = str(ET.fromstring(str(drawn)).findtext("style"))
    used = {one for found in re.findall(r'class="([^"]+)"', drawn) for one in found.split()}
    assert used == set(re.findall(r"\.([\w-]+)\{", style))
    assert "var(" not in style
    assert re.search(r"#[0-9a-f]{3,6}", style)
