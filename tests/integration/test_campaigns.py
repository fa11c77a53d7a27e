"""Campaigns 集中排查: published, sent down, reported, counted apart from regular duties, opened down to the record."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node, check_body
from node.daily import checks, excuses
from node.daily.campaigns import held
from node.figures import rollup
from node.figures.rollup_records import records
from node.people.accounts import Account
from node.projections import CHECK_KIND, calendar_of, report_from
from schemas.cadence import grace_end
from schemas.campaigns import campaign_payload, read_campaign
from schemas.checks import effective, read_check
from schemas.errors import GridError, Invalid
from schemas.events import payload
from schemas.excuses import ExcuseAct, read_stored
from schemas.measures import CHECK_MEASURES
from schemas.periods import Period, parse_period, period_of
from sync import log
from sync.database import write
from sync.directory import tree_of
from sync.intake import Intake
from sync.rebuild import rebuild
from sync.verify import verify

FIRE = {
    "type": "campaign", "id": "fire-2026", "name": "冬季消防集中排查", "from": "2026-11-10", "to": "2026-11-20",
    "theme": "fire",
}  # fmt: skip
OCCASION = "campaign:fire-2026"


def published(**more: object) -> City:
    """A city with a campaign whose checks its groups and villages owe, the groups daily, the villages weekly."""
    city = City()
    city.hub.publish({**FIRE, "levels": ["group", "village"], "cadence": {"group": "day", "village": "week"}, **more})
    return city


def figures(node: Node, unit: str, period: str, **more: Any) -> Any:
    asked = {"by": None, "tree": "then", "now_ms": node.env.now_ms(), **more}
    return rollup.answer(node.replica, unit, period, **asked)


def counts(row: Any) -> dict[str, int]:
    return {name.removeprefix("checks_"): row["measures"][name] for name in CHECK_MEASURES if row["measures"][name]}


@pytest.mark.parametrize(
    ("entry", "code", "field"),
    [
        ({"to": "2026-11-09"}, "bad_campaign_span", "to"),
        ({"to": "2027-11-11"}, "bad_campaign_span", "to"),
        ({"id": "Fire!"}, "bad_campaign_id", "id"),
        ({"name": " "}, "bad_unit_name", "name"),
        ({"levels": ["hamlet"]}, "bad_campaign_levels", "levels"),
        ({"levels": []}, "bad_campaign_levels", "levels"),
        ({"cadence": "hourly"}, "bad_cadence", "cadence.group"),
        ({"cadence": {"city": "day"}}, "bad_campaign_levels", "cadence.city"),
        ({"from": "10 Nov"}, "bad_date", "from"),
        ({"colour": "red"}, "unknown_field", "colour"),
    ],
)
def test_a_campaign_that_breaks_a_rule_is_refused_by_field(entry: dict[str, Any], code: str, field: str) -> None:
    hub = City().hub
    before = hub.count()
    with pytest.raises(Invalid) as refused:
        hub.publish({**FIRE, **entry})
    assert (refused.value.code, refused.value.field, hub.count()) == (code, field, before)


def test_a_check_of_a_campaign_that_nobody_published_or_that_does_not_run_is_refused() -> None:
    city = published()
    headers = city.hub.user("wang", "worker")
    told = []
    for occasion, day in (("campaign:nobody", "2026-11-12"), (OCCASION, "2026-11-21"), ("campaign:No", "2026-11-12")):
        body = check_body(E_GROUPS[0], day, occasion=occasion)
        said = city.hub.browser().post(
            "/api/v1/checks", json=body, headers={**headers, "Idempotency-Key": occasion + day}
        )
        told.append((said.status_code, said.json["code"], said.json["field"]))
    assert told == [
        (422, "unknown_campaign", "occasion"), (422, "outside_campaign", "date"), (422, "bad_occasion", "occasion"),
    ]  # fmt: skip


def test_a_campaign_is_sent_down_and_its_checks_come_up_and_never_count_as_regular_ones() -> None:
    city = published()
    county = city.join(city.hub, EAST)
    assert [campaign_payload(one) for one in held(county.db).values()] == [
        {**{key: value for key, value in FIRE.items() if key != "type"}, "levels": ["group", "village"],
         "cadence": {"group": "day", "village": "week"}}
    ]  # fmt: skip
    regular = figures(city.hub, CITY, "2026-11")["measures"]
    county.check(E_GROUPS[0], "2026-11-12", 1, occasion=OCCASION)
    second = county.check(E_GROUPS[0], "2026-11-12", occasion=OCCASION)  # amends the first
    county.check(E_VILLAGE, "2026-11-11", occasion=OCCASION)
    county.check(E_TOWN, "2026-11-11", occasion=OCCASION)  # townships owe nothing
    city.settle()
    document = figures(city.hub, CITY, "2026-11", by="campaign")
    assert document["measures"] == regular
    (row,) = document["rows"]
    assert (row["key"], row["label"]) == ("fire-2026", "冬季消防集中排查")
    # 6 groups on 11 days; 2 villages for two weeks, the second cut off on the 20th, still in grace.
    assert counts(row) == {"due": 66 + 4, "zero": 2, "late": 2, "missing": 66, "extra": 1}
    assert row["rates"]["coverage"] == {"value": "2.86", "numerator": 2, "denominator": 70}
    items = listed(city.hub, CITY, "2026-11", "checks_zero", "then")
    assert [(one["unit"], one["date"]) for one in items] == [(E_GROUPS[0], "2026-11-12"), (E_VILLAGE, "2026-11-15")]
    assert items[0]["event"] == second
    below = figures(city.hub, CITY, "2026-11", by="children", campaign="fire-2026")
    assert {one["key"]: counts(one).get("zero", 0) for one in below["rows"]} == {EAST: 2, WEST: 0}


def listed(node: Node, unit: str, period: str, measure: str, mode: str, campaign: str = "fire-2026") -> list[Any]:
    """Every record behind a cell of a campaign, five a page."""
    items: list[Any] = []
    after: str | None = None
    while True:
        page = records(
            node.replica, unit, period, measure, tree=mode, now_ms=node.env.now_ms(), filters={"campaign": campaign},
            after=after, limit=5,
        )  # fmt: skip
        items += page["items"]
        after = page["next"]
        if after is None:
            return items


def reports_of(node: Node) -> dict[tuple[str, date], list[Any]]:
    reports: dict[tuple[str, date], list[Any]] = {}
    for stored in log.events(node.db, "e.kind = ? AND e.standing = 'ok'", [CHECK_KIND]):
        report = report_from(stored)
        if report.occasion == OCCASION:
            reports.setdefault((report.unit, report.date), []).append(report)
    return reports


def ground(node: Node, unit: str, period: str, mode: str) -> dict[str, int]:
    """The campaign's measures of a unit the long way: every duty of every unit and day, from the signed events."""
    tree, calendar, span = tree_of(node.replica), calendar_of(node.db), parse_period(period)
    campaign, now_ms = held(node.db)["fire-2026"], node.env.now_ms()
    profile = calendar.on(campaign.first)
    lifts = [read_stored_excuse(one) for one in log.events(node.db, "e.kind = 'excuse' AND e.standing = 'ok'", [])]
    reports = reports_of(node)
    total, used = dict.fromkeys(CHECK_MEASURES, 0), set()
    today = date(2026, 11, 23)

    def inside(one: str, day: date) -> bool:
        return unit in tree.ancestors(one, day if mode == "then" else today)

    for level in campaign.levels:
        cadence = campaign.cadences.get(level, profile.cadences[level])
        day = campaign.first
        while day <= campaign.last:
            whole = period_of(cadence, day)
            owed = Period("", max(whole.first, campaign.first), min(whole.last, campaign.last))
            for one in list(tree.units(owed.last)):
                if one.level != level:
                    continue
                days = [at for at in owed.each_day() if (one.id, at) in reports]
                used.update((one.id, at) for at in days)
                if not span.first <= owed.last <= span.last or not inside(one.id, owed.last):
                    continue
                total["checks_due"] += 1
                grace = grace_end(profile, level, owed)
                chosen = [effective(reports[one.id, at]) for at in days]
                if chosen:
                    found = any(one.report.result == "found" for one in chosen)
                    total["checks_found" if found else "checks_zero"] += 1
                    total["checks_late"] += min(one.first_recorded_ms for one in chosen) > grace
                elif all(excused(tree, one.id, at, lifts) for at in owed.each_day()):
                    total["checks_excused"] += 1
                elif now_ms > grace:
                    total["checks_missing"] += 1
            day = owed.last + timedelta(days=1)
    for one, at in reports.keys() - used:
        total["checks_extra"] += span.first <= at <= span.last and inside(one, at)
    return total


def read_stored_excuse(stored: Any) -> ExcuseAct:
    header = stored.event.header
    return read_stored(stored.event.hash, header.unit, CITY, payload(stored.event))


def excused(tree: Any, unit: str, day: date, lifts: list[ExcuseAct]) -> bool:
    return any(one.first <= day <= one.last and one.unit in tree.ancestors(unit, day) for one in lifts)


def excuse(node: Node, unit: str, first: str, last: str) -> None:
    boss = Account("boss", "admin", CITY)
    excuses.give(node.replica, boss, {"unit": unit, "from": first, "to": last, "reason": "汛期"})


def sign(node: Node, unit: str, day: date, disputes: int, recorded_h: int) -> None:
    """Signs a check of the campaign as another program might: on any day, whoever reported already."""
    body: dict[str, Any] = {"result": "zero", "occasion": OCCASION}
    if disputes:
        body |= {"result": "found", "found": {"disputes": disputes, "hazards": 0}}
    body["recorded_at"] = (
        grace_end(calendar_of(node.db).on(day), "group", period_of("day", day)) + recorded_h * 3_600_000
    )
    with write(node.db, "check", node.env):
        intake = Intake(node.replica, node.env.now_ms())
        intake.author(kind="chk", schema="chk/1", unit=unit, day=day, public=read_check(body))
        intake.finish()


@pytest.mark.parametrize("seed", range(4))
def test_every_cell_of_a_campaign_equals_a_recount_whatever_came_first(seed: int) -> None:
    chance = random.Random(seed)
    city = City(seed=seed + 1)
    east, hub = city.join(city.hub, EAST), city.hub
    levels = chance.choice((["group"], ["village", "group"], ["group", "township", "county"]))
    entry = {
        **FIRE,
        "levels": levels,
        "cadence": {level: chance.choice(("day", "week", "half-month")) for level in levels},
    }
    acts: list[dict[str, Any]] = [
        entry,
        {**entry, "to": "2026-11-16"},
        {"type": "unit", "act": "move", "unit": W_VILLAGE, "parent": E_TOWN, "date": "2026-11-14"},
        {"type": "unit", "act": "close", "unit": E_GROUPS[1], "date": "2026-11-13"},
    ]
    chance.shuffle(acts)
    units = (*E_GROUPS, *W_GROUPS, E_VILLAGE, W_VILLAGE, E_TOWN, W_TOWN, EAST)
    for turn in range(60):
        unit = chance.choice(units)
        day = date(2026, 11, 8) + timedelta(days=chance.randrange(14))
        sign(chance.choice((hub, east)), unit, day, chance.choice((0, 0, 1)), chance.choice((-20, -3, 50)))
        if turn % 15 == 14:
            hub.publish(acts.pop())
        if turn % 20 == 10:
            first = date(2026, 11, 9) + timedelta(days=chance.randrange(8))
            excuse(hub, chance.choice((*units, EAST)), str(first), str(first + timedelta(days=chance.randrange(9))))
    city.settle()
    for unit in (CITY, EAST, E_TOWN, W_TOWN, E_VILLAGE, W_VILLAGE, E_GROUPS[1]):
        for period in ("2026-11", "2026-11-14", "2026-11-09..2026-11-15"):
            for mode in ("then", "now"):
                where, expected = (unit, period, mode), ground(hub, unit, period, mode)
                document = figures(hub, unit, period, tree=mode, campaign="fire-2026", by="children")
                assert {name: document["measures"][name] for name in CHECK_MEASURES} == expected, where
                assert document["rates"]["coverage"]["numerator"] <= document["rates"]["coverage"]["denominator"], where
                summed = {name: sum(row["measures"][name] for row in document["rows"]) for name in CHECK_MEASURES}
                assert summed == expected or not document["rows"], where
                for measure in CHECK_MEASURES:
                    assert len(listed(hub, unit, period, measure, mode)) == expected[measure], (where, measure)
    for node in (hub, east):
        assert verify(node.replica).problems == []
        tables = node.derived()
        rebuild(node.replica)
        assert node.derived() == tables


def test_an_excuse_lifts_the_duties_of_a_campaign_on_all_of_whose_days_it_holds_and_a_report_beats_it() -> None:
    city = published()
    hub = city.hub
    assert counts(figures(hub, EAST, "2026-11", campaign="fire-2026")) == {"due": 35, "missing": 34}
    excuse(hub, E_TOWN, "2026-11-12", "2026-11-15")
    # 3 groups on 4 days; the village's week begins on the 10th, so not all of it is excused.
    lifted = figures(hub, EAST, "2026-11", campaign="fire-2026")
    assert counts(lifted) == {"due": 35, "excused": 12, "missing": 22}
    hub.check(E_GROUPS[0], "2026-11-12", occasion=OCCASION)
    document = figures(hub, EAST, "2026-11", campaign="fire-2026")
    assert counts(document) == {"due": 35, "excused": 11, "missing": 22, "zero": 1, "late": 1}
    assert document["rates"]["coverage"] == {"value": "4.17", "numerator": 1, "denominator": 24}
    for measure in CHECK_MEASURES:
        listed_now = listed(hub, EAST, "2026-11", measure, "then")
        assert len(listed_now) == document["measures"][measure], measure
    excuse(hub, E_VILLAGE, "2026-11-10", "2026-11-15")
    assert counts(figures(hub, E_VILLAGE, "2026-11-15", campaign="fire-2026")) == {"due": 4, "excused": 4}
    assert "excused" not in counts(figures(hub, WEST, "2026-11", campaign="fire-2026"))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE campaign_day SET zero = zero + 1 WHERE unit = '421000000000'",
        "UPDATE campaign_duty SET result = 'found'",
    ],
)
def test_verify_finds_a_tally_of_a_campaign_that_is_not_what_the_events_say(damage: str) -> None:
    city = published()
    city.hub.check(E_GROUPS[0], "2026-11-12", occasion=OCCASION)
    city.hub.db.execute(damage)
    assert {one.code for one in verify(city.hub.replica).problems} == {"bad_tally"}


def test_the_figures_page_lists_campaigns_and_opens_one_down_to_its_records() -> None:
    city = published()
    city.hub.check(E_GROUPS[0], "2026-11-12", 2, occasion=OCCASION)
    browser, admin = city.hub.browser(), city.hub.user("ann", "admin")
    listing = browser.get("/rollup?period=2026-11&by=campaign", headers=admin).get_data(as_text=True)
    assert "冬季消防集中排查" in listing
    assert "campaign=fire-2026" in listing
    assert browser.get("/rollup?period=2026-09&by=campaign", headers=admin).get_data(as_text=True).count("集中排查") > 1
    one = browser.get("/rollup?period=2026-11&by=children&campaign=fire-2026", headers=admin).get_data(as_text=True)
    assert "只看集中排查：冬季消防集中排查" in one
    asked = "/api/v1/rollup/records?period=2026-11&measure=checks_found&campaign=fire-2026"
    assert [item["unit"] for item in browser.get(asked, headers=admin).json["items"]] == [E_GROUPS[0]]
    assert browser.get("/api/v1/campaigns", headers=admin).json["items"][0]["running"] is False
    unknown = browser.get("/api/v1/rollup?period=2026-11&campaign=no", headers=admin)
    assert (unknown.status_code, unknown.json["code"]) == (422, "unknown_campaign")


def test_a_check_of_a_campaign_shows_the_state_of_its_own_duty() -> None:
    city = published()
    city.clock.set("2026-11-12", 9)
    city.hub.check(E_VILLAGE, "2026-11-11", occasion=OCCASION)
    assert checks.state_of(city.hub.replica, E_VILLAGE, date(2026, 11, 11), OCCASION) == "zero"


def test_records_and_evidence_name_the_campaign_and_the_day_s_own_check_is_the_regular_one() -> None:
    city = published()
    city.clock.set("2026-11-12", 9)
    hub = city.hub
    hub.check(E_GROUPS[0], "2026-11-12")
    extra = hub.check(E_GROUPS[0], "2026-11-12", 2, occasion=OCCASION)
    browser, worker, admin = hub.browser(), hub.user("w", "worker", E_GROUPS[0]), hub.user("ann", "admin")
    today = browser.get("/today", headers=worker).get_data(as_text=True)
    assert "今日无事" in today
    assert '<span class="tag">冬季消防集中排查</span>' in today
    asked = f"/today/found?unit={E_GROUPS[0]}&date=2026-11-12&amends={extra}"
    assert asked.replace("&", "&amp;") in today
    form = browser.get(asked, headers=worker).get_data(as_text=True)
    assert ("冬季消防集中排查" in form, f'name="amends" value="{extra}"' in form) == (True, True)
    for path in (f"/records?unit={E_GROUPS[0]}", f"/records/return?event={extra}", f"/events/{extra}"):
        assert "冬季消防集中排查" in browser.get(path, headers=admin).get_data(as_text=True)
    kept = browser.get("/api/v1/phone", headers=worker).json["units"][0]["records"]
    assert sorted(one["campaign"] or "" for one in kept) == ["", "冬季消防集中排查"]
    body = {"unit": E_GROUPS[0], "date": "2026-11-12", "result": "found", "disputes": "3", "hazards": "0"}
    done = browser.post("/today/check", data={**body, "amends": extra, "idem": "k"}, headers=worker)
    assert done.status_code == 302, done.get_data(as_text=True)
    assert checks.state_of(hub.replica, E_GROUPS[0], date(2026, 11, 12), OCCASION) == "found"
    assert checks.state_of(hub.replica, E_GROUPS[0], date(2026, 11, 12), "regular") == "zero"


def test_what_is_published_is_read_back_as_it_was_meant() -> None:
    campaign = read_campaign({key: value for key, value in FIRE.items() if key != "type"} | {"cadence": "week"})
    assert read_campaign(campaign_payload(campaign)) == campaign
    with pytest.raises(GridError):
        read_campaign({})
