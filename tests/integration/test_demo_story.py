"""The demonstration's work on any day of the year, in one process: the hub counts what was entered, and logs agree."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta
from typing import cast

import pytest

from builders import CITY, City, Node
from hub.demo import cases as demo_cases
from hub.demo import forms as demo_forms
from hub.demo import periods as demo_periods
from hub.demo.story import Homes, play, settle
from hub.directory import SHIPPED_FORMS
from hub.publishing import entries_in, publish
from node.daily.calendars import calendar_of
from node.daily.campaign_figures import CampaignFigures
from node.desk import reminders, supervising
from node.reports.confirmation_duties import owed_by
from node.reports.form_queries import sent_between
from node.reports.forms import forms_of
from schemas.clock import business_day
from schemas.periods import Period
from sync.client import Client
from sync.database import read
from sync.directory import tree_of
from sync.env import Env
from sync.replica import Replica
from sync.verify import verify

COUNTY, TOWN, VILLAGE, GROUP = "421001000000", "421001101000", "421001101201", "421001101201001"
# Names of days say why: (day, hour, minute, days of work).
DAYS = {
    "the first minutes of a year": ("2026-01-01", 0, 1, 1),
    "a year's periods falling due": ("2026-01-07", 10, 0, 10),
    "who owes a year's last period is excused": ("2027-01-01", 7, 59, 2),
    "a leap day": ("2028-02-29", 23, 50, 3),
    "a half-year falling due": ("2026-07-11", 9, 0, 16),
    "the last minutes of a year": ("2026-12-31", 23, 59, 2),
}


@pytest.fixture(autouse=True)
def few_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_cases, "CASES_A_UNIT", 2)
    monkeypatch.setattr(demo_cases, "GROUPS", 1)


class Folder:
    """A node of the city as the demonstration opens it: its folder, beside a `serve` that it takes turns with."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.env: Env = node.env

    def replica(self) -> Replica:
        return self._node.replica

    def client(self) -> Client:
        return self._node.client

    def sync_turn(self) -> AbstractContextManager[None]:
        return nullcontext()


def units() -> str:
    """A city of two counties: three townships of two villages of two groups each, and one of each."""
    rows = ["code,name,level,parent_code", f"{CITY},试点市,city,"]
    for county, towns in (("421001", 3), ("421002", 1)):
        rows.append(f"{county}000000,{county}县,county,{CITY}")
        for town in (f"{county}{101 + at}" for at in range(towns)):
            rows.append(f"{town}000,{town}镇,township,{county}000000")
            for village in (f"{town}{201 + at}" for at in range(2)):
                rows.append(f"{village},{village}村,village,{town}000")
                rows += [f"{village}{at:03d},{village}村{at}组,group,{village}" for at in (1, 2)]
    return "\n".join(rows) + "\n"


def founded(day: str, hour: int, minute: int) -> tuple[City, Homes]:
    """A city at an instant, with a node of each level below the other."""
    city = City(units=units())
    city.clock.set(day, hour, minute)
    publish(city.hub.replica, entries_in(SHIPPED_FORMS))
    nodes = [city.hub, *city.line(COUNTY, TOWN, VILLAGE, GROUP)]
    names = ("hub", "county", "township", "village", "group")
    return city, cast(Homes, {name: Folder(node) for name, node in zip(names, nodes, strict=True)})


def last_days(city: City, count: int) -> list[date]:
    today = business_day(city.clock.at_ms)
    return [today - timedelta(days=back) for back in reversed(range(count))]


@pytest.mark.parametrize(("day", "hour", "minute", "count"), DAYS.values(), ids=DAYS.keys())
def test_on_any_day_the_hub_counts_what_was_entered_and_every_node_verifies(
    day: str, hour: int, minute: int, count: int
) -> None:
    city, homes = founded(day, hour, minute)
    days = last_days(city, count)
    entered = play(homes, days, seed=1)
    assert settle(homes, entered, days)
    assert [problem for node in city.nodes for problem in verify(node.replica).problems] == []


def test_who_comes_in_mid_month_finds_every_kind_of_desk_work() -> None:
    city, homes = founded("2026-11-25", 22, 0)
    days = last_days(city, 14)
    settle(homes, play(homes, days, seed=1), days)
    hub, county = city.hub.replica, homes["county"].replica()

    half = {one.unit.id: one.state for one in owed_by(hub, COUNTY, date(2026, 11, 15), "village")}
    assert half.pop(VILLAGE) == "returned"
    assert Counter(half.values())["missing"] == 1
    assert set(half.values()) <= {"zero", "found", "late_zero", "late_found", "missing"}
    assert {one.state for one in owed_by(hub, COUNTY, date(2026, 10, 31), "township")} == {"excused"}
    sent = {form: len(sent_between(hub.db, form, date(2026, 9, 1), days[-1])) for form in forms_of(hub.db).ids()}
    assert sent == {"judges": 4, "meetings": 3, "supervised": 1, "training": 4}
    (missing,) = (unit for unit, state in half.items() if state == "missing")
    asked = [(one["unit"], one["period"]) for one in reminders.sent(county, COUNTY, None, 10)["items"]]
    assert asked == [(missing, "2026-11-H1")]
    with read(hub.db):
        given = supervising.listed(hub, CITY, "given", "", supervising.START, 10)
    assert [(one["owner"], one["state"]) for one in given["items"]] == [(TOWN, "answered")]
    with read(hub.db):
        figures = CampaignFigures(hub.db, tree_of(hub), calendar_of(hub.db), city.clock.at_ms)
        (campaign,) = figures.shown([COUNTY], Period("", days[0], days[-1]))
        checks = figures.checks(campaign.id, [(COUNTY, 0)], days[0], days[-1])
    assert 0 < checks["checks_zero"] + checks["checks_found"] <= checks["checks_due"] == 6


def test_a_seed_gives_the_same_work_again_and_another_seed_another() -> None:
    city, _ = founded("2026-07-11", 9, 0)
    hub, days = city.hub.replica, last_days(city, 60)

    def planned(seed: int) -> list[list[demo_periods.Timed]]:
        calendar, tree, now_ms = calendar_of(hub.db), tree_of(hub), city.clock.at_ms
        return [
            demo_periods.plan(calendar, tree, COUNTY, days, seed, now_ms, (VILLAGE,)),
            demo_forms.plan(forms_of(hub.db), calendar, tree, COUNTY, days, seed, now_ms),
        ]

    assert planned(1) == planned(1) != planned(2)
    assert all(one.at_ms <= city.clock.at_ms for part in planned(1) for one in part)
