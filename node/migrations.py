"""The tables of a node's application: what is derived from the log, and what belongs to this node alone."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

NODE = Migrations("node")
# Made again by `rebuild`; the rest (users, sessions, answers by key) is this node's own and travels nowhere.
DERIVED: Final = (
    "unprojected",
    "check_report",
    "check_return",
    "check_duty",
    "check_day",
    "check_month",
    "cadence_entry",
)

_TALLY = "zero INTEGER NOT NULL, found INTEGER NOT NULL, late INTEGER NOT NULL, extra INTEGER NOT NULL"
_FIRST = f"""
CREATE TABLE check_report (
  event TEXT PRIMARY KEY, unit TEXT NOT NULL, day TEXT NOT NULL, occasion TEXT NOT NULL, result TEXT NOT NULL,
  disputes INTEGER NOT NULL, hazards INTEGER NOT NULL, amends TEXT, recorded_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX check_report_key ON check_report (unit, day, occasion);
CREATE INDEX check_report_day ON check_report (day, unit);
CREATE TABLE check_return (
  event TEXT PRIMARY KEY, report TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX check_return_report ON check_return (report);
CREATE TABLE check_duty (
  unit TEXT NOT NULL, day TEXT NOT NULL, occasion TEXT NOT NULL, event TEXT NOT NULL, result TEXT NOT NULL,
  first_recorded_at INTEGER NOT NULL, counted TEXT NOT NULL, late INTEGER NOT NULL, conflicts INTEGER NOT NULL,
  PRIMARY KEY (unit, day, occasion)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_duty_day ON check_duty (day, unit);
CREATE TABLE check_day (unit TEXT NOT NULL, day TEXT NOT NULL, {_TALLY}, PRIMARY KEY (unit, day)) STRICT, WITHOUT ROWID;
CREATE TABLE check_month (
  unit TEXT NOT NULL, month TEXT NOT NULL, {_TALLY}, PRIMARY KEY (unit, month)
) STRICT, WITHOUT ROWID;
CREATE TABLE cadence_entry (event TEXT NOT NULL, day TEXT NOT NULL, no INTEGER NOT NULL, profile TEXT NOT NULL,
  PRIMARY KEY (event)) STRICT, WITHOUT ROWID;
CREATE TABLE unprojected (event TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE account (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, unit TEXT NOT NULL, password TEXT, code TEXT, code_expires_at INTEGER,
  created_at INTEGER NOT NULL, seen_at INTEGER, failures INTEGER NOT NULL DEFAULT 0, locked_until INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE session (
  hash BLOB PRIMARY KEY, account TEXT NOT NULL REFERENCES account (name), created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_expires ON session (expires_at);
CREATE TABLE token (
  hash BLOB PRIMARY KEY, account TEXT NOT NULL REFERENCES account (name), created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE answer (
  account TEXT NOT NULL, key TEXT NOT NULL, request BLOB NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_at ON answer (at);
"""


@NODE()
def first(db: Database) -> None:
    """Checks with their tallies, cadence, accounts, answers by idempotency key."""
    for statement in _FIRST.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)
