"""What an error of SQLite says about its file."""

from __future__ import annotations

import sqlite3
from typing import Final

_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NOT_OURS: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


def damage(error: sqlite3.Error) -> str | None:
    """The words about a damaged file; None for an error about something else."""
    code = getattr(error, "sqlite_errorcode", None)
    return str(error) if code is not None and code & 0xFF in _DAMAGE else None


def out_of_bounds(error: sqlite3.Error) -> bool:
    """Whether the file is another user's, or on a disk that takes nothing."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _NOT_OURS
