"""People who sign in at this node: one-time codes, passwords (argon2), sessions on the server's side, tokens.

Accounts belong to one node and travel nowhere.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from schemas.clock import business_day
from schemas.encoding import b32, b64
from schemas.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthorised
from schemas.roles import HUB_ROLES, ROLES
from sync.database import write
from sync.directory import tree_of
from sync.replica import Replica

CODE_LIFE_MS: Final = 7 * 86_400_000
SESSION_LIFE_MS: Final = 30 * 86_400_000
TOKEN_BYTES: Final = 32
MIN_PASSWORD: Final = 8
MAX_PASSWORD: Final = 128
MAX_FAILURES: Final = 8
LOCK_MS: Final = 15 * 60_000
_NAME: Final = re.compile(r"[\w.\-·]{1,40}")
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@dataclass(frozen=True, slots=True)
class Account:
    """Who acts: a role within the subtree of a unit."""

    name: str
    role: str
    unit: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """The outcome of a sign-in; with the one-time code a password has to be chosen first."""

    account: Account
    must_set_password: bool


def add(replica: Replica, name: str, role: str, unit: str | None) -> str:
    """Adds an account and returns its one-time code. Raises Invalid, NotFound or Conflict; nothing is changed then."""
    me, now = replica.identity, replica.env.now_ms()
    unit = unit or me.unit
    if not _NAME.fullmatch(name):
        raise Invalid("bad_name", field="name", value=name)
    if role not in ROLES or (role in HUB_ROLES and not me.is_top):
        raise Invalid("bad_role", field="role", value=role, allowed=", ".join(r for r in ROLES if r not in HUB_ROLES))
    if unit != me.unit:
        tree, today = tree_of(replica), business_day(now)
        if tree.at(unit, today) is None:
            raise NotFound("unknown_unit", field="unit", value=unit)
        if not tree.below(unit, me.unit, today):
            raise Forbidden("unit_out_of_scope", field="unit", value=unit, own=me.unit)
    code = new_code(replica)
    with write(replica.db, "user", replica.env):
        if replica.db.execute("SELECT 1 FROM account WHERE name = ?", [name]).fetchone():
            raise Conflict("name_taken", field="name", value=name)
        replica.db.execute(
            "INSERT INTO account (name, role, unit, code, code_expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            [name, role, unit, _HASHER.hash(_plain(code)), now + CODE_LIFE_MS, now],
        )
    return code


def new_code(replica: Replica) -> str:
    """A one-time code in groups of four: 60 bits."""
    text = b32(replica.env.random_bytes(8))[:12].upper()
    return "-".join(text[at : at + 4] for at in range(0, 12, 4))


def sign_in(replica: Replica, name: str, secret: str) -> SignIn:
    """Checks a password, or the one-time code while no password is set. Raises Unauthorised, TooMany."""
    now = replica.env.now_ms()
    row = replica.db.execute(
        "SELECT role, unit, password, code, code_expires_at, locked_until FROM account WHERE name = ?", [name]
    ).fetchone()
    if row is None:
        _fits(_nobody(), secret)
        raise Unauthorised("sign_in_wrong", field="name")
    role, unit, password, code, code_expires_at, locked_until = row
    if locked_until is not None and now < locked_until:
        raise TooMany("sign_in_locked", field="name", minutes=(locked_until - now) // 60_000 + 1)
    with_password = password is not None and _fits(password, secret)
    with_code = not with_password and code is not None and now <= code_expires_at and _fits(code, _plain(secret))
    with write(replica.db, "user", replica.env):
        if with_password or with_code:
            replica.db.execute(
                "UPDATE account SET failures = 0, locked_until = NULL, seen_at = ? WHERE name = ?", [now, name]
            )
        else:
            replica.db.execute(
                "UPDATE account SET failures = failures + 1,"
                " locked_until = CASE WHEN (failures + 1) % ? = 0 THEN ? ELSE NULL END WHERE name = ?",
                [MAX_FAILURES, now + LOCK_MS, name],
            )
    if not with_password and not with_code:
        raise Unauthorised("sign_in_wrong", field="name")
    return SignIn(Account(name, role, unit), must_set_password=with_code)


def set_password(replica: Replica, name: str, password: str) -> None:
    """Sets a password and uses the one-time code up; open sessions end. Raises Invalid for one that is too short."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid("bad_password", field="password", least=MIN_PASSWORD, most=MAX_PASSWORD)
    hashed = _HASHER.hash(password)
    with write(replica.db, "user", replica.env):
        replica.db.execute(
            "UPDATE account SET password = ?, code = NULL, code_expires_at = NULL WHERE name = ?", [hashed, name]
        )
        replica.db.execute("DELETE FROM session WHERE account = ?", [name])


def open_session(replica: Replica, name: str) -> str:
    """A new session's secret, for a cookie; only its hash is kept. Sessions past their end are cleared."""
    now = replica.env.now_ms()
    secret = b64(replica.env.random_bytes(TOKEN_BYTES))
    with write(replica.db, "session", replica.env):
        replica.db.execute("DELETE FROM session WHERE expires_at < ?", [now])
        replica.db.execute(
            "INSERT INTO session (hash, account, created_at, expires_at) VALUES (?, ?, ?, ?)",
            [_digest(secret), name, now, now + SESSION_LIFE_MS],
        )
    return secret


def close_session(replica: Replica, secret: str) -> None:
    """Ends one session."""
    with write(replica.db, "session", replica.env):
        replica.db.execute("DELETE FROM session WHERE hash = ?", [_digest(secret)])


def by_session(replica: Replica, secret: str) -> Account | None:
    """Whose session it is, or None."""
    row = replica.db.execute(
        "SELECT a.name, a.role, a.unit FROM session s JOIN account a ON a.name = s.account"
        " WHERE s.hash = ? AND s.expires_at >= ?",
        [_digest(secret), replica.env.now_ms()],
    ).fetchone()
    return Account(*row) if row else None


def new_token(replica: Replica, name: str) -> str:
    """A bearer token that acts with the account's role. Raises NotFound."""
    token = b64(replica.env.random_bytes(TOKEN_BYTES))
    with write(replica.db, "user", replica.env):
        if not replica.db.execute("SELECT 1 FROM account WHERE name = ?", [name]).fetchone():
            raise NotFound("unknown_account", field="name", value=name)
        replica.db.execute(
            "INSERT INTO token (hash, account, created_at) VALUES (?, ?, ?)",
            [_digest(token), name, replica.env.now_ms()],
        )
    return token


def by_token(replica: Replica, token: str) -> Account | None:
    """Whose token it is, or None."""
    row = replica.db.execute(
        "SELECT a.name, a.role, a.unit FROM token t JOIN account a ON a.name = t.account WHERE t.hash = ?",
        [_digest(token)],
    ).fetchone()
    return Account(*row) if row else None


def listed(replica: Replica, unit: str | None = None) -> list[tuple[Account, bool, int | None]]:
    """(account, whether a password is set, last sign-in) of everybody at or below a unit, by name; None: of all."""
    rows = replica.db.execute("SELECT name, role, unit, password IS NOT NULL, seen_at FROM account ORDER BY name")
    tree = tree_of(replica)
    return [
        (Account(*row[:3]), bool(row[3]), row[4])
        for row in rows.fetchall()
        if unit is None or row[2] == unit or tree.ever_below(row[2], unit)
    ]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


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
