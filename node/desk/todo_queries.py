"""SQL of the rows of to-do lists that no case made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database


def returned(db: Database, units: Sequence[str], since_ms: int, limit: int) -> list[tuple[str, str, str, str, int]]:
    """(report, unit, day, returned by, at) of standing regular reports of some units that were returned since an
    instant, the latest return first.
    """
    rows = db.execute(
        "SELECT p.event, p.unit, p.day, r.by, MAX(r.at) FROM check_return r JOIN check_report p ON p.event = r.report"
        " JOIN check_duty d ON d.unit = p.unit AND d.day = p.day AND d.occasion = p.occasion AND d.event = p.event"
        f" WHERE r.at >= ? AND p.occasion = 'regular' AND p.unit IN ({','.join('?' * len(units))})"
        " GROUP BY p.event ORDER BY 5 DESC, 1 LIMIT ?",
        [since_ms, *units, limit],
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows.fetchall()]


def returned_confirmations(
    db: Database, units: Sequence[str], since_ms: int, limit: int
) -> list[tuple[str, str, str, str, int]]:
    """(confirmation, unit, period, returned by, at) of standing confirmations of some units that were returned since
    an instant, the latest return first.
    """
    rows = db.execute(
        "SELECT d.event, d.unit, d.period, r.by, MAX(r.at) FROM check_return r"
        " JOIN confirmation p ON p.event = r.report"
        " JOIN confirmation_duty d ON d.unit = p.unit AND d.period = p.period AND d.event = p.event"
        f" WHERE r.at >= ? AND p.unit IN ({','.join('?' * len(units))}) GROUP BY d.event ORDER BY 5 DESC, 1 LIMIT ?",
        [since_ms, *units, limit],
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows.fetchall()]


def instant(text: str) -> int:
    """Unix ms of an instant in a document."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)
