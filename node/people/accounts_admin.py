"""What an administrator does with the accounts of the own subtree: list, new one-time code, disable, enable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from node.evidence import audit
from node.people import account_queries as rows
from node.people.account_queries import Account, Stored
from node.people.accounts import CODE_LIFE_MS, fresh_code
from schemas.errors import Conflict, Forbidden, NotFound
from sync.database import write
from sync.directory import tree_of
from sync.replica import Replica

State = Literal["new", "active", "disabled"]
STATES: Final[tuple[State, ...]] = ("new", "active", "disabled")


@dataclass(frozen=True, slots=True)
class Listed:
    """One account as an administrator sees it: `new` has no password of its own yet; instants in unix ms."""

    account: Account
    state: State
    created_at: int
    seen_at: int | None


def listed(replica: Replica, unit: str | None = None) -> list[Listed]:
    """Everybody at or below a unit, by name; None: everybody."""
    return [
        _listed(one)
        for one in rows.everybody(replica.db)
        if unit is None or _stands_below(replica, one.account.unit, unit)
    ]


def managed(replica: Replica, actor: Account, name: str) -> Listed:
    """An account of the actor's subtree. Raises NotFound, Forbidden."""
    return _listed(_managed(replica, actor, name))


def renew_code(replica: Replica, actor: Account, name: str) -> str:
    """A new one-time code for somebody who forgot: the password and the code before it count no more, open sessions
    end, a lock is lifted; tokens go on. Raises NotFound, Forbidden, Conflict.
    """
    code, hashed = fresh_code(replica)
    with write(replica.db, "user", replica.env):
        found = _other(replica, actor, name)
        if found.disabled_at is not None:
            raise Conflict("account_disabled", field="name", value=name)
        rows.put_code(replica.db, name, hashed, replica.env.now_ms() + CODE_LIFE_MS)
        rows.delete_sessions(replica.db, name)
        audit.note(replica, "user_code", unit=found.account.unit, subject=name)
    return code


def disable(replica: Replica, actor: Account, name: str) -> None:
    """Nobody signs in with the account any more, its sessions and tokens end; what was entered with it stays.
    Raises NotFound, Forbidden, or Conflict for oneself and for the last administrator of the node.
    """
    me = replica.identity
    with write(replica.db, "user", replica.env):
        found = _other(replica, actor, name).account
        # Two administrators may disable each other at the same moment: the second has to fail.
        if found.role == "admin" and found.unit == me.unit and not rows.other_admins(replica.db, me.unit, name):
            raise Conflict("last_admin", field="name", value=name)
        rows.put_disabled(replica.db, name, replica.env.now_ms())
        rows.delete_sessions(replica.db, name)
        rows.delete_tokens(replica.db, name)
        audit.note(replica, "user_disabled", unit=found.unit, subject=name)


def enable(replica: Replica, actor: Account, name: str) -> None:
    """The account signs in again, with the password it had. Raises NotFound, Forbidden, Conflict."""
    with write(replica.db, "user", replica.env):
        found = _other(replica, actor, name)
        rows.put_disabled(replica.db, name, None)
        audit.note(replica, "user_enabled", unit=found.account.unit, subject=name)


def _other(replica: Replica, actor: Account, name: str) -> Stored:
    found = _managed(replica, actor, name)
    if name == actor.name:
        raise Conflict("own_account", field="name", value=name)
    return found


def _managed(replica: Replica, actor: Account, name: str) -> Stored:
    found = rows.by_name(replica.db, name)
    if found is None:
        raise NotFound("unknown_account", field="name", value=name)
    if not _stands_below(replica, found.account.unit, actor.unit):
        raise Forbidden("unit_out_of_scope", field="name", value=found.account.unit, own=actor.unit)
    return found


def _stands_below(replica: Replica, unit: str, top: str) -> bool:
    return unit == top or tree_of(replica).ever_below(unit, top)


def _listed(one: Stored) -> Listed:
    state: State = "active" if one.password is not None else "new"
    return Listed(one.account, "disabled" if one.disabled_at is not None else state, one.created_at, one.seen_at)
