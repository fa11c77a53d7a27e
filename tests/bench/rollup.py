"""A year of a city: how much each rollup reads, and how long it takes beside the same question asked of DuckDB.

    ./grid bench rollup [--groups 20000] [--days 365] [--cases 30000] [--folder DIR]

The last month is written first and every question of it is asked; then the rest of the span, and the same questions are
asked again: what SQLite has to do for them (steps of its machine, a few for each row) must be the same but for one row
a month and key of what stands open, and in the matrix of the year to date. Then each question is timed, beside a
recount by DuckDB over the raw reports and facts of the same city (`pip install -c constraints.txt duckdb`, the extra
`bench`); both must come to the same figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from city_year import DRAW, FOUND, LATE, MISSING, RECORDED_AFTER_H, CityYear

from node import rollup
from node.cases.tallies import ALL, CELL
from schemas.periods import parse_period
from schemas.units import LEVELS

LAST: Final = date(2026, 11, 30)
TIMES: Final = 7  # a question is asked so often, and the median counts
MAX_TIMED_MS: Final = 3_000  # then it has been asked often enough
STEPS_A_ROW: Final = 120  # of SQLite's machine, for a row of which 18 columns are summed and given out
TARGET_MS: Final = 10
TARGET_YEAR_BY_DAY_MS: Final = 30
TARGET_RATIO: Final = 10


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


def older_rows(year: CityYear, asked: Asked) -> int:
    """Rows of whole months before the last month's end: what stands open is summed over them, by key."""
    unit = unit_at(year, asked.level)
    units = [unit]
    if asked.by == "children":
        units += [one.id for one in year.tree.children(unit, LAST)]
    dimensions = {
        ALL,
        {"category": CELL, "level": CELL, "matrix": CELL, "source_group": "source"}.get(asked.by or "", ""),
    }
    dimensions |= {asked.by} & {"source", "kind", "urgency"}
    marks = ", ".join("?" * len(units)), ", ".join("?" * len(dimensions))
    (rows,) = year.db.execute(
        f"SELECT COUNT(*) FROM case_month WHERE unit IN ({marks[0]}) AND dimension IN ({marks[1]}) AND month < ?",
        [*units, *dimensions, f"{LAST:%Y-%m}"],
    ).fetchone()
    if asked.by == "day":  # what stood open on the day before the first: the days of that month, too
        before = f"{LAST.replace(day=1) - timedelta(days=1):%Y-%m}"
        (days,) = year.db.execute(
            "SELECT COUNT(*) FROM case_day WHERE unit = ? AND own = 0 AND dimension = '' AND substr(day, 1, 7) = ?",
            [unit, before],
        ).fetchone()
        rows += days
    return int(rows)


def median_ms(act: Callable[[], object]) -> float:
    """The median of several times, in milliseconds; of fewer where it takes long."""
    found: list[float] = []
    while len(found) < TIMES and sum(found) < MAX_TIMED_MS:
        begun = time.perf_counter()
        act()
        found.append(1000 * (time.perf_counter() - begun))
    return sorted(found)[len(found) // 2]


class Duck:
    """The same city as raw rows in DuckDB: every report, the amended ones too, and every fact of a case."""

    def __init__(self, year: CityYear, first: date, last: date) -> None:
        import duckdb

        self.db = duckdb.connect()
        self.db.execute("SET threads TO 2")
        self.db.execute("SET enable_progress_bar TO false")
        self.db.execute("CREATE TABLE g (no BIGINT, unit VARCHAR)")
        self.db.execute("CREATE TABLE lineage (unit VARCHAR, above VARCHAR)")
        self._fill("g", list(enumerate(year.groups)))
        units = list(year.tree.all_ids())
        self._fill("lineage", [(unit, above) for unit in units for above in year.tree.ancestors(unit, last)])
        start = first.toordinal()
        self.db.execute(
            f"CREATE TABLE d AS SELECT {start} + i AS no, DATE '{first}' + CAST(i AS INTEGER) AS day"
            f" FROM range({(last - first).days + 1}) t(i)"
        )
        draw = DRAW.replace("g.no", "CAST(g.no AS BIGINT)")
        on_time, late = RECORDED_AFTER_H
        self.db.execute(
            "CREATE TABLE raw AS SELECT g.unit || d.day AS event, g.unit, d.day,"
            f" CASE WHEN {draw} < {FOUND} AND {draw} >= {LATE} THEN 'found' ELSE 'zero' END AS result,"
            f" CASE WHEN {draw} < {LATE} THEN {late} ELSE {on_time} END AS hour,"
            f" CASE WHEN {draw} = 50 THEN 'first' || g.unit || d.day END AS amends"
            f" FROM g CROSS JOIN d WHERE {draw} >= {MISSING}"
        )
        self.db.execute(
            "INSERT INTO raw SELECT amends, unit, day, 'found', hour, NULL FROM raw WHERE amends IS NOT NULL"
        )
        self.db.execute("CREATE TABLE fact (measure VARCHAR, unit VARCHAR, day DATE, level VARCHAR, category VARCHAR)")
        rows = year.db.execute(
            "SELECT f.measure, f.unit, f.day, f.level, c.category FROM case_fact f JOIN case_now c USING (case_id)"
        ).fetchall()
        self._fill("fact", [(*row[:2], date.fromisoformat(row[2]), *row[3:]) for row in rows])

    def _fill(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Columns at once: row by row DuckDB takes minutes."""
        names = [row[0] for row in self.db.execute(f"DESCRIBE {table}").fetchall()]
        with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as file:
            file.writelines(",".join(map(str, row)) + "\n" for row in rows)
            file.flush()
            self.db.execute(f"COPY {table} ({', '.join(names)}) FROM '{file.name}' (HEADER false)")

    def recount(self, unit: str, first: date, last: date, by: str | None) -> list[tuple[Any, ...]]:
        """(key, zero, found, late), or (key, facts) of a dimension of cases: the same question, from the raw rows."""
        key = {"day": "e.day", "children": "c.above"}.get(by or "", "''")
        join = "JOIN lineage c ON c.unit = e.unit AND c.above IN (SELECT unit FROM child)" if by == "children" else ""
        if by in (None, "day", "children"):
            asked = (
                "WITH child AS (SELECT unit FROM lineage GROUP BY unit HAVING COUNT(*) = 1 +"
                " (SELECT COUNT(*) FROM lineage WHERE unit = $unit)),"
                " held AS (SELECT r.* FROM raw r JOIN lineage l ON l.unit = r.unit"
                " WHERE l.above = $unit AND r.day BETWEEN $first AND $last),"
                " amended AS (SELECT amends AS event FROM held WHERE amends IS NOT NULL),"
                " e AS (SELECT h.unit, h.day, MIN(h.hour) AS hour,"
                " BOOL_OR(h.result = 'found') FILTER (WHERE a.event IS NULL) AS found"
                " FROM held h LEFT JOIN amended a ON a.event = h.event GROUP BY ALL)"
                f" SELECT {key}, COUNT(*) FILTER (NOT found), COUNT(*) FILTER (found), COUNT(*) FILTER (hour > 34)"
                f" FROM e {join} GROUP BY ALL ORDER BY 1"
            )
        else:
            columns = {"category": "f.category", "level": "f.level"}.get(by, "f.category, f.level")
            asked = (
                f"SELECT {columns}, f.measure, COUNT(*) FROM fact f JOIN lineage l ON l.unit = f.unit"
                " WHERE l.above = $unit AND f.day BETWEEN $first AND $last GROUP BY ALL ORDER BY ALL"
            )
        found: list[tuple[Any, ...]] = self.db.execute(asked, {"unit": unit, "first": first, "last": last}).fetchall()
        return found


def problems_of(asked: Asked, document: dict[str, Any], raw: list[tuple[Any, ...]]) -> list[str]:
    """Where the two answers differ."""
    if asked.by in (None, "day", "children"):
        mine = tuple(document["measures"][f"checks_{name}"] for name in ("zero", "found", "late"))
        theirs = tuple(sum(row[place] for row in raw) for place in (1, 2, 3))
    else:
        mine = (document["measures"]["accepted"],)
        theirs = (sum(row[-1] for row in raw if row[-2] == "accepted"),)
    return [] if mine == theirs else [f"{asked.words}: {mine}, DuckDB {theirs}"]


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
    """Questions that take more than before, beyond what stands open by month and key."""
    return [
        f"{asked.words}: {was} steps on one month, {now} on the whole span, with {older_rows(year, asked)} older rows"
        for asked, was, now in counted
        if now - was > STEPS_A_ROW * older_rows(year, asked)
    ]


def timed(year: CityYear, days: int) -> list[str]:
    """Prints each question's time beside DuckDB's; returns what was wrong."""
    duck = Duck(year, LAST - timedelta(days=days - 1), LAST)
    span = f"{LAST - timedelta(days=days - 1)}..{LAST}"
    print(f"\n{'question':42} {'ms':>8} {'DuckDB ms':>10} {'ratio':>7}")
    problems: list[str] = []
    slow: list[str] = []
    for asked in (*questions(f"{LAST:%Y-%m}"), *questions(span)):
        period = parse_period(asked.period)
        unit = unit_at(year, asked.level)
        mine = median_ms(lambda: answer(year, asked))  # noqa: B023
        raw = duck.recount(unit, period.first, period.last, asked.by)
        theirs = median_ms(lambda: duck.recount(unit, period.first, period.last, asked.by))  # noqa: B023
        problems += problems_of(asked, answer(year, asked), raw)
        limit = TARGET_YEAR_BY_DAY_MS if asked.by == "day" and period.days > 31 else TARGET_MS
        slow += [asked.words] if mine > limit else []
        print(f"{asked.words:42} {mine:8.2f} {theirs:10.2f} {theirs / mine:6.1f}x", flush=True)
    print(
        f"\nover the target of {TARGET_MS} ms (a year by day {TARGET_YEAR_BY_DAY_MS} ms): {', '.join(slow) or 'none'}"
    )
    return problems


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
        print(f"\n{'steps of a question of the last month':42} {'one month':>10} {'all':>10} {'older rows':>11}")
        for asked, was, now in counted:
            print(f"{asked.words:42} {was:10} {now:10} {older_rows(year, asked):11}")
        problems = grown_too_much(year, counted) + timed(year, chosen.days)
        print("\n".join(problems) or "the figures are the same, and no rollup reads more for more records")
        year.db.conn.close()
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
