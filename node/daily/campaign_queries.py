"""SQL of campaigns: what was published, which checks answer which duty, and the tallies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from sqlite_utils import Database

Row = tuple[Any, ...]
_DUTY: Final = "campaign, unit, day, level, event, result, first_recorded_at, counted, late"


class CampaignDuty(NamedTuple):
    """What one unit reported for one duty of a campaign, on the duty's last day; `counted`: zero, found or extra."""

    campaign: str
    unit: str
    day: str
    level: str
    event: str
    result: str
    first_recorded_at: int
    counted: str
    late: int


class CampaignSlot(NamedTuple):
    """One row of the tallies: a unit's subtree as it was, units of one level, one day."""

    campaign: str
    unit: str
    day: str
    level: str


def put_entry(db: Database, event: str, campaign: str, number: int, payload: str) -> None:
    """Keeps what was published."""
    db.execute(
        "INSERT INTO campaign_entry (event, campaign, no, payload) VALUES (?, ?, ?, ?)",
        [event, campaign, number, payload],
    )


def entries(db: Database) -> list[Row]:
    """(campaign, payload) in the order of publication: of one campaign the last holds."""
    return db.execute("SELECT campaign, payload FROM campaign_entry ORDER BY campaign, no, event").fetchall()


def next_number(db: Database) -> int:
    """The number of the next publication."""
    return int(db.execute("SELECT COUNT(*) + 1 FROM campaign_entry").fetchone()[0])


def checked(db: Database, occasion: str) -> list[Row]:
    """(unit, day) of every effective check of an occasion."""
    return db.execute("SELECT unit, day FROM check_duty WHERE occasion = ?", [occasion]).fetchall()


def effective(db: Database, unit: str, occasion: str, first: date, last: date) -> list[Row]:
    """(day, event, result, first recorded at) of a unit's effective checks of an occasion, by day."""
    return db.execute(
        "SELECT day, event, result, first_recorded_at FROM check_duty WHERE unit = ? AND day BETWEEN ? AND ?"
        " AND occasion = ? ORDER BY day",
        [unit, first.isoformat(), last.isoformat(), occasion],
    ).fetchall()


def duty(db: Database, campaign: str, unit: str, day: str) -> CampaignDuty | None:
    """What was counted of a unit on a day."""
    row = db.execute(
        f"SELECT {_DUTY} FROM campaign_duty WHERE campaign = ? AND unit = ? AND day = ?", [campaign, unit, day]
    ).fetchone()
    return CampaignDuty(*row) if row else None


def put_duty(db: Database, row: CampaignDuty) -> None:
    """Keeps what is counted, in the place of what was."""
    db.execute(f"INSERT OR REPLACE INTO campaign_duty ({_DUTY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", list(row))


def clear(db: Database, campaign: str) -> None:
    """Drops what is counted of a campaign."""
    db.execute("DELETE FROM campaign_duty WHERE campaign = ?", [campaign])
    db.execute("DELETE FROM campaign_day WHERE campaign = ?", [campaign])


def add_tallies(db: Database, changes: Iterable[tuple[CampaignSlot, Sequence[int]]]) -> None:
    """Adds to tallies; rows that come to nothing go."""
    rows = [(*slot, *counts) for slot, counts in changes]
    db.conn.executemany(
        "INSERT INTO campaign_day (campaign, unit, day, level, zero, found, late, extra)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (campaign, unit, day, level) DO UPDATE SET"
        " zero = zero + excluded.zero, found = found + excluded.found, late = late + excluded.late,"
        " extra = extra + excluded.extra",
        rows,
    )
    db.conn.executemany(
        "DELETE FROM campaign_day WHERE campaign = ? AND unit = ? AND day = ? AND level = ?"
        " AND zero = 0 AND found = 0 AND late = 0 AND extra = 0",
        [row[:4] for row in rows],
    )


def sums(db: Database, campaign: str, unit: str, first: date, last: date, *, own: bool) -> list[Row]:
    """(day, level, zero, found, late, extra) of a unit's subtree as it was, or of what the unit itself did."""
    span = [campaign, unit, first.isoformat(), last.isoformat()]
    if not own:
        return db.execute(
            "SELECT day, level, zero, found, late, extra FROM campaign_day"
            " WHERE campaign = ? AND unit = ? AND day BETWEEN ? AND ?",
            span,
        ).fetchall()
    return db.execute(
        "SELECT day, level, counted = 'zero', counted = 'found', late, counted = 'extra' FROM campaign_duty"
        " WHERE campaign = ? AND unit = ? AND day BETWEEN ? AND ?",
        span,
    ).fetchall()


def reported_in(db: Database, unit: str, first: date, last: date) -> list[str]:
    """Campaigns of which the unit's subtree has checks in a span of days."""
    rows = db.execute(
        "SELECT DISTINCT campaign FROM campaign_day WHERE unit = ? AND day BETWEEN ? AND ?",
        [unit, first.isoformat(), last.isoformat()],
    )
    return [row[0] for row in rows]


def records(
    db: Database, campaign: str, measure: str, span: tuple[date, date], after: tuple[str, str], limit: int
) -> list[Row]:
    """(day, unit, event, result) of what counts in a measure of checks, by (day, unit)."""
    counted, params = ("late = 1", []) if measure == "checks_late" else ("counted = ?", [measure[len("checks_") :]])
    return db.execute(
        f"SELECT day, unit, event, result FROM campaign_duty WHERE campaign = ? AND {counted}"
        " AND day BETWEEN ? AND ? AND (day, unit) > (?, ?) ORDER BY day, unit LIMIT ?",
        [campaign, *params, span[0].isoformat(), span[1].isoformat(), *after, limit],
    ).fetchall()


def reported(db: Database, campaign: str, day: date) -> frozenset[str]:
    """Units with a check for the duty that ends on a day."""
    rows = db.execute(
        "SELECT unit FROM campaign_duty WHERE campaign = ? AND day = ? AND counted IN ('zero', 'found')",
        [campaign, day.isoformat()],
    )
    return frozenset(row[0] for row in rows)


def all_duties(db: Database) -> dict[tuple[str, str, str], CampaignDuty]:
    """Every row, for `verify`."""
    rows = (CampaignDuty(*row) for row in db.execute(f"SELECT {_DUTY} FROM campaign_duty"))
    return {(row.campaign, row.unit, row.day): row for row in rows}


def all_tallies(db: Database) -> dict[CampaignSlot, tuple[int, ...]]:
    """Every tally, for `verify`."""
    rows = db.execute("SELECT campaign, unit, day, level, zero, found, late, extra FROM campaign_day")
    return {CampaignSlot(*row[:4]): tuple(row[4:]) for row in rows}
