"""What reviewers do at their desks in a walk: remind, excuse, return, fill forms and send them back, take notice; and a
config that is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from disk_laws import name_of

from builders import TODAY, Node
from node.daily import checks, excuses
from node.desk import reminders, todo
from node.evidence import audit
from node.people.accounts import Account
from node.reports import form_returns
from schemas.errors import GridError
from schemas.units.tree import LEVELS

if TYPE_CHECKING:
    from disks import Walk

DESK: Final = ("remind", "excuse", "return", "notice", "config", "fill", "fill_back")
# Every level fills it.
FORM: Final[dict[str, Any]] = {
    "type": "form", "id": "walk", "from": "2026-01-01", "title": {"zh_CN": "走访", "en": "Walk"}, "cadence": "month",
    "levels": list(LEVELS), "sums": ["total = meetings + cases"], "rollup": ["total"],
    "fields": [
        {"key": one, "type": "integer", "label": {"zh_CN": one, "en": one}} for one in ("total", "meetings", "cases")
    ],
}  # fmt: skip


def desk(walk: Walk) -> None:
    """One of these, at any node, about a unit below it."""
    node = walk.some()
    account = Account("reviewer", "reviewer", node.unit)
    name = walk.random.choice(DESK)
    try:
        DOINGS[name](walk, node, account)
        walk.note(f"{name} at {name_of(walk.city, node)}")
    except GridError as refusal:
        walk.note(f"no {name} at {name_of(walk.city, node)}: {refusal.code}")


def _remind(walk: Walk, node: Node, account: Account) -> None:
    day = TODAY - timedelta(days=walk.random.randint(1, 5))
    body = {"unit": _below(walk, node), "period": day.isoformat(), "text": "请尽快补报"}
    reminders.remind(node.replica, account, body)


def _excuse(walk: Walk, node: Node, account: Account) -> None:
    day = TODAY - timedelta(days=walk.random.randint(1, 5))
    body = {"unit": _below(walk, node), "from": str(day), "to": str(day + timedelta(days=2)), "reason": "停电"}
    excuses.give(node.replica, account, body)


def _return(walk: Walk, node: Node, account: Account) -> None:
    rows = node.db.execute("SELECT event FROM check_duty WHERE unit <> ? ORDER BY unit, day", [node.unit]).fetchall()
    if rows:
        checks.send_back(node.replica, account, walk.random.choice(rows)[0], {"reason": "请核实", "text": "不符"}, None)


def _fill(walk: Walk, node: Node, account: Account) -> None:
    """The city publishes a form, or another version of it; once it is here, it is filled, or amended."""
    if node.replica.identity.is_top:
        node.publish(FORM | {"fields": [*FORM["fields"][:2], {**FORM["fields"][2], "max": walk.random.randint(3, 9)}]})
        return
    cases = walk.random.randint(0, 9)
    values = {"total": 5 + cases, "meetings": 5, "cases": cases}
    body = {"form": FORM["id"], "unit": _below(walk, node), "period": "2026-10", "values": values}
    form_returns.submit(node.replica, account, body, None)


def _fill_back(walk: Walk, node: Node, account: Account) -> None:
    rows = node.db.execute("SELECT event FROM form_sent WHERE unit <> ? ORDER BY unit", [node.unit]).fetchall()
    if rows:
        form_returns.send_back(node.replica, account, walk.random.choice(rows)[0], {"reason": "请核对"}, None)


def _notice(walk: Walk, _node: Node, _account: Account) -> None:
    """Void acts are rare: it is taken notice of one wherever there is one."""
    asked = "SELECT ref FROM case_todo WHERE kind = 'void' ORDER BY ref"
    waiting = [(node, ref) for node in walk.city.nodes for (ref,) in node.db.execute(asked).fetchall()]
    if waiting:
        node, ref = walk.random.choice(waiting)
        todo.take_notice(node.replica, Account("reviewer", "reviewer", node.unit), ref)


def _config(walk: Walk, node: Node, _account: Account) -> None:
    audit.note_settings(node.replica, f"{walk.random.getrandbits(64):x}")


def _below(walk: Walk, node: Node) -> str:
    """Mostly a group, else any unit; one that is not below is refused."""
    if walk.random.random() < 0.6:
        return walk.groups_near(node.unit)[0]
    return walk.random.choice(list(walk.script.ground.parents))


DOINGS: Final[dict[str, Callable[[Walk, Node, Account], None]]] = {
    "remind": _remind, "excuse": _excuse, "return": _return, "notice": _notice, "config": _config,
    "fill": _fill, "fill_back": _fill_back,
}  # fmt: skip
