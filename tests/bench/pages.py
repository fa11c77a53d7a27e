"""The hub's pages of figures on the shipped city, with a month of tallies and with a year of them.

    ./grid bench pages [--groups 5] [--cases 30000] [--runs 9] [--seed 1]

Tallies of every unit and day are written straight into the tables, as the projections would leave them: pages read
nothing else. Each page is asked for through the whole application; the floor is a page of the same frame that reads no
figure. Printed for each page: its time as a multiple of the floor's, and the work of the database (virtual machine
instructions) with a month held and with a year held. What a page reads must not grow with what is held.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from flask.testing import FlaskClient

from builders import TODAY, City
from node.people import accounts
from schemas.cases.lists import CATEGORIES, SOURCES, URGENCIES
from schemas.cases.measures import CASE_MEASURES
from schemas.units.acts import LEVELS
from sync.directory import tree_of

UNITS: Final = Path(__file__).resolve().parents[2] / "hub" / "data" / "jingzhou-units.csv"
FLOOR: Final = "/more"
STEPS: Final = 100  # instructions between two calls of the counter
LAST: Final = date.fromisoformat(str(TODAY))
FOUND_SHARE: Final = 0.01
MISSING_SHARE: Final = 0.03


@dataclass(frozen=True, slots=True)
class Measured:
    """One page: the shortest of its times in seconds, and instructions of the database."""

    path: str
    seconds: float
    steps: int


def unit_list(text: str, groups: int) -> str:
    """The shipped list with so many groups in each village."""
    rows = text.splitlines()
    head, body = rows[0], rows[1:]
    villages = [row.split(",")[0] for row in body if row.split(",")[2] == "village"]
    made = [f"{code}{at:03},{at}组,group,{code}" for code in villages for at in range(1, groups + 1)]
    return "\n".join([head, *body, *made]) + "\n"


def pages(city: str, county: str, township: str) -> list[str]:
    """The pages that are measured: those of figures over this month, some over this year; then those of lists."""
    month = f"{LAST.year}-{LAST.month:02}"
    return [
        f"/overview?unit={city}&period={month}",
        f"/overview?unit={city}&period={LAST.year}",
        f"/drill?unit={county}&period={month}",
        f"/drill?unit={township}&period={LAST.year}",
        f"/matrix?unit={city}&period={month}",
        f"/matrix?unit={city}&period={LAST.year}",
        f"/rollup?unit={city}&period={month}&by=day",
        f"/bulletin?unit={city}&period={month}",
        f"/missing?unit={city}&date={LAST - timedelta(days=1)}",
        "/todo",
        "/cases",
        "/nodes",
        "/directory",
        "/regime",
        "/audit",
    ]


def days_back(count: int) -> list[date]:
    """The last days before today, oldest first."""
    return [LAST - timedelta(days=back) for back in range(count, 0, -1)]


def fill(city: City, days: Sequence[date], cases: int, seed: int) -> int:
    """Writes the tallies of every unit for some days, `cases` to a year; returns how many rows."""
    db, dice, tree = city.hub.db, random.Random(seed), tree_of(city.hub.replica)
    for table in ("check_day", "check_month", "case_day", "case_month", "case_year", "case_standing"):
        db.execute(f"DELETE FROM {table}")
    units = [(one, tree.group_count(one, LAST)) for one in tree.all_ids()]
    checks = list(_checks(units, days, dice))
    db.conn.execute("BEGIN")
    db.conn.executemany("INSERT INTO check_day VALUES (?, ?, ?, ?, ?, 0)", checks)
    db.conn.execute(
        "INSERT INTO check_month SELECT unit, substr(day, 1, 7), SUM(zero), SUM(found), SUM(late), 0 FROM check_day"
        " GROUP BY unit, substr(day, 1, 7)"
    )
    villages = [one for one in tree.all_ids() if tree.level(one) == "village"]
    many = cases * len(days) // 365
    for table, width in (("case_day", 10), ("case_month", 7), ("case_year", 4)):
        slots = _cases(tree.ancestors, villages, days, many, random.Random(seed), width)
        blanks = ", ".join("?" * (5 + len(CASE_MEASURES)))
        db.conn.executemany(f"INSERT INTO {table} VALUES ({blanks})", slots)
    db.conn.execute("COMMIT")
    (rows,) = db.execute("SELECT (SELECT COUNT(*) FROM check_day) + (SELECT COUNT(*) FROM case_day)").fetchone()
    return int(rows)


def _checks(
    units: Sequence[tuple[str, int]], days: Sequence[date], dice: random.Random
) -> Iterator[tuple[object, ...]]:
    for unit, groups in units:
        for day in days:
            reported = groups - round(groups * MISSING_SHARE * 2 * dice.random())
            found = round(reported * FOUND_SHARE)
            if reported:
                yield unit, day.isoformat(), reported - found, found, found // 2


def _cases(
    above: Callable[[str, date], tuple[str, ...]], villages: Sequence[str], days: Sequence[date], many: int,
    dice: random.Random, width: int,
) -> list[tuple[object, ...]]:  # fmt: skip
    """Sums of random cases: registered, accepted, mediated and agreed on one day at a village, in every dimension."""
    measures = ("registered", "accepted", "mediated", "agreed", "settled_at_village")
    places = [CASE_MEASURES.index(one) for one in measures]
    sums: dict[tuple[str, int, str, str, str], list[int]] = {}
    for _ in range(many):
        village, day = dice.choice(villages), dice.choice(days)
        category = dice.choice(CATEGORIES)
        kind = "dispute" if category.isdigit() else "hazard"
        keys = {
            "": "", "cell": f"{category}/{LEVELS[1]}", "source": dice.choice(SOURCES),
            "urgency": dice.choice(URGENCIES), "kind": kind,
        }  # fmt: skip
        slots = [(village, 1), *((unit, 0) for unit in above(village, LAST))]
        for unit, own in slots:
            for dimension, key in keys.items():
                counts = sums.setdefault((unit, own, dimension, day.isoformat()[:width], key), [0] * len(CASE_MEASURES))
                for place in places:
                    counts[place] += 1
    return [(*slot, *counts) for slot, counts in sums.items()]


def measure(city: City, browser: FlaskClient, path: str, runs: int) -> Measured:
    """One page asked for so many times, once more before and once with the database's work counted."""
    assert browser.get(path).status_code == 200, path
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        browser.get(path)
        taken.append(time.perf_counter() - started)
    steps = [0]

    def count() -> int:
        steps[0] += STEPS
        return 0

    city.hub.db.conn.set_progress_handler(count, STEPS)
    browser.get(path)
    city.hub.db.conn.set_progress_handler(None, STEPS)
    return Measured(path, min(taken), steps[0])


def measured(groups: int, cases: int, runs: int, seed: int, units: str) -> list[tuple[Measured, Measured]]:
    """Each page with a month held and with a year held; the first is the floor."""
    city = City(seed=seed, units=unit_list(units, groups))
    hub, tree = city.hub, tree_of(city.hub.replica)
    county = tree.children(city.city, LAST)[0].id
    township = tree.children(county, LAST)[0].id
    accounts.add(hub.replica, "bench", "admin", None)
    browser = hub.browser()
    browser.set_cookie("grid_session", accounts.open_session(hub.replica, "bench"))
    listed = [FLOOR, *pages(city.city, county, township)]
    found = []
    for days in (30, 365):
        print(f"{fill(city, days_back(days), cases, seed):,} rows of tallies by day, {days} days")
        found.append([measure(city, browser, path, runs) for path in listed])
    return list(zip(*found, strict=True))


def main(argv: list[str]) -> int:
    """Prints the table; 0."""
    parser = argparse.ArgumentParser(prog="bench pages", description=__doc__)
    parser.add_argument("--groups", type=int, default=5)
    parser.add_argument("--cases", type=int, default=30_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(argv)
    rows = measured(wanted.groups, wanted.cases, wanted.runs, wanted.seed, UNITS.read_text("utf-8"))
    (_, floor), *others = rows
    print(f"{'page':58} {'ms':>7} {'× floor':>8} {'work, month':>12} {'work, year':>11} {'ratio':>6}")
    print(f"{floor.path:58} {1000 * floor.seconds:7.1f} {1:8.1f} {'':>12} {floor.steps:11,}")
    for month, year in others:
        ratio = year.steps / max(month.steps, 1)
        print(
            f"{year.path:58} {1000 * year.seconds:7.1f} {year.seconds / floor.seconds:8.1f} {month.steps:12,}"
            f" {year.steps:11,} {ratio:6.2f}"
        )
    return 0
