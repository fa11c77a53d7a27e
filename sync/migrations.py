"""The tables of the sync layer. STRICT throughout; `event.header` is the line as signed, and no trigger guards it."""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

SYNC = Migrations("sync")

_FIRST = """
CREATE TABLE node_state (
  id INTEGER PRIMARY KEY CHECK (id = 1), node TEXT NOT NULL, unit TEXT NOT NULL, level TEXT NOT NULL,
  city TEXT NOT NULL, root_node TEXT NOT NULL, parent TEXT, parent_node TEXT,
  chain TEXT, seq INTEGER NOT NULL DEFAULT 0, head TEXT NOT NULL DEFAULT '-', up_log TEXT NOT NULL
) STRICT;
CREATE TABLE event (
  n INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, chain TEXT NOT NULL, seq INTEGER NOT NULL,
  prev TEXT NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL, header TEXT NOT NULL,
  sig BLOB NOT NULL, standing TEXT NOT NULL, received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX event_chain ON event (chain, seq);
CREATE INDEX event_node ON event (node, standing);
CREATE INDEX event_standing ON event (standing, n) WHERE standing <> 'ok';
CREATE INDEX event_received ON event (received_at);
CREATE INDEX event_prev ON event (prev);
CREATE INDEX event_kind ON event (kind, n) WHERE kind NOT IN ('chk', 'case');
CREATE TABLE part (
  event INTEGER NOT NULL REFERENCES event (n), place INTEGER NOT NULL, name TEXT NOT NULL, salt BLOB, text TEXT,
  hash BLOB NOT NULL, PRIMARY KEY (event, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE uplog (n INTEGER PRIMARY KEY, event INTEGER NOT NULL REFERENCES event (n), acc BLOB NOT NULL) STRICT;
CREATE INDEX uplog_event ON uplog (event);
CREATE TABLE downlog (
  link TEXT NOT NULL, n INTEGER NOT NULL, event INTEGER NOT NULL REFERENCES event (n), acc BLOB NOT NULL,
  PRIMARY KEY (link, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX downlog_event ON downlog (link, event);
CREATE TABLE inlog (
  link TEXT NOT NULL, log TEXT NOT NULL, n INTEGER NOT NULL, hash TEXT NOT NULL, acc BLOB NOT NULL,
  PRIMARY KEY (link, log, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX inlog_acc ON inlog (link, acc);
CREATE TABLE refused (
  link TEXT NOT NULL, log TEXT NOT NULL, n INTEGER NOT NULL, hash TEXT NOT NULL, code TEXT NOT NULL,
  by TEXT NOT NULL, line TEXT, at INTEGER NOT NULL, PRIMARY KEY (link, log, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX refused_hash ON refused (hash);
CREATE TABLE refusal (
  event TEXT PRIMARY KEY, hash TEXT NOT NULL, chain TEXT NOT NULL, code TEXT NOT NULL, by TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refusal_hash ON refusal (hash);
CREATE TABLE resent (hash TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE mark (
  chain TEXT NOT NULL, by TEXT NOT NULL, top INTEGER NOT NULL, at INTEGER NOT NULL, line TEXT NOT NULL,
  sig BLOB NOT NULL, PRIMARY KEY (chain, by, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX mark_top ON mark (chain, top);
CREATE INDEX mark_at ON mark (at);
CREATE TABLE chain (
  chain TEXT PRIMARY KEY, node TEXT NOT NULL, side TEXT NOT NULL, top INTEGER NOT NULL, tips TEXT NOT NULL,
  gaps TEXT NOT NULL, forked INTEGER NOT NULL DEFAULT 0, behind_since INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_behind ON chain (behind_since, chain) WHERE behind_since IS NOT NULL;
CREATE INDEX chain_forked ON chain (chain) WHERE forked = 1;
CREATE TABLE known_author (link TEXT NOT NULL, node TEXT NOT NULL, PRIMARY KEY (link, node)) STRICT, WITHOUT ROWID;
CREATE TABLE node_key (node TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE node_cert (
  event TEXT PRIMARY KEY, node TEXT NOT NULL, unit TEXT NOT NULL, level TEXT NOT NULL, issuer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX node_cert_node ON node_cert (node);
CREATE INDEX node_cert_unit ON node_cert (unit);
CREATE TABLE own_certificate (place INTEGER PRIMARY KEY, event TEXT NOT NULL) STRICT;
CREATE TABLE directory_act (
  event TEXT NOT NULL, place INTEGER NOT NULL, no INTEGER NOT NULL, act TEXT NOT NULL, PRIMARY KEY (event, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE directory_state (
  id INTEGER PRIMARY KEY CHECK (id = 1), acts INTEGER NOT NULL, version TEXT NOT NULL
) STRICT;
INSERT INTO directory_state VALUES (1, 0, '');
CREATE TABLE invite (
  unit TEXT PRIMARY KEY, secret BLOB NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, used_by TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE link (
  link TEXT PRIMARY KEY, unit TEXT NOT NULL, node TEXT NOT NULL, side TEXT NOT NULL, down_log TEXT,
  hint INTEGER NOT NULL DEFAULT 0, nonce TEXT, last_seen_at INTEGER, offset_ms INTEGER,
  received INTEGER NOT NULL DEFAULT 0,
  last_try_at INTEGER, failures INTEGER NOT NULL DEFAULT 0, problem TEXT, problem_since INTEGER, peer_now INTEGER
) STRICT, WITHOUT ROWID;
"""


@SYNC()
def first(db: Database) -> None:
    """The tables of gsync/1."""
    for statement in _FIRST.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


_RECOVERY = """
ALTER TABLE node_state ADD COLUMN awaited TEXT;
ALTER TABLE link ADD COLUMN url TEXT;
ALTER TABLE link ADD COLUMN reached TEXT;
ALTER TABLE link ADD COLUMN moved TEXT NOT NULL DEFAULT '[]';
CREATE INDEX inlog_hash ON inlog (link, hash);
CREATE INDEX chain_node ON chain (node);
CREATE TABLE inlog_base (
  born INTEGER PRIMARY KEY AUTOINCREMENT, link TEXT NOT NULL, log TEXT NOT NULL, base_log TEXT NOT NULL,
  n INTEGER NOT NULL, acc BLOB NOT NULL, kept INTEGER NOT NULL DEFAULT 1, UNIQUE (link, log)
) STRICT;
INSERT INTO inlog_base (link, log, base_log, n, acc) SELECT DISTINCT link, log, '', 0, zeroblob(32) FROM inlog;
CREATE TABLE owed (
  place INTEGER PRIMARY KEY AUTOINCREMENT, link TEXT NOT NULL, log TEXT NOT NULL, hash TEXT NOT NULL,
  UNIQUE (link, log, hash)
) STRICT;
CREATE TABLE wanted (
  hash TEXT NOT NULL, link TEXT NOT NULL, log TEXT NOT NULL, asked INTEGER NOT NULL DEFAULT 0,
  named_at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (hash, link, log)
) STRICT, WITHOUT ROWID;
CREATE TABLE revocation (
  event TEXT PRIMARY KEY, node TEXT NOT NULL, unit TEXT NOT NULL, positions TEXT NOT NULL, void TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revocation_node ON revocation (node);
"""


@SYNC()
def recovery(db: Database) -> None:
    """Rebase, handing back, wants, restored copies and revocations."""
    for statement in _RECOVERY.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@SYNC()
def told(db: Database) -> None:
    """What the config said when a redirect led elsewhere: a config that says something else since then counts."""
    db.conn.execute("ALTER TABLE link ADD COLUMN told TEXT")
    db.conn.execute("CREATE INDEX chain_gaps ON chain (chain) WHERE gaps <> ''")


_ERASURE = """
ALTER TABLE node_state ADD COLUMN scrub INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_state ADD COLUMN covered INTEGER NOT NULL DEFAULT 0;
CREATE TABLE erased (
  hash TEXT NOT NULL, part TEXT NOT NULL, event TEXT NOT NULL, unit TEXT NOT NULL, PRIMARY KEY (hash, part, event)
) STRICT, WITHOUT ROWID
"""


@SYNC()
def erasure(db: Database) -> None:
    """What was erased, whether files still have to be scrubbed, whether private texts are covered after a restore."""
    for statement in _ERASURE.split(";\n"):
        db.conn.execute(statement)


@SYNC()
def quota(db: Database) -> None:
    """What a child sent today."""
    for name in ("quota_day", "quota_events", "quota_bytes"):
        db.conn.execute(f"ALTER TABLE link ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")


@SYNC()
def applied(db: Database) -> None:
    """How far each child has applied what goes down to it, and since when."""
    db.conn.execute("ALTER TABLE link ADD COLUMN down_n INTEGER")
    db.conn.execute(
        "CREATE TABLE down_seen (link TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (link, n))"
        " STRICT, WITHOUT ROWID"
    )


@SYNC()
def compared(db: Database) -> None:
    """Whether what the city published was compared with what a parent, new to this node, had sent down by its end."""
    db.conn.execute("ALTER TABLE link ADD COLUMN compared INTEGER NOT NULL DEFAULT 1")
