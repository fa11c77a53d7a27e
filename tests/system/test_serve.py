"""`serve`, and the commands beside it."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fakes import CITY, E_GROUPS, EAST
from live import ARRIVES_S, Live, Nodes, today, wait_for

from node.keeping import ballast

pytestmark = pytest.mark.system
AFTER_S = 1.0  # five times the loop's pace
ENTERED = 30
KILLED_AFTER_S = 25  # gunicorn ends a worker by force after 30 s, in the middle of whatever it does
PLAIN_FILES = {"config.toml", "grid.db", "head", "head.lock", "serve.lock"}


def test_a_second_serve_and_a_rebuild_beside_serve_are_refused_and_every_other_command_works(nodes: Nodes) -> None:
    hub = nodes.hub()
    second = hub.command("serve", "--bind", "127.0.0.1:1", code=2)
    assert (second.stdout, second.stderr.count("\n")) == ("", 1)
    refused = hub.command("rebuild", code=2)
    assert (refused.stdout, refused.stderr.count("\n")) == ("", 1)
    assert hub.json("invite", EAST)["parent"] == CITY
    assert hub.json("user", "add", "looker", "--role", "viewer")["unit"] == CITY
    assert set(hub.json("token", "looker")) == {"token"}
    assert hub.json("status")["level"] == "city"
    assert hub.json("verify")["ok"]
    assert hub.json("doctor")["ok"]
    hub.command("sync", "--once", code=2)


def test_each_request_is_one_line_of_the_log(nodes: Nodes) -> None:
    hub = nodes.hub()
    assert hub.api("GET", "/api/v1/units").status == 200
    assert hub.api("GET", "/api/v1/nowhere").status == 404
    ok, missing = '"GET /api/v1/units HTTP/1.1" 200', '"GET /api/v1/nowhere HTTP/1.1" 404'
    wait_for(lambda: ok in hub.log and missing in hub.log, ARRIVES_S, lambda: hub.log)
    assert (hub.log.count(ok), hub.log.count(missing)) == (1, 1)
    assert "Traceback" not in hub.log


def test_a_clean_stop_leaves_only_plain_files_that_the_next_start_goes_on_from(nodes: Nodes) -> None:
    hub, county = nodes.chain(EAST)
    event = county.check(E_GROUPS[0], today(), "one")
    wait_for(lambda: hub.checks_held() == [event], ARRIVES_S)
    assert county.stop() == 0
    assert hub.stop() == 0
    assert plain_files(hub) == PLAIN_FILES | {"root-recovery.key"}
    assert plain_files(county) == PLAIN_FILES | {"sync.lock"}
    for node in (hub, county):
        assert node.json("rebuild")["ok"]
        assert node.json("verify")["ok"]
    hub.start()
    assert hub.api("GET", f"/api/v1/checks?unit={CITY}").document["items"][0]["event"] == event


def test_a_stop_does_not_wait_for_a_parent_that_says_nothing_and_leaves_only_plain_files(nodes: Nodes) -> None:
    hub, county = nodes.chain(EAST)
    assert hub.process is not None
    os.killpg(hub.process.pid, signal.SIGSTOP)  # its socket still takes connections, nobody answers
    try:
        county.check(E_GROUPS[0], today(), "one")
        time.sleep(1)  # the loop was woken, and waits for a reply now
        assert county.stop(within_s=KILLED_AFTER_S) == 0
        assert plain_files(county) == PLAIN_FILES | {"sync.lock"}
    finally:
        os.killpg(hub.process.pid, signal.SIGCONT)
    county.start()
    wait_for(lambda: len(hub.checks_held()) == 1, ARRIVES_S)


def test_sync_beside_serve_takes_turns_with_the_loop_and_with_a_second_sync(nodes: Nodes) -> None:
    hub, county = nodes.chain(EAST)
    hub.stop()
    failed = county.json("sync", "--once", code=1)
    assert (failed["ok"], failed["problem"]) == (False, "unreachable")
    days = [today() - timedelta(days=back) for back in range(ENTERED)]
    entered = sorted(county.check(E_GROUPS[0], day, f"k{day}") for day in days)
    hub.start()
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: county.json("sync", "--once"), range(4)))
    assert [(one["ok"], one["refused"]) for one in done] == [(True, [])] * 4
    assert hub.checks_held() == entered
    (received,) = hub.rows("SELECT received FROM link WHERE side = 'child'")[0]
    (sent,) = county.rows("SELECT MAX(n) FROM uplog")[0]
    assert received == sent  # no line came twice
    assert hub.json("verify")["ok"]


def test_a_database_held_by_another_program_stops_neither_the_requests_nor_the_loop_for_good(nodes: Nodes) -> None:
    hub, county = nodes.chain(EAST)
    body = {"unit": E_GROUPS[0], "date": today().isoformat(), "result": "zero"}
    assert county.token
    with county.database() as conn:
        conn.execute("BEGIN IMMEDIATE")
        busy = county.api("POST", "/api/v1/checks", body, key="same")
        assert (busy.status, busy.document["code"], busy.document["retry"]) == (503, "busy", True)
        time.sleep(AFTER_S)  # the loop's own write, begun hardly later, has run into the time-out, too
        conn.execute("ROLLBACK")
    event = county.check(E_GROUPS[0], today(), "same")
    wait_for(lambda: hub.checks_held() == [event], ARRIVES_S, lambda: county.log[-2000:])


def plain_files(node: Live) -> set[str]:
    """The files beside the key folder; the ballast is there or not, by how long it served."""
    return {path.name for path in node.folder.iterdir() if path.is_file()} - {ballast.NAME}
