"""A city with a span of checks and cases, written in bulk: the read tables and tallies that the real projection writes.

Checks are made by arithmetic on the numbers of group and day, so that another database can make the same ones; that the
bulk path is right is held against a recount in plain Python by the short version.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from builders import City, Node
from node.cases import queries as case_queries
from node.cases.projection import closure_of, write_tallies
from node.cases.queries import CaseNow
from node.cases.tallies import PLACE, Kept, Slot, Traits, changes
from schemas.cadence import DEFAULT_PROFILE, grace_end
from schemas.cases.lists import HAZARDS, HUBEI_15, SOURCE_GROUPS, SOURCES, URGENCIES
from schemas.cases.measures import Fact, OpenSpan
from schemas.clock import at_time
from schemas.periods import period_of
from schemas.units.tree import LEVELS
from sync.database import write
from sync.directory import tree_of

CITY: Final = "421000000000"
GROUPS_OF_A_VILLAGE: Final = 10
VILLAGES_OF_A_TOWN: Final = 16
TOWNS_OF_A_COUNTY: Final = 16
# Of (group * 31 + day * 17 + group * day) modulo 100: what the group reported on the day. The numbers are from 0 up.
DRAW: Final = "((g.no * 31 + d.no * 17 + g.no * d.no) % 100)"
MISSING, LATE, FOUND = 3, 6, 11  # below the first nothing, below the second late, below the third something found
RECORDED_AFTER_H: Final = (17, 40)  # on time and late, hours after the day's midnight


def unit_list(groups: int) -> str:
    """A unit list with about so many groups, whole villages of ten."""
    rows = ["code,name,level,parent_code", f"{CITY},基准市,city,"]
    villages = max(1, groups // GROUPS_OF_A_VILLAGE)
    for number in range(villages):
        town, county = number // VILLAGES_OF_A_TOWN, number // (VILLAGES_OF_A_TOWN * TOWNS_OF_A_COUNTY)
        county_code = f"4210{county + 1:02}000000"
        town_code = f"4210{county + 1:02}{town % TOWNS_OF_A_COUNTY + 1:03}000"
        village_code = f"{town_code[:9]}{number % VILLAGES_OF_A_TOWN + 1:03}"
        if number % (VILLAGES_OF_A_TOWN * TOWNS_OF_A_COUNTY) == 0:
            rows.append(f"{county_code},县{county + 1},county,{CITY}")
        if number % VILLAGES_OF_A_TOWN == 0:
            rows.append(f"{town_code},镇{town + 1},township,{county_code}")
        rows.append(f"{village_code},村{number + 1},village,{town_code}")
        rows += [f"{village_code}{one:03},组{one},group,{village_code}" for one in range(1, GROUPS_OF_A_VILLAGE + 1)]
    return "\n".join(rows) + "\n"


class CityYear:
    """The hub of a city whose checks and cases are written span by span; `last` is the last day before today."""

    def __init__(self, groups: int, folder: Path, last: date) -> None:
        self.city = City(units=unit_list(groups), folder=folder)
        self.city.clock.set(last + timedelta(days=1), 18)
        self.hub: Node = self.city.hub
        self.db = self.hub.db
        self.db.execute("PRAGMA synchronous=OFF")  # nothing here has to survive anything
        self.db.execute("PRAGMA secure_delete=OFF")
        self.tree = tree_of(self.hub.replica)
        self.groups = sorted(unit for unit in self.tree.all_ids() if self.tree.level(unit) == LEVELS[0])
        self.db.execute("CREATE TEMP TABLE grp (no INTEGER PRIMARY KEY, unit TEXT NOT NULL)")
        self.db.conn.executemany("INSERT INTO grp VALUES (?, ?)", list(enumerate(self.groups)))
        self.db.execute("CREATE TEMP TABLE parent (unit TEXT PRIMARY KEY, above TEXT NOT NULL, level TEXT NOT NULL)")
        pairs = [(unit, *self.tree.ancestors(unit, last)[1:2], self.tree.level(unit)) for unit in self.tree.all_ids()]
        self.db.conn.executemany("INSERT INTO parent VALUES (?, ?, ?)", [pair for pair in pairs if len(pair) == 3])
        self.db.execute("CREATE TEMP TABLE span (no INTEGER PRIMARY KEY, day TEXT NOT NULL, midnight INTEGER NOT NULL)")
        self._cases = 0

    def add_checks(self, first: date, last: date) -> int:
        """Writes the checks of a span of days with their tallies; returns how many."""
        days = [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]
        midnights = [at_time(day, DEFAULT_PROFILE.due_time) - 20 * 3_600_000 for day in days]
        grace_h = (grace_end(DEFAULT_PROFILE, LEVELS[0], period_of("day", days[0])) - midnights[0]) // 3_600_000
        with write(self.db, "rebuild", self.hub.env):
            self.db.execute("DELETE FROM span")
            self.db.conn.executemany(
                "INSERT INTO span VALUES (?, ?, ?)",
                [(day.toordinal(), day.isoformat(), at) for day, at in zip(days, midnights, strict=True)],
            )
            on_time, late = RECORDED_AFTER_H
            recorded = f"CASE WHEN {DRAW} < {LATE} THEN {late} ELSE {on_time} END"
            result = f"CASE WHEN {DRAW} < {FOUND} AND {DRAW} >= {LATE} THEN 'found' ELSE 'zero' END"
            written = self.db.execute(
                "INSERT INTO check_duty"
                " (unit, day, occasion, event, result, first_recorded_at, counted, late, conflicts)"
                f" SELECT g.unit, d.day, 'regular', g.unit || d.day, {result}, d.midnight + 3600000 * ({recorded}),"
                f" {result}, ({recorded}) > {grace_h}, 0 FROM grp g CROSS JOIN span d WHERE {DRAW} >= {MISSING}"
            ).rowcount
            self._tally(days[0], days[-1])
        return int(written)

    def _tally(self, first: date, last: date) -> None:
        span = [first.isoformat(), last.isoformat()]
        self.db.execute(
            "INSERT INTO check_day (unit, day, zero, found, late, extra)"
            " SELECT unit, day, counted = 'zero', counted = 'found', late, 0 FROM check_duty WHERE day BETWEEN ? AND ?"
            " AND unit IN (SELECT unit FROM grp)",
            span,
        )
        for level in LEVELS[:-1]:
            self.db.execute(
                "INSERT INTO check_day (unit, day, zero, found, late, extra)"
                " SELECT p.above, t.day, SUM(t.zero), SUM(t.found), SUM(t.late), 0 FROM check_day t"
                " JOIN parent p ON p.unit = t.unit WHERE p.level = ? AND t.day BETWEEN ? AND ? GROUP BY 1, 2",
                [level, *span],
            )
        self.db.execute(
            "INSERT INTO check_month (unit, month, zero, found, late, extra)"
            " SELECT unit, substr(day, 1, 7), SUM(zero), SUM(found), SUM(late), 0 FROM check_day"
            " WHERE day BETWEEN ? AND ? GROUP BY 1, 2",
            span,
        )

    def add_cases(self, count: int, first: date, last: date, seed: int) -> None:
        """Writes cases registered in a span of days, with what they count for and their tallies."""
        dice = random.Random(seed)
        sums: dict[Slot, list[int]] = defaultdict(lambda: [0] * len(PLACE))
        with write(self.db, "rebuild", self.hub.env):
            for _ in range(count):
                self._cases += 1
                now, kept = told(dice, f"case-{self._cases:08}", self.groups, first, last)
                case_queries.put_case(self.db, now, kept, closure_of(self.tree, now.units, kept))
                for slot, measure, by in changes(self.tree, kept):
                    sums[slot][PLACE[measure]] += by
            write_tallies(self.db, sums)


def told(dice: random.Random, case_id: str, groups: list[str], first: date, last: date) -> tuple[CaseNow, Kept]:
    """One case: found by a unit of one of the four lower levels, mostly accepted, agreed and closed there."""
    group = dice.choice(groups)
    lineage = [group, group[:12], f"{group[:9]}000", f"{group[:6]}000000"]
    at = dice.choices(range(4), (4, 5, 3, 1))[0]
    unit, level = lineage[at], LEVELS[at]
    day = first + timedelta(days=dice.randint(0, (last - first).days))
    traits = Traits(*_traits(dice))
    facts, until = list(_facts(dice, unit, level, day, case_id)), None
    if facts[-1].measure in ("closed", "settled_at_" + level):
        until = facts[-1].day
    span = OpenSpan(unit, level, day, until, at_time(day + timedelta(days=7), DEFAULT_PROFILE.due_time))
    now = CaseNow(
        case_id=case_id, event=case_id, state="registered" if until is None else "closed", open=int(until is None),
        owner=unit, level=level, term=0, offered_to=None, kind=traits.kind, category=traits.category,
        source=traits.source, source_group=SOURCE_GROUPS[traits.source], complexity="ordinary", urgency=traits.urgency,
        scale="2", amount_band="none", found_by=unit, day=day.isoformat(), confirmation=None,
        started_at=at_time(day, DEFAULT_PROFILE.due_time), deadline_at=span.deadline_ms if until is None else None,
        follow_up=None, audience=unit,
    )  # fmt: skip
    spans = () if until == day else (span,)
    return now, Kept(traits, tuple(facts), spans)


def _traits(dice: random.Random) -> tuple[str, str, str, str]:
    listed = HAZARDS if dice.random() < 0.2 else HUBEI_15
    return listed.kind, dice.choice(listed.codes), dice.choice(SOURCES), dice.choice(URGENCIES)


def _facts(dice: random.Random, unit: str, level: str, day: date, event: str) -> Iterator[Fact]:
    yield Fact("registered", unit, day, level, event)
    if dice.random() < 0.03:
        return
    yield Fact("accepted", unit, day, level, event)
    if dice.random() < 0.1:
        return
    result = day + timedelta(days=dice.randint(0, 12))
    yield Fact("mediated", unit, result, level, event)
    if dice.random() < 0.17:
        yield Fact("not_agreed", unit, result, level, event)
        yield Fact("closed", unit, result + timedelta(days=2), level, event)
        return
    yield Fact("agreed", unit, result, level, event)
    if dice.random() < 0.6:
        yield Fact("performed", unit, result, level, event)
    yield Fact(f"settled_at_{level}", unit, result, level, event)
