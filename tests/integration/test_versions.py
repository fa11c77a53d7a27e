"""Neighbours of another version: what one can't read is kept, sent on, listed, and counts after an upgrade."""

from __future__ import annotations

import pytest
from crafted import Crafted, code, signed

from builders import E_GROUPS, E_TOWN, EAST, TODAY, City, Node
from node.keeping.unprojected import project_again, unprojected
from node.projections import NodeProjection
from schemas.errors import BadRequest
from schemas.strict_json import Json, dumps, loads
from sync import manifest, quota
from sync.auth import sign_reply
from sync.env import Reply
from sync.manifest import shared_version
from sync.rebuild import rebuild
from sync.replica import Stored


@pytest.fixture
def city() -> City:
    """A hub and a county that knows of nothing new."""
    made = City()
    made.line(EAST)
    return made


def strange(node: Node, kind: str, schema: str, public: object) -> str:
    """An event of a later version."""
    return signed(node, kind=kind, schema=schema, unit=E_GROUPS[0], day=TODAY, public=public).hash


@pytest.mark.parametrize(
    ("kind", "schema", "public"),
    [("drone", "drone/1", {"seen": 3}), ("chk", "chk/9", {"result": "partly"}), ("case", "case/7", {"case": 1})],
)
def test_what_this_version_can_t_read_is_kept_sent_on_and_listed(
    city: City, kind: str, schema: str, public: object
) -> None:
    east = city.nodes[1]
    event = strange(east, kind, schema, public)
    city.settle()
    for node in city.nodes:
        (row,) = unprojected(node.replica)
        assert (row["event"], row["kind"], row["schema"], row["unit"]) == (event, kind, schema, E_GROUPS[0])
        before = node.derived()
        rebuild(node.replica)
        assert node.derived() == before
        assert project_again(node.replica) == 0
        assert node.derived() == before


def test_unknown_fields_of_a_known_kind_travel_on_and_do_no_harm(city: City) -> None:
    east = city.nodes[1]
    text = "SELECT p.text FROM part p JOIN event e ON e.n = p.event WHERE e.hash = ? AND p.name = 'pub'"
    known = loads(east.db.execute(text, [east.check(E_GROUPS[1], "2026-11-20")]).fetchone()[0])
    assert isinstance(known, dict)
    public = known | {"weather": "晴"}
    event = strange(east, "chk", "chk/1", public)
    city.settle()
    assert unprojected(city.hub.replica) == []
    assert city.hub.count("check_report", f"event = '{event}'") == 1
    assert city.hub.db.execute(text, [event]).fetchone()[0] == dumps(public)


def test_after_an_upgrade_it_counts_as_if_it_had_been_read_at_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    east = city.nodes[1]
    event = strange(east, "drone", "drone/1", {"seen": 3})
    city.settle()
    honest = NodeProjection.project

    def upgraded(self: NodeProjection, stored: Stored) -> None:
        if stored.event.header.kind == "drone":
            row = [stored.event.hash, "a report", E_TOWN, 0, "drone"]
            self._db.execute("INSERT INTO check_return (event, report, by, at, reason) VALUES (?, ?, ?, ?, ?)", row)
        else:
            honest(self, stored)

    monkeypatch.setattr(NodeProjection, "project", upgraded)
    assert project_again(east.replica) == 1
    assert project_again(east.replica) == 0
    assert unprojected(east.replica) == []
    before = east.derived()
    assert east.count("check_return", f"event = '{event}'") == 1
    rebuild(east.replica)
    assert east.derived() == before


@pytest.mark.parametrize(
    ("offered", "spoken", "chosen"),
    [
        ([1], (1,), 1), ([1, 2, 3], (1, 2), 2), ([3], (1, 2), None), ([], (1,), None), ("1", (1,), None),
        (None, (1,), None), ([True], (1,), None), (["1"], (1,), None),
    ],
)  # fmt: skip
def test_both_sides_use_the_highest_version_that_they_share(
    offered: Json, spoken: tuple[int, ...], chosen: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "SPOKEN", spoken)
    assert shared_version(offered) == chosen


def test_a_parent_with_no_version_in_common_is_shown_and_everything_is_kept(city: City) -> None:
    east = city.nodes[1]
    event = east.check(E_GROUPS[0], "2026-11-20")
    east.db.execute("UPDATE link SET nonce = NULL")

    def newer(sent: object, reply: Reply) -> Reply:
        if not str(getattr(sent, "url", "")).endswith("/hello"):
            return reply
        value = loads(reply.body)
        assert isinstance(value, dict)
        body = dumps(value | {"v": [2, 3]}).encode()
        return Reply(200, {**reply.headers, **_lower(sign_reply(city.hub.replica.signer, "", 200, body))}, body)

    city.network.after = newer
    assert (east.sync().last.problem, east.count("event", f"hash = '{event}'")) == ("version", 1)
    city.network.after = None
    assert east.sync().last.kind == "ok"


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_a_manifest_of_a_version_not_spoken_names_those_that_are() -> None:
    with pytest.raises(BadRequest) as refusal:
        manifest.read_request({"v": 2})
    assert refusal.value.params["allowed"] == "1"


def test_beyond_the_day_s_quota_a_child_comes_back_tomorrow_and_loses_nothing(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    east = city.nodes[1]
    monkeypatch.setattr(quota, "MAX_EVENTS_A_DAY", 5)
    sent = {east.check(E_GROUPS[at % 3], f"2026-11-{10 + at // 3}") for at in range(9)}
    east.client.target_bytes = 512
    last = east.sync().last
    assert (last.kind, last.problem, last.status) == ("failed", "quota", 429)
    assert last.retry_after_s is not None
    assert 0 < last.retry_after_s <= 86_400
    assert 0 < city.hub.count("event", "kind = 'chk'") <= 5
    assert code(Crafted(east).send()) == (429, "quota")
    city.clock.forward(last.retry_after_s * 1000)
    monkeypatch.setattr(quota, "MAX_EVENTS_A_DAY", 500)
    city.settle()
    assert sent <= {row[0] for row in city.hub.db.execute("SELECT hash FROM event")}


def test_the_quota_counts_bytes_too_and_each_link_and_day_by_itself(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    east = city.nodes[1]
    monkeypatch.setattr(quota, "MAX_BYTES_A_DAY", 100)
    east.check(E_GROUPS[0], "2026-11-20")
    assert east.sync().last.problem == "quota"
    monkeypatch.setattr(quota, "MAX_BYTES_A_DAY", 10_000)
    city.settle()
    before = city.hub.db.execute("SELECT quota_events FROM link WHERE side = 'child'").fetchone()[0]
    east.check(E_GROUPS[1], "2026-11-20")
    city.settle()
    assert city.hub.db.execute("SELECT quota_events FROM link WHERE side = 'child'").fetchone()[0] == before + 1
    city.clock.forward(86_400_000)
    east.check(E_GROUPS[2], "2026-11-20")
    east.sync()
    assert city.hub.db.execute("SELECT quota_events FROM link WHERE side = 'child'").fetchone()[0] == 1
