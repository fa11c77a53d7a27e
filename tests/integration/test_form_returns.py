"""Returns: refusals first, each leaving nothing behind; then what is sent, amended, sent back, and what it comes to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from builders import CITY, DAY_MS, E_GROUPS, E_TOWN, E_VILLAGE, EAST, HOUR_MS, W_TOWN, W_VILLAGE, WEST, City, Node, told
from hub.directory import SHIPPED_FORMS
from node.keeping.unprojected import unprojected
from node.reports.form_projection import RETURN_FORM_KIND, RETURN_FORM_SCHEMA
from schemas.periods import parse_period
from sync.database import write
from sync.intake import Intake
from sync.rebuild import rebuild
from sync.verify import verify

URL: Final = "/api/v1/returns"
SUPERVISED: Final = {
    "on_register": 2062, "controlled": 2, "probation": 1982, "parole": 47, "outside": 31,
    "received": 900, "released": 477, "corrected": 423,
}  # fmt: skip
MEETINGS: Final = {"meetings": 2, "units_attending": 9, "discussed": 5, "settled": 3}
SHIPPED: Final = json.loads(SHIPPED_FORMS.read_text("utf-8"))


class People:
    """Who works at a node."""

    def __init__(self, node: Node) -> None:
        self.node, self.client = node, node.browser()
        self.by_role = {role: node.user(role, role) for role in ("reviewer", "mediator", "worker", "viewer")}
        if node.replica.identity.is_top:
            self.by_role["analyst"] = node.user("analyst", "analyst")
            self.by_role["western"] = node.user("west", "reviewer", W_TOWN)

    def post(self, body: dict[str, Any], who: str = "reviewer", path: str = URL, **headers: str) -> TestResponse:
        """A POST."""
        return self.client.post(path, json=body, headers=self.by_role[who] | headers)

    def get(self, path: str, who: str = "reviewer", status: int = 200) -> Any:
        """The document of a GET."""
        answer = self.client.get(path, headers=self.by_role[who])
        assert answer.status_code == status, answer.text
        return answer.json

    def send(self, form: str, unit: str, period: str, values: dict[str, Any], who: str = "reviewer") -> Any:
        """A return, stored."""
        answer = self.post({"form": form, "unit": unit, "period": period, "values": values}, who)
        assert answer.status_code == 201, answer.text
        return answer.json

    def totals(self, form: str, unit: str, period: str, more: str = "") -> Any:
        """What the returns of a form come to."""
        return self.get(f"{URL}/rollup?form={form}&unit={unit}&period={period}{more}")


def founded(**more: Any) -> City:
    """A city that has published the shipped forms."""
    city = City(**more)
    city.hub.publish(*SHIPPED)
    return city


def sound(*nodes: Node) -> None:
    """Everything verifies, and is the same when made again."""
    for node in nodes:
        assert verify(node.replica).problems == []
        before = node.derived()
        rebuild(node.replica)
        assert node.derived() == before


@pytest.fixture(scope="module")
def shared() -> People:
    """A hub that serves the west, the east with a node of its own; nothing is stored here."""
    city = founded()
    city.join(city.hub, EAST)
    city.settle()
    return People(city.hub)


@pytest.fixture
def people() -> Iterator[People]:
    """A hub of its own."""
    city = founded()
    yield People(city.hub)
    city.hub.db.conn.close()


@pytest.mark.parametrize(
    ("status", "code", "field", "change", "who"),
    [
        (404, "unknown_form", "form", {"form": "census"}, "reviewer"),
        (422, "bad_shape", "form", {"form": 7}, "reviewer"),
        (422, "bad_shape", "unit", {"unit": "42"}, "reviewer"),
        (404, "unknown_unit", "unit", {"unit": "421099000000"}, "reviewer"),
        (422, "bad_period", "period", {"period": "2026-Q5"}, "reviewer"),
        (422, "form_period", "period", {"period": "2026-09"}, "reviewer"),
        (422, "form_period", "period", {"period": "2026-07-01..2026-09-30"}, "reviewer"),
        (422, "return_too_early", "period", {"period": "2026-Q4"}, "reviewer"),
        (422, "bad_period", "period", {"period": "1999-Q4"}, "reviewer"),
        (422, "form_not_for_level", "unit", {"unit": W_TOWN}, "reviewer"),
        (422, "bad_shape", "values", {"values": []}, "reviewer"),
        (422, "bad_shape", "values", {"values": None}, "reviewer"),
        (422, "unknown_field", "values.name", {"values": SUPERVISED | {"name": "x"}}, "reviewer"),
        (422, "value_missing", "values.on_register", {"values": {}}, "reviewer"),
        (422, "bad_integer_value", "values.parole", {"values": SUPERVISED | {"parole": "47"}}, "reviewer"),
        (422, "value_out_of_range", "values.parole", {"values": SUPERVISED | {"parole": -1}}, "reviewer"),
        (422, "sum_broken", "values.received", {"values": SUPERVISED | {"received": 901}}, "reviewer"),
        (422, "bad_shape", "person", {"person": "x"}, "reviewer"),
        (409, "served_elsewhere", "unit", {"unit": EAST}, "reviewer"),
        (403, "role_not_allowed", "role", {}, "mediator"),
        (403, "role_not_allowed", "role", {}, "worker"),
        (403, "role_not_allowed", "role", {}, "viewer"),
        (403, "role_not_allowed", "role", {}, "analyst"),
        (403, "unit_out_of_scope", "unit", {}, "western"),
    ],
)
def test_what_may_not_be_sent_is_refused_by_name_and_leaves_nothing(
    shared: People, status: int, code: str, field: str, change: dict[str, Any], who: str
) -> None:
    before = shared.node.count()
    body = {"form": "supervised", "unit": WEST, "period": "2026-Q3", "values": SUPERVISED} | change
    answer = shared.post(body, who)
    assert (answer.status_code, told(answer)["code"], told(answer)["field"]) == (status, code, field), answer.text
    assert shared.node.count() == before


def test_a_float_never_gets_in(shared: People) -> None:
    raw = json.dumps({"form": "training", "unit": WEST, "period": "2026-Q3", "values": {"hours": 1.5}})
    headers = shared.by_role["reviewer"] | {"Content-Type": "application/json"}
    answer = shared.client.post(URL, data=raw, headers=headers)
    assert (answer.status_code, told(answer)["code"], told(answer)["field"]) == (400, "json_number", "values.hours")


def test_a_total_that_does_not_add_up_is_refused_with_the_difference_and_the_way_out(shared: People) -> None:
    values = SUPERVISED | {"on_register": 2063}
    answer = shared.post({"form": "supervised", "unit": WEST, "period": "2026-Q3", "values": values})
    document = told(answer)
    assert (answer.status_code, document["code"], document["field"]) == (422, "sum_broken", "values.on_register")
    assert (document["makes"], document["difference"]) == (2062, 1)
    assert "2063" in document["detail"]
    assert "相差 1" in document["detail"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{URL}?form=census", 404, "unknown_form"),
        (f"{URL}", 422, "bad_shape"),
        (f"{URL}?form=supervised&period=x", 422, "bad_period"),
        (f"{URL}/rollup?form=census&period=2026-Q3", 404, "unknown_form"),
        (f"{URL}/rollup?form=supervised", 422, "bad_shape"),
        (f"{URL}/rollup?form=supervised&period=2026-Q3&tree=old", 422, "bad_shape"),
        (f"{URL}/rollup?form=supervised&period=2026-Q3&unit=421099000000", 404, "unknown_unit"),
        (f"{URL}/rollup?form=meetings&period=2000-01-01..2026-01-01", 422, "span_too_long"),
        (f"{URL}/duties?form=supervised&period=2026-Q3&state=gone", 422, "bad_shape"),
        ("/api/v1/forms?level=hamlet", 422, "bad_shape"),
    ],
)  # fmt: skip
def test_a_question_that_can_not_be_asked_is_refused(shared: People, path: str, status: int, code: str) -> None:
    assert shared.get(path, status=status)["code"] == code


def test_who_sees_figures_only_is_shown_the_forms_and_no_return(shared: People) -> None:
    assert [one["id"] for one in shared.get("/api/v1/forms", "viewer")["items"]] == [
        "judges", "meetings", "supervised", "training",
    ]  # fmt: skip
    assert [one["id"] for one in shared.get("/api/v1/forms?level=township&at=2026-01-01")["items"]] == [
        "judges", "meetings", "training",
    ]  # fmt: skip
    for path in (f"{URL}?form=judges", f"{URL}/duties?form=judges&period=2026"):
        shared.get(path, "viewer", 403)
    shared.get(f"{URL}/rollup?form=judges&period=2026", "viewer")  # the totals are figures


def test_the_same_key_brings_the_same_answer_and_another_body_under_it_is_refused(people: People) -> None:
    body = {"form": "supervised", "unit": WEST, "period": "2026-Q3", "values": SUPERVISED}
    key = {"Idempotency-Key": "one"}
    first, again = people.post(body, **key), people.post(body, **key)
    assert (first.status_code, again.status_code, again.json) == (201, 200, first.json)
    other = people.post(body | {"period": "2026-Q2"}, **key)
    assert (other.status_code, told(other)["code"]) == (409, "key_reused")
    assert people.node.count("form_return") == 1


def test_a_return_is_kept_with_its_values_and_a_second_one_amends_it(people: People) -> None:
    first = people.send("supervised", WEST, "2026-Q3", SUPERVISED)
    assert first == {
        "id": first["event"], "event": first["event"], "form": "supervised", "version": 1, "unit": WEST,
        "period": "2026-Q3", "state": "late", "amends": None,
    }  # fmt: skip
    second = people.send("supervised", WEST, "2026-Q3", SUPERVISED | {"received": 901, "released": 478})
    assert second["amends"] == first["event"]
    (item,) = people.get(f"{URL}?form=supervised&unit={CITY}")["items"]
    assert (item["event"], item["values"]["received"], item["amends"]) == (second["event"], 901, first["event"])
    assert (item["state"], item["counted"], item["conflicts"], item["sync"][0]["hop"]) == ("late", True, [], "saved")
    totals = people.totals("supervised", CITY, "2026-Q3")
    assert totals["totals"] == SUPERVISED | {"received": 901, "released": 478}
    evidence = people.get(f"/api/v1/events/{second['event']}")
    assert (evidence["verified"], evidence["public"]["values"]["received"]) == (True, 901)
    sound(people.node)


def test_a_return_within_the_grace_is_on_time_and_one_of_the_last_day_is_taken(people: People) -> None:
    people.node.env.clock.forward(7 * DAY_MS)  # 30 November 18:00
    assert people.send("meetings", W_TOWN, "2026-11", MEETINGS)["state"] == "sent"
    people.node.env.clock.forward(20 * DAY_MS)
    amended = people.send("meetings", W_TOWN, "2026-11", MEETINGS | {"settled": 4})
    assert amended["state"] == "sent"  # timeliness comes from the first one
    assert people.send("meetings", WEST, "2026-11", MEETINGS)["state"] == "late"


def test_who_has_filled_a_form_and_who_has_not_stands_beside_every_total(people: People) -> None:
    people.send("meetings", W_TOWN, "2026-10", MEETINGS)
    people.send("meetings", WEST, "2026-10", {"meetings": 1, "units_attending": 4, "discussed": 2, "settled": 2})
    document = people.totals("meetings", CITY, "2026-10")
    assert document["measures"] == {"due": 4, "filled": 2, "late": 2, "returned": 0, "excused": 0, "missing": 2}
    assert document["rates"] == {"filled_rate": {"value": "50.00", "numerator": 2, "denominator": 4}}
    assert document["totals"] == {"meetings": 3, "units_attending": 13, "discussed": 7, "settled": 5}
    rows = {row["key"]: (row["measures"]["due"], row["measures"]["filled"], row["totals"]["meetings"])
            for row in document["rows"]}  # fmt: skip
    assert rows == {WEST: (2, 2, 3), EAST: (2, 0, None)}  # missing is never a zero
    inside = people.totals("meetings", WEST, "2026-10")["rows"]
    assert {row["key"]: row["totals"]["meetings"] for row in inside} == {WEST: 1, W_TOWN: 2}
    missing = people.get(f"{URL}/duties?form=meetings&unit={CITY}&period=2026-10&state=missing")["items"]
    assert [(one["unit"], one["state"], one["event"]) for one in missing] == [
        (E_TOWN, "missing", None), (EAST, "missing", None),
    ]  # fmt: skip


def test_lists_are_paged_by_key(people: People) -> None:
    for period in ("2026-08", "2026-09", "2026-10"):
        people.send("meetings", W_TOWN, period, MEETINGS)
    for path in (f"{URL}?form=meetings", f"{URL}/duties?form=meetings&period=2026-08-01..2026-10-31"):
        whole = people.get(path)["items"]
        seen: list[Any] = []
        after = ""
        while True:
            page = people.get(f"{path}&limit=2{after}")
            seen += page["items"]
            if page["next"] is None:
                break
            after = f"&after={page['next'].replace(' ', '%20')}"
        assert seen == whole
    assert len(whole) == 12


def test_an_excused_unit_is_no_longer_missing_and_a_return_beats_the_excuse(people: People) -> None:
    body = {"unit": EAST, "from": "2026-10-01", "to": "2026-10-31", "reason": "防汛"}
    answer = people.client.post("/api/v1/excuses", json=body, headers=people.by_role["reviewer"])
    assert answer.status_code == 201, answer.text
    people.send("meetings", E_TOWN, "2026-10", MEETINGS)
    measures = people.totals("meetings", EAST, "2026-10")["measures"]
    assert measures == {"due": 2, "filled": 1, "late": 1, "returned": 0, "excused": 1, "missing": 0}


def test_the_totals_of_moved_units_count_where_they_were_or_where_they_are(people: People) -> None:
    people.send("meetings", W_TOWN, "2026-10", MEETINGS)
    people.node.publish({"type": "unit", "act": "move", "unit": W_TOWN, "parent": EAST, "date": "2026-11-01"})
    for tree, there in (("then", WEST), ("now", EAST)):
        rows = people.totals("meetings", CITY, "2026-10", f"&tree={tree}")["rows"]
        assert {row["key"] for row in rows if row["totals"]["meetings"] == 2} == {there}
    sound(people.node)


def test_figures_of_an_earlier_instant_come_out_again(people: People) -> None:
    people.send("meetings", W_TOWN, "2026-10", MEETINGS)
    earlier = people.totals("meetings", CITY, "2026-10")
    people.node.env.clock.forward(HOUR_MS)
    people.send("meetings", W_TOWN, "2026-10", MEETINGS | {"settled": 0})
    assert people.totals("meetings", CITY, "2026-10", f"&as_of={earlier['as_of']}") == earlier
    assert people.totals("meetings", CITY, "2026-10")["totals"]["settled"] == 0


def test_a_returned_form_counts_until_its_amendment_and_only_the_one_that_stands_is_returned(people: People) -> None:
    first = people.send("meetings", W_TOWN, "2026-10", MEETINGS)["event"]
    path = f"{URL}/{first}/return"
    own = people.post({"reason": "数不对"}, "western", path)
    assert (own.status_code, told(own)["code"]) == (403, "return_not_above")
    assert people.post({}, path=path).status_code == 422
    assert people.post({"reason": "x"}, "mediator", path).status_code == 403
    assert people.post({"reason": "x"}, path=f"{URL}/{'A' * 43}/return").status_code == 404
    sent = people.post({"reason": "会商件数请核对"}, path=path)
    assert (sent.status_code, sent.json and sent.json["state"]) == (201, "returned")
    document = people.totals("meetings", CITY, "2026-10")
    assert (document["measures"]["returned"], document["totals"]["discussed"]) == (1, 5)
    (item,) = people.get(f"{URL}?form=meetings")["items"]
    assert (item["state"], item["returned"]["by"], item["returned"]["reason"]) == ("returned", CITY, "会商件数请核对")
    second = people.send("meetings", W_TOWN, "2026-10", MEETINGS | {"discussed": 6})
    assert people.totals("meetings", CITY, "2026-10")["measures"]["returned"] == 0
    again = people.post({"reason": "x"}, path=path)
    assert (again.status_code, told(again)["code"], told(again)["standing"]) == (
        409, "return_not_standing", second["event"],
    )  # fmt: skip


def test_a_file_has_the_table_and_masks_small_figures_below_the_township(people: People) -> None:
    people.node.publish({
        "type": "form", "id": "talks", "from": "2026-01-01", "title": {"zh_CN": "谈心", "en": "Talks"},
        "levels": ["village"], "cadence": "month", "rollup": ["talks", "old", "new"], "sums": ["talks = old + new"],
        "fields": [
            {"key": key, "type": "integer", "label": {"zh_CN": key, "en": key}} for key in ("talks", "old", "new")
        ],
    })  # fmt: skip
    people.send("talks", W_VILLAGE, "2026-10", {"talks": 12, "old": 3, "new": 9})
    people.send("talks", E_VILLAGE, "2026-10", {"talks": 40, "old": 20, "new": 20})

    def file(unit: str, kind: str) -> bytes:
        path = f"{URL}/rollup?form=talks&unit={unit}&period=2026-10&format={kind}"
        answer = people.client.get(path, headers=people.by_role["reviewer"])
        assert answer.status_code == 200, answer.text
        return answer.data

    town = file(W_TOWN, "csv").decode("utf-8-sig").splitlines()
    assert town[0].endswith("报送率 %,报送率 分子,报送率 分母,talks,old,new")
    (village,) = [line for line in town if line.startswith(W_VILLAGE)]
    assert village.endswith(",100.00,1,1,12,<5,*")  # 9 is hidden too: 12 - 9 would give it away
    assert town[-1].split(",")[-3:] == ["12", "<5", "*"] or town[-1].split(",")[-3:] == ["12", "*", "*"]
    city = file(CITY, "csv").decode("utf-8-sig").splitlines()
    assert [line.split(",")[-3:] for line in city[-1:]] == [["52", "23", "29"]]
    assert file(CITY, "xlsx")[:2] == b"PK"


# ---- between nodes


def line(city: City) -> tuple[Node, Node]:
    """Nodes of the eastern county and its township, everything synced."""
    county = city.join(city.hub, EAST)
    township = city.join(county, E_TOWN)
    city.settle()
    return county, township


def test_forms_go_down_and_returns_come_up_to_every_level_even_if_filled_offline() -> None:
    city = founded()
    county, township = line(city)
    filled = People(township).send("meetings", E_TOWN, "2026-10", MEETINGS)  # nothing is connected
    assert city.hub.count("form_return") == 0
    city.settle()
    for number, node in enumerate((township, county, city.hub)):
        headers = node.user(f"looks{number}", "reviewer")
        path = f"{URL}/rollup?form=meetings&unit={node.unit}&period=2026-10"
        document = node.browser().get(path, headers=headers).get_json()
        assert (document["totals"]["discussed"], document["measures"]["filled"]) == (5, 1)
    answer = People(county).post({"reason": "请核对会商件数"}, path=f"{URL}/{filled['event']}/return")
    assert answer.status_code == 201, answer.text
    city.settle()
    headers = township.user("reads", "reviewer", E_TOWN)
    (item,) = township.browser().get(f"{URL}?form=meetings", headers=headers).get_json()["items"]
    assert (item["state"], item["returned"]["by"], item["returned"]["reason"]) == ("returned", EAST, "请核对会商件数")
    body = {"form": "meetings", "unit": E_TOWN, "period": "2026-10", "values": MEETINGS | {"discussed": 8}}
    assert township.browser().post(URL, json=body, headers=headers).status_code == 201
    city.settle()
    seen = city.hub.browser().get(f"{URL}?form=meetings", headers=city.hub.user("z", "reviewer")).get_json()["items"]
    assert [(one["state"], one["values"]["discussed"]) for one in seen] == [("late", 8)]
    sound(township, county, city.hub)


def sign(node: Node, unit: str, values: dict[str, Any], *, version: int = 1, amends: str | None = None) -> str:
    """Signs a return as another program might: whatever its form says."""
    period = parse_period("2026-10")
    public = {
        "form": "meetings", "version": version, "period": period.key, "first": period.first.isoformat(),
        "last": period.last.isoformat(), "values": values,
    }  # fmt: skip
    with write(node.db, "check", node.env):
        intake = Intake(node.replica, node.env.now_ms())
        event = intake.author(
            kind=RETURN_FORM_KIND, schema=RETURN_FORM_SCHEMA, unit=unit, day=period.last,
            public=public if amends is None else public | {"amends": amends},
        )  # fmt: skip
        intake.finish()
    return event.hash


def test_of_two_returns_that_nobody_amended_one_counts_and_the_other_shows_as_conflict() -> None:
    city = founded()
    county, township = line(city)
    events = [sign(township, E_TOWN, MEETINGS), sign(county, E_TOWN, MEETINGS | {"meetings": 7})]
    city.settle()
    for node in (city.hub, county):
        headers = node.user("c", "reviewer")
        (item,) = node.browser().get(f"{URL}?form=meetings&unit={E_TOWN}", headers=headers).get_json()["items"]
        assert (item["event"], item["conflicts"]) == (max(events), [min(events)])
    sound(city.hub, county, township)


def test_a_return_that_breaks_its_form_or_names_a_version_that_is_not_here_waits_without_effect(people: People) -> None:
    hub = people.node
    early = sign(hub, W_TOWN, {"meetings": 4, "units_attending": 1, "discussed": 1, "settled": 1, "new": 2}, version=2)
    broken = sign(hub, W_TOWN, MEETINGS | {"settled": 6})
    assert {one["event"] for one in unprojected(hub.replica)} == {early, broken}
    assert people.totals("meetings", CITY, "2026-10")["measures"]["filled"] == 0
    sound(hub)
    (meetings,) = [dict(one) for one in SHIPPED if one["id"] == "meetings"]
    meetings["fields"] = [*meetings["fields"], {"key": "new", "type": "integer", "label": {"zh_CN": "新", "en": "new"}}]
    hub.publish(meetings | {"from": "2026-10-01", "rollup": ["meetings", "new"]})
    assert [one["event"] for one in unprojected(hub.replica)] == [broken]
    document = people.totals("meetings", CITY, "2026-10")
    assert (document["measures"]["filled"], document["totals"]) == (1, {"meetings": 4, "new": 2})
    assert [one["key"] for one in people.totals("meetings", CITY, "2026")["fields"]] == [
        "meetings", "new", "units_attending", "discussed", "settled",
    ]  # fmt: skip
    sound(hub)


def told_form(entry: dict[str, Any], **change: Any) -> dict[str, Any]:
    """A form as an event states it."""
    return {key: one for key, one in entry.items() if key != "type"} | {"version": 1} | change


def test_a_version_that_is_signed_again_judges_what_was_returned_by_it(people: People) -> None:
    hub = people.node
    people.send("meetings", W_TOWN, "2026-10", MEETINGS)
    (meetings,) = [one for one in SHIPPED if one["id"] == "meetings"]
    narrow = [one | ({"max": 1} if one["key"] == "meetings" else {}) for one in meetings["fields"]]
    with write(hub.db, "check", hub.env):  # a hub that was restored might
        intake = Intake(hub.replica, hub.env.now_ms())
        public = {"no": 9, "form": told_form(meetings, fields=narrow)}
        intake.author(kind="form", schema="form/1", unit=CITY, day=parse_period("2026").first, public=public)
        intake.finish()
    assert people.totals("meetings", CITY, "2026-10")["measures"]["filled"] == 0
    assert len(unprojected(hub.replica)) == 1
    sound(hub)


def test_a_form_that_somebody_else_signed_is_none(people: People) -> None:
    hub = people.node
    with write(hub.db, "check", hub.env):
        intake = Intake(hub.replica, hub.env.now_ms())
        intake.author(kind="form", schema="form/1", unit=WEST, day=parse_period("2026").first,
                      public={"no": 9, "form": told_form(SHIPPED[0], id="foreign")})  # fmt: skip
        intake.finish()
    people.get(f"{URL}?form=foreign", status=404)


def test_a_node_that_joins_later_is_given_the_forms_and_what_was_returned_for_it(people: People) -> None:
    city = founded()
    People(city.hub).send("meetings", E_TOWN, "2026-10", MEETINGS)
    county = city.join(city.hub, EAST)
    city.settle()
    assert People(county).totals("meetings", EAST, "2026-10")["totals"]["discussed"] == 5
    sound(city.hub, county)


def test_the_page_of_the_regime_lists_forms_and_who_has_applied_them() -> None:
    city = founded()
    city.join(city.hub, EAST)
    city.settle()
    page = city.hub.browser().get("/regime", headers=city.hub.user("boss", "admin")).text
    assert "社区矫正和安置帮教情况统计表（总数） v1" in page


def test_the_shipped_file_can_be_published_as_it_is() -> None:
    assert {one["type"] for one in json.loads(Path(SHIPPED_FORMS).read_text("utf-8"))} == {"form"}
    assert City().hub.publish(*SHIPPED)["form"] == 4


def test_a_group_fills_no_shipped_form(shared: People) -> None:
    answer = shared.post({"form": "judges", "unit": E_GROUPS[0], "period": "2026-Q3", "values": {}})
    assert told(answer)["code"] in ("form_not_for_level", "served_elsewhere")


def test_a_daily_form_is_added_up_over_two_months_at_most(people: People) -> None:
    daily = {**SHIPPED[1], "id": "daily", "cadence": "day"}
    people.node.publish(daily)
    assert people.totals("daily", W_TOWN, "2026-10")["measures"]["due"] == 31
    refused = people.get(f"{URL}/rollup?form=daily&period=2026-Q3", status=422)
    assert (refused["code"], refused["limit"]) == ("too_many_periods", 62)
