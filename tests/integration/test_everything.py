"""Everything at once: whatever happened in a random city, in whatever order its hub heard of it, every cell of every
rollup is what counting the signed events one by one gives, every list is what its cell counts, no share is over 100 %,
and no mask can be worked out.

The count (`plain_count`) shares nothing with the product. Planted faults that this test was seen to find, each within
its own few examples: see `docs/testing.md`. For a longer run: `GRID_EXAMPLES=300 ./grid test tests/integration/
test_everything.py`.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from plain_count import CHECKS, FACTS, MEASURES, Atom, PlainCount, counts
from plain_tree import LEVELS, events_in
from random_city import FIRST, NEW_GROUPS, NEW_VILLAGE, RandomCity

from builders import UNITS
from node.figures import rollup
from node.figures.masks import mask
from node.figures.rollup_records import records
from sync.replica import Replica

EXAMPLES: Final = int(os.environ.get("GRID_EXAMPLES", "6"))
SPAN: Final = (date(2026, 9, 1), date(2026, 12, 31))
PERIODS: Final = (
    ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
    ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
    ("2026-W47", date(2026, 11, 16), date(2026, 11, 22)),
)
CODED: Final = ("category", "source", "source_group", "level", "kind", "urgency")
CHECK_NAMES: Final = tuple(f"checks_{name}" for name in CHECKS)
Cell = tuple[str, str, date, date, str]  # unit, period key, first, last, tree
SHARES: Final = ("coverage", "on_time_rate", "zero_share")
AT_ONCE: Final = 5_000


class Judge:
    """Holds a hub's answers against the count."""

    def __init__(self, hub: Replica, chance: random.Random) -> None:
        self.hub, self.chance, self.now_ms = hub, chance, hub.env.now_ms()
        self.plain = PlainCount(events_in(hub.db.conn), self.now_ms, *SPAN)
        self.units = [unit for unit in (*UNITS, *NEW_GROUPS, NEW_VILLAGE) if unit in self.plain.tree.level]

    def answer(self, cell: Cell, by: str | None, campaign: str | None = None) -> dict[str, Any]:
        unit, key, _, _, mode = cell
        return rollup.answer(
            self.hub, unit, key, by=by, tree=mode, now_ms=self.now_ms, campaign=campaign, language="en"
        )

    def cells(self) -> Iterator[Cell]:
        """Every unit and tree, over the fixed periods and one drawn."""
        first = FIRST + timedelta(days=self.chance.randint(0, 70))
        last = first + timedelta(days=self.chance.randint(0, 25))
        drawn = (f"{first}..{last}", first, last)
        for unit in self.units:
            for key, begin, end in (*PERIODS, drawn):
                for mode in ("then", "now"):
                    yield unit, key, begin, end, mode

    def behind(self, cell: Cell, campaign: str | None = None) -> list[Atom]:
        unit, _, first, last, mode = cell
        return self.plain.behind(unit, first, last, mode, campaign)

    # ---- one cell along every dimension

    def total_and_children(self, cell: Cell) -> None:
        unit, mode, atoms = cell[0], cell[4], self.behind(cell)
        document = self.answer(cell, "children")
        assert document["measures"] == counts(atoms), cell
        for name in SHARES:
            share = document["rates"][name]
            assert share["numerator"] <= share["denominator"], (cell, name)
            assert share["value"] is None or float(share["value"]) <= 100, (cell, name)
        if self.plain.tree.level[unit] == LEVELS[0]:
            return
        below: dict[str, list[Atom]] = {}
        for atom in atoms:
            below.setdefault(self.plain.below(atom, unit, mode), []).append(atom)
        rows = {row["key"]: row["measures"] for row in document["rows"]}
        assert len(rows) == len(document["rows"]), cell
        for key in rows.keys() | below.keys():
            assert rows.get(key, counts([])) == counts(below.get(key, [])), (cell, key)

    def coded(self, cell: Cell) -> None:
        atoms = [atom for atom in self.behind(cell) if atom.codes]
        for by in CODED:
            rows = {row["key"]: row["measures"] for row in self.answer(cell, by)["rows"]}
            found = {dict(atom.codes)[by] for atom in atoms}
            assert found <= rows.keys(), (cell, by)
            for key, measures in rows.items():
                assert measures == counts(atom for atom in atoms if (by, key) in atom.codes), (cell, by, key)

    def days(self, cell: Cell) -> None:
        unit, _, first, last, mode = cell
        rows = self.answer(cell, "day")["rows"]
        assert [row["key"] for row in rows] == [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]
        for row in rows:
            day = date.fromisoformat(row["key"])
            assert row["measures"] == counts(self.plain.behind(unit, day, day, mode)), (cell, row["key"])

    def matrix(self, cell: Cell) -> None:
        unit, _, _, last, mode = cell
        year = [
            atom
            for atom in self.plain.behind(unit, last.replace(month=1, day=1), last, mode)
            if atom.measure in ("mediated", "agreed")
        ]
        atoms = [atom for atom in year if atom.day >= cell[2]]
        for row in self.answer(cell, "matrix")["rows"]:
            only = [] if row["key"] == "total" else [("category", row["key"])]
            for level in LEVELS:
                assert row["cells"][level] == _results(atoms, [*only, ("level", level)]), (cell, row["key"], level)
            assert row["subtotal"] == _results(atoms, only), (cell, row["key"])
            assert row["year_to_date"] == _results(year, only), (cell, row["key"])

    def campaigns(self, cell: Cell) -> None:
        _, _, first, last, _ = cell
        rows = {row["key"]: row["measures"] for row in self.answer(cell, "campaign")["rows"]}
        for key, said in self.plain.campaigns.items():
            expected = counts(self.behind(cell, key))
            runs = said["from"] <= str(last) and said["to"] >= str(first)
            assert key in rows or not (runs or any(expected.values())), (cell, key)
            assert rows.get(key, expected) == expected, (cell, key)
            document = self.answer(cell, "day", key)
            assert document["measures"] == expected, (cell, key)
            for row in document["rows"]:
                day = date.fromisoformat(row["key"])
                on_day = counts(self.plain.behind(cell[0], day, day, cell[4], key))
                assert row["measures"] == on_day, (cell, key, row["key"])

    # ---- lists and masks

    def lists(self, cell: Cell) -> None:
        """Under a random filter the list of every measure holds just what its cell counts."""
        unit, key, _, _, mode = cell
        atoms = self.behind(cell)
        filters = self._filters(atoms)
        if self.plain.campaigns and self.chance.random() < 0.2:
            filters = {"campaign": self.chance.choice(sorted(self.plain.campaigns))}
            atoms = self.behind(cell, filters["campaign"])
        coded = [one for one in filters.items() if one[0] != "campaign"]
        for measure in MEASURES:
            page = records(
                self.hub, unit, key, measure, tree=mode, now_ms=self.now_ms, filters=filters, after=None, limit=AT_ONCE
            )
            told = Counter((one["unit"], one.get("id", one["date"])) for one in page["items"])
            wanted = Counter(
                (atom.unit, atom.about if atom.codes else str(atom.day))
                for atom in atoms
                if atom.measure == measure and atom.has(coded)
            )
            assert (page["next"], told) == (None, wanted), (cell, measure, filters)

    def _filters(self, atoms: list[Atom]) -> dict[str, str]:
        coded = [dict(atom.codes) for atom in atoms if atom.codes]
        chosen = self.chance.sample(CODED, self.chance.choice((0, 1, 1, 2)))
        return {name: self.chance.choice(coded)[name] for name in chosen} if coded else {}

    def masks(self, cell: Cell) -> None:
        for by in ("children", self.chance.choice((*CODED, "day"))):
            exact = self.answer(cell, by)
            seen = mask(self.hub, exact, by)
            known = Onlooker(seen, by).work_out()
            for where, value in _figures(exact).items():
                about = exact["rows"][where[0]]["key"] if by == "children" and where[0] >= 0 else exact["unit"]
                if 0 < value < 5 and self.plain.tree.level[about] in ("group", "village"):
                    assert where not in known, (cell, by, where, value)


class Onlooker:
    """Somebody with a pencil: whatever is the only unknown of a sum is known, again and again until nothing new is."""

    def __init__(self, seen: dict[str, Any], by: str) -> None:
        self.known = {where: value for where, value in _figures(seen).items() if isinstance(value, int)}
        self.sums = list(_sums(seen, by))

    def work_out(self) -> dict[tuple[int, str], int]:
        new = True
        while new:
            new = False
            for total, parts in self.sums:
                unknown = [one for one in (total, *parts) if one not in self.known]
                if len(unknown) != 1:
                    continue
                rest = sum(self.known[part] for part in parts if part in self.known)
                self.known[unknown[0]] = rest if unknown[0] == total else self.known[total] - rest
                new = True
        return self.known


def _figures(document: dict[str, Any]) -> dict[tuple[int, str], Any]:
    """{(row, measure): figure}; row -1 is the whole document."""
    holders = [document, *document["rows"]]
    return {(at - 1, name): value for at, holder in enumerate(holders) for name, value in holder["measures"].items()}


def _sums(seen: dict[str, Any], by: str) -> Iterator[tuple[tuple[int, str], list[tuple[int, str]]]]:
    rows = range(len(seen["rows"]))
    for name in MEASURES:
        cases_only = by in CODED and name not in (*FACTS, "open", "overdue")
        by_day = by == "day" and name in ("open", "overdue")
        if rows and not cases_only and not by_day:
            yield (-1, name), [(row, name) for row in rows]
    for at in (-1, *rows):
        yield (at, "agreed"), [(at, f"settled_at_{level}") for level in LEVELS]


def _results(atoms: list[Atom], only: list[tuple[str, str]]) -> dict[str, int]:
    found = Counter(atom.measure for atom in atoms if atom.has(only))
    return {"mediated": found["mediated"], "agreed": found["agreed"]}


def judged(seed: int, acts: int, checks: int, cases: int) -> Counter[str]:
    """Holds every cell of a random city against the count; returns how much of each measure was counted."""
    drawn = RandomCity(seed, acts=acts, checks=checks, cases=cases)
    judge = Judge(drawn.arrived(), drawn.chance)
    seen: Counter[str] = Counter()
    for at, cell in enumerate(judge.cells()):
        judge.total_and_children(cell)
        # Each cell along some of the dimensions, so that all of them are asked of every unit over the examples.
        for check in drawn.chance.sample((judge.coded, judge.days, judge.matrix, judge.campaigns), 2 if at % 3 else 1):
            check(cell)
        drawn.chance.choice((judge.lists, judge.lists, judge.masks))(cell)
        seen.update(counts(judge.behind(cell)))
    return seen


# An example takes seconds: shrinking would take minutes, and the first failure names its cell anyway.
@settings(
    max_examples=EXAMPLES, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(seed=st.integers(0, 2**32), acts=st.integers(0, 6), checks=st.integers(6, 40), cases=st.integers(4, 14))
def test_every_cell_list_and_mask_is_what_counting_the_events_gives_whatever_their_order(
    seed: int, acts: int, checks: int, cases: int
) -> None:
    judged(seed, acts, checks, cases)


@pytest.mark.parametrize("seed", [17])
def test_a_full_city_counts_something_in_every_measure(seed: int) -> None:
    seen = judged(seed, acts=3, checks=40, cases=16)
    assert [name for name in MEASURES if not seen[name]] == []
