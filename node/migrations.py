"""The tables of a node's application: what is derived from the log, and what belongs to this node alone."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from schemas.audit import START, Entry, entry_hash

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
    "campaign_entry",
    "campaign_duty",
    "campaign_day",
    "category_list",
    "case_event",
    "case_now",
    "case_scope",
    "case_fact",
    "case_fact_in",
    "case_span",
    "case_span_in",
    "case_day",
    "case_month",
    "case_year",
    "case_standing",
    "confirmation",
    "confirmation_duty",
    "confirmation_day",
    "form_version",
    "form_return",
    "form_sent",
    "form_number",
    "disclosure",
    "disclosure_text",
    "disclosure_word",
    "excuse_act",
    "excused",
    "excused_day",
    "excused_month",
    "reminder",
    "bulletin",
    "case_todo",
    "case_review",
    "supervision",
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

# One column a case measure; `open` and `overdue` hold the change of a day. Written out: a migration never changes.
_CASE_COUNTS: Final = (
    "registered", "accepted", "mediated", "agreed", "not_agreed", "performed", "reneged", "confirmed", "closed",
    "handed_up", "taken", "sent_back", "settled_at_group", "settled_at_village", "settled_at_township",
    "settled_at_county", "settled_at_city", "open", "overdue",
)  # fmt: skip
_CASE_TALLY: Final = ", ".join(f"{name} INTEGER NOT NULL" for name in _CASE_COUNTS)
_CASES: Final = f"""
CREATE TABLE case_event (
  event TEXT PRIMARY KEY, case_id TEXT NOT NULL, n INTEGER NOT NULL, unit TEXT NOT NULL, day TEXT NOT NULL,
  rtime INTEGER NOT NULL, received_at INTEGER NOT NULL, public TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX case_event_case ON case_event (case_id);
CREATE TABLE case_now (
  case_id TEXT PRIMARY KEY, event TEXT NOT NULL, state TEXT NOT NULL, open INTEGER NOT NULL, owner TEXT NOT NULL,
  level TEXT NOT NULL, term INTEGER NOT NULL, offered_to TEXT, kind TEXT NOT NULL, category TEXT NOT NULL,
  source TEXT NOT NULL, source_group TEXT NOT NULL, complexity TEXT NOT NULL, urgency TEXT NOT NULL,
  scale TEXT NOT NULL, amount_band TEXT NOT NULL, found_by TEXT NOT NULL, day TEXT NOT NULL, confirmation TEXT,
  started_at INTEGER, deadline_at INTEGER, follow_up TEXT, audience TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE case_scope (unit TEXT NOT NULL, case_id TEXT NOT NULL, PRIMARY KEY (unit, case_id)) STRICT, WITHOUT ROWID;
CREATE TABLE case_fact (
  case_id TEXT NOT NULL, measure TEXT NOT NULL, unit TEXT NOT NULL, day TEXT NOT NULL, level TEXT NOT NULL,
  event TEXT NOT NULL, PRIMARY KEY (case_id, measure)
) STRICT, WITHOUT ROWID;
CREATE TABLE case_fact_in (
  unit TEXT NOT NULL, measure TEXT NOT NULL, day TEXT NOT NULL, case_id TEXT NOT NULL,
  PRIMARY KEY (unit, measure, day, case_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE case_span (
  case_id TEXT NOT NULL, first TEXT NOT NULL, until TEXT NOT NULL, unit TEXT NOT NULL, level TEXT NOT NULL,
  deadline_at INTEGER NOT NULL, PRIMARY KEY (case_id, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_span_deadline ON case_span (deadline_at);
CREATE TABLE case_span_in (
  unit TEXT NOT NULL, until TEXT NOT NULL, case_id TEXT NOT NULL, first TEXT NOT NULL, span TEXT NOT NULL,
  PRIMARY KEY (unit, until, case_id, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE case_day (
  unit TEXT NOT NULL, own INTEGER NOT NULL, dimension TEXT NOT NULL, day TEXT NOT NULL, key TEXT NOT NULL,
  {_CASE_TALLY}, PRIMARY KEY (unit, own, dimension, day, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE case_month (
  unit TEXT NOT NULL, own INTEGER NOT NULL, dimension TEXT NOT NULL, month TEXT NOT NULL, key TEXT NOT NULL,
  {_CASE_TALLY}, PRIMARY KEY (unit, own, dimension, month, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE reading (
  n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, account TEXT NOT NULL, role TEXT NOT NULL,
  case_id TEXT NOT NULL, purpose TEXT NOT NULL
) STRICT;
CREATE INDEX reading_case ON reading (case_id, n)
"""


@NODE()
def first(db: Database) -> None:
    """Checks with their tallies, cadence, accounts, answers by idempotency key."""
    for statement in _FIRST.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@NODE()
def cases(db: Database) -> None:
    """Cases with their facts and tallies; who read private parts."""
    for statement in _CASES.split(";\n"):
        db.conn.execute(statement)


@NODE()
def accounts(db: Database) -> None:
    """When an account was closed, and on which kind of device a session was opened."""
    db.conn.execute("ALTER TABLE account ADD COLUMN disabled_at INTEGER")
    db.conn.execute("ALTER TABLE session ADD COLUMN device TEXT NOT NULL DEFAULT ''")


_DISCLOSURE: Final = """
CREATE TABLE disclosure (
  event TEXT PRIMARY KEY, subject TEXT NOT NULL, reason TEXT NOT NULL, to_unit TEXT NOT NULL, key BLOB NOT NULL,
  unit TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX disclosure_subject ON disclosure (subject);
CREATE INDEX disclosure_to ON disclosure (to_unit);
CREATE INDEX disclosure_unit ON disclosure (unit);
CREATE TABLE disclosure_text (hash TEXT NOT NULL, disc TEXT NOT NULL, PRIMARY KEY (hash, disc)) STRICT, WITHOUT ROWID;
CREATE INDEX disclosure_text_disc ON disclosure_text (disc);
CREATE TABLE disclosure_word (
  event TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, disc TEXT NOT NULL, key BLOB, node TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX disclosure_word_disc ON disclosure_word (disc);
CREATE INDEX disclosure_word_subject ON disclosure_word (subject);
CREATE TABLE disclosure_due (subject TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE disclosure_day (day INTEGER NOT NULL) STRICT
"""


@NODE()
def disclosures(db: Database) -> None:
    """Private texts that were given, asked for and got."""
    for statement in _DISCLOSURE.split(";\n"):
        db.conn.execute(statement)


_AUDIT: Final = """
CREATE TABLE audit (
  n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, account TEXT NOT NULL, role TEXT NOT NULL,
  act TEXT NOT NULL, unit TEXT NOT NULL, subject TEXT NOT NULL, purpose TEXT NOT NULL, hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_about ON audit (act, subject, n)
"""
_KEPT: Final = "CREATE TRIGGER audit_{0} BEFORE {0} ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END"


@NODE()
def audit(db: Database) -> None:
    """The log of administrative acts, each entry chained to the one before; it begins with the readings so far."""
    for statement in _AUDIT.split(";\n"):
        db.conn.execute(statement)
    rows = db.execute(
        "SELECT r.at, r.account, r.role, r.case_id, COALESCE(c.owner, s.unit, ''), r.purpose FROM reading r"
        " LEFT JOIN case_now c ON c.case_id = r.case_id LEFT JOIN node_state s ON s.id = 1 ORDER BY r.n"
    ).fetchall()
    before = START
    for n, (at, account, role, case_id, unit, purpose) in enumerate(rows, 1):
        act, subject = ("uncovered", "") if case_id == "*" else ("private_read", case_id)
        entry = Entry(n, at, account, role, act, unit, subject, purpose)
        before = entry_hash(before, entry)
        db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [*entry, before])
    db.conn.execute("DROP TABLE reading")
    for verb in ("UPDATE", "DELETE"):
        db.conn.execute(_KEPT.format(verb))


_PUBLISHED: Final = f"""
CREATE TABLE campaign_entry (
  event TEXT PRIMARY KEY, campaign TEXT NOT NULL, no INTEGER NOT NULL, payload TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE campaign_duty (
  campaign TEXT NOT NULL, unit TEXT NOT NULL, day TEXT NOT NULL, level TEXT NOT NULL, event TEXT NOT NULL,
  result TEXT NOT NULL, first_recorded_at INTEGER NOT NULL, counted TEXT NOT NULL, late INTEGER NOT NULL,
  PRIMARY KEY (campaign, unit, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX campaign_duty_day ON campaign_duty (campaign, day, unit);
CREATE TABLE campaign_day (
  campaign TEXT NOT NULL, unit TEXT NOT NULL, day TEXT NOT NULL, level TEXT NOT NULL, {_TALLY},
  PRIMARY KEY (campaign, unit, day, level)
) STRICT, WITHOUT ROWID;
CREATE INDEX campaign_day_unit ON campaign_day (unit, day);
CREATE INDEX check_duty_occasion ON check_duty (occasion) WHERE occasion <> 'regular';
CREATE TABLE category_list (
  event TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, day TEXT NOT NULL, no INTEGER NOT NULL,
  payload TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""


@NODE()
def published(db: Database) -> None:
    """Campaigns with what their units reported, and versions of category lists."""
    for statement in _PUBLISHED.split(";\n"):
        db.conn.execute(statement)


_EXCUSES: Final = """
CREATE TABLE excuse_act (
  event TEXT PRIMARY KEY, unit TEXT NOT NULL, "by" TEXT NOT NULL, author TEXT NOT NULL, first TEXT NOT NULL,
  last TEXT NOT NULL, amends TEXT, cancelled INTEGER NOT NULL, reason_code TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX excuse_act_unit ON excuse_act (unit);
CREATE TABLE excused (
  unit TEXT NOT NULL, last TEXT NOT NULL, first TEXT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (unit, last, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX excused_last ON excused (last, first, unit);
CREATE INDEX excused_first ON excused (first, event);
CREATE TABLE excused_day (
  unit TEXT NOT NULL, day TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (unit, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE excused_month (
  unit TEXT NOT NULL, month TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (unit, month)
) STRICT, WITHOUT ROWID
"""


@NODE()
def excuses(db: Database) -> None:
    """Who is excused when, and how many group days that lifts."""
    for statement in _EXCUSES.split(";\n"):
        db.conn.execute(statement)


_CONFIRMATIONS: Final = """
CREATE TABLE confirmation (
  event TEXT PRIMARY KEY, unit TEXT NOT NULL, day TEXT NOT NULL, period TEXT NOT NULL, result TEXT NOT NULL,
  amends TEXT, recorded_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX confirmation_key ON confirmation (unit, period);
CREATE TABLE confirmation_duty (
  unit TEXT NOT NULL, day TEXT NOT NULL, period TEXT NOT NULL, level TEXT NOT NULL, event TEXT NOT NULL,
  result TEXT NOT NULL, first_recorded_at INTEGER NOT NULL, counted INTEGER NOT NULL, late INTEGER NOT NULL,
  conflicts INTEGER NOT NULL, PRIMARY KEY (unit, period)
) STRICT, WITHOUT ROWID;
CREATE INDEX confirmation_duty_day ON confirmation_duty (day, unit);
CREATE TABLE confirmation_day (
  unit TEXT NOT NULL, day TEXT NOT NULL, level TEXT NOT NULL, done INTEGER NOT NULL, late INTEGER NOT NULL,
  PRIMARY KEY (unit, day, level)
) STRICT, WITHOUT ROWID
"""


@NODE()
def confirmations(db: Database) -> None:
    """Periodic reports of village and above, with their tallies."""
    for statement in _CONFIRMATIONS.split(";\n"):
        db.conn.execute(statement)


@NODE()
def reminders(db: Database) -> None:
    """Who was reminded of which report."""
    db.conn.execute(
        'CREATE TABLE reminder (event TEXT PRIMARY KEY, n INTEGER NOT NULL, unit TEXT NOT NULL, "by" TEXT NOT NULL,'
        " author TEXT NOT NULL, period TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, at INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID"
    )
    db.conn.execute('CREATE INDEX reminder_by ON reminder ("by", n)')
    db.conn.execute("CREATE INDEX reminder_unit ON reminder (unit, last)")


_BULLETINS: Final = """
CREATE TABLE bulletin (
  event TEXT PRIMARY KEY, unit TEXT NOT NULL, period TEXT NOT NULL, year INTEGER NOT NULL, no INTEGER NOT NULL,
  corrects TEXT, title TEXT NOT NULL, issued_at INTEGER NOT NULL, account TEXT NOT NULL, sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bulletin_issued ON bulletin (issued_at);
CREATE INDEX bulletin_unit ON bulletin (unit, year, no);
CREATE INDEX bulletin_corrects ON bulletin (corrects) WHERE corrects IS NOT NULL;
CREATE TABLE bulletin_file (
  event TEXT NOT NULL, kind TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (event, kind)
) STRICT;
CREATE TABLE bulletin_draft (
  unit TEXT NOT NULL, period TEXT NOT NULL, corrects TEXT NOT NULL, no INTEGER NOT NULL, remarks TEXT NOT NULL,
  account TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (unit, period, corrects)
) STRICT, WITHOUT ROWID
"""


@NODE()
def bulletins(db: Database) -> None:
    """Issued bulletins with the files made of them, and what is being written."""
    for statement in _BULLETINS.split(";\n"):
        db.conn.execute(statement)


_TODO: Final = """
CREATE TABLE case_todo (
  unit TEXT NOT NULL, due_at INTEGER NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL, case_id TEXT NOT NULL,
  from_at INTEGER NOT NULL, at INTEGER NOT NULL, yellow_at INTEGER NOT NULL, orange_at INTEGER NOT NULL,
  PRIMARY KEY (unit, due_at, kind, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_todo_case ON case_todo (case_id);
CREATE INDEX case_todo_waiting ON case_todo (kind, at);
CREATE INDEX case_todo_ref ON case_todo (ref, kind);
CREATE TABLE todo_seen (ref TEXT PRIMARY KEY, account TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX check_return_at ON check_return (at)
"""


@NODE()
def todo(db: Database) -> None:
    """What cases ask of whom; what somebody at this node has taken notice of."""
    for statement in _TODO.split(";\n"):
        db.conn.execute(statement)


_SUPERVISIONS: Final = """
CREATE TABLE supervision (
  event TEXT PRIMARY KEY, case_id TEXT NOT NULL, "by" TEXT NOT NULL, owner TEXT NOT NULL, day TEXT NOT NULL,
  due TEXT NOT NULL, answered_on TEXT, answer TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX supervision_case ON supervision (case_id);
CREATE INDEX supervision_by ON supervision ("by", due, event);
CREATE INDEX supervision_owner ON supervision (owner, due, event)
"""


@NODE()
def supervisions(db: Database) -> None:
    """Who asked whom for an answer by when."""
    for statement in _SUPERVISIONS.split(";\n"):
        db.conn.execute(statement)


@NODE()
def city_map(db: Database) -> None:
    """The map that a city has loaded: a path for each county, in the units of one drawing."""
    db.conn.execute(
        "CREATE TABLE city_map (unit TEXT PRIMARY KEY, path TEXT NOT NULL, x INTEGER NOT NULL, y INTEGER NOT NULL,"
        " width INTEGER NOT NULL, height INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )


@NODE()
def uploads(db: Database) -> None:
    """What was handed in for a preview and waits for its confirmation."""
    db.conn.execute(
        "CREATE TABLE upload (id TEXT PRIMARY KEY, kind TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL,"
        " content TEXT NOT NULL, options TEXT NOT NULL) STRICT, WITHOUT ROWID"
    )


@NODE()
def phone_codes(db: Database) -> None:
    """Codes by which phones sign in once, and wrong guesses of them."""
    db.conn.execute(
        "CREATE TABLE phone_code (hash BLOB PRIMARY KEY, account TEXT NOT NULL REFERENCES account (name),"
        " expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )
    db.conn.execute("CREATE TABLE phone_guess (at INTEGER NOT NULL) STRICT")


_FORMS: Final = """
CREATE TABLE form_version (
  event TEXT PRIMARY KEY, form TEXT NOT NULL, version INTEGER NOT NULL, no INTEGER NOT NULL, payload TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE form_return (
  event TEXT PRIMARY KEY, form TEXT NOT NULL, version INTEGER NOT NULL, unit TEXT NOT NULL, period TEXT NOT NULL,
  day TEXT NOT NULL, amends TEXT, recorded_at INTEGER NOT NULL, content TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX form_return_key ON form_return (form, unit, period);
CREATE INDEX form_return_unit ON form_return (unit);
CREATE TABLE form_sent (
  form TEXT NOT NULL, unit TEXT NOT NULL, period TEXT NOT NULL, day TEXT NOT NULL, event TEXT NOT NULL,
  version INTEGER NOT NULL, first_recorded_at INTEGER NOT NULL, conflicts INTEGER NOT NULL,
  PRIMARY KEY (form, unit, period)
) STRICT, WITHOUT ROWID;
CREATE INDEX form_sent_day ON form_sent (form, day, unit);
CREATE TABLE form_number (
  form TEXT NOT NULL, unit TEXT NOT NULL, period TEXT NOT NULL, day TEXT NOT NULL, field TEXT NOT NULL,
  amount INTEGER NOT NULL, PRIMARY KEY (form, unit, period, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX form_number_day ON form_number (form, day)
"""


@NODE()
def forms(db: Database) -> None:
    """Published forms, every return, and the numbers of those that count, in 1/10,000."""
    for statement in _FORMS.split(";\n"):
        db.conn.execute(statement)


_CASE_FACTS: Final = ", ".join(f"SUM({name})" for name in _CASE_COUNTS)


@NODE()
def case_years(db: Database) -> None:
    """What cases count for by year, and what stands open in all: sums of the months that are there."""
    db.conn.execute(
        "CREATE TABLE case_year (unit TEXT NOT NULL, own INTEGER NOT NULL, dimension TEXT NOT NULL, year TEXT NOT NULL,"
        f" key TEXT NOT NULL, {_CASE_TALLY}, PRIMARY KEY (unit, own, dimension, year, key)) STRICT, WITHOUT ROWID"
    )
    db.conn.execute(
        "CREATE TABLE case_standing (unit TEXT NOT NULL, own INTEGER NOT NULL, dimension TEXT NOT NULL,"
        " key TEXT NOT NULL, open INTEGER NOT NULL, overdue INTEGER NOT NULL,"
        " PRIMARY KEY (unit, own, dimension, key)) STRICT, WITHOUT ROWID"
    )
    nothing = " AND ".join(f"SUM({name}) = 0" for name in _CASE_COUNTS)
    db.conn.execute(
        f"INSERT INTO case_year SELECT unit, own, dimension, substr(month, 1, 4), key, {_CASE_FACTS} FROM case_month"
        f" GROUP BY 1, 2, 3, 4, 5 HAVING NOT ({nothing})"
    )
    db.conn.execute(
        "INSERT INTO case_standing SELECT unit, own, dimension, key, SUM(open), SUM(overdue) FROM case_month"
        " GROUP BY 1, 2, 3, 4 HAVING SUM(open) <> 0 OR SUM(overdue) <> 0"
    )


@NODE()
def case_reviews(db: Database) -> None:
    """What the quality review looks at in cases: planned follow-ups, and what records lack."""
    db.conn.execute(
        "CREATE TABLE case_review (kind TEXT NOT NULL, day TEXT NOT NULL, unit TEXT NOT NULL, case_id TEXT NOT NULL,"
        " done_on TEXT, in_time INTEGER NOT NULL, lacking TEXT NOT NULL, PRIMARY KEY (kind, day, unit, case_id))"
        " STRICT, WITHOUT ROWID"
    )
    db.conn.execute("CREATE INDEX case_review_case ON case_review (case_id)")
