"""A recount of every campaign's tallies in plain Python, straight from the signed events: what `verify` stands on."""

from __future__ import annotations

from collections import defaultdict

from node.daily import campaign_queries as queries
from node.daily.campaign_queries import CampaignDuty, CampaignSlot
from node.daily.campaigns import duty_of, held, weigh, weights
from node.projections import CHECK_KIND, calendar_of, report_from
from schemas.campaigns import Schedule, campaign_of
from schemas.checks import Report, effective
from schemas.errors import GridError
from schemas.periods import Period
from schemas.units.tree import Tree
from sync import directory, log
from sync.replica import Replica

Problem = tuple[str, str]
DutyKey = tuple[str, str, str]


def compare(replica: Replica) -> tuple[int, list[Problem]]:
    """How many rows were compared, and (code, text) of each that differs from the recount."""
    duties = recount(replica)
    tree = directory.tree_of(replica)
    tallies: dict[CampaignSlot, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in duties.values():
        for slot, counts in weights(tree, row):
            tallies[slot] = [one + more for one, more in zip(tallies[slot], counts, strict=True)]
    problems: list[Problem] = []
    kept, sums = queries.all_duties(replica.db), queries.all_tallies(replica.db)
    for key in sorted(kept.keys() | duties.keys()):
        if kept.get(key) != duties.get(key):
            problems.append(("bad_tally", f"campaign_duty {' '.join(key)}: what is kept differs from its events"))
    for slot in sorted(sums.keys() | tallies.keys()):
        if sums.get(slot) != tuple(tallies.get(slot, ())):
            problems.append(("bad_tally", f"campaign_day {' '.join(slot)}: kept {sums.get(slot)}"))
    return len(kept.keys() | duties.keys()) + len(sums.keys() | tallies.keys()), problems


def recount(replica: Replica) -> dict[DutyKey, CampaignDuty]:
    """{(campaign, unit, day): what counts} from the events alone."""
    tree, calendar = directory.tree_of(replica), calendar_of(replica.db)
    schedules = {key: Schedule(one, calendar) for key, one in held(replica.db).items()}
    found: dict[DutyKey, CampaignDuty] = {}
    for (campaign, unit, _), (owed, reports) in _answered(replica, tree, schedules).items():
        by_day: dict[str, list[Report]] = defaultdict(list)
        for report in reports:
            by_day[report.date.isoformat()].append(report)
        checks = []
        for day, held_then in sorted(by_day.items()):
            chosen = effective(held_then)
            checks.append((day, chosen.report.event, chosen.report.result, chosen.first_recorded_ms))
        row = weigh(schedules[campaign], tree, unit, reports[0].date, owed, checks)
        found[campaign, unit, row.day] = row
    return found


def _answered(
    replica: Replica, tree: Tree, schedules: dict[str, Schedule]
) -> dict[DutyKey, tuple[Period | None, list[Report]]]:
    """The reports of each duty of each campaign, or of each day without one."""
    found: dict[DutyKey, tuple[Period | None, list[Report]]] = {}
    for stored in log.events(replica.db, "e.kind = ? AND e.standing = 'ok'", [CHECK_KIND]):
        try:
            report = report_from(stored)
        except GridError:
            continue  # has no effect, and is listed as unprojected
        schedule = schedules.get(campaign_of(report.occasion) or "")
        if schedule is None:
            continue
        owed = duty_of(schedule, tree, report.unit, report.date)
        at = report.date if owed is None else owed.last
        found.setdefault((schedule.campaign.id, report.unit, at.isoformat()), (owed, []))[1].append(report)
    return found
