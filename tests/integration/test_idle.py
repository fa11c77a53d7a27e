"""When nothing is new: one request of at most 2 KiB each way, and the same work however long the log has grown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from crafted import said

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, HOUR_MS, W_GROUPS, WEST, City, Node, many_checks
from sync.env import Reply

SMALL = 2 * 1024


@contextmanager
def steps_counted(node: Node) -> Iterator[list[int]]:
    """Counts the steps of SQLite's virtual machine at a node."""
    counted = [0]

    def step() -> int:
        counted[0] += 1
        return 0

    node.db.conn.set_progress_handler(step, 1)
    try:
        yield counted
    finally:
        node.db.conn.set_progress_handler(None, 1)


def at_rest(events: int) -> City:
    """A hub and a county with so many checks, all sent, counted and marked."""
    city = City()
    county = city.line(WEST)[0]
    county.check_all(many_checks(W_GROUPS, date(2019, 1, 1), events))
    city.settle()
    return city


@pytest.fixture(scope="module")
def few_and_many() -> tuple[City, City]:
    """Two cities alike but for the length of their logs."""
    return at_rest(200), at_rest(5_000)


def idle_steps(city: City) -> tuple[int, int]:
    """VM steps of one idle exchange, at the hub and at the county."""
    hub, county = city.nodes
    with steps_counted(hub) as above, steps_counted(county) as below:
        assert county.client.exchange().kind == "ok"
    return above[0], below[0]


def test_an_idle_exchange_is_one_small_request_and_moves_nothing() -> None:
    city = at_rest(200)
    hub, county = city.nodes
    held = (hub.count(), county.count(), hub.count("mark"), county.count("mark"), hub.count("inlog"))
    city.network.log.clear()
    drained = county.sync()
    assert (drained.pushed, drained.pulled, drained.last.busy) == (0, 0, False)
    assert len(city.network.log) == 1
    sent = city.network.log[0]
    assert sent.reply is not None
    request_bytes = len(sent.body) + sum(len(name) + len(value) + 4 for name, value in sent.headers.items())
    reply_bytes = len(sent.reply.body) + sum(len(name) + len(value) + 4 for name, value in sent.reply.headers.items())
    assert (request_bytes <= SMALL, reply_bytes <= SMALL) == (True, True)
    assert held == (hub.count(), county.count(), hub.count("mark"), county.count("mark"), hub.count("inlog"))


def test_nothing_is_asked_for_once_everything_is_marked() -> None:
    city = City()
    city.line(EAST, E_TOWN, E_VILLAGE)
    city.nodes[-1].check(E_GROUPS[0])
    city.settle()
    city.network.log.clear()
    for node in city.nodes[1:]:
        node.sync()
    for sent in city.network.posted():
        manifest = said(Reply(200, {}, sent.body))
        assert (manifest["marks"], manifest["want"]) == ([], [])
        assert sent.reply is not None
        assert said(sent.reply)["marks"] == []


def test_the_work_of_an_idle_exchange_does_not_grow_with_the_log(few_and_many: tuple[City, City]) -> None:
    few, many = few_and_many
    for city in (few, many):  # what a process reads once is not of the exchange
        city.nodes[1].sync()
    assert idle_steps(many) == pytest.approx(idle_steps(few), rel=0.05)


def test_the_work_of_one_new_check_does_not_grow_with_the_log(few_and_many: tuple[City, City]) -> None:
    counts = []
    for city in few_and_many:
        hub, county = city.nodes
        county.check(W_GROUPS[0], "2026-11-22")
        county.sync()
        county.check(W_GROUPS[0], "2026-11-23")
        with steps_counted(hub) as above, steps_counted(county) as below:
            county.sync()
        counts.append((above[0], below[0]))
    assert counts[1] == pytest.approx(counts[0], rel=0.1)


def test_a_network_at_rest_falls_quiet_and_stays_so_for_a_day() -> None:
    city = City()
    city.line(EAST, E_TOWN, E_VILLAGE)
    city.join(city.hub, WEST)
    for node, groups in ((city.nodes[-2], E_GROUPS), (city.nodes[-1], W_GROUPS)):
        node.check_all(many_checks(groups, date(2026, 11, 1), 9))
    city.settle()

    def held() -> list[int]:
        return [node.count(table) for node in city.nodes for table in ("event", "mark", "uplog", "downlog", "inlog")]

    before = held()
    for _ in range(24):
        city.clock.forward(HOUR_MS)
        for node in city.nodes[1:]:
            node.sync()
    assert held() == before
