"""One byte goes bad in the township's database while it serves: the county says so, everything else is counted, and
the event comes up again from below, where it is intact.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from fakes import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST
from live import ARRIVES_S, REQUEST_S, Live, Nodes, today, wait_for

pytestmark = pytest.mark.system


def refusals(node: Live, event: str) -> list[tuple[str, str]]:
    """(code, by) of what the node's status says of an event."""
    return [(row["code"], row["by"]) for row in node.json("status")["refused"] if row["event"] == event]


def zeros(node: Live) -> int:
    """Zero-reports that the node counts for the city."""
    period = f"{today() - timedelta(days=9)}..{today()}"
    document = node.api("GET", f"/api/v1/rollup?unit={CITY}&period={period}").document
    return int(document["measures"]["checks_zero"])


def alter_one_byte(node: Live, event: str) -> None:
    """Another program's hand in the open database: one digit of the date in the signed line, which is still a date."""
    with node.database() as conn:
        (line,) = conn.execute("SELECT header FROM event WHERE hash = ?", [event]).fetchone()
        day = line.split("\t")[6]
        other = next(one for one in (f"{day[:8]}{tens}{day[9]}" for tens in "0123") if one != day and is_a_day(one))
        changed = conn.execute("UPDATE event SET header = ? WHERE hash = ?", [line.replace(day, other), event])
        assert changed.rowcount == 1


def is_a_day(text: str) -> bool:
    """Whether the calendar has it."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def test_a_byte_changed_at_the_township_is_refused_by_the_county_shown_by_both_and_healed_from_below(
    nodes: Nodes,
) -> None:
    hub, county, town, village = nodes.chain(EAST, E_TOWN, E_VILLAGE)
    now = today()  # midnight may pass meanwhile
    first = village.check(E_GROUPS[0], now, "first")
    wait_for(lambda: first in hub.checks_held(), ARRIVES_S)

    county.stop()  # so that the damage is done before the line goes up
    days = [now - timedelta(days=back) for back in (1, 2, 3)]
    events = [village.check(E_GROUPS[0], day, f"k{day}") for day in days]
    bad, *good = events[1], events[0], events[2]
    wait_for(lambda: set(events) <= set(town.checks_held()), ARRIVES_S)
    village.stop()  # nothing heals while we look
    alter_one_byte(town, bad)
    assert town.json("verify", code=1)["ok"] is False

    county.start()
    wait_for(lambda: set(good) <= set(hub.checks_held()), ARRIVES_S)
    wait_for(lambda: refusals(town, bad) == [("bad_sig", EAST)], ARRIVES_S, lambda: town.json("status"))
    wait_for(lambda: zeros(hub) == 3, ARRIVES_S, lambda: zeros(hub))
    # The county refused it; the township's own verify asks below for another copy, too.
    told = {("bad_sig", EAST), ("bad_sig", E_TOWN)}
    wait_for(lambda: set(refusals(county, bad)) == told, ARRIVES_S, lambda: county.json("status"))
    assert bad not in county.checks_held() + hub.checks_held()
    for node in (county, town):
        page = node.pages().get(f"{node.url}/sync", timeout=REQUEST_S).text
        assert bad[-6:] in page, node.unit
        assert "签名不符" in page, node.unit

    village.start()
    wait_for(lambda: bad in hub.checks_held(), ARRIVES_S, lambda: village.json("status"))
    wait_for(lambda: zeros(hub) == 4, ARRIVES_S, lambda: zeros(hub))
    assert sorted([first, *events]) == hub.checks_held()
    for node in (hub, county, town, village):
        report = node.json("verify")
        assert (report["ok"], report["problems"]) == (True, []), node.unit
    assert refusals(town, bad)  # stays listed


def test_a_computer_whose_database_file_is_spoilt_serves_again_by_its_copy_and_has_back_what_came_after_it(
    nodes: Nodes,
) -> None:
    hub, county = nodes.chain(EAST)
    day = today()
    before = county.check(E_GROUPS[0], day, "before")
    county.command("backup", str(county.folder / "backups" / "000001-20261101T000000Z"))
    after = county.check(E_GROUPS[0], day - timedelta(days=1), "after")
    wait_for(lambda: {before, after} == set(hub.checks_held()), ARRIVES_S)
    county.stop()
    with (county.folder / "grid.db").open("r+b") as file:
        file.write(b"\0" * 4096)
    assert "serve" in county.command("doctor", code=1).stderr
    county.start()
    wait_for(lambda: {before, after} == set(county.checks_held()), ARRIVES_S, lambda: county.log)
    assert "000001-20261101T000000Z" in county.log
    assert county.json("verify")["ok"]
    assert hub.json("verify")["forks"] == 0
