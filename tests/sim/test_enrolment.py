"""What the simulator found where it began: an enrolment that is cut short can always be tried again, and a wrong clock
stops nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from network import SCHEME
from surroundings import SimCrash
from world import FIRST_GROUP, TEN_YEARS_MS, VILLAGES, World

from hub.publishing import publish
from node import cli, home
from node.console import setup
from node.daily import checks
from node.folder import PENDING_KEY
from node.home import Home
from schemas.errors import NotFound
from sync import enrol
from sync.env import Reply, TransportError
from sync.loop import drain

VILLAGE, UNIT = VILLAGES[1], VILLAGES[1] + "001"


@pytest.fixture
def world() -> World:
    """A city at work in which nothing fails by chance."""
    city = World(seed=1)
    city.faults.on = False
    city.found()
    return city


class Init:
    """`grid-node init` on a folder of this test, over the simulated network; `spoil` alters the next replies."""

    def __init__(self, world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.spoil: list[Callable[[Reply], Reply]] = []
        self._network = world.network
        self._url = SCHEME + VILLAGE
        self.code = enrol.invite(world.sites[VILLAGE].replica, UNIT).code
        for module in (setup, home):
            monkeypatch.setattr(module, "HttpTransport", lambda *_: self)

    def __call__(self, code: str | None = None) -> int:
        return cli.main(
            ["init", "--data", str(self.folder), "--unit", UNIT, "--parent", self._url, "--code", code or self.code]
        )

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The transport of this folder."""
        reply = self._network.request(method, url, headers, body)
        return self.spoil.pop(0)(reply) if self.spoil else reply


@pytest.fixture
def init(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    """An invitation at hand, and no folder yet."""
    return Init(world, tmp_path / "node", monkeypatch)


def lost(_reply: Reply) -> Reply:
    raise TransportError("connection reset")


def gateway_error(_reply: Reply) -> Reply:
    return Reply(502, {"content-type": "application/json"}, b'{"message":"bad gateway"}')


def spoilt_certificate(reply: Reply) -> Reply:
    return Reply(reply.status, reply.headers, reply.body.replace(b"g1\\\\t", b"g9\\\\t", 1))


def other_code(code: str) -> str:
    return code[:-1] + ("A" if code[-1] != "A" else "B")


def test_a_code_that_is_refused_at_once_leaves_nothing_behind(init: Init) -> None:
    assert init(other_code(init.code)) == 2
    assert not init.folder.exists()
    assert init() == 0


@pytest.mark.parametrize("spoil", [lost, gateway_error, spoilt_certificate])
def test_a_key_that_the_parent_may_have_certified_is_used_again(init: Init, spoil: Callable[[Reply], Reply]) -> None:
    init.spoil = [spoil]
    assert init() == 1
    assert [entry.name for entry in init.folder.iterdir()] == [PENDING_KEY]
    assert init() == 0


def test_a_refusal_after_a_lost_reply_does_not_throw_the_certified_key_away(init: Init) -> None:
    init.spoil = [lost]
    assert init() == 1
    assert init(other_code(init.code)) == 2
    assert init() == 0


def test_an_init_that_dies_half_way_is_no_node_and_can_be_run_again(
    init: Init, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = setup.found

    def die(*arguments: Any) -> None:
        found(*arguments)
        raise SimCrash("init", "after")

    with monkeypatch.context() as dying:
        dying.setattr(setup, "found", die)
        with pytest.raises(SimCrash):
            init()
    with pytest.raises(NotFound, match="no_node_here"):
        Home(init.folder)
    assert init() == 0
    assert Home(init.folder).replica().identity.unit == UNIT


def test_a_parent_with_a_dead_battery_invites_a_group_that_was_opened_this_week(world: World) -> None:
    village, unit = world.sites[VILLAGE], VILLAGE + "004"
    opened = {"act": "open", "unit": unit, "code": unit, "name": "新组", "level": "group", "parent": VILLAGE}
    publish(world.hub.replica, [{"type": "unit", **opened, "kind": "regular", "date": world.today.isoformat()}])
    for site in world.sites.values():
        if site.client is not None:
            drain(site.client)
    village.env.offset_ms = -TEN_YEARS_MS
    assert enrol.invite(village.replica, unit).unit == unit


@pytest.mark.parametrize("jump_ms", [-TEN_YEARS_MS, TEN_YEARS_MS])
def test_a_key_brings_the_same_answer_after_the_clock_jumped_there_and_back(world: World, jump_ms: int) -> None:
    site = world.sites[FIRST_GROUP]
    bodies = [{"unit": FIRST_GROUP, "date": f"2026-11-0{day}", "result": "zero"} for day in (1, 2)]
    for away in (0, jump_ms):
        site.env.offset_ms = away
        first = checks.submit(site.replica, "worker", bodies[0], f"first {away}")
        site.env.offset_ms = jump_ms - away
        checks.submit(site.replica, "worker", bodies[1], f"second {away}")
        again = checks.submit(site.replica, "worker", bodies[0], f"first {away}")
        assert (again.repeated, again.document) == (True, first.document)
