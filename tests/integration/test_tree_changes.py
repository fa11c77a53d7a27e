"""A township that is split in mid-month, and a county that becomes a city under a new code: history stays one."""

from __future__ import annotations

from datetime import date
from typing import Any

from casework import Caseworker

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, W_GROUPS, W_TOWN, City, Node
from node.figures.exports import rollup_file
from node.figures.rollup import answer
from node.figures.rollup_records import records
from schemas.strict_json import dumps
from sync.directory import tree_of
from sync.verify import verify

NEW_TOWN = "421001099000"
FORMATS = ("csv", "xlsx")


def asked(node: Node, unit: str, period: str, tree: str, by: str = "children") -> dict[str, Any]:
    return answer(node.replica, unit, period, by=by, tree=tree, now_ms=node.env.now_ms())


def measures(node: Node, unit: str, period: str, tree: str) -> dict[str, int]:
    counted = asked(node, unit, period, tree)["measures"]
    return {name: counted[f"checks_{name}"] for name in ("due", "zero", "found", "missing")}


def printed(node: Node, units: tuple[str, ...], period: str) -> list[bytes]:
    """The tables of some units as they were, in every format, without the log position that any act moves on."""
    found = []
    for unit in units:
        for by in ("children", "day", "matrix"):
            document = {**asked(node, unit, period, "then", by), "position": 0}
            found.append(dumps(document).encode())
            found += [rollup_file(document, kind, "zh_CN")[0] for kind in FORMATS]
    return found


def test_a_township_split_in_mid_month_leaves_what_was_to_the_byte_and_moves_what_is() -> None:
    city = City()
    hub = city.hub
    for day in range(1, 22):
        for group in (*E_GROUPS, *W_GROUPS):
            if (day + int(group[-1])) % 4:
                hub.check(group, f"2026-11-{day:02}", int(day % 5 == 0))
    _settled(hub, E_VILLAGE, "2026-11-03")
    _settled(hub, E_VILLAGE, "2026-11-18")
    before_split = printed(hub, (CITY, EAST, E_TOWN), "2026-11-01..2026-11-15")
    whole = measures(hub, E_TOWN, "2026-11-01..2026-11-21", "then")
    city_whole = measures(hub, CITY, "2026-11-01..2026-11-21", "then")
    hub.publish(
        {
            "type": "unit", "act": "open", "unit": NEW_TOWN, "code": NEW_TOWN, "name": "新镇", "level": "township",
            "parent": EAST, "kind": "regular", "date": "2026-11-16",
        },
        {"type": "unit", "act": "move", "unit": E_VILLAGE, "parent": NEW_TOWN, "date": "2026-11-16"},
        {"type": "unit", "act": "split", "unit": E_TOWN, "successors": [NEW_TOWN], "date": "2026-11-16"},
    )  # fmt: skip
    assert tree_of(hub.replica).successors(E_TOWN) == (NEW_TOWN,)
    # As it was: the days before the split are untouched, later ones are the successor's; nothing is lost or twice.
    assert printed(hub, (CITY, EAST, E_TOWN), "2026-11-01..2026-11-15") == before_split
    old, new = (measures(hub, unit, "2026-11-01..2026-11-21", "then") for unit in (E_TOWN, NEW_TOWN))
    assert {name: old[name] + new[name] for name in old} == whole
    assert (old["due"], new["due"]) == (15 * len(E_GROUPS), 6 * len(E_GROUPS))
    assert measures(hub, CITY, "2026-11-01..2026-11-21", "then") == city_whole
    rows = {
        row["key"]: row["measures"]["checks_due"] for row in asked(hub, EAST, "2026-11-01..2026-11-21", "then")["rows"]
    }
    assert rows == {E_TOWN: 15 * len(E_GROUPS), NEW_TOWN: 6 * len(E_GROUPS)}
    # As it is: the village's whole history stands under the township that has it now.
    assert measures(hub, NEW_TOWN, "2026-11-01..2026-11-21", "now") == whole
    assert not any(measures(hub, E_TOWN, "2026-11-01..2026-11-21", "now").values())
    assert measures(hub, EAST, "2026-11-01..2026-11-21", "now") == measures(hub, EAST, "2026-11-01..2026-11-21", "then")
    # Cases stand where and when they were settled: one before the split, one after.
    settled = {
        (tree, unit): asked(hub, unit, "2026-11", tree)["measures"]["agreed"]
        for tree in ("then", "now")
        for unit in (E_TOWN, NEW_TOWN, EAST)
    }
    assert settled == {
        ("then", E_TOWN): 1, ("then", NEW_TOWN): 1, ("then", EAST): 2,
        ("now", E_TOWN): 0, ("now", NEW_TOWN): 2, ("now", EAST): 2,
    }  # fmt: skip
    for tree, unit in (("then", E_TOWN), ("then", NEW_TOWN), ("now", NEW_TOWN)):
        for name, count in measures(hub, unit, "2026-11-01..2026-11-21", tree).items():
            assert listed(hub, unit, f"checks_{name}", tree) == count, (tree, unit, name)
    assert verify(hub.replica).problems == []


def _settled(hub: Node, unit: str, day: str) -> None:
    """A case of a unit, found, accepted, mediated and agreed on a day."""
    worker = Caseworker(hub, f"worker{day[-2:]}", "admin", unit)
    case = worker.register(date=day)
    for action, fields in (("accept", {}), ("mediate", {}), ("agree", {"performed_at_once": True})):
        case = worker.act(case, action, date=day, **fields)


def listed(node: Node, unit: str, measure: str, tree: str) -> int:
    page = records(
        node.replica, unit, "2026-11-01..2026-11-21", measure, tree=tree, now_ms=node.env.now_ms(), filters={},
        after=None, limit=500,
    )  # fmt: skip
    return len(page["items"])


JIANLI, JIANLI_AS_A_CITY = "421023000000", "421088000000"
UNITS = f"""code,name,level,parent_code
421000000000,荆州市,city,
{JIANLI},监利县,county,421000000000
421023100000,容城镇,township,{JIANLI}
421023100001,城关社区,village,421023100000
421023100001001,城关社区1组,group,421023100001
421023100001002,城关社区2组,group,421023100001
"""


def test_a_county_that_becomes_a_city_under_a_new_code_keeps_one_history() -> None:
    city = City(units=UNITS)
    hub = city.hub
    county = city.join(hub, JIANLI)
    group = "421023100001001"
    for day in ("2026-11-05", "2026-11-18"):
        county.check(group, day)
    city.settle()
    before = measures(hub, JIANLI, "2026-11", "then")
    hub.publish(
        {"type": "unit", "act": "recode", "unit": JIANLI, "code": JIANLI_AS_A_CITY, "date": "2026-11-12"},
        {"type": "unit", "act": "rename", "unit": JIANLI, "name": "监利市", "date": "2026-11-12"},
    )
    county.check(group, "2026-11-19", 1)
    city.settle()
    for node in (hub, county):
        for tree in ("then", "now"):
            now = measures(node, JIANLI, "2026-11", tree)
            assert now == {**before, "found": 1, "missing": before["missing"] - 1}, tree
        assert verify(node.replica).problems == []
    headers = hub.user("ann", "admin")
    found = hub.browser().get(f"/api/v1/units/{JIANLI}", headers=headers).json
    assert [(one["code"], one["name"], one["valid_from"]) for one in found["versions"]] == [
        (JIANLI, "监利县", "2000-01-01"), (JIANLI_AS_A_CITY, "监利市", "2026-11-12"),
    ]  # fmt: skip
    early, late = (asked(hub, "421000000000", period, "then")["rows"][0] for period in ("2026-11-10", "2026-11-19"))
    assert [(row["key"], row["label"]) for row in (early, late)] == [(JIANLI, "监利县"), (JIANLI, "监利市")]
    # A unit that is opened under it later has a code of the new kind, and is its child all the same.
    hub.publish(
        {
            "type": "unit", "act": "open", "unit": "421088101000", "code": "421088101000", "name": "新沟镇",
            "level": "township", "parent": JIANLI, "kind": "regular", "date": "2026-11-20",
        }
    )  # fmt: skip
    assert [one.name for one in tree_of(hub.replica).children(JIANLI, city_day())] == ["容城镇", "新沟镇"]
    document = asked(hub, JIANLI, "2026-11", "now", "day")
    assert sum(row["measures"]["checks_zero"] for row in document["rows"]) == 2


def city_day() -> date:
    return date(2026, 11, 21)


def test_the_west_is_left_alone_by_what_happens_in_the_east() -> None:
    city = City()
    city.hub.check(W_GROUPS[0], "2026-11-20")
    before = printed(city.hub, (W_TOWN,), "2026-11")
    city.hub.publish({"type": "unit", "act": "close", "unit": E_TOWN, "date": "2026-11-16"})
    assert printed(city.hub, (W_TOWN,), "2026-11") == before
