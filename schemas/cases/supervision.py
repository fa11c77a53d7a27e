"""Supervisions (督办) of a case and their answers. They are never void: who watches need not know who won."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from schemas.cases.actions import readable, stored_day
from schemas.cases.steps import Ancestor
from schemas.cases.tree import CaseTree, Node


@dataclass(frozen=True, slots=True)
class Supervision:
    """A demand by a unit above to answer by `due`. `answers` are the hashes of the answers, the first one in front."""

    event: str
    unit: str
    day: date
    due: date
    answers: tuple[str, ...] = ()
    answered_on: date | None = None


def supervisions(tree: CaseTree, ancestor: Ancestor) -> tuple[Supervision, ...]:
    """All supervisions by a unit that was above the owner of its path, by (depth, hash).

    An answer by the owner of its path belongs to the supervision that it names; without a name to all those
    unanswered that it follows, or else to the last one that it follows.
    """
    found: dict[str, Supervision] = {}
    for node in sorted(tree.nodes.values(), key=lambda one: one.order):
        event, due = node.event, stored_day(node.event.public, "due")
        if event.action == "supervise" and due is not None and ancestor(event.unit, node.now.owner, event.day):
            found[event.hash] = Supervision(event.hash, event.unit, event.day, due)
        elif event.action == "answer" and event.unit == node.now.owner and readable("answer", event.public):
            for key in _answered(node, found):
                first = found[key].answered_on or event.day
                found[key] = replace(found[key], answers=(*found[key].answers, event.hash), answered_on=first)
    return tuple(found.values())


def _answered(node: Node, found: dict[str, Supervision]) -> list[str]:
    named = node.event.text("supervision")
    if named is not None:
        return [named] if named in found else []
    followed = [one.event.hash for one in node.path() if one.event.hash in found]
    return [key for key in followed if not found[key].answers] or followed[-1:]
