"""A hostile middle level: it drops, alters, reorders, replays and invents what goes through its hands. A walk by seed.

What must hold then: nothing that it altered or invented has effect anywhere else (L2); what it kept back raises an
alarm where it was written or at the city, and is there once a stick was carried past it (L1).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, Final

import deeds_work
from disk_laws import name_of
from disks import Walk
from ground import Ground
from script import Script, of_seed
from tricks import TRICKS

from builders import DAY_MS, Node, Sent
from node.status import alarms, refused
from sync import carrier, receipts
from sync.certificates import intact
from sync.env import Reply, TransportError
from sync.rebuild import rebuild
from sync.verify import verify

NAME: Final = "hostile"
STEPS: Final = 40
ROUNDS: Final = 8
ALARM_MS: Final = 4 * DAY_MS
FAULTS: Final = frozenset(TRICKS)
COUNTED: Final = (*TRICKS, "kept_back", "alarm_at_the_writer", "alarm_at_the_city", "stick_past_it")
SHAPE: Final = (2, 2, 2, 2)
EVILS: Final = ("421001000000", "421001001000", "421001001001")  # a county, a township, a village
BELOW: Final = ("421001001001", "421001001002", "421001001001001", "421001001001002", "421001001002001", "421001002000")
OTHERS: Final = ("421002000000", "421002001000", "421002001001")


class Hostile(Walk):
    """One city with one hostile node in the middle of it."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.entered: set[str] = set()  # checks that people entered
        self.evil = next(node for unit in self._levels() for node in self.city.nodes if node.unit == unit)
        self.city.network.hosts[self.evil.host] = self._answer_of_evil

    def _levels(self) -> list[str]:
        """The units that may be the hostile one, in the order of this seed: one that has somebody below it."""
        levels = list(EVILS)
        self.random.shuffle(levels)
        return [unit for unit in levels if (node := self.node_of(unit)) and self.is_parent(node)]

    def _answer_of_evil(self, sent: Sent) -> Reply:
        try:
            return self.evil.answer(sent)
        except Exception as error:  # its own program need not survive what it does to its own records
            raise TransportError(f"it fails: {error}") from error

    # ---- steps

    def check(self) -> None:
        """A report at any node: what people enter at the hostile one is its own word, and counts."""
        before = {node: self._checks(node) for node in self.city.nodes}
        deeds_work.check(self)
        for node, held in before.items():
            self.entered |= self._checks(node) - held

    def _checks(self, node: Node) -> set[str]:
        rows = node.db.execute(
            "SELECT hash FROM event WHERE kind = 'chk' AND node = ?", [node.replica.identity.node]
        ).fetchall()
        return {row[0] for row in rows}

    def exchange(self) -> None:
        """A drain somewhere; the hostile node's own program may fail over what it did."""
        node = self.some()
        if node.parent is not None:
            self._sync(node)

    def _sync(self, node: Node) -> None:
        try:
            said = node.sync().last
            self.note(f"sync {name_of(self.city, node)}: {said.kind} {said.problem or ''}")
        except Exception as error:
            if node is not self.evil:
                raise
            node.db.conn.rollback()
            self.note(f"sync of the hostile {name_of(self.city, node)} fails: {error!r}")

    def trick(self) -> None:
        """The hostile node does something to what goes through its hands."""
        name = self.random.choice(sorted(TRICKS))
        below = [node for node in self.city.nodes if node.parent is self.evil]
        for node in (self.random.choice(below), self.evil) if name == "alter_down" else below:
            self._sync(node)
        if name in self.script.faults and TRICKS[name](self.evil, self.random, list(OTHERS)):
            self.counts[name] += 1
            self.note(f"{name} at {name_of(self.city, self.evil)}")

    # ---- rest

    def rest(self) -> list[str]:
        """Exchanges, days later an alarm, a stick past the hostile level; and every law that is broken."""
        self._rounds()
        kept_back = self._kept_back()
        self.counts["kept_back"] += bool(kept_back)
        broken = self._no_effect() + self._alarms(kept_back)
        self._carry_past(kept_back)
        self._rounds()
        for node, lacking in self._kept_back().items():
            broken.append(f"L1 {name_of(self.city, node)}: after a stick past it still not at the hub: {lacking}")
        return broken + self._no_effect() + self._rebuilt()

    def honest(self) -> list[Node]:
        """Everybody else."""
        return [node for node in self.city.nodes if node is not self.evil]

    def _rounds(self) -> None:
        for _ in range(ROUNDS):
            self.city.clock.forward(60_000)
            for node in reversed(self.city.nodes):
                if node.parent is not None:
                    self._sync(node)

    def _kept_back(self) -> dict[Node, set[str]]:
        """What honest nodes wrote that is not intact at the hub."""
        hub = self.city.hub
        found = {}
        for node in self.honest():
            rows = node.db.execute("SELECT hash FROM event WHERE node = ?", [node.replica.identity.node]).fetchall()
            lacking = {row[0] for row in rows if not intact(hub.db, row[0])}
            if lacking:
                found[node] = lacking
        return found

    def _alarms(self, kept_back: dict[Node, set[str]]) -> list[str]:
        self.city.clock.forward(ALARM_MS)
        broken = []
        at_city = {one["code"] for one in alarms(self.city.hub.replica, "zh_CN")}
        for node, lacking in kept_back.items():
            here = {one["code"] for one in alarms(node.replica, "zh_CN")} & {"not_marked", "withheld"}
            told = {one["event"] for one in refused(node.replica)}
            self.counts["alarm_at_the_writer"] += bool(here)
            self.counts["alarm_at_the_city"] += "withheld" in at_city
            if not here and "withheld" not in at_city and not lacking <= told:
                broken.append(f"alarm {name_of(self.city, node)}: nobody says that these are kept back: {lacking}")
        return broken

    def _carry_past(self, kept_back: dict[Node, set[str]]) -> None:
        for node in kept_back:
            for file in carrier.export(node.replica, everything=True):
                done = carrier.take_in(self.city.hub.replica, file.content)
                receipt = receipts.receipt(self.city.hub.replica, done.node, done.log, done.chains)
                receipts.take_receipt(node.replica, receipt.content)
                self.counts["stick_past_it"] += 1

    def _no_effect(self) -> list[str]:
        """L2: nobody holds what its author did not sign, and what the hostile node made up counts nowhere."""
        genuine = {
            row[0]
            for node in self.city.nodes
            for row in node.db.execute("SELECT hash FROM event WHERE node = ?", [node.replica.identity.node])
        }
        genuine |= {row[0] for row in self.city.hub.db.execute("SELECT event FROM own_certificate")}
        broken = []
        published = self._acts(self.city.hub)
        for node in self.honest():
            held = {row[0] for row in node.db.execute("SELECT hash FROM event")}
            counted = {row[0] for row in node.db.execute("SELECT event FROM check_report")}
            wrong = [one for one in verify(node.replica).problems if one.code not in ("gap", "lost_tip")]
            for text, found in (
                ("holds what nobody signed", held - genuine), ("counts what nobody entered", counted - self.entered),
                ("has acts that the city did not publish", self._acts(node) - published),
                ("does not verify", [f"{one.code} {one.text}" for one in wrong]),
            ):  # fmt: skip
                if found:
                    broken.append(f"L2 {name_of(self.city, node)} {text}: {list(found)[:3]}")
        return broken

    def _acts(self, node: Node) -> set[tuple[object, ...]]:
        return set(node.db.execute("SELECT event, place, no, act FROM directory_act").fetchall())

    def _rebuilt(self) -> list[str]:
        broken = []
        for node in self.honest():
            kept = node.derived()
            rebuild(node.replica)
            changed = [name for name, rows in node.derived().items() if rows != kept[name]]
            broken += [f"L3 {name_of(self.city, node)}: rebuild changes {changed}"] if changed else []
        return broken


DEEDS: Final[dict[str, tuple[float, Callable[[Any], None]]]] = {
    "check": (30, Hostile.check), "exchange": (30, Hostile.exchange), "trick": (30, Hostile.trick),
    "casework": (4, deeds_work.casework), "rename": (4, deeds_work.rename),
}  # fmt: skip
Hostile.deeds = DEEDS


def script_of(seed: int, faults: frozenset[str] = FAULTS, steps: int = STEPS) -> Script:
    """The script of a seed: a line down to a group, and some more."""
    random = Script(NAME, seed, faults, (), Ground(SHAPE, ())).random("ground")
    below = {"421001001001", "421001001001001", *random.sample(BELOW, 2)}
    units = sorted({"421001000000", "421001001000", *below, OTHERS[0]}, key=lambda unit: (len(unit), unit))
    ground = Ground(SHAPE, tuple(unit for unit, _, _ in Ground(SHAPE, ()).units if unit in units))
    return of_seed(NAME, seed, faults, {name: often for name, (often, _) in DEEDS.items()}, steps, ground)


def play(script: Script) -> tuple[Hostile | None, list[str]]:
    """One walk to its end: what it was, and every law that it broke."""
    one = None
    try:
        one = Hostile(script)
        return one, one.run()
    except Exception:  # noqa: BLE001 - whatever is raised where a person stands is a finding
        return one, [f"sound: {traceback.format_exc(limit=-6)}"]
