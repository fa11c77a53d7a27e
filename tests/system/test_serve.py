"""`serve`, and the commands beside it."""

from __future__ import annotations

import pytest
from fakes import CITY, EAST
from live import Nodes, wait_for

pytestmark = pytest.mark.system
LOG_S = 10
PLAIN_FILES = {"config.toml", "grid.db", "root-recovery.key", "serve.lock"}


def test_commands_work_beside_serve_and_a_clean_stop_leaves_plain_files(nodes: Nodes) -> None:
    hub = nodes.hub()
    second = hub.command("serve", "--bind", "127.0.0.1:1", code=2)
    assert (second.stdout, second.stderr.count("\n")) == ("", 1)
    hub.command("rebuild", code=2)
    assert hub.json("invite", EAST)["parent"] == CITY
    assert hub.json("user", "add", "looker", "--role", "viewer")["unit"] == CITY
    assert set(hub.json("token", "looker")) == {"token"}
    assert hub.json("status")["level"] == "city"
    assert hub.json("verify")["ok"]
    assert hub.json("doctor")["ok"]
    assert hub.api("GET", "/api/v1/units").status == 200
    line = '"GET /api/v1/units HTTP/1.1" 200'
    wait_for(lambda: line in hub.log, LOG_S)
    assert hub.log.count(line) == 1
    assert hub.stop() == 0
    assert {path.name for path in hub.folder.iterdir() if path.is_file()} == PLAIN_FILES
    assert hub.json("rebuild")["ok"]
    hub.command("sync", "--once", code=2)


def test_sync_beside_serve_takes_turns_with_the_loop_and_says_when_nobody_answers(nodes: Nodes) -> None:
    hub, county = nodes.chain(EAST)
    for _ in range(3):
        done = county.json("sync", "--once")
        assert (done["ok"], done["refused"]) == (True, [])
    hub.stop()
    failed = county.json("sync", "--once", code=1)
    assert (failed["ok"], failed["problem"]) == (False, "unreachable")
