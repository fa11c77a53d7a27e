"""The part of the quality review that looks into cases: follow-ups done, records complete; figures and their lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from node.cases import review_queries
from node.cases.review_queries import LISTS, Reviewed
from node.scope import today_of
from schemas.cases.review import FOLLOW_UP, FOLLOW_UP_GRACE, RECORD
from schemas.errors import Invalid, NotFound
from schemas.periods import Period, parse_period
from schemas.quality import QUALITY_MEASURES
from schemas.units.tree import Tree
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

PAGE: Final = 1_000
_PARTS: Final = 3  # of a key: day, unit, case


def figures(replica: Replica, unit: str, period: Period) -> dict[str, dict[str, int]]:
    """QUALITY_MEASURES by row: of the unit in all (""), of each unit right below as of each day, and (its id) of what
    the unit itself answers for.
    """
    tree, found = tree_of(replica), {"": dict.fromkeys(QUALITY_MEASURES, 0)}
    for kind in (FOLLOW_UP, RECORD):
        for whose, day, every, done, in_time, complete in review_queries.sums(
            replica.db, kind, period.first, period.last, judged_before(replica, kind)
        ):
            row = _row_of(tree, whose, unit, date.fromisoformat(day))
            if row is None:
                continue
            counts = (every, done, in_time, 0, 0) if kind == FOLLOW_UP else (0, 0, 0, every, complete)
            for key in ("", row):
                into = found.setdefault(key, dict.fromkeys(QUALITY_MEASURES, 0))
                for name, count in zip(QUALITY_MEASURES, counts, strict=True):
                    into[name] += count
    return found


def records(
    replica: Replica, unit: str, period: str, name: str, after: str | None, limit: int, *, own: bool = False
) -> dict[str, Any]:
    """A page `{unit, period, list, items, next}` of a list of LISTS, by day, unit and case; `own`: only what the unit
    itself answers for. Raises NotFound and Invalid naming the field.
    """
    if name not in LISTS:
        raise Invalid("not_one_of", field="list", value=name, allowed=", ".join(LISTS))
    span, start = parse_period(period), _after(after)
    tree = tree_of(replica)
    if not tree.exists(unit):
        raise NotFound("unknown_unit", field="unit", value=unit)
    items = []
    with read(replica.db):
        for one in _rows(replica, name, span, start):
            row = _row_of(tree, one.unit, unit, date.fromisoformat(one.day))
            if row is None or (own and row != unit):
                continue
            items.append(one)
            if len(items) > limit:
                break
    last = items[limit - 1] if len(items) > limit else None
    return {
        "unit": unit,
        "period": span.key,
        "list": name,
        "items": [
            {
                "case": one.case_id,
                "unit": one.unit,
                "date": one.day,
                "done_on": one.done_on,
                "lacking": one.lacking.split(",") if one.lacking else [],
            }
            for one in items[:limit]
        ],
        "next": f"{last.day} {last.unit} {last.case_id}" if last else None,
    }


def judged_before(replica: Replica, kind: str) -> date:
    """A follow-up that was not done counts from the day after its grace; a record from its first day."""
    today = today_of(replica)
    return today - FOLLOW_UP_GRACE if kind == FOLLOW_UP else today + timedelta(days=2)


def _rows(replica: Replica, name: str, span: Period, after: tuple[str, str, str]) -> Iterator[Reviewed]:
    before = judged_before(replica, LISTS[name][0])
    while True:
        found = review_queries.listed(replica.db, name, span.first, span.last, before, after, PAGE)
        yield from found
        if len(found) < PAGE:
            return
        after = (found[-1].day, found[-1].unit, found[-1].case_id)


def _row_of(tree: Tree, whose: str, unit: str, day: date) -> str | None:
    """The row below a unit in which another counts as of a day: the unit right below, the unit itself, or none."""
    line = tree.ancestors(whose, day) or (whose,)
    if unit not in line:
        return None
    return line[max(line.index(unit) - 1, 0)]


def _after(text: str | None) -> tuple[str, str, str]:
    if not text:
        return "", "", ""
    parts = text.split(" ")
    if len(parts) != _PARTS:
        raise Invalid("bad_after", field="after", value=text)
    return parts[0], parts[1], parts[2]
