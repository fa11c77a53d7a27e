"""What a person or a program shows instead of a password: sessions of browsers, tokens of programs.

Only hashes are kept; a short handle of the hash names a session or a token on the account's own page.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from node.evidence import audit
from node.people import account_queries as rows
from node.people.account_queries import Account
from schemas.encoding import b64
from schemas.errors import Conflict, NotFound
from sync.database import write
from sync.replica import Replica

SESSION_LIFE_MS: Final = 30 * 86_400_000
TOKEN_BYTES: Final = 32
_HANDLE_BYTES: Final = 9
# The first that fits names the program: the small ones call themselves Chrome or Safari as well.
_BROWSERS: Final = (
    ("MicroMessenger", "WeChat"), ("QQBrowser", "QQ"), ("UCBrowser", "UC"), ("360SE", "360"), ("360EE", "360"),
    ("HuaweiBrowser", "Huawei"), ("MiuiBrowser", "MIUI"), ("Edg", "Edge"), ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("Trident/", "IE"), ("MSIE", "IE"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("Windows", "Windows"), ("OpenHarmony", "HarmonyOS"), ("HarmonyOS", "HarmonyOS"), ("Android", "Android"),
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Session:
    """One open session of an account; `device` may be empty, `current` is the one that asks."""

    id: str
    device: str
    since: int
    current: bool


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an account."""

    id: str
    created_at: int


def device_word(user_agent: str) -> str:
    """A short word for people, such as "Chrome · Windows"; empty for a program that nobody knows."""
    words = [next((word for sign, word in table if sign in user_agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return " · ".join(word for word in words if word)


def open_session(replica: Replica, name: str, device: str = "", life_ms: int = SESSION_LIFE_MS) -> str:
    """A new session's secret, for a cookie; only its hash is kept. Sessions past their end are cleared."""
    now = replica.env.now_ms()
    secret = b64(replica.env.random_bytes(TOKEN_BYTES))
    with write(replica.db, "session", replica.env):
        rows.insert_session(replica.db, digest(secret), name, device, now, now + life_ms)
    return secret


def close_session(replica: Replica, secret: str) -> None:
    """Ends one session."""
    with write(replica.db, "session", replica.env):
        rows.delete_session(replica.db, digest(secret))


def by_session(replica: Replica, secret: str) -> Account | None:
    """Whose session it is, or None."""
    return rows.session_account(replica.db, digest(secret), replica.env.now_ms())


def sessions_of(replica: Replica, name: str, secret: str | None) -> list[Session]:
    """The open sessions of an account, newest first; `secret` is the one that asks."""
    own = None if secret is None else digest(secret)
    found = rows.sessions(replica.db, name, replica.env.now_ms())
    return [Session(_handle(hashed), device, since, hashed == own) for hashed, device, since in found]


def end_session(replica: Replica, name: str, handle: str) -> None:
    """Ends one session of an account. Raises NotFound `session_gone` for one that ended before."""
    now = replica.env.now_ms()
    with write(replica.db, "session", replica.env):
        found = [hashed for hashed, _, _ in rows.sessions(replica.db, name, now) if _handle(hashed) == handle]
        if not found:
            raise NotFound("session_gone", field="session", value=handle)
        rows.delete_session(replica.db, found[0])


def end_sessions(replica: Replica, name: str, but: str | None = None) -> None:
    """Ends every session of an account; `but` is the secret of one that goes on."""
    with write(replica.db, "session", replica.env):
        rows.delete_sessions(replica.db, name, b"" if but is None else digest(but))


def new_token(replica: Replica, name: str) -> str:
    """A bearer token that acts with the account's role. Raises NotFound, or Conflict when the account is disabled."""
    token = b64(replica.env.random_bytes(TOKEN_BYTES))
    with write(replica.db, "user", replica.env):
        found = rows.by_name(replica.db, name)
        if found is None:
            raise NotFound("unknown_account", field="name", value=name)
        if found.disabled_at is not None:
            raise Conflict("account_disabled", field="name", value=name)
        rows.insert_token(replica.db, digest(token), name, replica.env.now_ms())
        audit.note(replica, "token_made", unit=found.account.unit, subject=name)
    return token


def by_token(replica: Replica, token: str) -> Account | None:
    """Whose token it is, or None."""
    return rows.token_account(replica.db, digest(token))


def tokens_of(replica: Replica, name: str) -> list[Token]:
    """The tokens of an account, newest first."""
    return [Token(_handle(hashed), created_at) for hashed, created_at in rows.tokens(replica.db, name)]


def end_token(replica: Replica, name: str, handle: str) -> None:
    """Ends one token of an account. Raises NotFound `token_gone` for one that ended before."""
    with write(replica.db, "user", replica.env):
        found = [hashed for hashed, _ in rows.tokens(replica.db, name) if _handle(hashed) == handle]
        if not found:
            raise NotFound("token_gone", field="token", value=handle)
        rows.delete_token(replica.db, found[0])
        held = rows.by_name(replica.db, name)
        audit.note(replica, "token_ended", unit=held.account.unit if held else None, subject=name)


def digest(secret: str) -> bytes:
    """What is kept of a secret of 32 random bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _handle(hashed: bytes) -> str:
    return hashed[:_HANDLE_BYTES].hex()
