"""Small figures below township level: `<5` for a viewer and in every file, exact for who may open the records."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import product
from typing import Any

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, NOW_MS, City, told
from schemas.clock import iso_instant
from schemas.labels import label
from schemas.periods import parse_period

MASK = {"value": None, "masked": True}


def reported() -> City:
    city = City()
    for day in ("2026-11-20", "2026-11-21"):
        city.hub.check(E_GROUPS[0], day)
    city.hub.check(E_GROUPS[1], "2026-11-20", 1)
    return city


def asked(city: City, role: str, own: str, **query: str) -> Any:
    headers = city.hub.user(f"{role}-{city.hub.count('account')}", role, own)
    return city.hub.browser().get("/api/v1/rollup", query_string={"period": "2026-11", **query}, headers=headers)


def test_a_viewer_of_a_village_sees_no_small_figure_and_a_worker_sees_all() -> None:
    city = reported()
    seen = asked(city, "viewer", E_VILLAGE, by="children").json
    assert seen["measures"]["checks_zero"] == MASK
    assert seen["measures"]["checks_found"] == MASK
    assert seen["rates"]["coverage"]["value"] is None
    exact = asked(city, "worker", E_VILLAGE, by="children").json
    assert (exact["measures"]["checks_zero"], exact["measures"]["checks_found"]) == (2, 1)
    assert asked(city, "viewer", EAST).json["measures"]["checks_zero"] == 2


def test_a_file_is_masked_whoever_asks_for_it() -> None:
    city = reported()
    text = asked(city, "admin", E_VILLAGE, by="children", format="csv").get_data().decode("utf-8-sig")
    header, *rows = [line.split(",") for line in text.splitlines()]
    at = header.index(label("zh_CN", "measure.checks_zero"))
    assert {row[at] for row in rows} <= {"<5", "*", "0"}
    assert "<5" in {row[at] for row in rows}


def test_the_figures_page_of_a_viewer_prints_masks_and_shows_no_single_report() -> None:
    city = reported()
    headers = city.hub.user("ding", "viewer", E_VILLAGE)
    for unit, by in ((E_VILLAGE, "children"), (E_VILLAGE, "day"), (E_GROUPS[0], "day"), (E_VILLAGE, "category")):
        page = city.hub.browser().get(f"/rollup?unit={unit}&period=2026-11&by={by}&about=checks", headers=headers)
        text = page.get_data(as_text=True)
        assert page.status_code == 200
        assert re.search(r">\s*(&lt;5|\*)", text) or by == "category"
        assert "&lt;5" in text or (unit, by) != (E_VILLAGE, "children")
        assert 'class="badge' not in text.split("<table")[-1]
    matrix = city.hub.browser().get(f"/matrix?unit={E_VILLAGE}&period=2026-11", headers=headers)
    assert matrix.status_code == 200
    assert city.hub.browser().get(f"/rollup?unit={E_TOWN}", headers=headers).status_code == 403


def test_a_comparison_is_the_answer_for_the_other_period_and_is_masked_like_it() -> None:
    city = reported()
    city.hub.check(E_GROUPS[0], "2026-10-20")
    city.hub.check(E_GROUPS[0], "2025-11-02", 1)
    exact = asked(city, "admin", E_VILLAGE, compare="both").json
    for kind, period in (("previous", "2026-10"), ("last_year", "2025-11")):
        other = asked(city, "admin", E_VILLAGE, period=period).json
        beside = exact["comparison"][kind]
        assert (beside["period"], beside["measures"], beside["rates"]) == (period, other["measures"], other["rates"])
    assert exact["comparison"]["previous"]["change"]["checks_zero"] == {"difference": 1, "percent": "100.00"}
    seen = asked(city, "viewer", E_VILLAGE, compare="both").json
    assert seen["comparison"]["previous"]["measures"]["checks_zero"] == MASK
    assert seen["comparison"]["previous"]["change"]["checks_zero"] == MASK
    assert asked(city, "admin", E_VILLAGE, compare="week").status_code == 422
    headers = city.hub.user("chen", "viewer", E_VILLAGE)
    page = city.hub.browser().get(f"/rollup?unit={E_VILLAGE}&period=2026-11", headers=headers).get_data(as_text=True)
    assert "环比" in page
    assert "2025年11月" in page


# ---- answers to several questions, held against each other

SECOND = f"{E_TOWN[:9]}009"
S_VILLAGE, S_GROUPS = f"{SECOND}", [f"{SECOND}{number:03d}" for number in (1, 2)]
MONTHS = ("2026-10", "2026-11")
COUNTED = ("checks_zero", "checks_found")
SHOWN = (*COUNTED, "checks_late")  # all of these are late
Atom = tuple[str, str, str]  # one group's reports of one result on one day: what every figure is a sum of


def two_villages() -> tuple[City, dict[Atom, int]]:
    """A township of two villages, and every report of it."""
    city, made = City(), dict[Atom, int]()
    for unit, level, parent in ((S_VILLAGE, "village", E_TOWN), *((one, "group", S_VILLAGE) for one in S_GROUPS)):
        named = {"code": unit, "name": f"{unit[-4:]}号", "level": level, "parent": parent, "kind": "regular"}
        city.hub.publish({"type": "unit", "act": "open", "unit": unit, "date": "2026-01-01", **named})
    plan = {E_GROUPS[0]: (6, 1), E_GROUPS[1]: (2, 0), E_GROUPS[2]: (0, 0), S_GROUPS[0]: (7, 0), S_GROUPS[1]: (3, 2)}
    for month in MONTHS:
        for group, (zero, found) in plan.items():
            for day in range(1, zero + found + 1):
                city.hub.check(group, f"{month}-{day:02d}", disputes=int(day > zero))
                made[group, COUNTED[day > zero], f"{month}-{day:02d}"] = 1
    return city, made


def below(unit: str, group: str) -> bool:
    return group.startswith(unit.rstrip("0") if unit.endswith("000") else unit)


def covers(period: str, day: str) -> bool:
    span = parse_period(period)
    return span.first.isoformat() <= day <= span.last.isoformat()


def span_of(rows: list[tuple[int, ...]], wanted: tuple[int, ...]) -> bool:
    """Whether a row is a linear combination of others."""
    found: list[list[Fraction]] = []
    for row in (*rows, wanted):
        left = [Fraction(value) for value in row]
        for other in found:
            at = next(place for place, value in enumerate(other) if value)
            if left[at]:
                factor = left[at] / other[at]
                left = [one - factor * two for one, two in zip(left, other, strict=True)]
        if any(left):
            found.append(left)
        elif row is wanted:
            return True
    return False


NOW = iso_instant(NOW_MS)
Printed = dict[tuple[str, str, str], int]  # by unit, period, measure


def all_printed(city: City, units: list[str]) -> Printed:
    """Every figure of reports that a viewer gets to see in the tables by unit of whole months."""
    headers, found = city.hub.user("adds-up", "viewer", EAST), Printed()
    ways: tuple[dict[str, str], ...] = ({"by": "children"}, {})
    for unit in units:
        for period in MONTHS:
            for way in ways:
                query = {"unit": unit, "period": period, **way}
                document = told(city.hub.browser().get("/api/v1/rollup", query_string=query, headers=headers))
                below = [one for one in document["rows"] if one["key"] != unit]
                cells = [(one["key"], period, one) for one in below]
                for about, of, row in [(unit, period, document), *cells]:
                    shown = {name: row["measures"][name] for name in SHOWN if row["measures"][name] != MASK}
                    found |= {(about, of, name): value for name, value in shown.items()}
    return found


def test_a_viewer_who_holds_every_answer_against_every_other_works_no_small_figure_out() -> None:
    city, made = two_villages()
    groups = [*E_GROUPS, *S_GROUPS]
    days = [f"{month}-{day:02d}" for month in MONTHS for day in range(1, 10)]
    atoms = list(product(groups, COUNTED, days))  # an onlooker does not know who reported when
    printed = all_printed(city, [E_TOWN, E_VILLAGE, S_VILLAGE, *groups])

    def counts(about: str, period: str, measure: str) -> tuple[int, ...]:
        return tuple(int(below(about, g) and measure in (m, "checks_late") and covers(period, d)) for g, m, d in atoms)

    def value(*one: str) -> int:
        return sum(made.get(atom, 0) for atom, taken in zip(atoms, counts(*one), strict=True) if taken)

    assert {one: value(*one) for one in printed} == printed
    small = [(unit, month, name) for unit in (E_VILLAGE, S_VILLAGE, *groups) for month in MONTHS for name in COUNTED]
    small = [one for one in small if 1 <= value(*one) <= 4]
    known = list({counts(*one) for one in printed})
    assert [one for one in small if span_of(known, counts(*one))] == []
    assert len(small) == 12
    assert printed[E_VILLAGE, "2026-11", "checks_late"] == 9  # what gives nothing away is printed


def test_a_figure_of_a_village_or_group_is_the_same_to_a_viewer_wherever_it_stands() -> None:
    city, _ = two_villages()
    for unit, parent in ((S_VILLAGE, E_TOWN), (S_GROUPS[0], S_VILLAGE), (S_GROUPS[1], S_VILLAGE)):
        above = asked(city, "viewer", EAST, unit=parent, by="children").json
        row = next(one for one in above["rows"] if one["key"] == unit)["measures"]
        for more in ({}, {"by": "children"}, {"by": "day"}, {"by": "category"}, {"by": "matrix"}):
            assert asked(city, "viewer", unit, **more).json["measures"] == row, (unit, more)


def test_every_table_prints_what_is_not_small_and_masks_what_is() -> None:
    city, _ = two_villages()
    for more in (
        {"period": "2026-11-01..2026-11-29"},
        {"period": "2026-10-01..2026-11-29"},
        {"tree": "now"},
        {"as_of": NOW},
    ):
        exact = asked(city, "admin", EAST, unit=E_TOWN, by="children", **more).json
        document = asked(city, "viewer", EAST, unit=E_TOWN, by="children", **more).json
        assert document["measures"]["checks_zero"] == exact["measures"]["checks_zero"], more
        for row, true in zip(document["rows"], exact["rows"], strict=True):
            for name, value in row["measures"].items():
                assert value in (MASK, true["measures"][name])
                assert value == MASK or row["key"] == E_TOWN or not 1 <= value <= 4, (more, name)
            assert row["measures"]["checks_due"] != MASK, more
    same = asked(city, "viewer", EAST, unit=E_TOWN, by="children", period="2026-11-01..2026-11-30").json
    assert same["rows"] == asked(city, "viewer", EAST, unit=E_TOWN, by="children").json["rows"]
