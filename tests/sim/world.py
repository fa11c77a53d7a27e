"""One simulated city: computers, people, faults, and steps chosen by a seed. The node and hub code is the real one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, time
from random import Random
from typing import Final

from memory import Cadence, Group, Memory
from network import Network
from people import People
from sites import Site
from surroundings import Clock, Faults, SimEnv

from schemas.clock import at_time, business_day
from schemas.units.listing import generate_groups, read_unit_list
from schemas.units.tree import EPOCH
from sync import log
from sync.client import Client, Outcome
from sync.loop import drain

CITY: Final = "421000000000"
COUNTY: Final = "421002000000"
TOWNSHIP: Final = "421002101000"
VILLAGES: Final = ("421002101201", "421002101202")
FIRST_GROUP: Final = VILLAGES[0] + "001"
UNITS: Final = f"""code,name,level,parent_code
{CITY},河州市,city,
{COUNTY},东湖区,county,{CITY}
{TOWNSHIP},临江镇,township,{COUNTY}
{VILLAGES[0]},岳桥村村民委员会,village,{TOWNSHIP}
{VILLAGES[1]},平安居委会,village,{TOWNSHIP}
"""
GROUPS_PER_VILLAGE: Final = 3
FIRST_NODES: Final = ((COUNTY, CITY), (TOWNSHIP, COUNTY), (VILLAGES[0], TOWNSHIP), (VILLAGES[1], TOWNSHIP),
                      (FIRST_GROUP, VILLAGES[0]))  # fmt: skip
START: Final = date(2026, 11, 2)
STEPS: Final = 170
STEP_MS: Final = (60_000, 90 * 60_000)
OUTAGE_STEPS: Final = (8, 60)
HOUR_MS: Final = 3_600_000
TEN_YEARS_MS: Final = 3_652 * 24 * HOUR_MS
MAX_ENROL_TRIES: Final = 300
MAX_ROUNDS: Final = 40
REST_MS: Final = 60_000


class World:
    """Runs by itself: `run` does the steps, ends the faults and lets the network come to rest."""

    villages = VILLAGES
    max_sites = 8

    def __init__(self, seed: int, steps: int = STEPS) -> None:
        self.seed = seed
        self.steps = steps
        self.random = Random(f"{seed} steps")
        self.clock = Clock(at_time(START, time(8)))
        self.faults = Faults(seed)
        self.network = Network(self.clock, self.faults, lambda unit: self.sites.get(unit))
        self.memory = Memory()
        self.sites: dict[str, Site] = {}
        self.codes: dict[str, str] = {}
        self.trace: list[str] = []
        self.misconduct: list[str] = []  # what a client did that no law at rest could show
        self.step = 0
        self.rounds: int | None = None  # until the network fell quiet
        self._outages: dict[str, int] = {}
        self._exchanging: Site | None = None
        self._entropy = Random(f"{seed} bytes")
        self.people = People(self)
        self.hub = self.add_site(CITY, None)

    # ---- the ground

    def found(self) -> None:
        """The hub, and a chain of nodes down to one group, each with the directory."""
        acts = read_unit_list(UNITS)
        acts += generate_groups(acts, GROUPS_PER_VILLAGE, lambda _styles: 0)
        for act in acts:
            self.memory.parents[act["unit"]] = act["parent"]
            if act["level"] == "group":
                assert act["parent"] is not None
                self.know_group(act["unit"], Group(act["parent"], EPOCH))
        self.memory.cadences.append(Cadence(EPOCH, 1, daily=True, grace=(10, 0)))
        self.hub.found_city(acts)
        for unit, parent in FIRST_NODES:
            self.enrol_at_last(self.add_site(unit, parent))

    def add_site(self, unit: str, parent: str | None) -> Site:
        """A computer that is not enrolled yet."""
        env = SimEnv(self.clock, self.faults, self._entropy, self.network)
        self.sites[unit] = Site(unit, env, parent)
        return self.sites[unit]

    def know_group(self, unit: str, group: Group) -> None:
        """The city has published this group."""
        self.memory.groups[unit] = group
        self.memory.parents[unit] = group.parent

    def enrol_at_last(self, site: Site) -> None:
        """Tries until the computer is enrolled and has the directory, each at most 300 times."""
        for _ in range(MAX_ENROL_TRIES):
            self.clock.pass_ms(REST_MS)
            if not site.is_founded:
                self.people.enrol(site)
            elif not site.db.execute("SELECT acts FROM directory_state").fetchone()[0]:
                self._drain(site)

    # ---- who is where

    @property
    def today(self) -> date:
        """The true business day."""
        return business_day(self.clock.now_ms)

    def above(self, unit: str) -> list[str]:
        """The unit and all its ancestors, as published."""
        chain: list[str] = []
        one: str | None = unit
        while one is not None:
            chain.append(one)
            one = self.memory.parents[one]
        return chain

    def working(self) -> list[Site]:
        """Computers that are on and enrolled."""
        return [site for site in self.sites.values() if site.is_up and site.is_founded]

    def some_site(self) -> Site:
        """One of them, the lower ones more often."""
        sites = self.working()
        return self.random.choices(sites, [len(site.unit) ** 2 if site.parent else 40 for site in sites])[0]

    def note(self, text: str) -> None:
        """Adds a line to the list of steps."""
        self.trace.append(f"{self.step:4d} {self.today} {text}")

    # ---- steps

    def run(self) -> None:
        """Founds the city, does all steps, and comes to rest."""
        self.found()
        people = self.people
        self.network.meanwhile = {"meanwhile": people.check, "second_exchange": self._second_exchange}
        deeds: list[tuple[float, Callable[[], None]]] = [
            (34, people.some_checks), (4, people.try_again), (3, people.send_back), (4, people.publish),
            (9, people.casework.some_acts), (3, people.casework.read), (1.5, people.casework.erase),
            (1, people.casework.notice), (1.5, people.rebuild), (1, people.sign_in), (2, people.invite_somebody),
            (3, self._enrol_one),
            (50, self._exchange_some), (2, self._jump_clock), (1.5, self._outage), (0.7, self._renew_logs),
        ]  # fmt: skip
        weights, acts = [weight for weight, _ in deeds], [act for _, act in deeds]
        for number in range(1, self.steps + 1):
            self.step = number
            self.clock.pass_ms(self.random.randint(*STEP_MS))
            self._end_outages()
            self.random.choices(acts, weights)[0]()
        self.rest()

    def _enrol_one(self) -> None:
        waiting = [site for site in self.sites.values() if not site.is_founded]
        if waiting:
            self.people.enrol(self.random.choice(waiting))

    def _exchange_some(self) -> None:
        sites = [site for site in self.working() if site.client is not None]
        for site in self.random.sample(sites, min(len(sites), self.random.randint(1, 3))):
            if self.random.random() < 0.5:
                self.exchange(site)
            else:
                self._drain(site)

    def exchange(self, site: Site) -> Outcome | None:
        """One exchange; None when the power went at this computer meanwhile."""
        given: list[Outcome] = []
        client = site.client
        assert client is not None
        self._exchanging = site
        crash = site.attempt(lambda: given.append(client.exchange()))
        outcome = given[0] if given else None
        self._watch(site, outcome)
        self.note(f"exchange {site.unit}: {_shown(outcome) if outcome else crash}")
        return outcome

    def _drain(self, site: Site) -> None:
        client = site.client
        assert client is not None
        self._exchanging = site
        crash = site.attempt(lambda: drain(client, on_round=lambda outcome: self._watch(site, outcome)))
        self.note(f"drain {site.unit}{': ' + str(crash) if crash else ''}")

    def _second_exchange(self) -> None:
        """Another process of the same computer exchanges as well, as if the lock of the folder had failed."""
        site = self._exchanging
        if site is not None:
            outcome = Client(site.replica, site.url_up).exchange()
            self.note(f"meanwhile a second exchange of {site.unit}: {_shown(outcome)}")

    def _watch(self, site: Site, outcome: Outcome | None) -> None:
        """What must hold of every single outcome: nobody went back in time here, and a Retry-After is passed on."""
        if outcome is None:
            return
        if outcome.kind == "rebase" or outcome.problem == "rebase":
            self.misconduct.append(f"step {self.step}: {site.unit} asks for a rebase, and no disk went back")
        told = self.network.told_to_wait_s
        if told is not None and outcome.retry_after_s != told:
            self.misconduct.append(f"step {self.step}: {site.unit} was told to wait {told} s: {outcome}")

    # ---- faults that are no matter of one request

    def _jump_clock(self) -> None:
        site = self.random.choice(list(self.sites.values()))
        if self.random.random() < 0.3:
            site.env.offset_ms = 0
        elif self.random.random() < 0.75:
            site.env.offset_ms = self.random.randint(-30, 30) * HOUR_MS
            self.faults.counts["clock_hours"] += 1
        elif not any(abs(other.env.offset_ms) >= TEN_YEARS_MS for other in self.sites.values()):
            site.env.offset_ms = self.random.choice((-1, 1)) * TEN_YEARS_MS
            self.faults.counts["clock_years"] += 1
        self.note(f"clock of {site.unit} is off by {site.env.offset_ms // HOUR_MS} h")

    def _outage(self) -> None:
        parents = [site for site in self.working() if any(one.parent == site.unit for one in self.sites.values())]
        if len(self._outages) < 2 and len(parents) > 2:
            site = self.random.choice(parents)
            site.is_up = False
            self._outages[site.unit] = self.step + self.random.randint(*OUTAGE_STEPS)
            self.faults.counts["outage"] += 1
            self.note(f"{site.unit} is off until step {self._outages[site.unit]}")

    def _end_outages(self, *, all_of_them: bool = False) -> None:
        for unit in [one for one, until in self._outages.items() if all_of_them or until <= self.step]:
            del self._outages[unit]
            self.sites[unit].restart()
            self.sites[unit].is_up = True

    def _renew_logs(self) -> None:
        sites = [site for site in self.working() if site.parent is not None]
        site = self.random.choice(sites)
        site.renew_logs()
        self.faults.counts["log_renewed"] += 1
        self.note(f"new logs at {site.unit}")

    def size(self) -> str:
        """How much happened, in a few words; `steps` names the very run."""
        (events,) = self.hub.db.execute("SELECT COUNT(*) FROM event").fetchone()
        entered, requests = len(self.memory.entered), self.network.requests
        done = hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:8]
        return (
            f"{len(self.sites)} nodes, {entered} checks, {events} events, {requests} requests, {self.rounds} rounds,"
            f" steps {done}"
        )

    # ---- rest

    def rest(self) -> None:
        """Ends every fault but wrong clocks, finishes what was begun, and exchanges until nothing moves."""
        self.faults.on = False
        self._end_outages(all_of_them=True)
        self.note("faults are over")
        for submission in list(self.memory.open):
            self.people.hand_in(submission)
        self.rounds = next((round_no for round_no in range(1, MAX_ROUNDS + 1) if not self._round()), None)

    def _round(self) -> bool:
        """One pass over all computers in any order. Returns whether anything moved, a mark included."""
        seen: list[Outcome] = []
        for site in self.random.sample(list(self.sites.values()), len(self.sites)):
            if not site.is_founded:
                self.people.enrol(site)
            if site.client is not None:
                drain(site.client, on_round=seen.append)
                self._watch(site, seen[-1])
                self._watch_drained(site)
        self.clock.pass_ms(REST_MS)
        return any(one.kind != "ok" or one.busy or one.pushed or one.pulled for one in seen)

    def _watch_drained(self, site: Site) -> None:
        """What says that it is drained has left nothing behind on either way."""
        parent, link = self.sites[str(site.parent)].db, site.replica.link_up
        (up_log, down_log) = site.db.execute(
            "SELECT up_log, down_log FROM node_state, link WHERE link = ?", [link]
        ).fetchone()
        ends = [(log.up_tip(site.db), log.in_tip(parent, link, up_log))]
        ends += [(log.down_tip(parent, link), log.in_tip(site.db, link, down_log))]
        if any(sent != (received or log.START) for sent, received in ends):
            self.misconduct.append(f"{site.unit} says that it is drained, and is not: {ends}")


def _shown(outcome: Outcome) -> str:
    return f"{outcome.kind} {outcome.problem or ''} up {outcome.pushed} down {outcome.pulled}"
