"""A child that is killed again and again in the middle of its work: what it acknowledged is there, and there once."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
import requests
from fakes import CITY, E_GROUPS, EAST
from live import ARRIVES_S, Live, Nodes, today, wait_for

pytestmark = pytest.mark.system
KILLS = 50
# This share of the kills falls while serve starts, this one as it begins to answer, the others while checks come in.
WHILE_STARTING = 0.25
AS_IT_ANSWERS = 0.1
STARTING_S = 0.8
ANSWERING_S = 0.05
AT_WORK_S = 0.6
AGAIN_S = 0.03
PATIENCE_S = 600  # for one acknowledgement, over all the kills that get in its way
WORKERS = 2
SEED = 20261123


@dataclass
class People:
    """Two people at work: each enters one check after the other, the same key again until it is acknowledged."""

    node: Live
    first_day: date = field(default_factory=today)  # midnight may pass meanwhile
    events: list[str] = field(default_factory=list)  # as acknowledged
    results: dict[tuple[str, date], str] = field(default_factory=dict)  # the last of each group and day
    retried: int = 0
    repeated: int = 0  # stored before a kill took the answer away
    refusals: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def work(self, number: int) -> None:
        """Enters zero-reports for one group, a day after the other into the past; every tenth is amended at once."""
        group, back = E_GROUPS[number], 0
        while not self.done.is_set():
            day = self.first_day - timedelta(days=back)
            for result in ("zero", "found") if back % 10 == 9 else ("zero",):
                self._until_acknowledged(group, day, result)
            back += 1

    def _until_acknowledged(self, group: str, day: date, result: str) -> None:
        body: dict[str, Any] = {"unit": group, "date": day.isoformat(), "result": result}
        if result == "found":
            body["found"] = {"disputes": 1, "hazards": 1}
        key, tries, give_up_at = f"{group}-{day}-{result}", 0, time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_at:
            try:
                answer = self.node.api("POST", "/api/v1/checks", body, key=key)
            except requests.RequestException:
                tries += 1
                time.sleep(AGAIN_S)
                continue
            if answer.status in (200, 201):
                self.events.append(answer.document["event"])
                self.results[(group, day)] = result
                self.retried += tries > 0
                self.repeated += answer.status == 200
                return
            if answer.status != 503:  # busy: the same again
                self.refusals.append(f"{key}: {answer}")
                return
        self.refusals.append(f"{key}: nobody answered for {PATIENCE_S} s")


def under_kills(county: Live, people: People) -> None:
    """Kills the node's processes at moments drawn by chance, and starts it again each time.

    A kill at work comes after an acknowledgement of this very start: on a busy machine, too, the work gets on.
    """
    chance = random.Random(SEED)
    for _ in range(KILLS):
        drawn = chance.random()
        if drawn < WHILE_STARTING:
            time.sleep(chance.uniform(0, STARTING_S))
        elif drawn < WHILE_STARTING + AS_IT_ANSWERS:
            county.ready()
            time.sleep(chance.uniform(0, ANSWERING_S))
        else:
            before = len(people.events)
            wait_for(lambda before=before: len(people.events) > before, ARRIVES_S, lambda: county.log[-2000:])  # type: ignore[misc]
            time.sleep(chance.uniform(0, AT_WORK_S))
        county.kill()
        county.spawn()
    county.ready()


def test_what_was_acknowledged_under_fifty_kills_is_at_the_parent_exactly_once_and_counted(nodes: Nodes) -> None:
    hub, county = nodes.chain(EAST)
    people = People(county)
    assert county.token  # made before the kills begin
    with ThreadPoolExecutor(WORKERS) as pool:
        work = [pool.submit(people.work, number) for number in range(WORKERS)]
        try:
            under_kills(county, people)
        finally:
            people.done.set()
        for one in work:
            one.result()

    assert people.refusals == []
    assert people.retried > KILLS / 2, "the kills hardly met an entry"
    entered = sorted(people.events)
    assert len(entered) == len(set(entered))
    wait_for(lambda: len(hub.checks_held()) >= len(entered), ARRIVES_S, lambda: county.json("status"))
    wait_for(lambda: county.json("status")["queue"] == 0, ARRIVES_S, lambda: county.json("status"))
    assert county.checks_held() == entered
    assert hub.checks_held() == entered

    zero = sum(result == "zero" for result in people.results.values())
    earliest = min(day for _, day in people.results)
    measures = hub.json("rollup", "--unit", CITY, "--period", f"{earliest}..{people.first_day}")["measures"]
    counted = {name: measures[name] for name in ("checks_zero", "checks_found", "checks_extra")}
    assert counted == {"checks_zero": zero, "checks_found": len(people.results) - zero, "checks_extra": 0}
    for node in (hub, county):
        report = node.json("verify")
        assert (report["ok"], report["forks"], report["problems"]) == (True, 0, [])
    print(f"{len(entered)} acknowledged, {people.retried} after a retry, {people.repeated} of them a second time")
