"""A small city whose disks go back in time, are copied, lost and replaced, and whose units move: a random walk by seed.

The laws at rest are those of 3-sync; what happened is printed by step when one breaks. `walk(seed)` uses the same code
as the nodes do, on databases in memory, with requests and replies that get lost.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

from casework import CASE, PRIVATE
from disk_laws import LAWS, name_of
from disk_wires import STICKS, WIRES, Sticks, Wires

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, TODAY, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node
from node.accounts import Account
from node.cases import acts
from node.cases.projection import fold_of
from schemas.errors import GridError
from sync import enrol

STEPS: Final = 60
MAX_ROUNDS: Final = 60
TEN_YEARS_H: Final = 10 * 365 * 24
FAULTS: Final = (
    "restore", "restore_unmarked", "restore_hub", "clone", "replace", "move", "damage", "clock", "weeks",
    "database_error", *WIRES, *STICKS,
)  # fmt: skip
LINES: Final = ((EAST, E_TOWN, E_VILLAGE, E_GROUPS[0]), (WEST, W_TOWN, W_VILLAGE, W_GROUPS[0]))
HANDS: Final = ("hand_up", "hand_down", "hand_across")
WORDS: Final[dict[str, dict[str, object]]] = {
    **{name: {"reason": "就近办理"} for name in (*HANDS, "seize", "send_back")}, "take": {},
    "supervise": {"due": "2026-12-20", "text": "限期办结"}, "answer": {"reply": "已约双方"},
    "note": {"text": "电话联系"},
}  # fmt: skip
HOME: Final = {E_TOWN: EAST, W_TOWN: WEST, E_VILLAGE: E_TOWN, W_VILLAGE: W_TOWN}


@dataclass
class Walk:
    """One city and what happens to it."""

    seed: int
    kinds: frozenset[str] = frozenset(FAULTS)
    steps: int = STEPS
    counts: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.city = City(seed=self.seed)
        for units in LINES:
            parent = self.city.hub
            for unit in units[: self.random.randint(1, 4)]:
                parent = self.city.join(parent, unit)
        self.city.settle(40)
        self.backups = {id(node): (node, node.snapshot()) for node in self.city.nodes}
        self.parents = dict(HOME)
        self.twins = 0
        self.wires = Wires(self.city, self.random, self.kinds, self.counts)
        self.sticks = Sticks(self.city, self.random, self.counts)
        self.damaged: set[str] = set()  # events of which a disk spoilt a copy
        self.days = 0

    # ---- steps

    def run(self) -> list[str]:
        """All steps, then rest; the breaches."""
        self.city.network.before, self.city.network.after = self.wires.before, self.wires.after
        deeds = [
            (30, self.check), (30, self.exchange), (6, self.back_up), (2, self.rename), (3, self.restore),
            (1, self.restore_hub), (1.5, self.clone), (1.5, self.replace), (1, self.move), (8, self.casework),
            (3, self.damage), (9, self.carry), (1, self.turn_clock), (0.4, self.weeks), (3, self.database_error),
        ]  # fmt: skip
        for at in range(self.steps):
            self.city.clock.forward(self.random.randint(1, 90) * 60_000)
            before = len(self.trace)
            self.random.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()
            self.trace[before:] = [f"{at:3d} {line}" for line in self.trace[before:]]
        self.city.network.before = self.city.network.after = None
        return self.rest()

    def note(self, text: str) -> None:
        """A line of the trace."""
        self.trace.append(text)

    def some(self) -> Node:
        """Any node."""
        return self.random.choice(self.city.nodes)

    def check(self) -> None:
        """A report at any node, for a unit that it serves."""
        node = self.some()
        day = TODAY - timedelta(days=self.random.randint(1, 15))
        for unit in self.random.sample([*E_GROUPS, *W_GROUPS], 6):
            try:
                node.check(unit, day, self.random.randint(0, 3))
            except GridError:
                continue
            self.note(f"check at {name_of(self.city, node)}")
            return

    def casework(self) -> None:
        """A registration, or an act that moves a case or is addressed to somebody, where it is allowed."""
        node = self.some()
        account = Account("r", "reviewer", node.unit)
        known = [row[0] for row in node.db.execute("SELECT case_id FROM case_now ORDER BY case_id").fetchall()]
        try:
            if not known or self.random.random() < 0.3:
                acts.register(node.replica, account, {**CASE, "unit": node.unit, "private": PRIVATE})
                self.note(f"register at {name_of(self.city, node)}")
                return
            case = fold_of(node.replica, self.random.choice(known))
            assert case is not None
            allowed = [one for one in acts.Allowed.now(node.replica, account, case).actions if one in WORDS]
            action = self.random.choice(allowed or ["note"])
            body = {"action": action, "after": case.event, **WORDS[action]}
            if action in HANDS:
                body["to_unit"] = self.random.choice([unit for line in LINES for unit in line] + [CITY])
            acts.act_on(node.replica, account, case.id, body)
            self.note(f"{action} at {name_of(self.city, node)}")
        except GridError as refusal:
            self.note(f"no act at {name_of(self.city, node)}: {refusal.code}")

    def damage(self) -> None:
        """A disk spoils an event from below that has not gone up yet; its writer's disk has it still."""
        node = self.some()
        row = node.db.execute(
            "SELECT e.hash FROM uplog u JOIN event e ON e.n = u.event JOIN link l ON l.link = ?"
            " WHERE u.n > l.hint AND e.node <> ? AND e.kind = 'chk' ORDER BY u.n DESC LIMIT 1",
            [node.replica.link_up, node.replica.identity.node],
        ).fetchone()
        if row is not None and self._allowed("damage"):
            node.db.execute("UPDATE event SET sig = zeroblob(64) WHERE hash = ?", [row[0]])
            self.damaged.add(row[0])
            self.note(f"damage at {name_of(self.city, node)}: {row[0]}")

    def carry(self) -> None:
        """Somebody writes a stick, or brings one."""
        if "file" not in self.kinds:
            return
        node = self.some()
        above = [one for one in self.city.nodes if any(other.parent is one for other in self.city.nodes)]
        if self.random.random() < 0.4:
            self.note(f"stick written at {name_of(self.city, node)}: {self.sticks.write(node)}")
        else:
            node = self.random.choice(above if self.random.random() < 0.8 else self.city.nodes)
            self.note(f"stick brought to {name_of(self.city, node)}: {self.sticks.bring(node)}")

    def turn_clock(self) -> None:
        """A clock below the hub goes wrong by hours, across midnight, or by ten years; or it is put right."""
        node = self.some()
        if node is not self.city.hub and self._allowed("clock"):
            hours = self.random.choice((0, 0, -9, 9, -TEN_YEARS_H, TEN_YEARS_H))
            node.env.clock_error_ms = hours * 3_600_000
            self.note(f"clock of {name_of(self.city, node)}: {hours} h")

    def weeks(self) -> None:
        """Nothing happens for two weeks; what is sent again afterwards is old."""
        if self._allowed("weeks"):
            self.city.clock.forward(14 * 86_400_000)
            self.note("two weeks later")

    def database_error(self) -> None:
        """A statement fails in the middle of an exchange, at the child or at its parent."""
        node = self.some()
        if node.parent is None or not self._allowed("database_error"):
            return
        failing = self.random.choice((node, node.parent)).db.conn
        failing.set_progress_handler(lambda: 1, self.random.choice((200, 1_000, 5_000, 20_000)))
        try:
            said = node.sync().last.problem
        except sqlite3.OperationalError as error:
            said = str(error)
        finally:
            failing.set_progress_handler(None, 0)
        self.note(f"database error at {name_of(self.city, node)}: {said}")

    def exchange(self) -> None:
        """A drain or a single exchange somewhere."""
        node = self.some()
        if node.parent is not None:
            said = node.client.exchange() if self.random.random() < 0.4 else node.sync().last
            self.note(f"sync {name_of(self.city, node)}: {said.kind} {said.problem or ''}")

    def back_up(self) -> None:
        """A copy of a disk, put aside."""
        node = self.some()
        self.backups[id(node)] = (node, node.snapshot())

    def rename(self) -> None:
        """The city publishes something."""
        unit = self.random.choice([*E_GROUPS, *W_GROUPS])
        self.days += 1
        day = TODAY - timedelta(days=60 - self.days)
        entry = {"type": "unit", "act": "rename", "unit": unit, "date": str(day), "name": f"改名{self.days}组"}
        self.city.hub.publish(entry)
        self.note("publish")

    def restore(self) -> None:
        """A node below the hub goes back to its last copy."""
        node = self.random.choice([one for one in self.city.nodes if one is not self.city.hub])
        marker = self.random.random() < 0.6
        if self._allowed("restore" if marker else "restore_unmarked"):
            self._restore(node, marker=marker)

    def restore_hub(self) -> None:
        """The hub goes back."""
        if self._allowed("restore_hub"):
            self._restore(self.city.hub, marker=self.random.random() < 0.6)

    def _restore(self, node: Node, *, marker: bool) -> None:
        _, backup = self.backups.get(id(node), (node, None))
        if backup is not None:
            node.restore(backup, marker=marker)
            self.note(f"restore {name_of(self.city, node)} marker={marker}")

    def clone(self) -> None:
        """A leaf's disk runs in two computers."""
        above = {one.parent for one in self.city.nodes}
        leaves = [one for one in self.city.nodes if one not in above and one is not self.city.hub]
        if leaves and self.twins < 2 and self._allowed("clone"):
            self.twins += 1
            node = self.random.choice(leaves)
            self.city.clone(node)
            self.note(f"clone {name_of(self.city, node)}")

    def replace(self) -> None:
        """A node is lost with its disk and replaced."""
        lost = self.random.choice([one for one in self.city.nodes if one is not self.city.hub])
        same = [one for one in self.city.nodes if one.unit == lost.unit]
        parent = next((one for one in self.city.nodes if one.unit == lost.replica.identity.parent), None)
        if len(same) > 1 or parent is None or not self._allowed("replace"):
            return
        network = self.city.network
        network.before, before = None, network.before
        network.after, after = None, network.after
        try:
            self.city.replace(lost, parent, sync=False)
            self.note(f"replace {name_of(self.city, lost)}")
        except GridError as refusal:
            self.note(f"no replacement of {name_of(self.city, lost)}: {refusal.code}")
        network.before, network.after = before, after

    def move(self) -> None:
        """A township or village gets another parent."""
        unit = self.random.choice(sorted(self.parents))
        level = [
            one for one, of in (("county", (EAST, WEST)), ("township", (E_TOWN, W_TOWN))) if self.parents[unit] in of
        ]
        others = {"county": (EAST, WEST), "township": (E_TOWN, W_TOWN)}[level[0]]
        to = others[0] if self.parents[unit] == others[1] else others[1]
        if not self._allowed("move"):
            return
        self.days += 1
        day = TODAY - timedelta(days=60 - self.days)
        host = next((one for one in self.city.nodes if one.unit == to), None)
        entry = {"type": "unit", "act": "move", "unit": unit, "date": str(day), "parent": to}
        try:
            self.city.hub.publish(entry | ({"address": host.url} if host and self.random.random() < 0.5 else {}))
        except GridError:
            return
        self.parents[unit] = to
        self.note(f"move {unit} to {to}")

    def _allowed(self, kind: str) -> bool:
        self.counts[kind] += kind in self.kinds
        return kind in self.kinds

    # ---- rest

    def rest(self) -> list[str]:
        """Exchanges until nothing moves, then every law that is broken."""
        for node in self.city.nodes:
            if node.parent is not None:
                node.client.own_url = node.url
        return self._settle() + [found for law in LAWS for found in law(self.city, self.damaged)]

    def _settle(self) -> list[str]:
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
            if quiet == 2:
                return self._idle()
        return [f"L4: does not fall quiet; failed: {failed}"]

    def _readmit(self, node: Node) -> None:
        """A person at the parent sees who knocks."""
        parent = next((one for one in self.city.nodes if one.unit == node.replica.identity.parent), None)
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


def walk(seed: int, kinds: frozenset[str] = frozenset(FAULTS), steps: int = STEPS) -> tuple[Walk, list[str]]:
    """One walk to its end."""
    one = Walk(seed, kinds, steps)
    return one, one.run()
