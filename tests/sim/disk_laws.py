"""What must hold in a city at rest whose disks went back in time, were copied, lost, replaced, moved or damaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from builders import TODAY, City, Node
from sync import directory
from sync.certificates import intact
from sync.rebuild import rebuild
from sync.verify import verify

Law = Callable[[City, set[str]], list[str]]


def name_of(city: City, node: Node) -> str:
    """A node in a trace."""
    return f"{node.unit}#{city.nodes.index(node) if node in city.nodes else '-'}"


def at_the_top(city: City, _damaged: set[str]) -> list[str]:
    """L1: what is intact anywhere is intact at the hub. L8: nobody goes on in a chain that went on elsewhere."""
    held = {row[0] for row in city.hub.db.execute("SELECT hash FROM event")}
    held -= {event for event in _damaged if not intact(city.hub.db, event)}
    broken = []
    for node in city.nodes:
        rows = node.db.execute("SELECT hash, kind FROM event").fetchall()
        lacking = [row for row in rows if row[0] not in held and intact(node.db, row[0])]
        broken += [f"L1 {name_of(city, node)}: not at the hub: {lacking[:3]} of {len(lacking)}"] if lacking else []
        chain, head = node.db.execute("SELECT chain, head FROM node_state").fetchone()
        (tips,) = node.db.execute("SELECT tips FROM chain WHERE chain = ?", [chain]).fetchone()
        if tips != head:
            broken.append(f"L8 {name_of(city, node)}: writes a chain that went on elsewhere")
        behind = node.db.execute("SELECT chain FROM chain WHERE behind_since IS NOT NULL").fetchall()
        if behind and node is not city.hub and not _damaged:
            broken.append(f"marks {name_of(city, node)}: not marked by the city: {behind}")
    return broken


def received(city: City, _damaged: set[str]) -> list[str]:
    """L6: every line that came over a log is stored, or listed as refused."""
    asked = (
        "SELECT i.hash FROM inlog i WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.hash = i.hash)"
        " AND NOT EXISTS (SELECT 1 FROM refused r WHERE r.hash = i.hash)"
    )
    broken = []
    for node in city.nodes:
        rows = node.db.execute(asked).fetchall()
        broken += [f"L6 {name_of(city, node)}: {len(rows)} lines neither stored nor refused"] if rows else []
    return broken


def same_directory(city: City, _damaged: set[str]) -> list[str]:
    """Every node reads the same tree."""
    asked = "SELECT event, place, no, act FROM directory_act ORDER BY event, place"
    wanted = city.hub.db.execute(asked).fetchall()
    differ = [node for node in city.nodes if node.db.execute(asked).fetchall() != wanted]
    return [f"directory {name_of(city, node)} differs" for node in differ]


def history(city: City, damaged: set[str]) -> list[str]:
    """Whoever stands above a unit today has every report of it that counts, those from before it came too."""
    tree = directory.tree_of(city.hub.replica)
    rows = city.hub.db.execute("SELECT hash, unit FROM event WHERE kind = 'chk' AND standing = 'ok'").fetchall()
    broken = []
    for node in city.nodes:
        held = {row[0] for row in node.db.execute("SELECT hash FROM event WHERE kind = 'chk'")} | damaged
        if sum(one.unit == node.unit for one in city.nodes) > 1:  # two disks of one unit share cases only
            continue
        lacking = [one for one, unit in rows if one not in held and tree.below(unit, node.unit, TODAY)]
        broken += [f"history {name_of(city, node)}: lacks {len(lacking)} reports: {lacking[:2]}"] if lacking else []
    return broken


def addressed(city: City, _damaged: set[str]) -> list[str]:
    """What was said to a unit is held by its node, whoever said it above and whatever became of them."""
    asked = "SELECT hash, unit FROM event WHERE kind IN ('excuse', 'remind', 'return') AND standing = 'ok'"
    rows, broken = city.hub.db.execute(asked).fetchall(), []
    for node in city.nodes:
        held = {row[0] for row in node.db.execute("SELECT hash FROM event")}
        lacking = [event for event, unit in rows if unit == node.unit and event not in held]
        broken += [f"addressed {name_of(city, node)}: lacks what was said to it: {lacking[:3]}"] if lacking else []
    return broken


def erased(city: City, _damaged: set[str]) -> list[str]:
    """L7: what an erasure that counts names is nowhere, in the clear or under seal."""
    gone = {row[0] for row in city.hub.db.execute("SELECT DISTINCT hash FROM erased WHERE part = 'per'")}
    named = "SELECT e.hash FROM event e JOIN part p ON p.event = e.n WHERE p.name = 'per' AND p.text IS NOT NULL"
    sealed = (
        "SELECT t.hash FROM disclosure_text t JOIN event e ON e.hash = t.disc JOIN part p ON p.event = e.n"
        " WHERE p.name = 'sealed' AND p.text IS NOT NULL"
    )
    broken = []
    for node in city.nodes:
        for words, sql in (("holds the text", named), ("holds the ciphertext", sealed)):
            still = {row[0] for row in node.db.execute(sql)} & gone
            broken += [f"L7 {name_of(city, node)}: {words} of what was erased: {still}"] if still else []
    return broken


def disclosed(city: City, _damaged: set[str]) -> list[str]:
    """L9: one owner everywhere. L11: the owner's node has every private text of the case that anybody holds."""
    tree, certified = directory.tree_of(city.hub.replica), directory.certified_units(city.hub.db)
    broken = []
    for case, owner, state in city.hub.db.execute("SELECT case_id, owner, state FROM case_now").fetchall():
        for node in city.nodes:
            here = node.db.execute("SELECT owner, state FROM case_now WHERE case_id = ?", [case]).fetchone()
            if here is not None and here != (owner, state):
                broken.append(f"L9 {name_of(city, node)}: {case} is {here}, at the hub {(owner, state)}")
        host = directory.host_of(tree, certified, owner, TODAY)
        there = [node for node in city.nodes if node.unit == host]
        if len(there) == 1:  # two disks of one unit are one node to everybody else
            has = _texts(there[0], case)
            lacks = {event for node in city.nodes for event in _texts(node, case)} - has
            broken += [f"L11 {name_of(city, there[0])}: lacks texts of {case}: {sorted(lacks)}"] if lacks else []
    return broken


def _texts(node: Node, case: str) -> set[str]:
    rows = node.db.execute(
        "SELECT c.event FROM case_event c JOIN part p ON p.event = c.n AND p.name = 'per'"
        " WHERE c.case_id = ? AND p.text IS NOT NULL",
        [case],
    )
    return {row[0] for row in rows.fetchall()}


def verified(city: City, damaged: set[str]) -> list[str]:
    """L2: all that is held verifies, but for what a disk spoilt and nobody could mend."""
    broken = []
    for node in city.nodes:
        problems = [one for one in verify(node.replica).problems if one.code not in ("gap", "lost_tip")]
        problems = [one for one in problems if one.event not in damaged]
        broken += [f"L2 {name_of(city, node)}: {one.code} {one.text}" for one in problems[:3]]
    return broken


def rebuilt(city: City, damaged: set[str]) -> list[str]:
    """L3: made again from the log, every derived table is the same."""
    broken = []
    for node in city.nodes:
        if any(not intact(node.db, event) for event in damaged):
            continue  # what a spoilt copy stated before cannot be made again from it
        kept = node.derived()
        rebuild(node.replica)
        changed = [name for name, rows in node.derived().items() if rows != kept[name]]
        broken += [f"L3 {name_of(city, node)}: rebuild changes {changed}"] if changed else []
    return broken


LAWS: Final[tuple[Law, ...]] = (
    at_the_top, received, same_directory, history, addressed, erased, disclosed, verified, rebuilt,
)  # fmt: skip
