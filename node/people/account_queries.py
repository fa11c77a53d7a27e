"""SQL of accounts, sessions and tokens. Secrets come in hashed; the writers run inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Account:
    """Who acts: a role within the subtree of a unit."""

    name: str
    role: str
    unit: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept of an account, secrets as hashes; instants in unix ms."""

    account: Account
    password: str | None
    code: str | None
    code_expires_at: int | None
    locked_until: int | None
    disabled_at: int | None
    created_at: int
    seen_at: int | None


_STORED = "name, role, unit, password, code, code_expires_at, locked_until, disabled_at, created_at, seen_at"


def by_name(db: Database, name: str) -> Stored | None:
    """One account, or None."""
    row = db.execute(f"SELECT {_STORED} FROM account WHERE name = ?", [name]).fetchone()
    return Stored(Account(*row[:3]), *row[3:]) if row else None


def everybody(db: Database) -> list[Stored]:
    """All accounts by name."""
    rows = db.execute(f"SELECT {_STORED} FROM account ORDER BY name").fetchall()
    return [Stored(Account(*row[:3]), *row[3:]) for row in rows]


def insert(db: Database, account: Account, code: str, code_expires_at: int, now: int) -> None:
    """A new account with its hashed one-time code."""
    db.execute(
        "INSERT INTO account (name, role, unit, code, code_expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        [account.name, account.role, account.unit, code, code_expires_at, now],
    )


def note_success(db: Database, name: str, now: int) -> None:
    """Signed in: failures count from nought again."""
    db.execute("UPDATE account SET failures = 0, locked_until = NULL, seen_at = ? WHERE name = ?", [now, name])


def note_failure(db: Database, name: str, allowed: int, locked_until: int) -> None:
    """One more failure; every `allowed` of them lock the account until an instant."""
    db.execute(
        "UPDATE account SET failures = failures + 1,"
        " locked_until = CASE WHEN (failures + 1) % ? = 0 THEN ? ELSE NULL END WHERE name = ?",
        [allowed, locked_until, name],
    )


def put_password(db: Database, name: str, hashed: str) -> None:
    """A password in the place of the one before; the one-time code is used up."""
    db.execute(
        "UPDATE account SET password = ?, code = NULL, code_expires_at = NULL, failures = 0, locked_until = NULL"
        " WHERE name = ?",
        [hashed, name],
    )


def put_code(db: Database, name: str, code: str, code_expires_at: int) -> None:
    """A one-time code in the place of the password and of the code before; a lock is lifted."""
    db.execute(
        "UPDATE account SET password = NULL, code = ?, code_expires_at = ?, failures = 0, locked_until = NULL"
        " WHERE name = ?",
        [code, code_expires_at, name],
    )


def put_disabled(db: Database, name: str, at: int | None) -> None:
    """Closes an account, or opens it again with None; the instant of the first closing stays."""
    db.execute(
        "UPDATE account SET disabled_at = CASE WHEN ? IS NULL THEN NULL ELSE COALESCE(disabled_at, ?) END"
        " WHERE name = ?",
        [at, at, name],
    )


def other_admins(db: Database, unit: str, name: str) -> int:
    """How many administrators of a unit can sign in with a password, somebody left out."""
    (count,) = db.execute(
        "SELECT COUNT(*) FROM account WHERE role = 'admin' AND unit = ? AND name <> ?"
        " AND disabled_at IS NULL AND password IS NOT NULL",
        [unit, name],
    ).fetchone()
    return int(count)


# ---- sessions


def insert_session(db: Database, digest: bytes, name: str, device: str, now: int, expires_at: int) -> None:
    """A new session; those past their end go."""
    db.execute("DELETE FROM session WHERE expires_at < ?", [now])
    db.execute(
        "INSERT INTO session (hash, account, created_at, expires_at, device) VALUES (?, ?, ?, ?, ?)",
        [digest, name, now, expires_at, device],
    )


def session_account(db: Database, digest: bytes, now: int) -> Account | None:
    """Whose session it is, while it lasts and the account is open."""
    row = db.execute(
        "SELECT a.name, a.role, a.unit FROM session s JOIN account a ON a.name = s.account"
        " WHERE s.hash = ? AND s.expires_at >= ? AND a.disabled_at IS NULL",
        [digest, now],
    ).fetchone()
    return Account(*row) if row else None


def sessions(db: Database, name: str, now: int) -> list[tuple[bytes, str, int]]:
    """(hash, device, opened at) of the open sessions of an account, newest first."""
    rows = db.execute(
        "SELECT hash, device, created_at FROM session WHERE account = ? AND expires_at >= ?"
        " ORDER BY created_at DESC, hash",
        [name, now],
    )
    return [(bytes(row[0]), row[1], row[2]) for row in rows.fetchall()]


def delete_session(db: Database, digest: bytes) -> None:
    """Ends one session."""
    db.execute("DELETE FROM session WHERE hash = ?", [digest])


def delete_sessions(db: Database, name: str, but: bytes = b"") -> None:
    """Ends the sessions of an account, but for one."""
    db.execute("DELETE FROM session WHERE account = ? AND hash <> ?", [name, but])


# ---- tokens


def insert_token(db: Database, digest: bytes, name: str, now: int) -> None:
    """A new token."""
    db.execute("INSERT INTO token (hash, account, created_at) VALUES (?, ?, ?)", [digest, name, now])


def token_account(db: Database, digest: bytes) -> Account | None:
    """Whose token it is, while the account is open."""
    row = db.execute(
        "SELECT a.name, a.role, a.unit FROM token t JOIN account a ON a.name = t.account"
        " WHERE t.hash = ? AND a.disabled_at IS NULL",
        [digest],
    ).fetchone()
    return Account(*row) if row else None


def tokens(db: Database, name: str) -> list[tuple[bytes, int]]:
    """(hash, made at) of the tokens of an account, newest first."""
    rows = db.execute("SELECT hash, created_at FROM token WHERE account = ? ORDER BY created_at DESC, hash", [name])
    return [(bytes(row[0]), row[1]) for row in rows.fetchall()]


def delete_token(db: Database, digest: bytes) -> None:
    """Ends one token."""
    db.execute("DELETE FROM token WHERE hash = ?", [digest])


def delete_tokens(db: Database, name: str) -> None:
    """Ends the tokens of an account."""
    db.execute("DELETE FROM token WHERE account = ?", [name])
