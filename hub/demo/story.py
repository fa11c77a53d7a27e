"""What the people of the demonstration do, in which order, and whether the hub counts what they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from hub.demo import (
    cases as demo_cases,
)
from hub.demo import (
    count as demo_count,
)
from hub.demo import (
    desk as demo_desk,
)
from hub.demo import (
    forms as demo_forms,
)
from hub.demo import (
    periods as demo_periods,
)
from hub.demo import (
    work as demo_work,
)
from hub.demo.asking import Asking
from hub.demo.show import bar, say, totals
from node import status
from node.console.setup import ADMIN
from node.daily.calendars import calendar_of
from node.home import Home
from node.people import accounts
from node.reports.forms import forms_of
from schemas.confirmations import owed_between
from schemas.roles import HUB_ROLES, ROLES
from sync.directory import tree_of
from sync.replica import Replica

OWN: Final = "county"  # whose groups report
Homes = Mapping[str, Home]  # by name, the hub first


@dataclass(frozen=True, slots=True)
class Entered:
    """What was entered: the checks, tallied meanwhile, and the rest as it was planned."""

    checks: demo_count.Tally
    excuses: Sequence[demo_desk.Excuse]
    cases: Sequence[demo_cases.Planned]
    confirmations: Sequence[demo_periods.Timed]


def play(homes: Homes, days: Sequence[date], seed: int) -> Entered:
    """All the work of the days, synced up but for the last answers; keeps what is entered."""
    chain = [home.replica().identity.unit for home in homes.values()]
    by_unit = dict(zip(reversed(chain), reversed(list(homes.values())), strict=True))
    replicas = {unit: home.replica() for unit, home in by_unit.items()}
    own = homes[OWN].replica()
    county, tree, now_ms = own.identity.unit, tree_of(own), own.env.now_ms()
    excused = demo_desk.plan_excuses(tree, chain[0], county, chain, days, seed)
    demo_desk.open_desk(replicas, chain[0], excused, days)
    _sync(homes, "demo.sending_down")
    checks, tally = _plan_checks(homes[OWN], excused, days, seed, now_ms)
    with bar("demo.entering", sum(len(bodies) for bodies in checks)) as entered:
        for bodies in checks:
            demo_work.enter(by_unit, bodies, entered)
    groups = demo_work.groups_below(homes[OWN], county, days[-1])
    cases = demo_cases.plan([*dict.fromkeys([*by_unit, *groups[: demo_cases.GROUPS]])], days, seed)
    with bar("demo.entering_cases", len(cases)) as registered:
        first_cases = demo_cases.enter(by_unit, cases, registered)
    calendar = calendar_of(own.db)
    confirmations = demo_periods.plan(calendar, tree, county, days, seed, now_ms, chain)
    forms = demo_forms.plan(forms_of(own.db), calendar, tree, county, days, seed, now_ms)
    with bar("demo.entering_reports", len(confirmations) + len(forms)) as sent:
        demo_periods.enter(replicas, confirmations, sent)
        demo_forms.enter(replicas, forms, sent)
    _sync(homes, "demo.syncing")
    asking = Asking(replicas, chain, first_cases, days[-1])
    asking.ask(_missing(own, excused, days, seed, chain))
    _sync(homes, "demo.sending_down")
    asking.answer()
    return Entered(tally, excused, cases, confirmations)


def _plan_checks(
    home: Home, excused: Sequence[demo_desk.Excuse], days: Sequence[date], seed: int, now_ms: int
) -> tuple[list[list[demo_work.Body]], demo_count.Tally]:
    """The checks of each day, then those of the campaign; the regular ones tallied. Who is excused reports nothing."""
    county, tree = home.replica().identity.unit, tree_of(home.replica())
    groups, tally = demo_work.groups_below(home, county, days[-1]), demo_count.Tally()
    planned = []
    for day in days:
        lifted = {one.unit for one in excused if one.first <= day <= one.last}
        reporting = [group for group in groups if lifted.isdisjoint(tree.ancestors(group, day))]
        planned.append(demo_work.plan_day(day, reporting, seed, now_ms))
        for body in planned[-1]:
            tally.add(body)
    return [*planned, demo_desk.plan_campaign(tree, county, days, seed, now_ms)], tally


def _missing(
    replica: Replica, excused: Sequence[demo_desk.Excuse], days: Sequence[date], seed: int, chain: Sequence[str]
) -> dict[str, Any] | None:
    """Whom the county reminds: the village that owes its newest periodic report, if one ended within the days and it is
    not excused.
    """
    county, tree, now_ms = replica.identity.unit, tree_of(replica), replica.env.now_ms()
    every = owed_between(calendar_of(replica.db), "village", days[0], days[-1])
    ended = [one for one in every if one.opens_ms <= now_ms]
    if not ended:
        return None
    period = ended[-1].period
    units = [one for one in tree.subtree(county, period.last) if one.level == "village"]
    village = demo_periods.missing_village(units, ended[-1], seed, chain)
    first = max(period.first, days[0])
    lifted = {one.unit for one in excused if one.first <= first and one.last >= period.last}
    if village is None or not lifted.isdisjoint(tree.ancestors(village, period.last)):
        return None
    return {"unit": village, "period": period.key}


def add_people(homes: Homes, passwords: Mapping[str, str]) -> None:
    """One account of each role at each node, named after it; `init` has made the admin's."""
    for name, home in homes.items():
        replica = home.replica()
        for role in ROLES:
            if role in HUB_ROLES and not replica.identity.is_top:
                continue
            if role != ADMIN:
                accounts.add(replica, role, role, None)
            accounts.set_password(replica, role, passwords[name])


def settle(homes: Homes, entered: Entered | None, days: Sequence[date]) -> bool:
    """Syncs everything up, then compares the hub's totals with what was entered and with what stands in the logs."""
    _sync(homes, "demo.syncing")
    say("demo.comparing")
    hub = homes["hub"]
    now_ms, every = hub.env.now_ms(), list(homes.values())
    groups, tree = demo_count.groups_published(hub), tree_of(hub.replica())
    logged, confirmed = demo_count.from_logs(every), demo_count.confirmed_in_logs(every)
    lifted = demo_count.lifted_by(demo_count.excuses_in_logs(every), groups, days)
    compared = []
    for home in every:
        unit = home.replica().identity.unit

        def below(one: str, day: date = days[-1], above: str = unit) -> bool:
            return tree.below(one, above, day)

        counts = {
            "hub": demo_count.rolled_up(hub, unit, days, now_ms),
            "logs": {
                **logged.counts(groups[unit], days, now_ms, lifted),
                demo_count.PERIODIC: demo_count.count_confirmed(confirmed, days, below),
                **demo_cases.from_logs(every, unit, days, now_ms),
            },
        }
        if entered is not None:
            spans = [(one.unit, one.first, one.last) for one in entered.excuses]
            made = [(one.unit, one.last) for one in entered.confirmations]
            counts["entered"] = {
                **entered.checks.counts(groups[unit], days, now_ms, demo_count.lifted_by(spans, groups, days)),
                demo_count.PERIODIC: demo_count.count_confirmed(made, days, below),
                **demo_cases.counts_of(entered.cases, below),
            }
        compared.append((name_of(hub, unit, days[-1]), counts))
    return totals(compared, days[0], days[-1])


def name_of(hub: Home, unit: str, day: date) -> str:
    """A unit's name as of a day."""
    named = tree_of(hub.replica()).nearest(unit, day)
    return named.name if named else unit


def _sync(homes: Homes, title: str) -> None:
    """Drains every link until the city has marked everything."""
    below = [home for name, home in reversed(list(homes.items())) if name != "hub"]
    waiting = sum(status.queue(home.replica()) * (len(below) - at) for at, home in enumerate(below))
    with bar(title, waiting) as moved:
        demo_work.sync_up(below, moved)
