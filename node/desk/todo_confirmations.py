"""What a to-do list says of periodic reports: the own one to be confirmed, missing ones below, returned ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from node.daily.calendars import calendar_of
from node.desk import todo_queries
from node.desk.todo_rows import DAY_MS, RETURNED_MS, Other, timed
from node.people.accounts import Account
from node.reports.confirmation_duties import judged
from node.scope import today_of
from schemas.confirmations import Owed, last_owed
from schemas.roles import REVIEW
from schemas.units.tree import LEVELS, Unit
from sync.directory import tree_of
from sync.replica import Replica

MAX_ROWS: Final = 100
MAX_BELOW: Final = 200  # units right below that are looked at


def rows(replica: Replica, account: Account, unit: str, served: Sequence[str]) -> Iterator[Other]:
    """The rows about confirmations: only for those who may confirm, return and remind. `served`: units whose reports
    are entered here, for returned ones. Of each unit the newest period that has ended is looked at: older ones are
    in the lists of who has not reported, and would never leave this one.
    """
    if account.role not in REVIEW:
        return
    yield from _own(replica, unit)
    yield from _below(replica, unit)
    since = replica.env.now_ms() - RETURNED_MS
    for event, whose, period, by, at in todo_queries.returned_confirmations(replica.db, served, since, MAX_ROWS):
        said = {"by": by, "period": period, "event": event}
        yield Other(at + DAY_MS, "confirm_returned", event, whose, said=said)


def _own(replica: Replica, unit: str) -> Iterator[Other]:
    level = tree_of(replica).level(unit)
    owed = _newest(replica, level) if level else None
    known = tree_of(replica).at(unit, owed.period.last) if owed else None
    if owed is None or known is None:
        return
    (duty,) = judged(replica, [(known, owed)])
    if duty.state in ("due", "missing"):
        said = {"period": owed.period.key, "state": duty.state}
        yield timed(owed.due_ms, "confirm", owed.period.key, unit, 1, owed.opens_ms, said)


def _below(replica: Replica, unit: str) -> Iterator[Other]:
    """Units right below whose newest period is missing, in one row: they are reminded together."""
    tree, today = tree_of(replica), today_of(replica)
    pairs: list[tuple[Unit, Owed]] = []
    newest: dict[str, Owed | None] = {}
    for child in tree.children(unit, today)[:MAX_BELOW]:
        if child.level not in newest:
            newest[child.level] = _newest(replica, child.level)
        owed = newest[child.level]
        # A unit that was not there when the period ended owes nothing for it.
        was = tree.at(child.id, owed.period.last) if owed else None
        if owed is not None and was is not None and replica.env.now_ms() > owed.grace_ms:
            pairs.append((was, owed))
    missing = [one for one in judged(replica, pairs) if one.state == "missing"]
    if missing:
        owed = missing[0].owed  # the units right below are of one level, so they owe one period
        said = {"period": owed.period.key, "level": missing[0].unit.level}
        yield Other(owed.grace_ms, "unconfirmed", owed.period.key, unit, len(missing), said=said)


def _newest(replica: Replica, level: str) -> Owed | None:
    if level == LEVELS[0]:
        return None
    return last_owed(calendar_of(replica.db), level, replica.env.now_ms(), today_of(replica))
