"""A small city whose disks go back in time, are copied, lost and replaced, and whose units move: a random walk by seed.

The laws at rest are those of 3-sync; what happened is printed by step when one breaks. `walk(seed)` uses the same code
as the nodes do, on databases in memory, with requests and replies that get lost.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, TODAY, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node, Sent
from schemas.errors import GridError
from sync import enrol
from sync.env import Reply, TransportError
from sync.rebuild import rebuild
from sync.verify import verify

STEPS: Final = 60
MAX_ROUNDS: Final = 60
FAULTS: Final = ("restore", "restore_unmarked", "restore_hub", "clone", "replace", "move", "lost_request", "lost_reply")
LINES: Final = ((EAST, E_TOWN, E_VILLAGE, E_GROUPS[0]), (WEST, W_TOWN, W_VILLAGE, W_GROUPS[0]))
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
        self.days = 0

    # ---- steps

    def run(self) -> list[str]:
        """All steps, then rest; the breaches."""
        self.city.network.before, self.city.network.after = self._before, self._after
        deeds = [
            (30, self.check), (30, self.exchange), (6, self.back_up), (2, self.rename), (3, self.restore),
            (1, self.restore_hub), (1.5, self.clone), (1.5, self.replace), (1, self.move),
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
            self.note(f"check at {self._name(node)}")
            return

    def exchange(self) -> None:
        """A drain or a single exchange somewhere."""
        node = self.some()
        if node.parent is not None:
            said = node.client.exchange() if self.random.random() < 0.4 else node.sync().last
            self.note(f"sync {self._name(node)}: {said.kind} {said.problem or ''}")

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
            self.note(f"restore {self._name(node)} marker={marker}")

    def clone(self) -> None:
        """A leaf's disk runs in two computers."""
        above = {one.parent for one in self.city.nodes}
        leaves = [one for one in self.city.nodes if one not in above and one is not self.city.hub]
        if leaves and self.twins < 2 and self._allowed("clone"):
            self.twins += 1
            node = self.random.choice(leaves)
            self.city.clone(node)
            self.note(f"clone {self._name(node)}")

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
            self.note(f"replace {self._name(lost)}")
        except GridError as refusal:
            self.note(f"no replacement of {self._name(lost)}: {refusal.code}")
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

    # ---- the network

    def _before(self, _sent: Sent) -> Reply | None:
        if "lost_request" in self.kinds and self.random.random() < 0.1:
            self.counts["lost_request"] += 1
            raise TransportError("lost")
        return None

    def _after(self, _sent: Sent, reply: Reply) -> Reply:
        if "lost_reply" in self.kinds and self.random.random() < 0.1:
            self.counts["lost_reply"] += 1
            raise TransportError("lost")
        return reply

    def _name(self, node: Node) -> str:
        return f"{node.unit}#{self.city.nodes.index(node) if node in self.city.nodes else '-'}"

    # ---- rest

    def rest(self) -> list[str]:
        """Exchanges until nothing moves, then every law that is broken."""
        for node in self.city.nodes:
            if node.parent is not None:
                node.client.own_url = node.url
        broken = self._settle()
        broken += self._at_the_top() + self._same_directory() + self._verified()
        for node in self.city.nodes:
            kept = node.derived()
            rebuild(node.replica)
            changed = [name for name, rows in node.derived().items() if rows != kept[name]]
            broken += [f"L3 {self._name(node)}: rebuild changes {changed}"] if changed else []
        return broken

    def _settle(self) -> list[str]:
        quiet = marks = 0
        failed: list[str] = []
        for _ in range(MAX_ROUNDS):
            self.city.clock.forward(60_000)
            said = [(node, node.sync()) for node in reversed(self.city.nodes) if node.parent is not None]
            failed = [f"{self._name(node)} {one.last.problem}" for node, one in said if one.last.kind != "ok"]
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
                self.note(f"readmit {self._name(node)}")
        except GridError as refusal:
            self.note(f"no readmission of {self._name(node)}: {refusal.code}")

    def _idle(self) -> list[str]:
        broken = []
        for node in self.city.nodes:
            if node.parent is not None:
                before = len(self.city.network.log)
                node.sync()
                sent = len(self.city.network.log) - before
                broken += [f"L4 {self._name(node)}: an idle exchange takes {sent} requests"] if sent != 1 else []
        return broken

    def _at_the_top(self) -> list[str]:
        held = {row[0] for row in self.city.hub.db.execute("SELECT hash FROM event")}
        broken = []
        for node in self.city.nodes:
            lacking = [row for row in node.db.execute("SELECT hash, kind FROM event") if row[0] not in held]
            broken += [f"L1 {self._name(node)}: not at the hub: {lacking[:3]} of {len(lacking)}"] if lacking else []
            chain, head = node.db.execute("SELECT chain, head FROM node_state").fetchone()
            if head not in held:
                broken.append(f"L1 {self._name(node)}: its head is not at the hub")
            (tips,) = node.db.execute("SELECT tips FROM chain WHERE chain = ?", [chain]).fetchone()
            if tips != head:
                broken.append(f"L8 {self._name(node)}: writes a chain that went on elsewhere")
            behind = node.db.execute("SELECT chain FROM chain WHERE behind_since IS NOT NULL").fetchall()
            if behind and node is not self.city.hub:
                broken.append(f"marks {self._name(node)}: not marked by the city: {behind}")
        return broken

    def _same_directory(self) -> list[str]:
        asked = "SELECT event, place, no, act FROM directory_act ORDER BY event, place"
        wanted = self.city.hub.db.execute(asked).fetchall()
        return [
            f"directory {self._name(node)} differs"
            for node in self.city.nodes
            if node.db.execute(asked).fetchall() != wanted
        ]

    def _verified(self) -> list[str]:
        broken = []
        for node in self.city.nodes:
            problems = [one for one in verify(node.replica).problems if one.code not in ("gap", "lost_tip")]
            broken += [f"L2 {self._name(node)}: {one.code} {one.text}" for one in problems[:3]]
        return broken


def walk(seed: int, kinds: frozenset[str] = frozenset(FAULTS), steps: int = STEPS) -> tuple[Walk, list[str]]:
    """One walk to its end."""
    one = Walk(seed, kinds, steps)
    return one, one.run()
