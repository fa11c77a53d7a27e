"""What people do in a walk: report, work on cases, publish, erase, rebuild; and what a later program writes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from casework import CASE, PRIVATE
from crafted import signed
from disk_laws import name_of

from builders import CITY, TODAY, Node
from node.application import NodeApplication
from node.cases import acts
from node.cases.projection import fold_of
from node.keeping.unprojected import note, project_again
from node.people.accounts import Account
from node.projections import NodeProjection
from schemas.errors import GridError
from schemas.strict_json import loads
from sync.erase import erase
from sync.rebuild import rebuild
from sync.replica import Replica, Stored

if TYPE_CHECKING:
    from disks import Walk

HANDS: Final = ("hand_up", "hand_down", "hand_across")
WORDS: Final[dict[str, dict[str, object]]] = {
    **{name: {"reason": "就近办理"} for name in (*HANDS, "seize", "send_back")}, "take": {},
    "supervise": {"due": "2026-12-20", "text": "限期办结"}, "answer": {"reply": "已约双方"},
    "note": {"text": "电话联系"},
}  # fmt: skip
VERSIONS: Final = ("old_version", "unknown_kind", "unknown_field")
UNKNOWN: Final = (frozenset({"case", "disc", "ask", "got"}), frozenset({"cadence"}), frozenset({"return"}))


class OldProgram(NodeApplication):
    """A node of an earlier version: what it does not know it keeps, sends on and lists."""

    def __init__(self, walk: Walk, unknown: frozenset[str]) -> None:
        super().__init__()
        self.walk, self.unknown = walk, unknown

    def projection(self, replica: Replica) -> NodeProjection:
        """One that knows less."""
        return _OldProjection(replica, self)


class _OldProjection(NodeProjection):
    def __init__(self, replica: Replica, program: OldProgram) -> None:
        super().__init__(replica)
        self._program = program

    def project(self, stored: Stored) -> None:
        if stored.event.header.kind in self._program.unknown:
            self._program.walk.counts["old_version"] += 1
            note(self._db, stored.event.hash)
        else:
            super().project(stored)


def upgrade(walk: Walk) -> None:
    """A node gets the new program, if there is one with an old program."""
    old = [node for node in walk.city.nodes if isinstance(node.replica.app, OldProgram)]
    if old:
        node = walk.random.choice(old)
        renew_program(node)
        walk.note(f"upgrade {name_of(walk.city, node)}")


def renew_program(node: Node) -> None:
    """The present program starts on a node."""
    node.replica.app = NodeApplication()
    project_again(node.replica)


def check(walk: Walk) -> None:
    """A report at any node, for a unit that it serves."""
    node = walk.some()
    day = TODAY - timedelta(days=walk.random.randint(1, 15))
    for unit in walk.groups_near(node.unit):
        try:
            node.check(unit, day, walk.random.randint(0, 3))
        except GridError:
            continue
        walk.note(f"check at {name_of(walk.city, node)}")
        return


def casework(walk: Walk) -> None:
    """A registration, or an act that moves a case or is addressed to somebody, where it is allowed."""
    node, random = walk.some(), walk.random
    account = Account("r", "reviewer", node.unit)
    known = [row[0] for row in node.db.execute("SELECT case_id FROM case_now ORDER BY case_id").fetchall()]
    if isinstance(node.replica.app, OldProgram) and "case" in node.replica.app.unknown:
        return
    try:
        if not known or random.random() < 0.3:
            acts.register(node.replica, account, {**CASE, "unit": node.unit, "private": PRIVATE})
            walk.note(f"register at {name_of(walk.city, node)}")
            return
        case = fold_of(node.replica, random.choice(known))
        assert case is not None
        allowed = [one for one in acts.Allowed.now(node.replica, account, case).actions if one in WORDS]
        action = random.choice(allowed or ["note"])
        body = {"action": action, "after": case.event, **WORDS[action]}
        if action in HANDS:
            body["to_unit"] = random.choice([*walk.script.ground.nodes, CITY])
        acts.act_on(node.replica, account, case.id, body)
        walk.note(f"{action} at {name_of(walk.city, node)}")
    except GridError as refusal:
        walk.note(f"no act at {name_of(walk.city, node)}: {refusal.code}")


def rename(walk: Walk) -> None:
    """The city publishes something."""
    unit = walk.random.choice(walk.script.ground.of("group"))
    entry = {"type": "unit", "act": "rename", "unit": unit, "date": walk.next_day(), "name": f"改名{walk.days}组"}
    walk.city.hub.publish(entry)
    walk.note("publish")


def erase_something(walk: Walk) -> None:
    """Somebody erases the private part of an act on a case."""
    node = walk.some()
    rows = node.db.execute(
        "SELECT e.hash FROM event e JOIN part p ON p.event = e.n AND p.name = 'per' WHERE e.kind = 'case' ORDER BY e.n"
    ).fetchall()
    if not rows or not walk.allowed("erase"):
        return
    event = walk.random.choice(rows)[0]
    try:
        erase(node.replica, [event], "当事人申请")
        walk.note(f"erase at {name_of(walk.city, node)}: {event}")
    except GridError as refusal:
        walk.note(f"no erasure at {name_of(walk.city, node)}: {refusal.code}")


def rebuild_one(walk: Walk) -> None:
    """A node makes its tables again."""
    node = walk.some()
    rebuild(node.replica)
    walk.note(f"rebuild at {name_of(walk.city, node)}")


def later_version(walk: Walk) -> None:
    """A program of a later version writes an unknown kind, or a check with an unknown field."""
    node = walk.some()
    fault = walk.random.choice(("unknown_kind", "unknown_field"))
    kind, schema, public = "drone", "drone/1", {"seen": 3}
    if fault == "unknown_field":
        row = node.db.execute(
            "SELECT p.text FROM event e JOIN part p ON p.event = e.n AND p.name = 'pub' WHERE e.kind = 'chk'"
            " AND e.standing = 'ok' ORDER BY e.n LIMIT 1"
        ).fetchone()
        if row is None:
            return
        known = loads(row[0])
        assert isinstance(known, dict)
        kind, schema, public = "chk", "chk/1", known | {"amends": None, "weather": "晴"}
    if walk.allowed(fault):
        unit = (walk.groups_near(node.unit) or [node.unit])[0] if kind == "chk" else node.unit
        day = TODAY - timedelta(days=walk.random.randint(1, 15))
        signed(node, kind=kind, schema=schema, unit=unit, day=day, public=public)
        walk.note(f"{fault} at {name_of(walk.city, node)}")
