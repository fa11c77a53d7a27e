"""What an error of SQLite says about its file."""

from __future__ import annotations

import sqlite3
from typing import Final

_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damage(error: sqlite3.Error) -> str | None:
    """The words about a damaged file; None for an error about something else."""
    code = getattr(error, "sqlite_errorcode", None)
    return str(error) if code is not None and code & 0xFF in _DAMAGE else None
