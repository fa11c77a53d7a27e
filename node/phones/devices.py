"""A phone signs in once, by a short code that its owner, or an administrator, shows it; then it stays signed in until
it is taken off the list of devices.
"""

from __future__ import annotations

from typing import Final

from node.evidence import audit
from node.people import account_queries, accounts_admin, sessions
from node.people.account_queries import Account
from node.phones import device_queries as rows
from schemas.encoding import b32
from schemas.errors import Conflict, NotFound, TooMany, Unauthorised
from sync.database import write
from sync.replica import Replica

CODE_CHARS: Final = 8  # of base32: 40 bits, good for half an hour, and few guesses
CODE_LIFE_MS: Final = 30 * 60_000
DEVICE_LIFE_MS: Final = 180 * 86_400_000
MAX_GUESSES: Final = 30
GUESSES_WITHIN_MS: Final = 15 * 60_000
_GROUP: Final = 4


def new_code(replica: Replica, actor: Account, name: str) -> str:
    """A code by which one phone signs in as `name`: the actor's own account, or one that the actor administers. The
    code before it counts no more. Raises NotFound, Forbidden, or Conflict for a disabled account.
    """
    if name != actor.name:
        accounts_admin.managed(replica, actor, name)
    text = b32(replica.env.random_bytes(5)).upper()[:CODE_CHARS]
    with write(replica.db, "user", replica.env):
        found = account_queries.by_name(replica.db, name)
        if found is None:
            raise NotFound("unknown_account", field="name", value=name)
        if found.disabled_at is not None:
            raise Conflict("account_disabled", field="name", value=name)
        rows.put_code(replica.db, sessions.digest(text), name, replica.env.now_ms() + CODE_LIFE_MS)
        audit.note(replica, "phone_code", unit=found.account.unit, subject=name)
    return f"{text[:_GROUP]}-{text[_GROUP:]}"


def redeem(replica: Replica, code: str) -> str:
    """Whose account a phone signs in to by a code, which is used up with that. Raises Unauthorised for a code that is
    none any more, and TooMany after MAX_GUESSES wrong ones at this node within a quarter of an hour.
    """
    now = replica.env.now_ms()
    with write(replica.db, "user", replica.env):
        if rows.guesses(replica.db, now - GUESSES_WITHIN_MS) >= MAX_GUESSES:
            raise TooMany("phone_code_guesses", field="code", minutes=GUESSES_WITHIN_MS // 60_000)
        name = rows.take_code(replica.db, sessions.digest(plain(code)), now)
        found = None if name is None else account_queries.by_name(replica.db, name)
        if found is None or found.disabled_at is not None:
            rows.note_guess(replica.db, now)
        else:
            account_queries.note_success(replica.db, found.account.name, now)
    if found is None or found.disabled_at is not None:
        raise Unauthorised("phone_code_wrong", field="code")
    return found.account.name


def end(replica: Replica, actor: Account, name: str, handle: str) -> None:
    """An administrator takes a device off the list: it is signed out. Raises NotFound, Forbidden."""
    held = accounts_admin.managed(replica, actor, name)
    sessions.end_session(replica, name, handle)
    with write(replica.db, "user", replica.env):
        audit.note(replica, "device_ended", unit=held.account.unit, subject=name)


def plain(code: str) -> str:
    """A code as it was made, however it was typed: blanks and dashes apart, small letters, 0 and 1 for O and I."""
    kept = "".join(one for one in code.upper() if one.isalnum())
    return kept.replace("0", "O").replace("1", "I")
