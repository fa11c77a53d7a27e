"""Category lists as versioned data: a version from a day on, forms and rows by the list in force, old codes mapped."""

from __future__ import annotations

from typing import Any

import pytest

from builders import CITY, E_VILLAGE, EAST, TODAY, City, Node
from node.cases import acts
from node.figures import rollup
from node.figures.rollup_records import records
from schemas.cases.lists import HUBEI_15
from schemas.category_lists import CategoryLists, read_version, stored_version, version_payload
from schemas.errors import Invalid
from sync.database import write
from sync.intake import Intake
from sync.rebuild import rebuild

KEPT = [code for code in HUBEI_15.codes if code not in ("08", "10", "11")]
NEW = {"code": "16", "zh_CN": "征收安置", "en": "Expropriation and resettlement"}
NEXT = {
    "type": "categories", "name": "hubei-15", "version": 2, "kind": "dispute", "date": "2026-11-15",
    "codes": [*KEPT, NEW], "mapping": {"08": "16", "10": None, "11": "04"},
}  # fmt: skip


def register(node: Node, category: str, day: str) -> str:
    body = {
        "unit": E_VILLAGE, "date": day, "kind": "dispute", "category": category, "source": "self_found",
        "complexity": "simple", "urgency": "yellow",
    }  # fmt: skip
    with write(node.db, "case", node.env):
        intake = Intake(node.replica, node.env.now_ms())
        case_id = acts.enter(intake, body)
        intake.finish()
    return case_id


def rows(node: Node, period: str, by: str = "category", **more: Any) -> dict[str, Any]:
    document = rollup.answer(node.replica, CITY, period, by=by, tree="then", now_ms=node.env.now_ms(), **more)
    return {row["key"]: row for row in document["rows"]}


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"version": 3}, "list_version", "version"),
        ({"name": "hubei-16"}, "unknown_list", "name"),
        ({"kind": "hazard"}, "not_one_of", "kind"),
        ({"date": "2000-01-01"}, "list_too_early", "date"),
        ({"codes": []}, "bad_category_codes", "codes"),
        ({"codes": [*KEPT, "16"]}, "category_words_missing", "codes.12"),
        ({"codes": [*KEPT, "fire"]}, "category_code_taken", "codes.12"),
        ({"codes": [*KEPT, {**NEW, "en": ""}]}, "category_words_missing", "codes.12.en"),
        ({"codes": [*KEPT, NEW, "01"]}, "bad_category_code", "codes.13"),
        ({"mapping": {"08": "16", "11": "04"}}, "category_not_mapped", "mapping"),
        ({"mapping": {"08": "17", "10": None, "11": "04"}}, "bad_category_mapping", "mapping.08"),
        ({"mapping": {"01": "02", "08": "16", "10": None, "11": "04"}}, "bad_category_mapping", "mapping.01"),
        ({"note": "x"}, "unknown_field", "note"),
    ],
)
def test_a_version_that_breaks_a_rule_is_refused_by_field(change: dict[str, Any], code: str, field: str) -> None:
    hub = City().hub
    before = hub.count()
    with pytest.raises(Invalid) as refused:
        hub.publish({**NEXT, **change})
    assert (refused.value.code, refused.value.field, hub.count()) == (code, field, before)


def test_forms_know_the_list_in_force_on_the_date_at_every_node() -> None:
    city = City()
    county = city.join(city.hub, EAST)
    city.hub.publish(NEXT)
    city.settle()
    for node in (city.hub, county):
        with pytest.raises(Invalid) as early:
            register(county, "16", "2026-11-14")
        with pytest.raises(Invalid) as late:
            register(county, "08", "2026-11-15")
        assert (early.value.field, late.value.field) == ("category", "category")
        page = (
            node.browser().get(f"/cases/new?unit={E_VILLAGE}", headers=node.user("wu", "worker")).get_data(as_text=True)
        )
        assert "征收安置" in page
        assert 'value="dispute.08"' not in page
    register(county, "08", "2026-11-14")
    register(county, "16", "2026-11-15")
    (first, second) = county.db.execute("SELECT public FROM case_event ORDER BY day").fetchall()
    assert '"hubei-15/1"' in first[0]
    assert '"hubei-15/2"' in second[0]


def test_rows_are_those_of_the_list_in_force_and_old_codes_are_mapped_when_asked() -> None:
    city = City()
    hub = city.hub
    for category, day in (("08", "2026-11-02"), ("11", "2026-11-03"), ("10", "2026-11-04"), ("04", "2026-11-05")):
        register(hub, category, day)
    hub.publish(NEXT)
    register(hub, "16", "2026-11-16")
    before, now = rows(hub, "2026-11-10"), rows(hub, "2026-11")
    assert ("08" in before, "16" in before) == (True, False)
    counted = {key: row["measures"]["registered"] for key, row in now.items() if row["measures"]["registered"]}
    assert counted == {"08": 1, "11": 1, "10": 1, "04": 1, "16": 1}
    assert now["16"]["label"] == "征收安置"
    mapped = rows(hub, "2026-11", categories="hubei-15/2")
    found = {key: row["measures"]["registered"] for key, row in mapped.items() if row["measures"]["registered"]}
    assert found == {"04": 2, "10": 1, "16": 2}
    assert set(rows(hub, "2026-11", "matrix", categories="hubei-15/2")) == {*mapped, "total"}
    for key, count in {**found, "08": 0}.items():
        page = records(
            hub.replica, CITY, "2026-11", "registered", tree="then", now_ms=hub.env.now_ms(), filters={"category": key},
            after=None, limit=50, categories="hubei-15/2",
        )  # fmt: skip
        assert len(page["items"]) == count, key
    headers = hub.user("ann", "admin")
    wrong = hub.browser().get(f"/api/v1/rollup?by=category&period={TODAY}&categories=hubei-15/7", headers=headers)
    assert (wrong.status_code, wrong.json["code"]) == (422, "unknown_list")
    asked = "/api/v1/rollup/records?measure=registered&period=2026-11&category=16&categories=hubei-15/2"
    assert len(hub.browser().get(asked, headers=headers).json["items"]) == 2
    tables = hub.derived()
    rebuild(hub.replica)
    assert hub.derived() == tables


def test_a_version_is_read_back_as_it_was_published_and_mappings_follow_each_other() -> None:
    second = read_version({key: value for key, value in NEXT.items() if key != "type"}, CategoryLists())
    assert stored_version(version_payload(second)) == second
    lists = CategoryLists([second])
    codes = [code for code in second.listed.codes if code != "16"]
    third = read_version(
        {
            "name": "hubei-15", "version": 3, "date": "2027-01-01", "codes": [*codes, {**NEW, "code": "17"}],
            "mapping": {"16": "17"},
        },
        lists,
    )  # fmt: skip
    lists = CategoryLists([second, third])
    assert lists.mapping_to("hubei-15/3") == {"08": "17", "11": "04", "16": "17"}
    assert lists.mapping_to("hubei-15/2") == {"08": "16", "11": "04"}
    assert lists.mapping_to("hubei-15/1") == {}
    with pytest.raises(Invalid):  # a code never comes back with another meaning
        read_version({**version_payload(second), "version": 4, "date": "2028-01-01", "codes": ["08"]}, lists)
