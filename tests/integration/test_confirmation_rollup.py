"""Every figure of confirmations equals a recount from the signed events, whatever moved, closed, came late, was
amended, stood in conflict, or whichever cadence was in force.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from builders import CITY, E_TOWN, E_VILLAGE, EAST, HOUR_MS, W_TOWN, W_VILLAGE, WEST, City, Node
from node.daily.calendars import calendar_of
from node.daily.excuse_recount import excuse_acts
from node.daily.excuses import give
from node.figures import rollup
from node.figures.asof import as_of
from node.figures.rollup_records import records
from node.people.accounts import Account
from node.reports.confirmation_projection import CONFIRMATION_KIND, CONFIRMATION_SCHEMA
from node.reports.confirmation_recount import confirmations_in
from schemas.cadence import DEFAULT_PROFILE, profile_payload
from schemas.cases.measures import CASE_MEASURES
from schemas.clock import business_day
from schemas.confirmations import CONFIRMATION_MEASURES, confirmation_payload, recount
from schemas.errors import GridError
from schemas.excuses import standing
from schemas.measures import CHECK_MEASURES, Excuse
from schemas.periods import CADENCES, parse_period, period_of
from sync.database import write
from sync.directory import tree_of
from sync.intake import Intake
from sync.rebuild import rebuild
from sync.replica import Replica
from sync.verify import verify

FIRST: Final = date(2026, 9, 20)
DAYS: Final = 66  # to the day after today
PERIODS: Final = ("2026-10", "2026-09-25..2026-11-17", "2026-Q4")
UNITS: Final = (W_VILLAGE, E_VILLAGE, W_TOWN, E_TOWN, WEST, EAST, CITY)
ENDS: Final = tuple(date.fromisoformat(day) for day in ("2026-09-30", "2026-10-15", "2026-10-31", "2026-11-15"))
FIRSTS: Final = tuple(end + timedelta(days=1) for end in ENDS)
NOTHING: Final = dict.fromkeys((*CHECK_MEASURES, *CASE_MEASURES), 0)

days = st.integers(0, DAYS - 1).map(lambda number: FIRST + timedelta(days=number))
moves = st.builds(
    lambda pair, day: {"type": "unit", "act": "move", "unit": pair[0], "parent": pair[1], "date": day.isoformat()},
    st.sampled_from([(W_VILLAGE, E_TOWN), (E_VILLAGE, W_TOWN), (E_TOWN, WEST), (W_TOWN, EAST)]),
    days,
)
closings = st.builds(
    lambda unit, day: {"type": "unit", "act": "close", "unit": unit, "date": day.isoformat()},
    st.sampled_from([W_VILLAGE, E_TOWN, WEST]),
    days,
)


def cadence_act(level: str, cadence: str, day: date) -> dict[str, Any]:
    """The default profile with another cadence of one level, from a day on."""
    profile: dict[str, Any] = profile_payload(DEFAULT_PROFILE)
    profile["cadences"] = {**profile["cadences"], level: cadence}
    return {"type": "cadence", "date": day.isoformat(), "profile": profile}


def excuse_act(unit: str, first: date, length: int) -> dict[str, Any]:
    """What the city lifts."""
    last = first + timedelta(days=length)
    return {"unit": unit, "from": first.isoformat(), "to": last.isoformat(), "reason": "x"}


# Whole periods, so that something is lifted, by one excuse or by two that meet.
excuses = st.builds(
    excuse_act, st.sampled_from([*UNITS[:-1], W_VILLAGE, EAST]), st.sampled_from([*FIRSTS, FIRST]),
    st.sampled_from([6, 14, 15, 30, 40]),
)  # fmt: skip
cadences = st.builds(cadence_act, st.sampled_from(["village", "township", "county"]), st.sampled_from(CADENCES), days)


@dataclass(frozen=True)
class Said:
    """A confirmation signed by one of the nodes for the period of a cadence that holds a day; `amends` counts back."""

    author: int
    unit: str
    cadence: str
    day: date
    back_h: int  # how long before now it was recorded, by the clock of its node
    amends: int | None


said = st.builds(
    Said,
    st.integers(0, 2),
    st.sampled_from(UNITS),
    st.sampled_from(["week", "half-month", "half-month", "month", "month", "quarter"]),
    st.sampled_from(ENDS) | days,
    st.integers(0, 24 * 45),
    st.none() | st.integers(0, 2),
)


def sign(node: Node, spoken: Said, before: dict[tuple[str, str], list[str]]) -> None:
    """Signs a confirmation as another program might: whatever it amends, owed or not."""
    period = period_of(spoken.cadence, spoken.day)
    earlier = before.setdefault((spoken.unit, period.key), [])
    amends = earlier[-1 - spoken.amends] if spoken.amends is not None and spoken.amends < len(earlier) else None
    with write(node.db, "check", node.env):
        intake = Intake(node.replica, node.env.now_ms())
        intake.now_ms -= spoken.back_h * HOUR_MS  # recorded then, received now
        public = confirmation_payload(period, NOTHING, {}, 0, "", "", amends)
        event = intake.author(
            kind=CONFIRMATION_KIND, schema=CONFIRMATION_SCHEMA, unit=spoken.unit, day=period.last, public=public
        )
        intake.finish()
    earlier.append(event.hash)


def figures_in(row: dict[str, Any]) -> dict[str, int]:
    """The measures of confirmations in a document or a row."""
    return {name: row["measures"][name] for name in CONFIRMATION_MEASURES}


def every_cell(replica: Replica, now_ms: int) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """Rollup answers for each unit, period, tree and dimension."""
    return {
        (unit, period, tree, by): dict(rollup.answer(replica, unit, period, by=by, tree=tree, now_ms=now_ms))
        for unit in UNITS
        for period in PERIODS
        for tree in ("then", "now")
        for by in (("children", "day") if period == PERIODS[0] else ("children",))
    }


def agrees(replica: Replica, now_ms: int) -> None:
    """Asserts that every cell and row is what the recount says, that rows add up, and that each cell opens to as many
    records.
    """
    tree, calendar, held = tree_of(replica), calendar_of(replica.db), confirmations_in(replica)
    today = business_day(now_ms)

    lifted = [Excuse(one.unit, one.first, one.last) for one in standing(excuse_acts(replica), tree.ever_below)]

    def ground(unit: str, first: date, last: date, mode: Any) -> dict[str, int]:
        return recount(tree, calendar, held, lifted, unit, first, last, now_ms, mode, today)

    for (unit, period, mode, by), document in every_cell(replica, now_ms).items():
        span, where = parse_period(period), f"{unit} {period} {mode} {by}"
        total = ground(unit, span.first, span.last, mode)
        assert figures_in(document) == total, where
        rows = document["rows"]
        if by == "day":
            for row in rows:
                day = date.fromisoformat(row["key"])
                assert figures_in(row) == ground(unit, day, day, mode), (where, row["key"])
            continue
        assert {name: sum(row["measures"][name] for row in rows) for name in CONFIRMATION_MEASURES} == total, where
        for name, count in total.items():
            found = records(replica, unit, period, name, tree=mode, now_ms=now_ms, filters={}, after=None, limit=500)[
                "items"
            ]
            assert len(found) == count, (where, name)


@settings(
    max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=[HealthCheck.too_slow]
)
@given(
    acts=st.lists(moves | closings | cadences, max_size=5),
    spoken=st.lists(said, max_size=16),
    lifted=st.lists(excuses, max_size=3),
    seed=st.integers(0, 2**32),
)
def test_every_cell_equals_the_recount_at_any_instant_and_after_a_rebuild(
    acts: list[dict[str, Any]], spoken: list[Said], lifted: list[dict[str, Any]], seed: int
) -> None:
    city = City(seed=seed % 7 + 1)
    nodes = [city.hub, city.join(city.hub, WEST), city.join(city.hub, EAST)]
    before: dict[tuple[str, str], list[str]] = {}
    for half in (0, 1):
        for entry in acts[half::2]:
            with suppress(GridError):  # closed already, not open yet: nothing changed
                city.hub.publish(entry)
        for body in lifted[half::2]:
            give(city.hub.replica, Account("r", "reviewer", CITY), body)
        for one in spoken[half::2]:
            sign(nodes[one.author], one, before)
        city.settle()
        if not half:
            then_ms = city.hub.env.now_ms()
            answered = every_cell(city.hub.replica, then_ms)
            city.clock.forward(HOUR_MS)
    now_ms = city.hub.env.now_ms()
    for node in nodes:
        agrees(node.replica, now_ms)
        assert verify(node.replica).problems == []
        tables = node.derived()
        rebuild(node.replica)
        assert node.derived() == tables
    with as_of(city.hub.replica, then_ms) as earlier:
        assert every_cell(earlier, then_ms) == answered
