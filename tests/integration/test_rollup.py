"""Every cell of every rollup equals a recount from the signed events, whatever moved, closed, came late, was corrected,
stood in conflict, or arrived in another order.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from crafted import copied, events_of, take
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, HOUR_MS, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node
from node.figures import rollup
from node.figures.asof import as_of
from node.figures.rollup_records import records
from node.projections import CHECK_KIND, calendar_of, report_from
from schemas.cadence import DEFAULT_PROFILE, profile_payload
from schemas.checks import Report, read_check
from schemas.clock import at_time, business_day
from schemas.errors import GridError
from schemas.events import payload
from schemas.excuses import read_stored, standing
from schemas.measures import CHECK_MEASURES, CHECK_RATES, Excuse, rates, recount
from schemas.periods import parse_period
from sync import log
from sync.database import write
from sync.directory import tree_of, unit_of
from sync.intake import Intake
from sync.rebuild import rebuild
from sync.replica import Replica
from sync.verify import verify

FIRST: Final = date(2026, 10, 10)
DAYS: Final = 45  # to the day after today
PERIODS: Final = ("2026-10", "2026-11-20", "2026-10-25..2026-11-20", "2026-Q4")
LISTED: Final = {  # rows whose cells are opened, too: the rest would take minutes
    (CITY, "2026-10-25..2026-11-20", "then", "children"),
    (E_TOWN, "2026-10", "then", "children"),
    (W_TOWN, "2026-10-25..2026-11-20", "now", "children"),
}
OPENABLE: Final = (f"{W_VILLAGE}004", f"{E_VILLAGE}004")
OFTEN: Final = (FIRST, date(2026, 11, 1), date(2026, 11, 20), date(2026, 11, 22), date(2026, 11, 23))  # to meet again
REPORTERS: Final = (*E_GROUPS, *W_GROUPS, *OPENABLE, E_VILLAGE, W_TOWN)

EXCUSED: Final = (*REPORTERS, EAST, WEST)

days = st.integers(0, DAYS - 1).map(lambda number: FIRST + timedelta(days=number))
openings = st.builds(lambda unit, day: {"act": "open", "unit": unit, "date": day}, st.sampled_from(OPENABLE), days)
moves = st.builds(
    lambda pair, day: {"act": "move", "unit": pair[0], "parent": pair[1], "date": day},
    st.sampled_from(
        [(W_VILLAGE, E_TOWN), (E_VILLAGE, W_TOWN), (W_VILLAGE, W_TOWN), (E_TOWN, WEST), (W_TOWN, EAST), (E_TOWN, EAST)]
    ),
    days,
)
closings = st.builds(
    lambda unit, day: {"act": "close", "unit": unit, "date": day}, st.sampled_from([*REPORTERS, WEST, E_TOWN]), days
)
cadences = st.builds(
    lambda group, day: {"type": "cadence", "date": day, "group": group}, st.sampled_from(["day", "week"]), days
)


@dataclass(frozen=True)
class Said:
    """One report to be signed by one of the nodes; `amends` counts back through the earlier ones of that duty."""

    author: int
    unit: str
    day: date
    disputes: int
    recorded_h: int
    amends: int | None


said = st.builds(
    Said,
    st.integers(0, 2),
    st.sampled_from(REPORTERS),
    st.sampled_from(OFTEN) | days,
    st.integers(0, 2),
    st.sampled_from([17, 33, 35, 90]),
    st.none() | st.integers(0, 2),
)


@dataclass(frozen=True)
class Lifted:
    """One excuse to be signed by one of the nodes in the name of a unit; `amends` counts back through the earlier ones
    of that unit, `cancelled` only takes that one back.
    """

    author: int
    unit: str
    by: str
    first: date
    days: int
    amends: int | None
    cancelled: bool


lifted = st.builds(
    Lifted,
    st.integers(0, 2),
    st.sampled_from(EXCUSED),
    st.sampled_from([CITY, CITY, EAST, WEST, E_TOWN, W_TOWN]),
    st.sampled_from(OFTEN) | days,
    st.integers(1, 12),
    st.none() | st.integers(0, 1),
    st.booleans(),
)


def act_of(drawn: dict[str, Any]) -> dict[str, Any]:
    """The entry that is published for what was drawn."""
    entry = {**drawn, "date": drawn["date"].isoformat()}
    if drawn.get("type") == "cadence":
        profile: dict[str, Any] = profile_payload(DEFAULT_PROFILE)
        profile["cadences"] = {**profile["cadences"], "group": drawn["group"]}
        return {"type": "cadence", "date": entry["date"], "profile": profile}
    if drawn["act"] == "open":
        unit = drawn["unit"]
        entry |= {"code": unit, "name": "新组", "level": "group", "parent": unit[:12], "kind": "regular"}
    return {"type": "unit", **entry}


def publish(hub: Node, drawn: dict[str, Any]) -> None:
    """Publishes it, unless the tree as it stands has a rule against it."""
    with suppress(GridError):  # closed already, not open yet: nothing changed
        hub.publish(act_of(drawn))


def sign(node: Node, spoken: Said, before: dict[tuple[str, date], list[str]]) -> None:
    """Signs a report at a node, as another program might: whatever it amends, whoever reported already."""
    earlier = before.setdefault((spoken.unit, spoken.day), [])
    body: dict[str, Any] = {"result": "zero"}
    if spoken.disputes:
        body = {"result": "found", "found": {"disputes": spoken.disputes, "hazards": 0}}
    if spoken.amends is not None and spoken.amends < len(earlier):
        body["amends"] = earlier[-1 - spoken.amends]
    body["recorded_at"] = at_time(spoken.day, DEFAULT_PROFILE.due_time) + (spoken.recorded_h - 20) * HOUR_MS
    with write(node.db, "check", node.env):
        intake = Intake(node.replica, node.env.now_ms())
        event = intake.author(kind="chk", schema="chk/1", unit=spoken.unit, day=spoken.day, public=read_check(body))
        intake.finish()
    earlier.append(event.hash)


def excuse(node: Node, spoken: Lifted, before: dict[str, list[str]]) -> None:
    """Signs an excuse at a node, as another program might: in whoever's name, whatever it amends."""
    earlier = before.setdefault(spoken.unit, [])
    last = spoken.first + timedelta(days=spoken.days - 1)
    public: dict[str, Any] = {"by": spoken.by, "from": spoken.first.isoformat(), "to": last.isoformat()}
    if spoken.amends is not None and spoken.amends < len(earlier):
        public |= {"amends": earlier[-1 - spoken.amends], "cancelled": spoken.cancelled}
    with write(node.db, "excuse", node.env):
        intake = Intake(node.replica, node.env.now_ms())
        event = intake.author(kind="excuse", schema="excuse/1", unit=spoken.unit, day=spoken.first, public=public)
        intake.finish()
    earlier.append(event.hash)


def excuses_in(replica: Replica) -> list[Excuse]:
    """Every excuse that stands, read from the signed events."""
    acts = []
    for one in log.events(replica.db, "e.kind = ? AND e.standing = 'ok'", ["excuse"]):
        author = unit_of(replica.db, one.event.node)
        assert author is not None
        acts.append(read_stored(one.event.hash, one.event.header.unit, author[0], payload(one.event)))
    return [Excuse(act.unit, act.first, act.last) for act in standing(acts, tree_of(replica).ever_below)]


def reports_in(replica: Replica) -> list[Report]:
    """Every report that has effect, read from the signed events."""
    return [report_from(one) for one in log.events(replica.db, "e.kind = ? AND e.standing = 'ok'", [CHECK_KIND])]


class Ground:
    """The long way: a recount of any cell from the events of a replica at an instant."""

    def __init__(self, replica: Replica, now_ms: int) -> None:
        self.tree, self.calendar = tree_of(replica), calendar_of(replica.db)
        self.reports, self.excuses, self.now_ms = reports_in(replica), excuses_in(replica), now_ms
        self.today = business_day(now_ms)

        self._days: dict[tuple[str, date, str], dict[str, int]] = {}

    def cell(self, unit: str, first: date, last: date, tree: Any) -> dict[str, int]:
        """The measures of a unit over days, each day recounted once."""
        total = dict.fromkeys(CHECK_MEASURES, 0)
        for number in range(first.toordinal(), last.toordinal() + 1):
            for name, value in self._day(unit, date.fromordinal(number), tree).items():
                total[name] += value
        return total

    def _day(self, unit: str, day: date, tree: Any) -> dict[str, int]:
        found = self._days.get((unit, day, tree))
        if found is None:
            found = self._days[(unit, day, tree)] = recount(
                self.tree, self.calendar, self.reports, self.excuses, unit, day, day, self.now_ms, tree, self.today
            )
        return found


def every_cell(replica: Replica, now_ms: int) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """Rollup answers for each unit, period, tree and dimension."""
    units = sorted({one.id for one in tree_of(replica).units(date(2026, 11, 1))} | set(OPENABLE) & known(replica))
    return {
        (unit, period, tree, by): dict(rollup.answer(replica, unit, period, by=by, tree=tree, now_ms=now_ms))
        for unit in units
        for period in (PERIODS if unit == CITY else PERIODS[:3])
        for tree in ("then", "now")
        for by in (("children", "day") if period == PERIODS[2] else ("children",))
    }


def known(replica: Replica) -> set[str]:
    """The openable groups that were opened."""
    return {unit for unit in OPENABLE if tree_of(replica).exists(unit)}


def agrees(replica: Replica, now_ms: int) -> None:
    """Asserts that every cell, row and rate is what the recount says, and that rows add up to their total."""
    ground = Ground(replica, now_ms)
    for (unit, period, tree, by), document in every_cell(replica, now_ms).items():
        span, where = parse_period(period), f"{unit} {period} {tree} {by}"
        total = ground.cell(unit, span.first, span.last, tree)
        assert checks_in(document) == total, where
        assert {name: document["rates"][name] for name in CHECK_RATES} == rates(total), where
        coverage = document["rates"]["coverage"]
        assert coverage["numerator"] <= coverage["denominator"], where
        for measure in ("checks_excused", "checks_missing") if tree == "then" and by == "children" else ():
            asked: Any = {
                "unit": unit,
                "period": period,
                "measure": measure,
                "tree": tree,
                "filters": {},
                "after": None,
            }
            listed = records(replica, now_ms=now_ms, limit=5_000, **asked)
            assert len(listed["items"]) == total[measure], (where, measure)
        assert total["checks_late"] <= total["checks_zero"] + total["checks_found"], where
        rows = document["rows"]
        if by == "day":
            for row in rows:
                day = date.fromisoformat(row["key"])
                assert checks_in(row) == ground.cell(unit, day, day, tree), (where, row["key"])
        elif tree == "now":
            for row in (one for one in rows if one["key"] != unit):
                assert checks_in(row) == ground.cell(row["key"], span.first, span.last, tree), (where, row["key"])
        if (unit, period, tree, by) in LISTED:
            for row in rows:
                for measure in CHECK_MEASURES:
                    count = how_many(replica, row["key"], period, measure, tree, now_ms, under=unit)
                    assert count == row["measures"][measure], (where, row["key"], measure)
        added = {name: sum(row["measures"][name] for row in rows) for name in CHECK_MEASURES}
        if rows:
            assert added == total, where


def how_many(replica: Replica, unit: str, period: str, measure: str, tree: str, now_ms: int, under: str) -> int:
    """How many records are listed behind a cell of a unit's row."""
    page = records(
        replica, unit, period, measure, tree=tree, now_ms=now_ms, filters={}, after=None, limit=2_000, under=under
    )
    assert page["next"] is None
    return len(page["items"])


def checks_in(row: dict[str, Any]) -> dict[str, int]:
    """The measures of checks in a document or a row."""
    return {name: row["measures"][name] for name in CHECK_MEASURES}


def timeless(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Derived tables without the instant of arrival, which is each node's own."""
    return tables | {"check_report": [row[:-1] for row in tables["check_report"]]}


# An example takes half a second: shrinking would take minutes, and the first failure names its cell anyway.
@settings(
    max_examples=20, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=[HealthCheck.too_slow]
)
@given(
    acts=st.lists(openings | moves | closings | cadences, max_size=6),
    reports=st.lists(said, max_size=24),
    excuses=st.lists(lifted, max_size=6),
    seed=st.integers(0, 2**32),
)
def test_every_cell_equals_the_recount_in_any_order_at_any_instant_and_after_a_rebuild(
    acts: list[dict[str, Any]], reports: list[Said], excuses: list[Lifted], seed: int
) -> None:
    order = random.Random(seed)
    city = City(seed=seed % 7 + 1)
    blank = copied(city.hub)
    nodes = [city.hub, city.join(city.hub, WEST), city.join(city.hub, EAST)]
    before: dict[tuple[str, date], list[str]] = {}
    excused: dict[str, list[str]] = {}
    half, half_acts, half_excuses = len(reports) // 2, len(acts) // 2, len(excuses) // 2
    for drawn in acts[:half_acts]:
        publish(city.hub, drawn)
    for spoken in reports[:half]:
        sign(nodes[spoken.author], spoken, before)
    for lifting in excuses[:half_excuses]:
        excuse(nodes[lifting.author], lifting, excused)
    city.settle()
    then_ms = city.hub.env.now_ms()
    answered = every_cell(city.hub.replica, then_ms)
    agrees(city.hub.replica, then_ms)
    city.clock.forward(20 * HOUR_MS)
    for drawn in acts[half_acts:]:
        publish(city.hub, drawn)
    for spoken in reports[half:]:
        sign(nodes[spoken.author], spoken, before)
    for lifting in excuses[half_excuses:]:
        excuse(nodes[lifting.author], lifting, excused)
    city.settle()
    now_ms = city.hub.env.now_ms()
    agrees(city.hub.replica, now_ms)
    agrees(nodes[1 + seed % 2].replica, now_ms)
    for node in nodes:
        assert verify(node.replica).problems == []
    with as_of(city.hub.replica, then_ms) as earlier:
        assert every_cell(earlier, then_ms) == answered
    for node in nodes:
        tables = node.derived()
        rebuild(node.replica)
        assert node.derived() == tables
    same_in_any_order(blank, city.hub, order)


def same_in_any_order(blank: Replica, hub: Node, order: random.Random) -> None:
    """Asserts that a hub which gets the same events in another order, cut otherwise, holds the same tables."""
    events = events_of(hub.replica)
    order.shuffle(events)
    while events:
        cut = order.randint(1, len(events))
        take(blank, events[:cut])
        events = events[cut:]
    other = Node(blank, hub.env, hub.secret, None, None)
    assert timeless(other.derived()) == timeless(hub.derived())
    assert verify(blank).problems == []


def test_a_period_that_reaches_into_the_future_owes_but_misses_nothing() -> None:
    city = City()
    city.clock.set("2026-11-10", 9)

    def november() -> dict[str, int]:
        answer: Any = rollup.answer(city.hub.replica, CITY, "2026-11", by=None, tree="then", now_ms=city.clock.at_ms)
        return checks_in(answer)

    assert november() == dict.fromkeys(CHECK_MEASURES, 0) | {"checks_due": 6 * 30, "checks_missing": 6 * 8}
    city.clock.set("2026-11-10", 10, 1)  # the 9th was in grace until ten
    assert november() == dict.fromkeys(CHECK_MEASURES, 0) | {"checks_due": 6 * 30, "checks_missing": 6 * 9}


def test_days_that_are_still_open_miss_nothing_and_the_rows_of_days_add_up() -> None:
    city = City()
    city.clock.set("2026-11-10", 9)
    for day in ("2026-11-03", "2026-11-09", "2026-11-10"):
        city.hub.check(E_GROUPS[0], day, 1)
    for unit in (CITY, E_VILLAGE, E_GROUPS[0]):
        document = rollup.answer(city.hub.replica, unit, "2026-11", by="day", tree="then", now_ms=city.clock.at_ms)
        for name in CHECK_MEASURES:
            assert sum(row["measures"][name] for row in document["rows"]) == document["measures"][name], (unit, name)
        missing = {row["key"]: row["measures"]["checks_missing"] for row in document["rows"]}
        assert missing["2026-11-08"] > 0
        assert not any(missing[f"2026-11-{day:02}"] for day in (9, 10, 11, 30))
