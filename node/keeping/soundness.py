"""Whether SQLite finds a database's pages and rows whole: what every copy, restore and start asks first."""

from __future__ import annotations

import re
import sqlite3
from typing import Final

EVERY_LINE: Final = 2**31 - 1
_NULL: Final = re.compile(r"NULL value in (\w+)\.(\w+)")


def first_fault(conn: sqlite3.Connection) -> str | None:
    """The first thing that `quick_check` finds wrong, None for a sound database. Raises sqlite3.DatabaseError.

    SQLite 3.40 reads the wrong column of a WITHOUT ROWID table whose key does not stand first, and takes rows that are
    whole for rows with a NULL. Such a line counts only if there is one.
    """
    real: dict[tuple[str, str], bool] = {}
    for (line,) in conn.execute(f"PRAGMA quick_check({EVERY_LINE})"):
        if line == "ok":
            return None
        named = _NULL.fullmatch(line)
        if named is None:
            return str(line)
        table, column = named.groups()
        if (table, column) not in real:
            # Not `IS NULL`: of a NOT NULL column SQLite takes that for false without a look.
            held = conn.execute(f'SELECT 1 FROM "{table}" WHERE typeof("{column}") = \'null\' LIMIT 1').fetchone()
            real[table, column] = held is not None
        if real[table, column]:
            return str(line)
    return None
