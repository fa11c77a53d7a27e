"""The same city as raw rows in DuckDB, and the same questions asked of them: what a rollup is measured against.

Raw rows are what people entered: every report, the amended ones too, and every act of every case beside its
registration. A question is the whole of a rollup's document, as its sums are: zero, found and late of the effective
checks, every measure of cases at its latest act, what stands open and overdue, in all and by the rows of the dimension.
Left out is what the program takes from the dated tree (duties due and missing) and the rates. Everything is in memory,
warm, with all threads; tables are sorted by day, so that DuckDB skips what a month does not need.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from city_year import DRAW, FOUND, LATE, MISSING, RECORDED_AFTER_H, CityYear

from schemas.cases.lists import SOURCE_GROUPS
from schemas.cases.measures import FACT_MEASURES
from schemas.clock import business_day
from schemas.units.acts import LEVELS

LATE_AFTER_H: Final = 34  # ten o'clock of the next day
Row = dict[str, int]
Answer = dict[str, Row]  # "" is the total, else the key of a row
ACT_OF: Final = {
    "registered": "register", "accepted": "accept", "agreed": "agree", "not_agreed": "fail", "closed": "close",
}  # fmt: skip
# (action, kind of act): of each kind the latest act of a case counts, of `mediated` the first.
KINDS: Final = (
    ("register", "registered"), ("accept", "accepted"), ("agree", "mediated"), ("fail", "mediated"),
    ("agree", "result"), ("fail", "result"), ("close", "closed"),
)  # fmt: skip
_EFFECTIVE: Final = (
    "held AS (SELECT r.* FROM raw r JOIN lineage l ON l.unit = r.unit"
    " WHERE l.above = $unit AND r.day BETWEEN $first AND $last),"
    " amended AS (SELECT amends AS event FROM held WHERE amends IS NOT NULL),"
    " e AS (SELECT h.unit, h.day, MIN(h.hour) AS hour, BOOL_OR(h.result = 'found') FILTER (WHERE a.event IS NULL)"
    " AS found FROM held h LEFT JOIN amended a ON a.event = h.event GROUP BY ALL)"
)
# Of three ways to ask for the latest act of each kind the fastest: a window and whole rows as arguments took longer.
_FACTS: Final = (
    "ordered AS (SELECT *, CASE kind WHEN 'mediated' THEN -seq ELSE seq END AS o FROM act JOIN kind_of USING (action)),"
    " latest AS (SELECT case_id, kind, arg_max(unit, o) AS unit, arg_max(day, o) AS day, arg_max(level, o) AS level,"
    " arg_max(action, o) AS action, arg_max(at_once, o) AS at_once FROM ordered GROUP BY case_id, kind),"
    " counted AS (SELECT case_id, unit, day, level, CASE WHEN kind <> 'result' THEN kind"
    " WHEN action = 'agree' THEN 'agreed' ELSE 'not_agreed' END AS measure, at_once FROM latest),"
    " fact AS (SELECT * FROM counted UNION ALL SELECT * REPLACE ('settled_at_' || level AS measure) FROM counted"
    " WHERE measure = 'agreed' UNION ALL SELECT * REPLACE ('performed' AS measure) FROM counted"
    " WHERE measure = 'agreed' AND at_once)"
)
_MINE: Final = (
    f"{_FACTS}, mine AS (SELECT f.*, r.category, r.source, r.source_group, r.kind, r.urgency FROM fact f"
    " JOIN lineage l ON l.unit = f.unit JOIN registration r USING (case_id)"
    " WHERE l.above = $unit AND f.day BETWEEN $first AND $last)"
)
_OPEN: Final = (
    "ended AS (SELECT case_id, MIN(day) AS until FROM act WHERE action IN ('agree', 'close') GROUP BY case_id),"
    " mine AS (SELECT r.*, e.until FROM registration r JOIN lineage l ON l.unit = r.unit LEFT JOIN ended e"
    " USING (case_id) WHERE l.above = $unit)"
)
# What a unit did itself stands in no row of a unit below it.
_OWN: Final = " HAVING GROUPING(key) = 1 OR key IS NOT NULL"


class Duck:
    """The raw rows of a city over a span of days."""

    def __init__(self, year: CityYear, first: date, last: date) -> None:
        import duckdb

        self._year = year
        self.db = duckdb.connect()
        self.threads = os.cpu_count() or 1
        self.db.execute(f"SET threads TO {self.threads}")
        self.db.execute("SET enable_progress_bar TO false")
        self._units(year, last)
        self._reports(first, last)
        self._casework(year)

    def _units(self, year: CityYear, last: date) -> None:
        self.db.execute("CREATE TABLE g (no BIGINT, unit VARCHAR)")
        self.db.execute("CREATE TABLE lineage (unit VARCHAR, above VARCHAR, level VARCHAR)")
        self._fill("g", list(enumerate(year.groups)))
        lines = [(unit, year.tree.ancestors(unit, last)) for unit in year.tree.all_ids()]
        self._fill("lineage", [(unit, above, year.tree.level(above)) for unit, line in lines for above in line])

    def _reports(self, first: date, last: date) -> None:
        start = first.toordinal()
        self.db.execute(
            f"CREATE TABLE d AS SELECT {start} + i AS no, DATE '{first}' + CAST(i AS INTEGER) AS day"
            f" FROM range({(last - first).days + 1}) t(i)"
        )
        draw, (on_time, late) = DRAW.replace("g.no", "CAST(g.no AS BIGINT)"), RECORDED_AFTER_H
        self.db.execute(
            "CREATE TABLE raw AS SELECT g.unit || d.day AS event, g.unit, d.day,"
            f" CASE WHEN {draw} < {FOUND} AND {draw} >= {LATE} THEN 'found' ELSE 'zero' END AS result,"
            f" CASE WHEN {draw} < {LATE} THEN {late} ELSE {on_time} END AS hour,"
            f" CASE WHEN {draw} = 50 THEN 'first' || g.unit || d.day END AS amends"
            f" FROM d CROSS JOIN g WHERE {draw} >= {MISSING} ORDER BY d.day, g.unit"
        )
        self.db.execute(
            "INSERT INTO raw SELECT amends, unit, day, 'found', hour, NULL FROM raw WHERE amends IS NOT NULL"
        )

    def _casework(self, year: CityYear) -> None:
        """Registrations and acts, as the facts of the city tell them."""
        self.db.execute(
            "CREATE TABLE registration (case_id VARCHAR, unit VARCHAR, day DATE, level VARCHAR, category VARCHAR,"
            " source VARCHAR, source_group VARCHAR, kind VARCHAR, urgency VARCHAR, deadline BIGINT, late_on DATE)"
        )
        rows = year.db.execute(
            "SELECT c.case_id, c.found_by, c.day, c.level, c.category, c.source, c.kind, c.urgency,"
            " COALESCE((SELECT MIN(deadline_at) FROM case_span s WHERE s.case_id = c.case_id), 0) FROM case_now c"
        ).fetchall()
        told = [(*row[:6], SOURCE_GROUPS[row[5]], *row[6:], business_day(row[8]) if row[8] else row[2]) for row in rows]
        self._fill("registration", told)
        self.db.execute(
            "CREATE TABLE act (case_id VARCHAR, seq INTEGER, action VARCHAR, unit VARCHAR, day DATE, level VARCHAR,"
            " at_once BOOLEAN)"
        )
        facts = year.db.execute("SELECT case_id, measure, unit, day, level FROM case_fact").fetchall()
        at_once = {case for case, measure, *_ in facts if measure == "performed"}
        acts = [
            (case, FACT_MEASURES.index(measure), ACT_OF[measure], *rest, measure == "agreed" and case in at_once)
            for case, measure, *rest in facts
            if measure in ACT_OF
        ]
        self._fill("act", acts)
        self.db.execute("CREATE TABLE kind_of (action VARCHAR, kind VARCHAR)")
        self._fill("kind_of", list(KINDS))
        self.db.execute(
            f"CREATE TABLE folded AS WITH {_FACTS} SELECT f.*, r.category, r.source, r.source_group, r.kind, r.urgency"
            " FROM fact f JOIN registration r USING (case_id)"
        )

    def _fill(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Columns at once: row by row DuckDB takes minutes."""
        names = [row[0] for row in self.db.execute(f"DESCRIBE {table}").fetchall()]
        with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as file:
            file.writelines(",".join(map(str, row)) + "\n" for row in rows)
            file.flush()
            self.db.execute(f"COPY {table} ({', '.join(names)}) FROM '{file.name}' (HEADER false)")

    # ---- questions

    def answer(self, unit: str, first: date, last: date, by: str | None, now_ms: int) -> Answer:
        """{row key, "" for the total: {measure: count}}; measures that count nothing may be left out."""
        asked = {"unit": unit, "first": first, "last": last}
        found: Answer = {}
        for key, *counts in self._checks(asked, by):
            found[key] = dict(zip(("checks_zero", "checks_found", "checks_late"), counts, strict=True))
        for key, measure, count in self._facts(asked, None if by == "matrix" else by):
            found.setdefault(key, {})[measure] = count
        if by == "matrix":
            found |= self._matrix(asked)
        for key, still_open, overdue in self._open(asked, by, now_ms):
            found.setdefault(key, {}).update({"open": still_open, "overdue": overdue})
        return found

    def from_folded(self, unit: str, first: date, last: date, by: str) -> list[tuple[Any, ...]]:
        """(key, measure, count) of a dimension of cases alone, from facts that were folded before: the least there is
        to do, and no recount.
        """
        column = "f.category || '/' || f.level" if by == "matrix" else f"f.{by}"
        return self._sql(
            f"SELECT {column} AS key, measure, COUNT(*) FROM folded f JOIN lineage l ON l.unit = f.unit"
            " WHERE l.above = $unit AND f.day BETWEEN $first AND $last GROUP BY ALL",
            {"unit": unit, "first": first, "last": last},
        )

    def _sql(self, asked: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Rows with their first column as text."""
        wanted = {name: value for name, value in params.items() if f"${name}" in asked}
        rows = self.db.execute(asked, wanted).fetchall()
        return [("" if row[0] is None else str(row[0]), *row[1:]) for row in rows]

    def _checks(self, asked: dict[str, Any], by: str | None) -> list[tuple[Any, ...]]:
        key, join = self._key(by if by in ("day", "children") else None, "e", asked)
        return self._sql(
            f"WITH {_EFFECTIVE} SELECT {key} AS key, COUNT(*) FILTER (NOT found), COUNT(*) FILTER (found),"
            f" COUNT(*) FILTER (hour > {LATE_AFTER_H}) FROM e {join} GROUP BY GROUPING SETS ((), (key)){_OWN}",
            asked,
        )

    def _facts(self, asked: dict[str, Any], by: str | None) -> list[tuple[Any, ...]]:
        key, join = self._key(by, "m", asked)
        return self._sql(
            f"WITH {_MINE} SELECT {key} AS key, m.measure, COUNT(*) FROM mine m {join}"
            f" GROUP BY GROUPING SETS ((m.measure), (key, m.measure)){_OWN}",
            asked,
        )

    def _open(self, asked: dict[str, Any], by: str | None, now_ms: int) -> list[tuple[Any, ...]]:
        if by == "day":
            return self._open_days(asked)
        key, join = self._key(None if by == "matrix" else by, "m", asked)
        end = asked["last"] + timedelta(days=1)
        at = min(now_ms, 86_400_000 * (end - date(1970, 1, 1)).days - 8 * 3_600_000)
        return self._sql(
            f"WITH {_OPEN} SELECT {key} AS key, COUNT(*), COUNT(*) FILTER (deadline < {at}) FROM mine m {join}"
            f" WHERE m.day <= $last AND (m.until IS NULL OR m.until > $last) GROUP BY GROUPING SETS ((), (key)){_OWN}",
            asked,
        )

    def _open_days(self, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The running sum of what opened and ended; its last day is the total's too."""
        rows = self._sql(
            f"WITH {_OPEN}, change AS (SELECT day, 1 AS o, 0 AS v FROM mine UNION ALL SELECT until, -1, 0 FROM mine"
            " WHERE until IS NOT NULL UNION ALL SELECT late_on, 0, 1 FROM mine WHERE until IS NULL OR until > late_on"
            " UNION ALL SELECT until, 0, -1 FROM mine WHERE until > late_on),"
            " byday AS (SELECT day, SUM(o) AS o, SUM(v) AS v FROM change GROUP BY day UNION ALL BY NAME"
            " SELECT day, 0 AS o, 0 AS v FROM d WHERE day BETWEEN $first AND $last),"
            " run AS (SELECT day, SUM(SUM(o)) OVER w AS o, SUM(SUM(v)) OVER w AS v FROM byday GROUP BY day"
            " WINDOW w AS (ORDER BY day)) SELECT day, o, v FROM run WHERE day BETWEEN $first AND $last ORDER BY day",
            asked,
        )
        counted = [(day, int(still_open), int(overdue)) for day, still_open, overdue in rows]
        return [*counted, ("", *counted[-1][1:])]

    def _matrix(self, asked: dict[str, Any]) -> Answer:
        """Category/level cells of the period, and of the year to date behind a `ytd`."""
        found: Answer = {}
        year = {**asked, "first": asked["last"].replace(month=1, day=1)}
        for name, span in (("", asked), ("ytd ", year)):
            rows = self._sql(
                f"WITH {_MINE} SELECT category || '/' || level, measure, COUNT(*) FROM mine"
                " WHERE measure IN ('mediated', 'agreed') GROUP BY ALL",
                span,
            )
            for key, measure, count in rows:
                found.setdefault(name + key, {})[measure] = count
        return found

    def _key(self, by: str | None, table: str, asked: dict[str, Any]) -> tuple[str, str]:
        """(the expression of the row's key, what has to be joined for it)."""
        if by is None:
            return "''", ""
        if by != "children":
            return f"{table}.{by}", ""
        level = self._year.tree.level(asked["unit"]) or ""
        below = LEVELS[max(LEVELS.index(level) - 1, 0)]
        return "c.above", f"LEFT JOIN lineage c ON c.unit = {table}.unit AND c.level = '{below}'"
