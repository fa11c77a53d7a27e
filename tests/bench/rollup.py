"""A year of a city: how much each rollup reads, and how long it takes beside the same question asked of DuckDB.

    ./grid bench rollup [--groups 20000] [--days 365] [--cases 30000] [--folder DIR]

The last month is written first and every question of it is asked; then the rest of the span, and the same questions
are asked again: what SQLite has to do for them (steps of its machine, a few for each row) must be the same but for a
row for each key (a category at a level) that the last month has not. Then each question is timed, of the month and of
the whole span, beside a recount by DuckDB over the raw reports and acts of the same city (`duck.py`; it comes with the
extra `dev`, so that the one command is all there is to type); both must come to the same figures. No number is tuned:
where a question falls short of a target, the last lines say so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from city_year import CITY, CityYear
from duck import Answer, Duck

from node.cases.tallies import ALL, CELL
from node.figures import rollup
from schemas.cases.measures import SETTLED_AT
from schemas.periods import Period, parse_period
from schemas.units.tree import LEVELS

LAST: Final = date(2026, 11, 30)
TIMES: Final = 7  # a question is asked so often, and the shortest time counts
MAX_TIMED_MS: Final = 3_000  # then it has been asked often enough
STEPS_A_ROW: Final = 120  # of SQLite's machine, for a row of which 18 columns are summed and given out
TARGET_MS: Final = 10
TARGET_YEAR_BY_DAY_MS: Final = 30
TARGET_RATIO: Final = 10
CASES_COMPARED: Final = (
    "registered",
    "accepted",
    "mediated",
    "agreed",
    "not_agreed",
    "performed",
    "closed",
    *SETTLED_AT,
    "open",
    "overdue",
)
COMPARED: Final = ("checks_zero", "checks_found", "checks_late", *CASES_COMPARED)


@dataclass(frozen=True)
class Asked:
    """One question: of a unit of a level, over a period, by a dimension."""

    level: str
    period: str
    by: str | None

    @property
    def words(self) -> str:
        """How it is printed."""
        return f"{self.level:8} {self.period:22} {self.by or 'total':9}"


def questions(period: str) -> list[Asked]:
    """What is asked of a period, by every level."""
    asked = [Asked(level, period, by) for level in reversed(LEVELS) for by in (None, "day", "category", "matrix")]
    asked += [Asked(level, period, "children") for level in reversed(LEVELS[1:])]
    return [*asked, *(Asked("city", period, by) for by in ("source", "source_group", "level", "kind", "urgency"))]


def unit_at(year: CityYear, level: str) -> str:
    """The first unit of a level."""
    return year.tree.ancestors(year.groups[0], LAST)[LEVELS.index(level)]


def answer(year: CityYear, asked: Asked) -> dict[str, Any]:
    """The rollup's document."""
    unit = unit_at(year, asked.level)
    now_ms = year.city.clock.at_ms
    return rollup.answer(year.hub.replica, unit, asked.period, by=asked.by, tree="then", now_ms=now_ms)


def steps(year: CityYear, asked: Asked) -> int:
    """What SQLite's machine has to do for a question: it grows with the rows that are read."""
    count = 0

    def one_more() -> None:
        nonlocal count
        count += 1

    year.db.conn.set_progress_handler(one_more, 1)
    try:
        answer(year, asked)
    finally:
        year.db.conn.set_progress_handler(None, 0)
    return count


def more_keys(year: CityYear, asked: Asked) -> int:
    """Rows that a question may read beyond those of the last month: one for each key, such as a category at a level,
    that was counted in the span but not in that month.
    """
    unit = unit_at(year, asked.level)
    units = [unit]
    if asked.by == "children":
        units += [one.id for one in year.tree.children(unit, LAST)]
    dimensions = {
        ALL,
        {"category": CELL, "level": CELL, "matrix": CELL, "source_group": "source"}.get(asked.by or "", ""),
    }
    dimensions |= {asked.by} & {"source", "kind", "urgency"}
    where = f"unit IN ({', '.join('?' * len(units))}) AND dimension IN ({', '.join('?' * len(dimensions))})"
    (more,) = year.db.execute(
        f"SELECT COUNT(*) FROM (SELECT DISTINCT unit, own, dimension, key FROM case_year WHERE {where} EXCEPT"
        f" SELECT unit, own, dimension, key FROM case_month WHERE {where} AND month = ?)",
        [*units, *dimensions, *units, *dimensions, f"{LAST:%Y-%m}"],
    ).fetchone()
    return int(more)


def best_ms(act: Callable[[], object]) -> float:
    """The shortest of several times, in milliseconds: what else the machine does only makes one longer."""
    found: list[float] = []
    while len(found) < TIMES and sum(found) < MAX_TIMED_MS:
        begun = time.perf_counter()
        act()
        found.append(1000 * (time.perf_counter() - begun))
    return min(found)


def problems_of(asked: Asked, document: dict[str, Any], raw: Answer) -> list[str]:
    """Where the two answers differ, figure by figure."""
    rows: list[tuple[str, dict[str, int]]] = [("", document["measures"])]
    if asked.by == "matrix":
        cells = [(f"{row['key']}/{level}", row["cells"][level]) for row in document["rows"] for level in LEVELS]
        rows += [one for one in cells if not one[0].startswith("total/")]
    else:
        rows += [(row["key"], row["measures"]) for row in document["rows"]]
    if asked.by == "children":
        rows = [(key, measures) for key, measures in rows if key != document["unit"]]  # what a unit did itself
    wrong = []
    for key, measures in rows:
        theirs = raw.get(key, {})
        names = COMPARED if key == "" or asked.by in ("day", "children") else CASES_COMPARED
        for name in names if asked.by != "matrix" or key == "" else ("mediated", "agreed"):
            if measures[name] != theirs.get(name, 0):
                wrong.append(f"{asked.words} {key} {name}: {measures[name]}, DuckDB {theirs.get(name, 0)}")
    return wrong[:3]


def laid_out(groups: int, days: int, cases: int, folder: Path) -> tuple[CityYear, list[tuple[Asked, int, int]]]:
    """The city with its whole span, and for each question of the last month what it took before and after the rest of
    the span was written.
    """
    month = LAST.replace(day=1)
    first = LAST - timedelta(days=days - 1)
    year = CityYear(groups, folder, LAST)
    year.add_checks(month, LAST)
    year.add_cases(max(1, cases * 30 // days), month, LAST, seed=1)
    asked = questions(f"{LAST:%Y-%m}")
    before = [steps(year, one) for one in asked]
    if first < month:
        year.add_checks(first, month - timedelta(days=1))
        # They end in the span before: so the last month itself stays as it was.
        year.add_cases(cases - cases * 30 // days, first, month - timedelta(days=45), seed=2)
    return year, [(one, was, steps(year, one)) for one, was in zip(asked, before, strict=True)]


def grown_too_much(year: CityYear, counted: list[tuple[Asked, int, int]]) -> list[str]:
    """Questions that take more than before, beyond a row for each key that the last month has not."""
    return [
        f"{asked.words}: {was} steps on one month, {now} on the whole span, with {more_keys(year, asked)} older rows"
        for asked, was, now in counted
        if now - was > STEPS_A_ROW * (1 + more_keys(year, asked))
    ]


def timed(year: CityYear, days: int) -> list[str]:
    """Prints each question's time beside DuckDB's; returns what was wrong."""
    duck, now_ms = Duck(year, LAST - timedelta(days=days - 1), LAST), year.city.clock.at_ms
    floor = best_ms(lambda: duck.db.execute("SELECT $unit", {"unit": CITY}).fetchall())
    span = f"{LAST - timedelta(days=days - 1)}..{LAST}"
    print(f"\nDuckDB {duck.db.execute('SELECT version()').fetchone()[0]}, {duck.threads} threads, all in memory, warm;")
    print(f"its floor, a question without a table, takes {floor:.2f} ms")
    print("'folded': the rows of a dimension of cases alone, from facts that were worked out before the question")
    print(f"\n{'question':42} {'steps':>8} {'ms':>8} {'DuckDB ms':>10} {'ratio':>7} {'folded ms':>10}")
    problems: list[str] = []
    slow: list[str] = []
    near: list[str] = []
    for asked in (*questions(f"{LAST:%Y-%m}"), *questions(span)):
        period, unit = parse_period(asked.period), unit_at(year, asked.level)
        mine = best_ms(lambda: answer(year, asked))  # noqa: B023
        raw = duck.answer(unit, period.first, period.last, asked.by, now_ms)
        theirs = best_ms(lambda: duck.answer(unit, period.first, period.last, asked.by, now_ms))  # noqa: B023
        problems += problems_of(asked, answer(year, asked), raw)
        limit = TARGET_YEAR_BY_DAY_MS if asked.by == "day" and period.days > 31 else TARGET_MS
        slow += [asked.words] if mine > limit else []
        near += [f"{' '.join(asked.words.split())} {theirs / mine:.1f}x"] if theirs < TARGET_RATIO * mine else []
        told = f"{asked.words:42} {steps(year, asked):8} {mine:8.2f} {theirs:10.2f} {theirs / mine:6.1f}x"
        print(told + folded_ms(duck, unit, period, asked.by), flush=True)
    words = f"{TARGET_MS} ms (a year by day {TARGET_YEAR_BY_DAY_MS} ms)"
    print(f"\nover the target of {words}: {', '.join(slow) or 'none'}")
    print(f"less than {TARGET_RATIO} times as fast as DuckDB: {'; '.join(near) or 'none'}")
    return problems


def folded_ms(duck: Duck, unit: str, period: Period, by: str | None) -> str:
    """How long the rows alone take from folded facts, as it is printed; empty for what is no dimension of cases."""
    if by in (None, "day", "children"):
        return ""
    return f" {best_ms(lambda: duck.from_folded(unit, period.first, period.last, str(by))):10.2f}"


def main(argv: list[str]) -> int:
    """Prints what was read and timed; 1 when the two answers differ, or a rollup reads more with more records."""
    options = argparse.ArgumentParser(prog="rollup")
    options.add_argument("--groups", type=int, default=20_000)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--cases", type=int, default=30_000)
    options.add_argument("--folder", type=Path, default=None, help="where the databases lie; a temporary one else")
    chosen = options.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        begun = time.perf_counter()
        year, counted = laid_out(chosen.groups, chosen.days, chosen.cases, Path(folder))
        (checks,) = year.db.execute("SELECT COUNT(*) FROM check_duty").fetchone()
        (cases,) = year.db.execute("SELECT COUNT(*) FROM case_now").fetchone()
        print(
            f"{len(year.groups)} groups, {chosen.days} days, {checks} checks, {cases} cases, "
            f"laid out in {time.perf_counter() - begun:.0f} s"
        )
        print(f"\n{'steps of a question of the last month':42} {'one month':>10} {'all':>10} {'more keys':>10}")
        for asked, was, now in counted:
            print(f"{asked.words:42} {was:10} {now:10} {more_keys(year, asked):10}")
        problems = grown_too_much(year, counted) + timed(year, chosen.days)
        print("\n".join(problems) or "the figures are the same, and no rollup reads more for more records")
        year.db.conn.close()
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
