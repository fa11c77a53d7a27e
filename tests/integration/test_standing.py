"""What is signed is kept and sent on; whether it has effect is judged by the certificates and the directory held, and
judged again when one of them comes.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from crafted import copied, events_of, signed, take
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builders import CITY, E_GROUPS, EAST, TODAY, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node, told
from node import status
from schemas.cadence import PROFILES, profile_payload
from schemas.checks import read_check
from schemas.encoding import b64
from schemas.events import Event
from sync.directory import certified_units, tree_of
from sync.replica import Replica
from sync.verify import verify

NEW_GROUP = f"{W_VILLAGE}004"
OPENED = {
    "type": "unit", "act": "open", "unit": NEW_GROUP, "date": "2026-01-01", "code": NEW_GROUP, "name": "西村4组",
    "level": "group", "parent": W_VILLAGE, "kind": "regular",
}  # fmt: skip


def zeros(replica: Replica, unit: str = CITY) -> int:
    """Zero-reports that a replica counts for a unit."""
    return int(replica.db.execute("SELECT COALESCE(SUM(zero), 0) FROM check_day WHERE unit = ?", [unit]).fetchone()[0])


def standing(replica: Replica, event: str) -> str | None:
    """An event's standing, None where it is not held."""
    row = replica.db.execute("SELECT standing FROM event WHERE hash = ?", [event]).fetchone()
    return row[0] if row else None


def check_for(node: Node, unit: str, day: str = "2026-11-20") -> Event:
    """A zero-report signed for any unit, whether the node may or not."""
    public = read_check({"result": "zero"})
    return signed(node, kind="chk", schema="chk/1", unit=unit, day=TODAY.replace(day=int(day[-2:])), public=public)


def test_what_comes_before_its_author_s_certificate_counts_when_that_comes() -> None:
    city = City()
    before = copied(city.hub)
    county = city.line(WEST)[0]
    check = county.check(W_GROUPS[0])
    certificates = events_of(city.hub.replica, "e.kind = 'cert'")
    own = events_of(county.replica, "e.kind IN ('inc', 'chk')")
    take(before, [event for event in own if event.node == county.replica.identity.node])
    assert (standing(before, check), zeros(before)) == ("late_key", 0)
    assert [row["standing"] for row in status.set_aside(Node(before, county.env, b"", None, None).replica)] == [
        "late_key",
        "late_key",
    ]
    take(before, certificates)
    assert (standing(before, check), zeros(before)) == ("ok", 1)
    assert verify(before).problems == []


def test_what_is_signed_for_a_unit_not_known_yet_counts_when_the_directory_comes() -> None:
    city = City()
    county, village = city.line(WEST, W_VILLAGE)
    before = copied(county)
    city.hub.publish(OPENED)
    city.settle()
    check = village.check(NEW_GROUP)
    take(before, events_of(village.replica, "e.kind = 'chk'"))
    assert (standing(before, check), zeros(before, WEST)) == ("bad_scope", 0)
    take(before, events_of(city.hub.replica, "e.kind = 'dir'"), "down")
    assert (standing(before, check), zeros(before, WEST)) == ("ok", 1)
    assert verify(before).problems == []


def test_what_a_node_signs_for_another_s_unit_is_kept_shown_sent_on_and_never_counts() -> None:
    city = City()
    county = city.line(WEST)[0]
    check = check_for(county, E_GROUPS[0])
    city.settle()
    for node in city.nodes:
        assert standing(node.replica, check.hash) == "bad_scope"
        assert zeros(node.replica) == 0
        assert verify(node.replica).problems == []
    headers = city.hub.user("it", "admin")
    shown = told(city.hub.browser().get("/api/v1/sync", headers=headers))["set_aside"]
    assert [(row["event"], row["standing"]) for row in shown] == [(check.hash, "bad_scope")]
    proof = told(city.hub.browser().get(f"/api/v1/events/{check.hash}", headers=headers))
    assert (proof["standing"], proof["verified"]) == ("bad_scope", True)
    assert city.hub.browser().get("/sync", headers=headers).status_code == 200


def test_a_report_for_a_unit_that_once_was_below_still_counts_where_it_was() -> None:
    city = City()
    west, _east = city.join(city.hub, WEST), city.join(city.hub, EAST)
    check = west.check(W_GROUPS[0], "2026-11-20")
    move = {"type": "unit", "act": "move", "unit": W_TOWN, "date": "2026-11-22", "parent": EAST}
    city.hub.publish(move)
    west.sync()
    late = check_for(west, W_GROUPS[1])
    city.settle()
    assert [standing(city.hub.replica, one) for one in (check, late.hash)] == ["ok", "ok"]
    assert (zeros(city.hub.replica, WEST), zeros(city.hub.replica, EAST)) == (2, 0)


def test_only_the_city_changes_the_tree_and_the_cadence() -> None:
    city = City()
    county = city.line(WEST)[0]
    act = {name: value for name, value in OPENED.items() if name != "type"}
    signed(county, kind="dir", schema="dir/1", unit=WEST, day=TODAY, public={"no": 99, "acts": [act]})
    profile = {"no": 9, "profile": profile_payload(PROFILES["dense"])}
    signed(county, kind="cadence", schema="cadence/1", unit=WEST, day=TODAY, public=profile)
    forged = signed(county, kind="dir", schema="dir/1", unit=CITY, day=TODAY, public={"no": 99, "acts": [act]})
    city.settle()
    for node in city.nodes:
        assert not tree_of(node.replica).exists(NEW_GROUP)
        assert node.count("cadence_entry") == 1
        assert standing(node.replica, forged.hash) == "bad_scope"


def certify(issuer: Node, unit: str, key: bytes, node: str, claimed: str | None = None) -> Event:
    """A certificate of any node for a key."""
    public = {"unit": claimed or unit, "node": node, "key": b64(key), "level": "village"}
    return signed(issuer, kind="cert", schema="cert/1", unit=unit, day=TODAY, public=public)


def test_a_certificate_has_effect_only_below_its_issuer() -> None:
    city = City()
    county = city.line(WEST)[0]
    stranger = City(seed=5).hub.replica.signer
    certify(county, EAST, stranger.public, stranger.node)
    certify(county, W_VILLAGE, stranger.public, stranger.node, claimed=EAST)
    city.settle()
    for node in city.nodes:
        assert certified_units(node.db) == {CITY, WEST}
    certify(county, W_VILLAGE, stranger.public, stranger.node)
    city.settle()
    for node in city.nodes:
        assert certified_units(node.db) == {CITY, WEST, W_VILLAGE}


def test_another_city_s_events_are_kept_and_never_count() -> None:
    city, other = City(), City(seed=9)
    stranger = other.line(WEST)[0]
    stranger.check(W_GROUPS[0])
    other.settle()
    take(city.hub.replica, events_of(other.hub.replica))
    rows = city.hub.db.execute("SELECT kind, standing FROM event WHERE standing <> 'ok'").fetchall()
    assert {kind for kind, _ in rows} >= {"chk", "dir", "cadence", "cert"}
    assert zeros(city.hub.replica) == 0
    assert certified_units(city.hub.db) == {CITY}
    assert verify(city.hub.replica).problems == []


NAMES = (
    "no", "acts", "profile", "name", "cadences", "hash", "code", "chain", "report", "by", "reason_code", "unit", "node",
    "key", "level", "after", "result", "found", "disputes", "hazards", "cases", "occasion", "amends", "recorded_at",
    "act", "date", "parent", "kind", "successors",
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=6),
    st.sampled_from([CITY, WEST, W_GROUPS[0], "zero", "found", "open", "move", "2026-11-20", "A" * 43, "regular"]),
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)
GOOD_PROFILE = profile_payload(PROFILES["dense"])
ODD = [
    ("chk", {"result": "perhaps"}), ("chk", {"result": "zero", "found": {"disputes": 1, "hazards": 0}}),
    ("return", {"report": [], "by": {}, "reason_code": []}), ("return", {"report": 1, "by": 2, "reason_code": 3}),
    ("cadence", {"no": "x", "profile": GOOD_PROFILE}), ("cadence", {"profile": GOOD_PROFILE}),
    ("cadence", {"no": 2**53 - 1, "profile": GOOD_PROFILE}), ("cadence", {"no": True, "profile": {}}),
    ("dir", {"no": 2**53 - 1, "acts": [{"act": "open"}, 7, None]}), ("dir", {"no": True, "acts": [{}]}),
    ("dir", {"no": 60, "acts": [{"act": "move", "unit": WEST, "parent": WEST, "date": "2026-01-01"}]}),
    ("dir", {"no": 61, "acts": [{"act": "move", "unit": CITY, "parent": WEST, "date": "2026-01-01"}]}),
    ("dir", {"no": 62, "acts": [{"act": "rename", "unit": WEST, "date": "2026-13-01", "name": 5}]}),
    ("refusal", {"hash": 1, "code": "bad_sig", "chain": None}), ("cert", {"key": "?"}), ("inc", {"key": 5}),
]  # fmt: skip
SHAPELESS: list[Any] = [[], 1, "zero", None, {}]
KINDS = ("chk", "return", "cadence", "dir", "refusal", "cert", "inc", "unheard")


@settings(max_examples=10)
@given(st.lists(st.tuples(st.sampled_from(KINDS), JSON), max_size=12))
@example([*ODD, *((kind, SHAPELESS[at]) for kind in KINDS for at in range(len(SHAPELESS)))])
def test_no_payload_whoever_signed_it_stops_an_exchange_or_the_figures(payloads: list[tuple[str, Any]]) -> None:
    city = City()
    county = city.line(WEST)[0]
    for kind, public in payloads:
        for node, unit in ((county, W_GROUPS[0]), (county, WEST), (city.hub, CITY)):
            signed(node, kind=kind, schema=f"{kind}/1", unit=unit, day=TODAY, public=public)
    good = county.check(W_GROUPS[1], "2026-11-20")
    city.settle()
    for node in city.nodes:
        assert standing(node.replica, good) == "ok"
        assert verify(node.replica).problems == []
        assert node.browser().get("/api/v1/rollup", headers=node.user("v", "viewer")).status_code == 200


def test_a_check_that_this_version_cannot_read_is_told_by_doctor_and_counts_nothing() -> None:
    city = City()
    county = city.line(WEST)[0]
    signed(county, kind="chk", schema="chk/2", unit=W_GROUPS[0], day=TODAY, public={"result": "perhaps"})
    city.settle()
    for node in city.nodes:
        assert (node.count("unprojected"), zeros(node.replica, WEST)) == (1, 0)


class OddDay(date):
    """A day that only a forged header can name."""

    text = "9999-99-99"

    def isoformat(self) -> str:
        """What goes into the header."""
        return self.text


@pytest.mark.parametrize("text", ["0000-00-00", "9999-99-99", "1999-12-31", "2200-01-01", "2026-02-30"])
def test_a_header_with_a_day_that_is_none_stops_nobody(text: str) -> None:
    city = City()
    county = city.line(WEST)[0]
    day = OddDay(2026, 1, 1)
    day.text = text
    public = read_check({"result": "zero"})
    signed(county, kind="chk", schema="chk/1", unit=W_GROUPS[0], day=day, public=public)
    profile = {"no": 9, "profile": GOOD_PROFILE}
    signed(city.hub, kind="cadence", schema="cadence/1", unit=CITY, day=day, public=profile)
    signed(city.hub, kind="return", schema="return/1", unit=W_GROUPS[0], day=day, public={"report": "x"})
    city.settle()
    for node in city.nodes:
        assert zeros(node.replica) == 0
        assert verify(node.replica).problems == []
        headers = node.user("a", "admin")
        for path in ("/api/v1/rollup", "/api/v1/duties", "/sync", "/today"):
            assert node.browser().get(path, headers=headers).status_code == 200
