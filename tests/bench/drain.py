"""A county that was offline for weeks drains over a thin, bad line; nobody lends a hand.

    ./grid bench drain [--groups 700] [--weeks 12] [--kbit 256] [--failing 0.1] [--seed 1]

The county's real sync loop runs on a fake clock: a request takes its bytes at the line's rate and a round trip, a
failing one (half of them on the way up, half on the way back) the time-out. Printed: bytes per event on the wire beside
the least that is possible, requests, and the time that the line would have needed.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from builders import CITY, EAST, TODAY, City, Node, Sent, check_body
from node.daily import checks
from node.figures import rollup
from node.status import alarms, heads, queue, refused
from schemas.events import SALT_BYTES
from sync.database import write
from sync.env import Reply, TransportError
from sync.intake import Intake
from sync.keys import SIGNATURE_BYTES
from sync.loop import run_forever
from sync.retry import Pace
from sync.verify import verify

TIMEOUT_S: Final = 30  # as the real transport
ROUND_TRIP_S: Final = 0.3
GROUPS_OF_A_VILLAGE: Final = 10
VILLAGES_OF_A_TOWN: Final = 10
FOUND_SHARE: Final = 0.04
MOST_BETWEEN_MS: Final = 10_000
MAX_DAYS: Final = 7  # simulated; a drain that takes longer does not come to an end
LEAST_BYTES: Final = SIGNATURE_BYTES + SALT_BYTES  # of an event: nothing compresses a signature and a salt


@dataclass
class Line:
    """A line of so many bits a second, of whose requests a share fails. Time passes on the city's clock."""

    city: City
    bits_per_s: int
    failing: float
    dice: random.Random
    up: int = 0
    down: int = 0
    requests: int = 0
    failed: int = 0
    _loses_reply: bool = False

    def plug_in(self) -> None:
        """From now on every request takes this line."""
        self.city.network.before, self.city.network.after = self._up, self._down

    def _up(self, sent: Sent) -> None:
        size = _size(sent.headers, sent.body)
        self.requests += 1
        self.up += size
        fails = self.dice.random() < self.failing
        self._loses_reply = fails and self.dice.random() < 0.5
        self._take(size)
        if fails and not self._loses_reply:
            self._give_up()

    def _down(self, _sent: Sent, reply: Reply) -> Reply:
        size = _size(reply.headers, reply.body)
        self.down += size
        self._take(size)
        if self._loses_reply:
            self._give_up()
        return reply

    def _take(self, size: int) -> None:
        self.city.clock.forward(round((ROUND_TRIP_S / 2 + size * 8 / self.bits_per_s) * 1000))

    def _give_up(self) -> None:
        self.failed += 1
        self.city.clock.forward(TIMEOUT_S * 1000)
        raise TransportError("timed out")


def _size(headers: Mapping[str, str], body: bytes) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.items()) + 64 + len(body)  # 64: the first line


class _Clockwork:
    """The loop's bell: waiting is the clock going on."""

    def __init__(self, city: City) -> None:
        self._city = city

    def wait(self, timeout_s: float) -> bool:
        """Nobody rings."""
        self._city.clock.forward(round(timeout_s * 1000))
        return False

    def clear(self) -> None:
        """There is nothing to forget."""


@dataclass(frozen=True)
class Result:
    """What a drain took. Bytes as on the wire, headers included."""

    events: int
    up_per_event: float
    down_per_event: float
    requests: int
    failed: int
    hours: float
    problems: list[str]

    def text(self) -> str:
        """One line each."""
        return "\n".join(
            (
                f"events               {self.events}",
                f"bytes up per event   {self.up_per_event:.1f}  (least possible {LEAST_BYTES}:"
                f" {self.up_per_event / LEAST_BYTES:.2f} times that)",
                f"bytes down per event {self.down_per_event:.1f}",
                f"requests             {self.requests}, of which {self.failed} failed",
                f"simulated time       {self.hours:.2f} h",
                *(f"WRONG                {one}" for one in self.problems),
            )
        )


def unit_list(groups: int) -> str:
    """One county with so many groups, ten a village, ten villages a township."""
    rows = ["code,name,level,parent_code", f"{CITY},试点市,city,", f"{EAST},东县,county,{CITY}"]
    for number in range(groups):
        village_no, group_no = divmod(number, GROUPS_OF_A_VILLAGE)
        town_no, place = divmod(village_no, VILLAGES_OF_A_TOWN)
        town = f"{EAST[:6]}{town_no + 1:03}000"
        village = f"{town[:9]}{place + 1:03}"
        if group_no == 0:
            if place == 0:
                rows.append(f"{town},第{town_no + 1}镇,township,{EAST}")
            rows.append(f"{village},第{village_no + 1}村,village,{town}")
        rows.append(f"{village}{group_no + 1:03},第{group_no + 1}组,group,{village}")
    return "\n".join(rows) + "\n"


def offline_for(city: City, county: Node, groups: list[str], weeks: int, dice: random.Random) -> tuple[int, int]:
    """Every group reports every day, four in a hundred found something. Returns (checks, of which found)."""
    found = 0
    for back in range(weeks * 7, 0, -1):
        day = TODAY - timedelta(days=back)
        city.clock.set(day)
        with write(county.db, "check", county.env):
            intake = Intake(county.replica, county.env.now_ms())
            for group in groups:
                finds = dice.random() < FOUND_SHARE
                found += finds
                intake.now_ms += dice.randrange(MOST_BETWEEN_MS)  # each record has a device time of its own
                checks.enter(intake, check_body(group, day, disputes=int(finds)))
            intake.finish()
    city.clock.set(TODAY)
    return weeks * 7 * len(groups), found


def drained(groups: int, weeks: int, kbit: int, failing: float, seed: int) -> Result:
    """Lays the city out, keeps the county offline, plugs the line in, and lets the loop run until the city has all."""
    dice = random.Random(seed)
    text = unit_list(groups)
    city = City(seed=seed, units=text)
    city.clock.set(TODAY - timedelta(days=weeks * 7 + 1))
    county = city.join(city.hub, EAST)
    city.settle()
    ids = [row.split(",")[0] for row in text.splitlines()[1:] if ",group," in row]
    count, found = offline_for(city, county, ids, weeks, dice)
    line = Line(city, kbit * 1000, failing, dice)
    line.plug_in()
    events, began = queue(county.replica), city.clock.at_ms
    end = began + MAX_DAYS * 86_400_000

    def stopped() -> bool:
        over = city.clock.at_ms > end
        return over or not (queue(county.replica) or alarms(county.replica, "en") or _unmarked(county))

    run_forever(county.client, Pace(), _Clockwork(city), nullcontext, stopped, dice.random)
    hours = (city.clock.at_ms - began) / 3_600_000
    problems = _wrong(city, county, count, found)
    return Result(events, line.up / events, line.down / events, line.requests, line.failed, hours, problems)


def _unmarked(county: Node) -> bool:
    return not all(marked for *_head, marked in heads(county.replica))


def _wrong(city: City, county: Node, count: int, found: int) -> list[str]:
    """What the city lacks, or says otherwise than plain counting."""
    measures = rollup.answer(
        city.hub.replica, EAST, f"{TODAY - timedelta(days=400)}..{TODAY}", by=None, tree="then", now_ms=city.clock.at_ms
    )["measures"]
    assert isinstance(measures, dict)
    compared = {
        "queue": (queue(county.replica), 0),
        "checks at the city": (city.hub.count("event", "kind = 'chk'"), count),
        "checks_zero": (measures["checks_zero"], count - found),
        "checks_found": (measures["checks_found"], found),
        "refused": (refused(county.replica), []),
        "alarms": (alarms(county.replica, "en"), []),
        "city's problems": (verify(city.hub.replica).problems, []),
    }
    return [f"{name}: {got} instead of {right}" for name, (got, right) in compared.items() if got != right]


def main(argv: list[str]) -> int:
    """0: all is at the city and in its figures; 1: it is not."""
    parser = argparse.ArgumentParser(prog="./grid bench drain", description=__doc__)
    parser.add_argument("--groups", type=int, default=700)
    parser.add_argument("--weeks", type=int, default=12)
    parser.add_argument("--kbit", type=int, default=256)
    parser.add_argument("--failing", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    result = drained(arguments.groups, arguments.weeks, arguments.kbit, arguments.failing, arguments.seed)
    print(result.text())
    return 1 if result.problems else 0
