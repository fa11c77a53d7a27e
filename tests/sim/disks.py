"""A city whose disks go back in time, are copied, lost, stolen and replaced, and whose units move: a walk by seed.

The laws at rest are those of 3-sync. `walk(seed)` runs the code of the nodes, on databases in memory, with requests and
replies that get lost; `play(script)` does the same with what was left of a walk.
"""

from __future__ import annotations

import sqlite3
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import deeds_desk
import deeds_disks
import deeds_work
from deeds_disks import DISKS
from deeds_work import VERSIONS, OldProgram, renew_program
from disk_laws import LAWS, name_of
from ground import Ground
from power import POWER, GuardedCity, Power, start_again
from script import Script, of_seed
from sticks import STICKS, Sticks
from surroundings import SimCrash
from wires import STRUCK, WIRES, Wires

from builders import CITY, TODAY, Node
from schemas.errors import GridError
from sync import enrol

NAME: Final = "disks"
STEPS: Final = 60
MAX_ROUNDS: Final = 80
SETTLE_ROUNDS: Final = 60
FAULTS: Final = frozenset({*DISKS, *WIRES, *STICKS, *POWER, *VERSIONS, "erase"})
# Commits that a walk makes; the others strike in the cities (test_sim.py).
COMMITS: Final = (
    "adopt", "apply", "audit", "case", "check", "erase", "exchange", "excuse", "import", "publish", "rebuild", "remind",
    "return", "revoke", "sync_state", "todo",
)  # fmt: skip
CRASHES: Final = tuple(f"crash {name} {moment}" for name in COMMITS for moment in ("before", "after"))
COUNTED: Final = (*DISKS, *STRUCK, *STICKS, *VERSIONS, "erase", "database_error", *CRASHES)
OLD_OFTEN: Final = 0.1  # how many nodes begin with an older program, where that may happen


class Walk:
    """One city and what happens to it."""

    deeds: dict[str, tuple[float, Callable[[Any], None]]]

    def __init__(self, script: Script) -> None:
        self.script = script
        self.random = script.random("founding")
        self.counts: Counter[str] = Counter()
        self.trace: list[str] = []
        self.city = GuardedCity(seed=script.seed, units=script.ground.unit_list())
        self.parents = dict(script.ground.parents)
        self.twins = self.joined = self.days = 0
        self.damaged: set[str] = set()  # events of which a disk spoilt a copy
        self.wires = Wires(self.city, script.faults, self.counts)
        self.sticks = Sticks(self.city, self.counts)
        self.power = Power(self.city, script.faults, self.counts)
        for unit in script.ground.nodes:
            self._found(unit)
        self.city.settle(SETTLE_ROUNDS)
        self.city.network.log.clear()
        self.backups = {id(node): (node, node.snapshot()) for node in self.city.nodes}

    def _found(self, unit: str) -> None:
        parent = self.node_of(self.script.ground.host_above(unit))
        assert parent is not None
        node = self.city.join(parent, unit, sync=False)
        if self.random.random() < OLD_OFTEN and "old_version" in self.script.faults:
            node.replica.app = OldProgram(self, self.random.choice(deeds_work.UNKNOWN))
        node.sync()

    # ---- steps

    def run(self) -> list[str]:
        """All steps, then rest; the breaches."""
        self.city.network.before, self.city.network.after = self.wires.before, self.wires.after
        for at, deed in self.script.steps:
            self._draw(at)
            before = len(self.trace)
            self._do(at, self.deeds[deed][1])
            self.trace[before:] = [f"{at:3d} {line}" for line in self.trace[before:]]
        self.city.network.before = self.city.network.after = None
        self._draw("rest")
        return self.rest()

    def _draw(self, at: object) -> None:
        """From here on every draw is this step's own, whatever was done before."""
        script = self.script
        self.random.seed(f"{script.seed} {at}")
        self.city.random.seed(f"{script.seed} {at} city")
        for number, node in enumerate(self.city.nodes):
            node.env.random.seed(f"{script.seed} {at} {number}")
        self.city.clock.forward(self.random.randint(1, 90) * 60_000)
        self.wires.begin(lambda fault: script.random(at, fault))

    def _do(self, at: int, deed: Callable[[Walk], None]) -> None:
        """One deed; whoever dies over it is started again."""
        self.power.begin(self.script.random(at, "power"))
        try:
            deed(self)
        except SimCrash as crash:
            died = next(node for node in self.city.nodes if node.env is self.power.died)
            self.note(f"{name_of(self.city, died)} died: {crash}")
            self.power.end()
            start_again(died)
        except sqlite3.OperationalError as error:
            self.note(f"a statement failed: {error}")
        finally:
            self.power.end()

    @contextmanager
    def calm(self) -> Iterator[None]:
        """What a person repeats until it is done is done at once: nothing strikes in here."""
        network, on = self.city.network, self.power.on
        before, after = network.before, network.after
        network.before = network.after = None
        self.power.on = False
        try:
            yield
        finally:
            network.before, network.after = before, after
            self.power.on = on

    def exchange(self) -> None:
        """A drain or a single exchange somewhere."""
        node = self.some()
        if node.parent is not None:
            said = node.client.exchange() if self.random.random() < 0.4 else node.sync().last
            self.note(f"sync {name_of(self.city, node)}: {said.kind} {said.problem or ''}")

    def carry(self) -> None:
        """Somebody writes a stick, or brings one."""
        if "file" not in self.script.faults:
            return
        node = self.some()
        above = [one for one in self.city.nodes if self.is_parent(one)]
        if self.random.random() < 0.4:
            self.note(f"stick written at {name_of(self.city, node)}: {self.sticks.write(node, self.random)}")
        else:
            node = self.random.choice(above if self.random.random() < 0.8 else self.city.nodes)
            self.note(f"stick brought to {name_of(self.city, node)}: {self.sticks.bring(node, self.random)}")

    # ---- who is where

    def note(self, text: str) -> None:
        """A line of the trace."""
        self.trace.append(text)

    def allowed(self, kind: str) -> bool:
        """Whether a kind of fault may strike; counted when it does."""
        self.counts[kind] += kind in self.script.faults
        return kind in self.script.faults

    def some(self) -> Node:
        """Any node."""
        return self.random.choice(self.city.nodes)

    def node_of(self, unit: str) -> Node | None:
        """The computer of a unit, the first one of several."""
        return next((one for one in self.city.nodes if one.unit == unit), None)

    def parent_of(self, node: Node) -> Node | None:
        """The computer that a node holds for its parent."""
        return self.node_of(str(node.replica.identity.parent))

    def is_parent(self, node: Node) -> bool:
        """Whether somebody stands below it."""
        return any(one.parent is node for one in self.city.nodes)

    def has_twin(self, node: Node) -> bool:
        """Whether two computers run on copies of its disk."""
        return sum(one.unit == node.unit for one in self.city.nodes) > 1

    def host_above(self, unit: str) -> str:
        """The nearest unit above, as published now, that has a computer."""
        above = self.parents[unit]
        return above if above == CITY or self.node_of(above) else self.host_above(above)

    def groups_near(self, unit: str) -> list[str]:
        """A few groups for which a node of this unit may have something to enter."""
        groups = self.script.ground.of("group")
        stem = unit[:3] if unit == CITY else unit.rstrip("0")
        own = [one for one in groups if one.startswith(stem)]
        return self.random.sample(own, min(4, len(own))) + self.random.sample(groups, min(3, len(groups)))

    def next_day(self) -> str:
        """The day of the next published act, each later than the one before."""
        self.days += 1
        return str(TODAY - timedelta(days=70 - self.days))

    # ---- rest

    def rest(self) -> list[str]:
        """Exchanges until nothing moves, then every law that is broken."""
        for node in self.city.nodes:
            if isinstance(node.replica.app, OldProgram):
                renew_program(node)
            if node.parent is not None:
                node.client.own_url = node.url
        return self._settle() + [found for law in LAWS for found in law(self.city, self.damaged)]

    def _settle(self) -> list[str]:
        self.city.network.log.clear()
        quiet = marks = 0
        failed: list[str] = []
        for _ in range(MAX_ROUNDS):
            self.city.clock.forward(60_000)
            said = [(node, node.sync()) for node in reversed(self.city.nodes) if node.parent is not None]
            failed = [f"{name_of(self.city, node)} {one.last.problem}" for node, one in said if one.last.kind != "ok"]
            for node, one in said:
                if one.last.problem == "unknown_key":
                    self._readmit(node)
            known, marks = marks, sum(node.count("mark") for node in self.city.nodes)
            moved = marks != known or any(one.pushed or one.pulled for _, one in said)
            quiet = 0 if moved or failed else quiet + 1
            self.city.network.log.clear()  # of a large city it would not fit the memory
            if quiet == 2:
                return self._idle()
        return [f"L4: does not fall quiet; failed: {failed}"]

    def _readmit(self, node: Node) -> None:
        """A person at the parent sees who knocks."""
        parent = self.parent_of(node)
        try:
            if parent is not None:
                enrol.readmit(parent.replica, node.unit, node.replica.identity.node)
                self.note(f"readmit {name_of(self.city, node)}")
        except GridError as refusal:
            self.note(f"no readmission of {name_of(self.city, node)}: {refusal.code}")

    def _idle(self) -> list[str]:
        broken = []
        for node in self.city.nodes:
            if node.parent is not None:
                before = len(self.city.network.log)
                node.sync()
                sent = len(self.city.network.log) - before
                broken += (
                    [f"L4 {name_of(self.city, node)}: an idle exchange takes {sent} requests"] if sent != 1 else []
                )
        return broken


DEEDS: Final[dict[str, tuple[float, Callable[[Any], None]]]] = {
    "check": (28, deeds_work.check), "exchange": (32, Walk.exchange), "back_up": (6, deeds_disks.back_up),
    "rename": (2, deeds_work.rename), "restore": (3, deeds_disks.restore), "restore_hub": (1, deeds_disks.restore_hub),
    "clone": (1.5, deeds_disks.clone), "replace": (1.2, deeds_disks.replace), "revoke": (0.7, deeds_disks.revoke),
    "join": (1, deeds_disks.join), "move": (1, deeds_disks.move), "casework": (8, deeds_work.casework),
    "erase": (1, deeds_work.erase_something), "damage": (3, deeds_disks.damage), "carry": (9, Walk.carry),
    "clock": (1.2, deeds_disks.turn_clock), "weeks": (0.6, deeds_disks.weeks), "rebuild": (0.7, deeds_work.rebuild_one),
    "desk": (5, deeds_desk.desk), "later_version": (1.2, deeds_work.later_version), "upgrade": (1, deeds_work.upgrade),
}  # fmt: skip
Walk.deeds = DEEDS


def script_of(
    seed: int,
    faults: frozenset[str] = FAULTS,
    steps: int = STEPS,
    ground: Ground | None = None,
    deeds: Set[str] = DEEDS.keys(),
) -> Script:
    """The script of a seed; for some purposes on a certain ground, of a few deeds only."""
    often = {name: weight for name, (weight, _) in DEEDS.items() if name in deeds}
    return of_seed(NAME, seed, faults, often, steps, ground)


def play(script: Script) -> tuple[Walk | None, list[str]]:
    """One walk to its end: what it was, and every law that it broke. What the code raises is a breach, too."""
    one = None
    try:
        one = Walk(script)
        return one, one.run()
    except Exception:  # noqa: BLE001 - whatever is raised where a person stands is a finding
        return one, [f"sound: {traceback.format_exc(limit=-6)}"]
