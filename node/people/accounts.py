"""People who sign in at this node: one-time codes, passwords (argon2), locks. Accounts travel to no other node."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from node.evidence import audit
from node.people import account_queries as rows
from node.people.account_queries import Account, Stored
from node.people.sessions import (
    SESSION_LIFE_MS,
    TOKEN_BYTES,
    by_session,
    by_token,
    close_session,
    digest,
    new_token,
    open_session,
)
from schemas.clock import business_day
from schemas.encoding import b32
from schemas.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthorised
from schemas.roles import HUB_ROLES, ROLES
from sync.database import write
from sync.directory import tree_of
from sync.replica import Replica

# The rest of a node asks for everything about accounts here.
__all__ = [
    "CODE_LIFE_MS", "LOCK_MS", "MAX_FAILURES", "MAX_PASSWORD", "MIN_PASSWORD", "SESSION_LIFE_MS", "TOKEN_BYTES",
    "Account", "SignIn", "add", "by_session", "by_token", "change_password", "choose_password", "close_session",
    "fresh_code", "new_code", "new_token", "open_session", "set_password", "sign_in",
]  # fmt: skip

CODE_LIFE_MS: Final = 7 * 86_400_000
MIN_PASSWORD: Final = 8
MAX_PASSWORD: Final = 128
MAX_FAILURES: Final = 8
LOCK_MS: Final = 15 * 60_000
_NAME: Final = re.compile(r"[\w.\-·]{1,40}")
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@dataclass(frozen=True, slots=True)
class SignIn:
    """The outcome of a sign-in. With the one-time code a password has to be chosen first: `ticket` allows just that,
    and only as long as this very code stands.
    """

    account: Account
    ticket: str | None = None

    @property
    def must_set_password(self) -> bool:
        """Whether it was the one-time code."""
        return self.ticket is not None


def add(replica: Replica, name: str, role: str, unit: str | None) -> str:
    """Adds an account and returns its one-time code. Raises Invalid, NotFound or Conflict; nothing is changed then."""
    fresh = fresh_code(replica)
    with write(replica.db, "user", replica.env):
        return enter(replica, name, role, unit, fresh)


def enter(replica: Replica, name: str, role: str, unit: str | None, fresh: tuple[str, str]) -> str:
    """The same inside the caller's transaction, with a code that was made before it: hashing takes tens of ms, for
    which nobody else may have to wait.
    """
    me, now = replica.identity, replica.env.now_ms()
    unit = unit or me.unit
    if not _NAME.fullmatch(name):
        raise Invalid("bad_name", field="name", value=name)
    if role not in ROLES or (role in HUB_ROLES and not me.is_top):
        allowed = ", ".join(one for one in ROLES if me.is_top or one not in HUB_ROLES)
        raise Invalid("bad_role", field="role", value=role, allowed=allowed)
    if unit != me.unit:
        tree, today = tree_of(replica), business_day(now)
        if tree.at(unit, today) is None:
            raise NotFound("unknown_unit", field="unit", value=unit)
        if not tree.below(unit, me.unit, today):
            raise Forbidden("unit_out_of_scope", field="unit", value=unit, own=me.unit)
    if rows.by_name(replica.db, name) is not None:
        raise Conflict("name_taken", field="name", value=name)
    code, hashed = fresh
    rows.insert(replica.db, Account(name, role, unit), hashed, now + CODE_LIFE_MS, now)
    audit.note(replica, "user_added", unit=unit, subject=name, purpose=role)
    return code


def new_code(replica: Replica) -> str:
    """A one-time code in groups of four: 60 bits."""
    text = b32(replica.env.random_bytes(8))[:12].upper()
    return "-".join(text[at : at + 4] for at in range(0, 12, 4))


def fresh_code(replica: Replica) -> tuple[str, str]:
    """(a one-time code, what is kept of it)."""
    code = new_code(replica)
    return code, _HASHER.hash(_plain(code))


def sign_in(replica: Replica, name: str, secret: str) -> SignIn:
    """Checks a password, or the one-time code while no password is set. Raises Unauthorised, TooMany, and Forbidden
    for a disabled account: only who knows the secret is told that it is.
    """
    now = replica.env.now_ms()
    found = rows.by_name(replica.db, name)
    if found is None:
        _fits(_nobody(), secret)
        raise Unauthorised("sign_in_wrong", field="name")
    _refuse_locked(found, now)
    with_password = found.password is not None and _fits(found.password, secret)
    with_code = not with_password and _code_stands(found, now) and _fits(found.code or "", _plain(secret))
    if not with_password and not with_code:
        _count_failure(replica, name, now)
        raise Unauthorised("sign_in_wrong", field="name")
    if found.disabled_at is not None:
        raise Forbidden("account_disabled", field="name", value=name)
    with write(replica.db, "user", replica.env):
        rows.note_success(replica.db, name, now)
    return SignIn(found.account, _ticket(found) if with_code else None)


def set_password(replica: Replica, name: str, password: str) -> None:
    """Sets a password and uses the one-time code up; open sessions end. Raises Invalid for one that is too short."""
    _require_length(password)
    hashed = _HASHER.hash(password)
    with write(replica.db, "user", replica.env):
        rows.put_password(replica.db, name, hashed)
        rows.delete_sessions(replica.db, name)


def choose_password(replica: Replica, name: str, ticket: str, password: str) -> None:
    """The first password, by the ticket of a sign-in with the one-time code; open sessions end. Raises Invalid for one
    that is too short, Unauthorised when the code was used, replaced or has run out since.
    """
    _require_length(password)
    hashed, now = _HASHER.hash(password), replica.env.now_ms()
    with write(replica.db, "user", replica.env):
        found = rows.by_name(replica.db, name)
        if found is None or found.disabled_at is not None or not _code_stands(found, now) or _ticket(found) != ticket:
            raise Unauthorised("sign_in_needed", field="name")
        rows.put_password(replica.db, name, hashed)
        rows.delete_sessions(replica.db, name)


def change_password(
    replica: Replica, name: str, old: str, password: str, *, session: str | None, end_tokens: bool
) -> None:
    """Another password in the place of the old one; of the sessions only `session` (its secret) goes on, tokens go on
    unless they shall end. Failures count and lock as at sign-in. Raises Invalid, Unauthorised or TooMany.
    """
    now = replica.env.now_ms()
    _require_length(password)
    if password == old:
        raise Invalid("password_same", field="password")
    found = rows.by_name(replica.db, name)
    if found is None:
        raise Unauthorised("sign_in_needed", field="name")
    _refuse_locked(found, now, "old")
    if found.password is None or not _fits(found.password, old):
        _count_failure(replica, name, now)
        raise Invalid("old_password_wrong", field="old")
    hashed = _HASHER.hash(password)
    with write(replica.db, "user", replica.env):
        # An administrator may have given a new code since: then the old password is none any more.
        held = rows.by_name(replica.db, name)
        if held is None or held.password != found.password:
            raise Invalid("old_password_wrong", field="old")
        rows.put_password(replica.db, name, hashed)
        rows.delete_sessions(replica.db, name, b"" if session is None else digest(session))
        if end_tokens:
            rows.delete_tokens(replica.db, name)


def _require_length(password: str) -> None:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid("bad_password", field="password", least=MIN_PASSWORD, most=MAX_PASSWORD)


def _refuse_locked(found: Stored, now: int, field: str = "name") -> None:
    if found.locked_until is not None and now < found.locked_until:
        raise TooMany("sign_in_locked", field=field, minutes=(found.locked_until - now) // 60_000 + 1)


def _count_failure(replica: Replica, name: str, now: int) -> None:
    with write(replica.db, "user", replica.env):
        rows.note_failure(replica.db, name, MAX_FAILURES, now + LOCK_MS)


def _code_stands(found: Stored, now: int) -> bool:
    return found.code is not None and found.code_expires_at is not None and now <= found.code_expires_at


def _ticket(found: Stored) -> str:
    return hashlib.sha256((found.code or "").encode()).hexdigest()


def _plain(code: str) -> str:
    return code.replace("-", "").replace(" ", "").upper()


@cache
def _nobody() -> str:
    """Checked when a name does not exist, so that both answers take the same time. Made at first use: it is slow."""
    return _HASHER.hash("nobody")


def _fits(hashed: str, secret: str) -> bool:
    try:
        return _HASHER.verify(hashed, secret)
    except (VerificationError, InvalidHashError):
        return False
