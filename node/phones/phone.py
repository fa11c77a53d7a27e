"""What a worker's phone shows and keeps: its units, the state of their last days, their last records."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any, Final

from node import queries
from node.daily.checks import REGULAR, duty_state_of
from node.evidence.records import days_missing
from node.people.accounts import Account
from node.projections import calendar_of
from node.scope import hosts, today_of
from schemas.cadence import due_at, grace_end
from schemas.clock import at_time
from schemas.periods import period_of
from schemas.roles import RECORDS
from schemas.units.tree import LEVELS, Tree, Unit
from sync.directory import tree_of
from sync.replica import Replica

MAX_UNITS: Final = 50
STATES_DAYS: Final = 8  # today and the seven days that can be made up
STATS_DAYS: Final = 30


def units_of(replica: Replica, account: Account) -> list[Unit]:
    """The groups that an account reports for at this node, in directory order, at most MAX_UNITS. Who sits at a desk
    above the village has none: those look at many units, each on the node's own page.
    """
    tree, today = tree_of(replica), today_of(replica)
    found: list[Unit] = []
    if account.role not in RECORDS or (account.role != "worker" and tree.level(account.unit) not in LEVELS[:2]):
        return found
    for one in tree.subtree(account.unit, today):
        if one.level == LEVELS[0] and hosts(replica, one.id):
            found.append(one)
            if len(found) == MAX_UNITS:
                break
    return found


def day_by_day(replica: Replica, unit: Unit) -> dict[str, Any]:
    """States of the last eight days, newest first, with when a report without one is due and when it is missing."""
    today = today_of(replica)
    profile = calendar_of(replica.db).on(today)
    days = []
    for back in range(STATES_DAYS):
        day = today - timedelta(days=back)
        if tree_of(replica).at(unit.id, day) is not None:
            days.append(_day(replica, unit.id, day))
    begins = at_time(today, time(0))
    period = period_of("day", today)
    return {
        "days": days,
        "due_ms": due_at(profile, LEVELS[0], period) - begins,
        "grace_ms": grace_end(profile, LEVELS[0], period) - begins,
        "owed": profile.cadences[LEVELS[0]] == "day",
        "stats": stats(replica, unit.id, today),
    }


def stats(replica: Replica, unit: str, today: date) -> dict[str, int]:
    """Reports owed and given in the last thirty days; today counts once it is given."""
    first = today - timedelta(days=STATS_DAYS - 1)
    reported = queries.duty_days(replica.db, unit, first, today)
    missing = days_missing(replica, unit, first, today - timedelta(days=1))
    return {"due": len(missing) + len(reported), "reported": len(reported)}


def path_names(tree: Tree, unit: str, today: date) -> list[str]:
    """The names above a unit, highest first."""
    names = [found.name for one in tree.ancestors(unit, today)[1:] if (found := tree.nearest(one, today))]
    return list(reversed(names))


def _day(replica: Replica, unit: str, day: date) -> dict[str, Any]:
    row = queries.duty_row(replica.db, (unit, day.isoformat(), REGULAR))
    report = queries.report_by_event(replica.db, row.event) if row else None
    return {
        "day": day.isoformat(),
        "state": duty_state_of(replica, unit, day, row),
        "event": report.event if report else None,
        "found": report.disputes + report.hazards if report and report.result == "found" else 0,
        "at": report.recorded_ms if report else None,
    }
