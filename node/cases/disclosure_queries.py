"""SQL of disclosures: which texts are held, what was given to whom, what was asked for and got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlite_utils import Database

from schemas.disclosure import SEALED, Disc, Texts, Word

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A `disc` as it is kept: `n` its place in the log, `event` its hash, `unit` in whose name it was written."""

    n: int
    event: str
    unit: str
    disc: Disc


@dataclass(frozen=True, slots=True)
class Asked:
    """An `ask` that is held: its place in the log, by which node, for which disc, and sealed to which key."""

    n: int
    node: str
    disc: str
    key: bytes


def put_disc(db: Database, event: str, unit: str, disc: Disc) -> None:
    """Keeps one."""
    db.execute(
        "INSERT INTO disclosure (event, subject, reason, to_unit, key, unit) VALUES (?, ?, ?, ?, ?, ?)",
        [event, disc.subject, disc.reason, disc.to, disc.key, unit],
    )
    db.conn.executemany(
        "INSERT INTO disclosure_text (hash, disc) VALUES (?, ?)", [(one, event) for one in dict.fromkeys(disc.hashes)]
    )


def put_word(db: Database, event: str, kind: str, node: str, at_ms: int, word: Word) -> None:
    """Keeps an `ask` or a `got`."""
    db.execute(
        "INSERT INTO disclosure_word (event, kind, subject, disc, key, node, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [event, kind, word.subject, word.disc, word.key, node, at_ms],
    )


_DISC: Final = (
    "SELECT e.n, d.event, d.unit, d.subject, d.reason, d.to_unit, d.key"
    " FROM disclosure d JOIN event e ON e.hash = d.event"
)


def discs_of(db: Database, subject: str) -> list[Kept]:
    """Every disc held of a case or a return."""
    rows = db.execute(f"{_DISC} WHERE d.subject = ? ORDER BY e.n", [subject]).fetchall()
    return [_kept(db, row) for row in rows]


def disc(db: Database, event: str) -> Kept | None:
    """One disc."""
    row = db.execute(f"{_DISC} WHERE d.event = ?", [event]).fetchone()
    return _kept(db, row) if row else None


def _kept(db: Database, row: Row) -> Kept:
    hashes = db.execute("SELECT hash FROM disclosure_text WHERE disc = ? ORDER BY hash", [row[1]]).fetchall()
    return Kept(row[0], row[1], row[2], Disc(row[3], row[4], row[5], row[6], tuple(one[0] for one in hashes)))


def discs_with(db: Database, event: str) -> list[str]:
    """The discs that list an event."""
    return [row[0] for row in db.execute("SELECT disc FROM disclosure_text WHERE hash = ?", [event]).fetchall()]


def asks_of(db: Database, subject: str) -> list[Asked]:
    """Every ask of a subject, the oldest first."""
    rows = db.execute(
        "SELECT e.n, w.node, w.disc, w.key FROM disclosure_word w JOIN event e ON e.hash = w.event"
        " WHERE w.subject = ? AND w.kind = 'ask' AND w.key IS NOT NULL ORDER BY e.n",
        [subject],
    )
    return [Asked(*row) for row in rows.fetchall()]


def is_got(db: Database, event: str) -> bool:
    """Whether somebody has said that it opened the disc."""
    row = db.execute("SELECT 1 FROM disclosure_word WHERE disc = ? AND kind = 'got' LIMIT 1", [event]).fetchone()
    return row is not None


def held_texts(db: Database, subject: str) -> Texts:
    """The private texts that this node holds of a case or a return."""
    rows = db.execute(
        "SELECT c.event, p.salt, p.text FROM case_event c JOIN part p ON p.event = c.n AND p.name = 'per'"
        " WHERE c.case_id = ?1 AND p.text IS NOT NULL AND p.salt IS NOT NULL"
        " UNION ALL SELECT e.hash, p.salt, p.text FROM event e JOIN part p ON p.event = e.n AND p.name = 'per'"
        " WHERE e.hash = ?1 AND p.text IS NOT NULL AND p.salt IS NOT NULL",
        [subject],
    )
    return {row[0]: (row[1], row[2]) for row in rows.fetchall()}


def sealed_text(db: Database, event: str) -> str | None:
    """The ciphertext of a disc, if it is still held."""
    row = db.execute(
        "SELECT p.text FROM event e JOIN part p ON p.event = e.n AND p.name = ? WHERE e.hash = ?", [SEALED, event]
    ).fetchone()
    return row[0] if row else None


def drop_sealed(db: Database, event: str) -> None:
    """The ciphertext goes; the disc still verifies by its hash."""
    db.execute(
        "UPDATE part SET text = NULL, salt = NULL WHERE name = ? AND text IS NOT NULL"
        " AND event = (SELECT n FROM event WHERE hash = ?)",
        [SEALED, event],
    )


def private_part(db: Database, event: str) -> tuple[int, bytes, str | None] | None:
    """(place in the log, hash of the part, text) of the private part of a held event."""
    row = db.execute(
        "SELECT e.n, p.hash, p.text FROM event e JOIN part p ON p.event = e.n AND p.name = 'per' WHERE e.hash = ?",
        [event],
    ).fetchone()
    return row if row else None


def fill_private(db: Database, n: int, salt: bytes, text: str) -> None:
    """A disclosed text takes its place."""
    db.execute("UPDATE part SET salt = ?, text = ? WHERE event = ? AND name = 'per'", [salt, text, n])


def is_erased(db: Database, event: str) -> bool:
    """Whether the private part of an event was erased; it must not come back."""
    return db.execute("SELECT 1 FROM erased WHERE hash = ? AND part = 'per' LIMIT 1", [event]).fetchone() is not None


def addressed_within(db: Database, units: list[str]) -> list[str]:
    """Discs, and words about them, that concern one of these units, in the order of arrival."""
    found: dict[str, int] = {}
    for unit in units:
        rows = db.execute(
            "WITH mine AS (SELECT event FROM disclosure WHERE to_unit = ?1 UNION SELECT event FROM disclosure"
            " WHERE unit = ?1), every AS (SELECT event FROM mine UNION SELECT w.event FROM disclosure_word w"
            " JOIN mine ON mine.event = w.disc) SELECT e.hash, e.n FROM every JOIN event e ON e.hash = every.event",
            [unit],
        )
        found.update(rows.fetchall())
    return sorted(found, key=lambda one: found[one])


# ---- subjects that wait


def put_off(db: Database, subjects: list[str]) -> None:
    """These are looked at again, once this database has caught up."""
    rows = [(one,) for one in subjects]
    db.conn.executemany("INSERT INTO disclosure_due (subject) VALUES (?) ON CONFLICT DO NOTHING", rows)


def take_due(db: Database, limit: int) -> list[str]:
    """Some that were put off; they are no longer."""
    found = [row[0] for row in db.execute("SELECT subject FROM disclosure_due LIMIT ?", [limit]).fetchall()]
    db.conn.executemany("DELETE FROM disclosure_due WHERE subject = ?", [(one,) for one in found])
    return found


def owners_of_held(db: Database) -> dict[str, list[str]]:
    """The cases of which a private text is held here, by who owns them."""
    found: dict[str, list[str]] = {}
    rows = db.execute(
        "SELECT n.owner, n.case_id FROM case_now n WHERE EXISTS (SELECT 1 FROM case_event c JOIN part p"
        " ON p.event = c.n AND p.name = 'per' AND p.text IS NOT NULL WHERE c.case_id = n.case_id)"
    )
    for owner, case in rows.fetchall():
        found.setdefault(owner, []).append(case)
    return found


def unsettled(db: Database) -> list[str]:
    """The subjects of discs that nobody has got yet, or that somebody asks for again."""
    rows = db.execute(
        "SELECT subject FROM disclosure d WHERE NOT EXISTS"
        " (SELECT 1 FROM disclosure_word w WHERE w.disc = d.event AND w.kind = 'got')"
        " UNION SELECT subject FROM disclosure_word WHERE kind = 'ask'"
    )
    return [row[0] for row in rows.fetchall()]


# ---- the own copy


def begin_day(db: Database, day: int) -> bool:
    """Whether nothing was looked at yet on this day; from now on it was."""
    row = db.execute("SELECT day FROM disclosure_day").fetchone()
    if row is not None and row[0] == day:
        return False
    db.execute("DELETE FROM disclosure_day")
    db.execute("INSERT INTO disclosure_day (day) VALUES (?)", [day])
    return True


def given_before(db: Database, unit: str, before_ms: int, limit: int) -> list[tuple[str, str]]:
    """(subject, event) of private texts still held that were given in this unit's name, and got before an instant."""
    rows = db.execute(
        "SELECT DISTINCT d.subject, t.hash FROM disclosure_word w JOIN disclosure d ON d.event = w.disc"
        " JOIN disclosure_text t ON t.disc = d.event JOIN event e ON e.hash = t.hash"
        " JOIN part p ON p.event = e.n AND p.name = 'per' AND p.text IS NOT NULL"
        " WHERE w.kind = 'got' AND d.unit = ? AND w.at < ? LIMIT ?",
        [unit, before_ms, limit],
    )
    return [(row[0], row[1]) for row in rows.fetchall()]


def own_copy(db: Database, case: str, unit: str) -> tuple[int, int | None]:
    """(private texts of a case that this unit gave away and still holds, the instant at which the first of them was got
    by whom it was given to: None while nobody has got one).
    """
    row = db.execute(
        "SELECT COUNT(DISTINCT t.hash), MIN(w.at) FROM disclosure d JOIN disclosure_text t ON t.disc = d.event"
        " JOIN event e ON e.hash = t.hash JOIN part p ON p.event = e.n AND p.name = 'per' AND p.text IS NOT NULL"
        " LEFT JOIN disclosure_word w ON w.disc = d.event AND w.kind = 'got' WHERE d.subject = ? AND d.unit = ?",
        [case, unit],
    ).fetchone()
    return (row[0], row[1])


def copies_dropped(db: Database, case: str, unit: str, before_ms: int) -> int:
    """Private texts of a case that this unit no longer holds, having given them to who got them before an instant."""
    (count,) = db.execute(
        "SELECT COUNT(DISTINCT t.hash) FROM disclosure d JOIN disclosure_text t ON t.disc = d.event"
        " JOIN event e ON e.hash = t.hash JOIN part p ON p.event = e.n AND p.name = 'per' AND p.text IS NULL"
        " JOIN disclosure_word w ON w.disc = d.event AND w.kind = 'got' AND w.at < ?"
        " WHERE d.subject = ? AND d.unit = ? AND t.hash NOT IN (SELECT hash FROM erased)",
        [before_ms, case, unit],
    ).fetchone()
    return int(count)


def drop_private(db: Database, event: str) -> None:
    """The own copy of a private text goes."""
    db.execute(
        "UPDATE part SET text = NULL, salt = NULL WHERE name = 'per' AND event = (SELECT n FROM event WHERE hash = ?)",
        [event],
    )
    db.execute("UPDATE node_state SET scrub = scrub + 1")
