"""Case figures against a recount in plain Python from the signed events, for random cases over a tree that changes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from builders import CITY, E_TOWN, E_VILLAGE, EAST, GROUPS, TODAY, W_TOWN, W_VILLAGE, WEST, City, Node
from node.cases import acts
from node.cases.projection import ancestor_in
from node.figures import rollup
from node.figures.exports import rollup_file, table_of
from node.figures.rollup_records import records
from node.people.accounts import Account
from schemas.cases.events import read_case_event
from schemas.cases.fold import Case, fold
from schemas.cases.lists import HAZARDS, HUBEI_15, SOURCES, URGENCIES
from schemas.cases.matrix import matrix
from schemas.cases.measures import CASE_MEASURES, DIMENSIONS, Inside, case_rates, recount, recount_by
from schemas.errors import Conflict, Invalid
from schemas.events import payload
from schemas.periods import parse_day, parse_period
from schemas.units.acts import LEVELS
from schemas.units.tree import Tree
from sync import log
from sync.database import write
from sync.directory import tree_of
from sync.intake import Intake
from sync.rebuild import rebuild
from sync.verify import verify

ADMIN = Account("ann", "admin", CITY)
UNITS = (CITY, EAST, WEST, E_TOWN, W_TOWN, E_VILLAGE, W_VILLAGE, *GROUPS)
FIRST = date(2026, 8, 20)
LAST = date.fromisoformat(str(TODAY))
PERIODS = ("2026-11", "2026-Q3", "2026-09-05..2026-11-10", str(TODAY), "2026", "2026-10-31..2026-12-31")
STEPS = 16
# What brings a case forward is chosen more often, or few would come to an end.
FORWARD = (
    "accept", "mediate", "agree", "apply_confirmation", "confirm", "follow_up", "remediate", "fail", "refer", "close"
)  # fmt: skip


def fields_of(action: str, day: date, case: Case, chance: random.Random) -> dict[str, Any]:
    """What an act needs; where a choice is free, a random one."""
    later = (day + timedelta(days=chance.randint(0, 40))).isoformat()
    reason = {"reason": "说明"}
    return {
        "decline": {"reason": "in_court"},
        "assign": {"body": "family"},
        "agree": {"performed_at_once": True} if chance.random() < 0.4 else {"performance_due": later},
        "fail": {"advice": "litigation"},
        "terminate": reason,
        "follow_up": {"result": chance.choice(("performed", "partly", "reneged"))},
        "refer": {"to": "litigation"},
        "send_back": reason,
        "seize": reason,
        "supervise": {"due": later},
        "answer": {"reply": "已办"},
        "extend": {"until": later, **reason},
        "note": {"text": "备注"},
        "hand_up": {"to_unit": chance.choice(UNITS), **reason},
        "hand_down": {"to_unit": chance.choice(UNITS), **reason},
        "hand_across": {"to_unit": chance.choice(UNITS), **reason},
    }.get(action, {})


def tell(hub: Node, chance: random.Random) -> None:
    """One case with random acts, each entered as the API enters it; what is refused is left out."""
    kind = chance.choice((HUBEI_15, HAZARDS))
    day = FIRST + timedelta(days=chance.randint(0, (LAST - FIRST).days))
    body = {
        "unit": chance.choice(UNITS), "date": day.isoformat(), "kind": kind.kind, "category": chance.choice(kind.codes),
        "source": chance.choice(SOURCES), "complexity": chance.choice(("simple", "ordinary", "complex")),
        "urgency": chance.choice(URGENCIES),
    }  # fmt: skip
    with write(hub.db, "case", hub.env):
        intake = Intake(hub.replica, hub.env.now_ms())
        case_id = acts.enter(intake, body)
        intake.finish()
    for _ in range(chance.randint(0, STEPS)):
        case = acts.require_case(hub.replica, ADMIN, case_id)
        day = min(day + timedelta(days=chance.choice((0, 0, 1, 3, 9))), LAST)
        actions = [one for one in acts.Allowed.now(hub.replica, ADMIN, case, day).actions if one != "decline"]
        forward = [one for one in FORWARD if one in actions]
        offered = [one for one in ("take", "send_back") if one in actions]
        often = offered if chance.random() < 0.5 else forward
        action = chance.choice(often if often and chance.random() < 0.6 else actions)
        act = {"action": action, "after": case.event, "date": day.isoformat(), **fields_of(action, day, case, chance)}
        try:
            with write(hub.db, "case", hub.env):
                intake = Intake(hub.replica, hub.env.now_ms())
                acts.enter_act(intake, ADMIN, case_id, act)
                intake.finish()
        except (Invalid, Conflict):
            continue


def folded(hub: Node, tree: Tree) -> list[Case]:
    """Every case from the signed events alone."""
    by_case: dict[str, list[Any]] = {}
    for stored in log.events(hub.db, "e.kind = 'case' AND e.standing = 'ok'"):
        header = stored.event.header
        level = LEVELS.index(tree.level(header.unit) or "group")
        event = read_case_event(
            stored.event.hash, header.unit, level, parse_day(header.bdate, "bdate"), header.rtime, payload(stored.event)
        )
        by_case.setdefault(event.case, []).append(event)
    cases = [fold(events, ancestor_in(tree)) for events in by_case.values()]
    return [case for case in cases if case is not None]


def inside_of(tree: Tree, unit: str, mode: str) -> Inside:
    return lambda one, day: tree.below(one, unit, day if mode == "then" else LAST)


def answer(hub: Node, unit: str, period: str, by: str | None, mode: str) -> Any:
    return rollup.answer(hub.replica, unit, period, by=by, tree=mode, now_ms=hub.env.now_ms())


def cases_in(row: Any) -> dict[str, int]:
    return {name: row["measures"][name] for name in CASE_MEASURES}


def told_city(seed: int) -> City:
    """A hub that hosts everything, with random cases; two units move in the meantime."""
    city, chance = City(seed=seed), random.Random(seed)
    for _ in range(50):
        tell(city.hub, chance)
    for unit, parent in chance.sample([(W_VILLAGE, E_TOWN), (E_VILLAGE, W_TOWN), (E_TOWN, WEST), (W_TOWN, EAST)], 2):
        day = FIRST + timedelta(days=chance.randint(5, 80))
        city.hub.publish({"type": "unit", "act": "move", "unit": unit, "date": day.isoformat(), "parent": parent})
    for _ in range(25):
        tell(city.hub, chance)
    return city


@pytest.fixture(scope="module", params=[2, 3, 5])
def city(request: pytest.FixtureRequest) -> City:
    return told_city(request.param)


@pytest.fixture(scope="module")
def sound() -> Node:
    """A hub of which a test may damage what it rolls back again."""
    return told_city(4).hub


def cells(units: tuple[str, ...] = UNITS) -> Iterator[tuple[str, str, str]]:
    return ((unit, period, mode) for unit in units for period in PERIODS for mode in ("then", "now"))


def test_every_case_measure_at_every_level_equals_a_recount_from_the_events(city: City) -> None:
    hub, tree = city.hub, tree_of(city.hub.replica)
    cases, now_ms = folded(hub, tree), hub.env.now_ms()
    seen = dict.fromkeys(CASE_MEASURES, 0)
    for unit, period, mode in cells():
        span, inside = parse_period(period), inside_of(tree, unit, mode)
        expected = recount(cases, span.first, span.last, inside, now_ms)
        document = answer(hub, unit, period, "children", mode)
        assert cases_in(document) == expected, (unit, period, mode)
        if unit not in GROUPS:
            summed = {name: sum(row["measures"][name] for row in document["rows"]) for name in CASE_MEASURES}
            assert summed == expected, (unit, period, mode)
        for name, rate in case_rates(expected).items():
            assert document["rates"][name]["value"] == rate["value"], (unit, period, mode, name)
        seen = {name: seen[name] + expected[name] for name in CASE_MEASURES}
    assert all(seen.values()), f"never counted: {[name for name, count in seen.items() if not count]}"


def test_every_row_of_every_dimension_equals_a_recount_from_the_events(city: City) -> None:
    hub, tree = city.hub, tree_of(city.hub.replica)
    cases, now_ms = folded(hub, tree), hub.env.now_ms()
    for unit, period, mode in cells((CITY, EAST, W_TOWN, E_TOWN)):
        span, inside = parse_period(period), inside_of(tree, unit, mode)
        for dimension in DIMENSIONS:
            expected = recount_by(dimension, cases, span.first, span.last, inside, now_ms)
            rows = answer(hub, unit, period, dimension, mode)["rows"]
            assert {row["key"]: cases_in(row) for row in rows} == expected, (unit, period, mode, dimension)


def test_every_day_equals_a_recount_of_that_day(city: City) -> None:
    hub, tree = city.hub, tree_of(city.hub.replica)
    cases, now_ms = folded(hub, tree), hub.env.now_ms()
    for unit in (CITY, W_TOWN, E_TOWN):
        for mode in ("then", "now"):
            inside = inside_of(tree, unit, mode)
            for row in answer(hub, unit, "2026-10-01..2026-11-30", "day", mode)["rows"]:
                day = date.fromisoformat(row["key"])
                assert cases_in(row) == recount(cases, day, day, inside, now_ms), (unit, mode, day)


def test_the_matrix_equals_a_recount_from_the_events(city: City) -> None:
    hub, tree = city.hub, tree_of(city.hub.replica)
    cases = folded(hub, tree)
    for unit, period, mode in cells((CITY, EAST, W_TOWN)):
        span = parse_period(period)
        expected = matrix(cases, span.first, span.last, inside_of(tree, unit, mode))
        found = answer(hub, unit, period, "matrix", mode)["rows"]
        assert [(row["key"], row["cells"], row["subtotal"], row["year_to_date"]) for row in found] == [
            (
                row.key,
                {level: cell._asdict() for level, cell in row.cells.items()},
                row.subtotal._asdict(),
                row.year_to_date._asdict(),
            )
            for row in expected
        ], (unit, period, mode)


def test_a_row_of_the_matrix_has_the_measures_of_its_category_and_the_list_behind_them(city: City) -> None:
    hub = city.hub
    for unit, period, mode in cells((CITY, W_TOWN)):
        by_category = {row["key"]: row for row in answer(hub, unit, period, "category", mode)["rows"]}
        *rows, total = answer(hub, unit, period, "matrix", mode)["rows"]
        for row in rows:
            if row["key"] in by_category:
                said = (row["measures"], row["rates"])
                assert said == (by_category[row["key"]]["measures"], by_category[row["key"]]["rates"])
            else:  # nothing of it in the period, but earlier in the year
                assert not any(row["measures"].values())
        assert cases_in(total) == cases_in(answer(hub, unit, period, None, mode)), (unit, period, mode)


def listed(
    hub: Node, unit: str, period: str, measure: str, mode: str, filters: dict[str, str], under: str | None = None
) -> list[Any]:
    """Every record behind a cell, seven a page."""
    items: list[Any] = []
    after: str | None = None
    while True:
        page = records(
            hub.replica, unit, period, measure, tree=mode, now_ms=hub.env.now_ms(), filters=filters, after=after,
            limit=7, under=under,
        )  # fmt: skip
        items += page["items"]
        after = page["next"]
        if after is None:
            return items


def test_the_list_behind_every_cell_is_as_long_as_the_cell_says(city: City) -> None:
    hub = city.hub
    for unit, period, mode in cells((CITY, EAST, W_TOWN, W_VILLAGE)):
        total = answer(hub, unit, period, "level", mode)
        for measure in CASE_MEASURES:
            items = listed(hub, unit, period, measure, mode, {})
            assert len(items) == total["measures"][measure], (unit, period, mode, measure)
            assert len({one["id"] for one in items}) == len(items)
            for row in total["rows"]:
                found = listed(hub, unit, period, measure, mode, {"level": row["key"]})
                assert len(found) == row["measures"][measure], (unit, period, mode, measure, row["key"])


def test_the_list_behind_a_row_of_a_unit_is_as_long_as_its_cell_though_the_unit_moved(city: City) -> None:
    hub, moved = city.hub, 0
    for unit, mode in itertools.product((CITY, EAST, WEST, W_TOWN, E_TOWN, W_VILLAGE), ("then", "now")):
        for period in PERIODS[:3]:
            for row in answer(hub, unit, period, "children", mode)["rows"]:
                whole = answer(hub, row["key"], period, None, mode)["measures"]
                moved += row["key"] != unit and whole != row["measures"]
                for measure in CASE_MEASURES:
                    items = listed(hub, row["key"], period, measure, mode, {}, under=unit)
                    assert len(items) == row["measures"][measure], (unit, row["key"], period, mode, measure)
    assert moved  # some of the rows are only a part of their unit's period


def test_what_is_kept_equals_a_rebuild_and_verifies(city: City) -> None:
    before = city.hub.derived()
    report = verify(city.hub.replica)
    assert (report.problems, report.tallies > 200) == ([], True)
    rebuild(city.hub.replica)
    assert city.hub.derived() == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE case_day SET agreed = agreed + 1 WHERE unit = '421000000000'",
        "DELETE FROM case_month WHERE own = 1",
        "UPDATE case_year SET registered = registered + 1 WHERE dimension = 'cell'",
        "DELETE FROM case_standing WHERE unit = '421000000000'",
        "UPDATE case_now SET state = 'closed' WHERE state <> 'closed'",
        "DELETE FROM case_fact WHERE measure = 'accepted'",
        "UPDATE case_span SET until = '2026-01-01'",
        "DELETE FROM case_fact_in WHERE measure = 'registered' AND unit = '421000000000'",
        "DELETE FROM case_scope WHERE unit = '421000000000'",
        "UPDATE case_span_in SET until = '2026-01-01' WHERE unit = '421000000000'",
    ],
)
def test_verify_finds_case_tables_that_are_not_what_the_events_say(sound: Node, damage: str) -> None:
    sound.db.execute("BEGIN")
    try:
        sound.db.execute(damage)
        assert {one.code for one in verify(sound.replica).problems} == {"bad_tally"}
    finally:
        sound.db.conn.rollback()
    assert verify(sound.replica).problems == []


def test_the_matrix_as_a_file_has_a_row_for_each_category_and_their_total(city: City) -> None:
    document = answer(city.hub, CITY, "2026", "matrix", "then")
    header, *rows = table_of(document, "en")
    assert (len(header), header[2:4], header[-2:]) == (
        16,
        ["group Mediated", "group Agreed"],
        ["Year to date Mediated", "Year to date Agreed"],
    )
    assert [row[0] for row in rows] == [*HUBEI_15.codes, *HAZARDS.codes, "total"]
    assert rows[-1][2:] == [sum(int(row[at] or 0) for row in rows[:-1]) for at in range(2, 16)]
    assert rows[-1][12:14] == [document["measures"]["mediated"], document["measures"]["agreed"]]
    content, _, name = rollup_file(document, "csv", "zh_CN")
    assert (content.count(b"\r\n"), name) == (len(rows) + 1, f"rollup-{CITY}-2026.csv")
