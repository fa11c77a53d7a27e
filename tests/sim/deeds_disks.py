"""What happens to computers in a walk: they go back in time, are copied, lost, stolen, replaced and moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deeds_work import renew_program
from disk_laws import name_of
from power import start_again
from surroundings import SimCrash

from builders import Node
from schemas.errors import GridError
from sync import enrol

if TYPE_CHECKING:
    from disks import Walk

MOST_TWINS: Final = 2
MOST_JOINED: Final = 3
MOST_TRIES: Final = 20
HOURS: Final = (0, 0, -9, 9)  # from the hour at which a walk begins: across midnight, too
TEN_YEARS_H: Final = 10 * 365 * 24
TWO_WEEKS_MS: Final = 14 * 86_400_000
DISKS: Final = (
    "restore", "restore_unmarked", "restore_parent", "restore_hub", "clone", "replace", "replace_parent", "revoke",
    "join", "move", "damage", "clock_hours", "clock_years", "weeks",
)  # fmt: skip


def back_up(walk: Walk) -> None:
    """A copy of a disk, put aside."""
    node = walk.some()
    walk.backups[id(node)] = (node, node.snapshot())


def restore(walk: Walk) -> None:
    """A node below the hub goes back to its last copy."""
    node = walk.random.choice([one for one in walk.city.nodes if one is not walk.city.hub])
    marker = walk.random.random() < 0.6
    if walk.allowed("restore" if marker else "restore_unmarked"):
        walk.counts["restore_parent"] += walk.is_parent(node)
        _restore(walk, node, marker=marker)


def restore_hub(walk: Walk) -> None:
    """The hub goes back."""
    if walk.allowed("restore_hub"):
        _restore(walk, walk.city.hub, marker=walk.random.random() < 0.6)


def _restore(walk: Walk, node: Node, *, marker: bool) -> None:
    _, backup = walk.backups.get(id(node), (node, None))
    if backup is not None:
        node.restore(backup, marker=marker)
        renew_program(node)
        walk.note(f"restore {name_of(walk.city, node)} marker={marker}")


def clone(walk: Walk) -> None:
    """A leaf's disk runs in two computers."""
    leaves = [one for one in walk.city.nodes if not walk.is_parent(one) and one is not walk.city.hub]
    if leaves and walk.twins < MOST_TWINS and walk.allowed("clone"):
        walk.twins += 1
        node = walk.random.choice(leaves)
        renew_program(walk.city.clone(node))
        walk.note(f"clone {name_of(walk.city, node)}")


def replace(walk: Walk) -> None:
    """A node is lost with its disk and replaced."""
    lost = walk.random.choice([one for one in walk.city.nodes if one is not walk.city.hub])
    parent = walk.parent_of(lost)
    if walk.has_twin(lost) or parent is None or not walk.allowed("replace"):
        return
    walk.counts["replace_parent"] += walk.is_parent(lost)
    try:
        with walk.calm():
            walk.city.replace(lost, parent, sync=False)
        walk.note(f"replace {name_of(walk.city, lost)}")
    except GridError as refusal:
        walk.note(f"no replacement of {name_of(walk.city, lost)}: {refusal.code}")


def revoke(walk: Walk) -> None:
    """A computer is stolen: it is revoked, writes on, and its stick turns up; the unit gets a new one."""
    stolen = walk.random.choice([one for one in walk.city.nodes if one is not walk.city.hub])
    parent = walk.parent_of(stolen)
    if walk.has_twin(stolen) or parent is None or not walk.allowed("revoke"):
        return
    by = walk.random.choice([parent, walk.city.hub])
    try:
        with walk.calm():
            enrol.invite(parent.replica, stolen.unit)  # one that can't be replaced here is not given up either
        _revoke_at_last(by, stolen.unit)
    except GridError as refusal:
        walk.note(f"no revocation of {name_of(walk.city, stolen)}: {refusal.code}")
        return
    walk.note(f"revoke {name_of(walk.city, stolen)} at {name_of(walk.city, by)}")
    with walk.calm():
        _write_on(walk, stolen)
        walk.city.replace(stolen, parent, sync=False)


def _revoke_at_last(by: Node, unit: str) -> None:
    """A person does it again when the power went before, and sees that it is done when it went after."""
    for _ in range(MOST_TRIES):
        try:
            enrol.revoke(by.replica, unit)
        except SimCrash as crash:
            start_again(by)
            if crash.moment == "after":
                return
        else:
            return


def _write_on(walk: Walk, stolen: Node) -> None:
    for unit in walk.groups_near(stolen.unit):
        try:
            stolen.check(unit, "2026-11-20")
        except GridError:
            continue
        break
    walk.sticks.write(stolen, walk.random)


def join(walk: Walk) -> None:
    """A unit that an ancestor hosted gets a computer of its own."""
    ground, with_node = walk.script.ground, {node.unit for node in walk.city.nodes}
    waiting = [unit for unit in ground.parents if unit not in with_node]
    if not waiting or walk.joined >= MOST_JOINED:
        return
    unit = walk.random.choice(waiting)
    parent = walk.node_of(walk.host_above(unit))
    if parent is None or not walk.allowed("join"):
        return
    try:
        with walk.calm():
            node = walk.city.join(parent, unit, sync=False)
        walk.joined += 1
        walk.note(f"join {name_of(walk.city, node)} below {name_of(walk.city, parent)}")
    except GridError as refusal:
        walk.note(f"no computer for {unit}: {refusal.code}")


def move(walk: Walk) -> None:
    """A township or village gets another parent."""
    ground, random = walk.script.ground, walk.random
    unit = random.choice([*ground.of("township"), *ground.of("village")])
    now = walk.parents[unit]
    level = "county" if unit in ground.of("township") else "township"
    others = [one for one in ground.of(level) if one != now]
    if not others or not walk.allowed("move"):
        return
    to = random.choice(others)
    host = walk.node_of(to)
    entry = {"type": "unit", "act": "move", "unit": unit, "date": walk.next_day(), "parent": to}
    try:
        walk.city.hub.publish(entry | ({"address": host.url} if host and random.random() < 0.5 else {}))
    except GridError:
        return
    walk.parents[unit] = to
    walk.note(f"move {unit} to {to}")


def damage(walk: Walk) -> None:
    """A disk spoils an event from below that has not gone up yet; its writer's disk has it still."""
    node = walk.some()
    row = node.db.execute(
        "SELECT e.hash FROM uplog u JOIN event e ON e.n = u.event JOIN link l ON l.link = ?"
        " WHERE u.n > l.hint AND e.node <> ? AND e.kind = 'chk' ORDER BY u.n DESC LIMIT 1",
        [node.replica.link_up, node.replica.identity.node],
    ).fetchone()
    if row is not None and walk.allowed("damage"):
        node.db.execute("UPDATE event SET sig = zeroblob(64) WHERE hash = ?", [row[0]])
        walk.damaged.add(row[0])
        walk.note(f"damage at {name_of(walk.city, node)}: {row[0]}")


def turn_clock(walk: Walk) -> None:
    """A clock below the hub goes wrong by hours, across midnight, or by ten years; or it is put right."""
    node = walk.some()
    years = walk.random.random() < 0.3
    hours = walk.random.choice((-TEN_YEARS_H, TEN_YEARS_H) if years else HOURS)
    if node is not walk.city.hub and walk.allowed("clock_years" if years else "clock_hours"):
        node.env.clock_error_ms = hours * 3_600_000
        walk.note(f"clock of {name_of(walk.city, node)}: {hours} h")


def weeks(walk: Walk) -> None:
    """Nothing happens for two weeks; a request that was under way arrives now."""
    if walk.allowed("weeks"):
        walk.city.clock.forward(TWO_WEEKS_MS)
        walk.wires.arrive(walk.random)
        walk.note("two weeks later")
