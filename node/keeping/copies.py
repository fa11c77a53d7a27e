"""Copies that a serving node makes of itself: the newest few in its own folder, and in a second place if it has one.

A damaged database is mended from them (node/keeping/repair.py). Backups made by hand stay: only what is named after
an instant, as here, is ever removed.
"""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from node.console.terminal import language
from node.evidence import audit, audit_queries
from node.folder import DATABASE
from node.home import Home
from node.keeping.backups import back_up, copy_to
from schemas.errors import DiskFull, GridError, Invalid
from schemas.labels import explain
from sync.database import write
from sync.env import DISK_RESERVE_BYTES
from sync.replica import Replica

FOLDER: Final = "backups"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
# Numbered, since a clock may be wrong: the unit (in a shared place), the number, the instant.
_NAME: Final = re.compile(r"(?:(\d{12,15})-)?(\d{6})-(\d{8}T\d{6}Z)", re.ASCII)


def made(place: Path, unit: str = "") -> list[Path]:
    """The copies in a place, newest first; of one unit's node, where several share it."""
    return [path for path in _numbered(place) if _parts(path)[0] == unit]


def known(folder: Path, second: Path | None) -> list[Path]:
    """All copies that may be of the node in this folder, newest first: whose they are says their key."""
    found = [*_numbered(folder / FOLDER), *(_numbered(second) if second is not None else ())]
    return sorted(found, key=_number, reverse=True)


def _numbered(place: Path) -> list[Path]:
    named = (path for path in place.iterdir() if path.is_dir()) if place.is_dir() else ()
    return sorted((path for path in named if _NAME.fullmatch(path.name)), key=_number, reverse=True)


def _parts(path: Path) -> tuple[str, int, str]:
    found = _NAME.fullmatch(path.name)
    assert found is not None
    return found[1] or "", int(found[2]), found[3]


def _number(path: Path) -> int:
    return _parts(path)[1]


def is_due(newest: Path | None, every_h: int, now_ms: int) -> bool:
    """Whether another copy is due; one that is dated in the future was made by a wrong clock and does not count."""
    if newest is None:
        return True
    age = _instant(now_ms) - datetime.strptime(_parts(newest)[2], _STAMP).replace(tzinfo=UTC)
    return not timedelta(0) <= age < timedelta(hours=every_h)


def keep_up(home: Home) -> bool:
    """Makes the copies that are due and drops those beyond `keep`. False when one failed: that stands in the audit log
    then, and is an alarm until the next one that does not.
    """
    replica, copies, now_ms = home.replica(), home.config.copies, home.env.now_ms()
    place = own = home.folder / FOLDER
    unit = replica.identity.unit
    try:
        kept = made(own)
        if is_due(next(iter(kept), None), copies.every_h, now_ms):
            _require_room(home)
            number = max(map(_number, kept), default=0) + 1
            back_up(replica, home.folder, own / f"{number:06d}-{_instant(now_ms).strftime(_STAMP)}")
            kept = _within(made(own), copies.keep)
        if copies.second is not None:
            place = copies.second
            target = place / f"{unit}-{kept[0].name}"
            if not target.exists():
                copy_to(replica, kept[0], target)
                _within(made(place, unit), copies.keep)
    except GridError as error:
        _tell(replica, place, error)
        return False
    return True


def _require_room(home: Home) -> None:
    needed = (home.folder / DATABASE).stat().st_size + 2 * DISK_RESERVE_BYTES
    if home.env.free_bytes() < needed:
        raise DiskFull("disk_full")


def _within(newest_first: list[Path], keep: int) -> list[Path]:
    """What is kept; the rest is removed. Raises Invalid."""
    try:
        for old in newest_first[keep:]:
            shutil.rmtree(old)
    except OSError as error:
        raise Invalid("folder_not_writable", field="DEST", value=error.filename, why=error) from error
    return newest_first[:keep]


def _tell(replica: Replica, place: Path, error: GridError) -> None:
    """Notes a failure once, not at every further try."""
    failed = audit_queries.last_of(replica.db, "backup_failed")
    done = audit_queries.last_of(replica.db, "backed_up")
    told = failed is not None and failed.subject == str(place) and (done is None or done.n < failed.n)
    if not told:
        with write(replica.db, "audit", replica.env):
            audit.note(replica, "backup_failed", subject=str(place), purpose=explain(language(), error))


def _instant(now_ms: int) -> datetime:
    return datetime.fromtimestamp(now_ms // 1000, UTC)
