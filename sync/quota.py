"""How much a child may send in a day (3-sync, Limits): beyond it, it comes back tomorrow; nothing is lost."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

from schemas.errors import TooMany

DAY_MS: Final = 86_400_000
MAX_EVENTS_A_DAY: Final = 1_000_000
MAX_BYTES_A_DAY: Final = 1024 * 1024 * 1024  # as sent, compressed


def charge(db: Database, link: str, events: int, size: int, now_ms: int) -> None:
    """Counts what an exchange brings, inside its transaction. Raises TooMany with the seconds to the next day, UTC."""
    day = now_ms // DAY_MS
    row = db.execute(
        "SELECT quota_events, quota_bytes FROM link WHERE link = ? AND quota_day = ?", [link, day]
    ).fetchone()
    had_events, had_bytes = row or (0, 0)
    if had_events + events > MAX_EVENTS_A_DAY or had_bytes + size > MAX_BYTES_A_DAY:
        wait_s = ((day + 1) * DAY_MS - now_ms) // 1000 + 1
        raise TooMany("quota", field="body", value=had_events + events, limit=MAX_EVENTS_A_DAY, retry_after_s=wait_s)
    db.execute(
        "UPDATE link SET quota_day = ?, quota_events = ?, quota_bytes = ? WHERE link = ?",
        [day, had_events + events, had_bytes + size, link],
    )
