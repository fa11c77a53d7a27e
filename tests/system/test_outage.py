"""A parent that is gone for long: the child works on, says what is the matter, and nothing is lost or doubled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import CITY, E_GROUPS, EAST
from gates import Gate
from live import ARRIVES_S, QUICK, REQUEST_S, Nodes, today, wait_for

pytestmark = pytest.mark.system
FAILURES = 60  # an hour of exchanges at the pace of a real node, one a minute
ENTERED = 20
BROKEN = 3


def test_after_an_hour_of_failed_exchanges_everything_entered_meanwhile_arrives_once(nodes: Nodes) -> None:
    hub = nodes.hub()
    county = nodes.below(hub, EAST, pace=QUICK)
    day = today()  # midnight may pass meanwhile
    before = county.check(E_GROUPS[0], day, "before")
    wait_for(lambda: hub.checks_held() == [before], ARRIVES_S)
    hub.stop()

    days = [day - timedelta(days=back) for back in range(1, ENTERED + 1)]
    entered = [county.check(E_GROUPS[at % 3], earlier, f"k{at}") for at, earlier in enumerate(days)]

    def failures() -> int:
        return int(county.rows("SELECT failures FROM link WHERE side = 'parent'")[0][0])

    wait_for(lambda: failures() >= FAILURES, ARRIVES_S, failures)
    late = county.check(E_GROUPS[1], day, "while-out")  # still taking work after all these failures

    status = county.json("status")
    assert status["queue"] == ENTERED + 1
    assert [alarm["code"] for alarm in status["alarms"]] == ["unreachable"]
    assert status["alarms"][0]["text"]
    assert status["alarms"][0]["since"]
    page = county.pages().get(f"{county.url}/sync", timeout=REQUEST_S).text
    assert status["alarms"][0]["text"] in page
    assert county.command("sync", "--once", code=1).stdout

    hub.start()
    expected = sorted([before, *entered, late])
    wait_for(lambda: hub.checks_held() == expected, ARRIVES_S, lambda: county.json("status"))
    wait_for(lambda: county.json("status")["alarms"] == [], ARRIVES_S, lambda: county.json("status"))
    assert county.json("status")["queue"] == 0

    measures = hub.json("rollup", "--unit", CITY, "--period", f"{days[-1]}..{day}")["measures"]
    assert (measures["checks_zero"], measures["checks_found"]) == (ENTERED + 2, 0)
    for node in (hub, county):
        assert node.json("verify")["ok"] is True


def test_replies_that_break_off_behind_their_headers_do_not_end_the_exchanges_for_good(nodes: Nodes) -> None:
    hub = nodes.hub()
    gate = Gate(hub.port)
    county = nodes.below(hub, EAST, gate.url)
    gate.breaks_off = True
    event = county.check(E_GROUPS[0], today(), "meanwhile")
    wait_for(lambda: gate.broken_off >= BROKEN, ARRIVES_S, lambda: (gate.broken_off, county.log[-3000:]))
    gate.breaks_off = False
    wait_for(lambda: county.json("status")["queue"] == 0, ARRIVES_S, lambda: county.json("status"))
    assert hub.checks_held() == [event]
    gate.close()
