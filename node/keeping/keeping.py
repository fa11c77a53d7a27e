"""How a node keeps copies of itself (`[backup]` in config.toml), and what about them and the disk is an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from node import node_queries
from node.evidence import audit_queries
from schemas.clock import iso_instant
from schemas.labels import label
from sync.env import DISK_RESERVE_BYTES
from sync.replica import Replica

HOUR_MS: Final = 3_600_000
OLD_TIMES: Final = 3  # copies that were due since the last one, until it is an alarm
OLD_LEAST_H: Final = 72


@dataclass(frozen=True, slots=True)
class Copies:
    """`keep`: how many stay in the folder. `every_h`: hours from one to the next. `second`: another place, best on
    another disk, for the newest ones; None for none.
    """

    keep: int = 3
    every_h: int = 24
    second: Path | None = None


DEFAULT_COPIES: Final = Copies()


@runtime_checkable
class HasCopies(Protocol):
    """An application of a node that stands in a folder."""

    copies: Copies | None


def alarms(replica: Replica, language: str) -> list[dict[str, Any]]:
    """The disk is nearly full, the last copy failed, or is old. Nothing for a node that stands in no folder."""
    copies = replica.app.copies if isinstance(replica.app, HasCopies) else None
    if copies is None:
        return []
    found = []
    free = replica.env.free_bytes()
    if free < DISK_RESERVE_BYTES:
        text = label(language, "alarm.disk_low", free_mb=free // 1_048_576)
        found.append({"code": "disk_low", "text": text, "since": None})
    return found + _of_copies(replica, copies, language)


def _of_copies(replica: Replica, copies: Copies, language: str) -> list[dict[str, Any]]:
    made = audit_queries.last_of(replica.db, "backed_up")
    failed = audit_queries.last_of(replica.db, "backup_failed")
    if failed is not None and (made is None or failed.n > made.n):
        text = label(language, "alarm.backup_failed", place=failed.subject, why=failed.purpose)
        return [{"code": "backup_failed", "text": text, "since": iso_instant(failed.at)}]
    since = made.at if made is not None else node_queries.began_at(replica.db)
    hours = (replica.env.now_ms() - since) // HOUR_MS if since is not None else 0
    if hours > max(OLD_LEAST_H, OLD_TIMES * copies.every_h):
        text = label(language, "alarm.backup_old", days=hours // 24)
        return [{"code": "backup_old", "text": text, "since": iso_instant(since)}]
    return []
