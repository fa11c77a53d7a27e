"""A node's database and keys put aside whole, and put back. The head marker is left out on purpose: by it a node knows
that it runs on an earlier copy (3-sync, Restored copy).
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.evidence import audit, erasure_queries
from node.folder import (
    CONFIG,
    DATABASE,
    KEYS,
    NODE_KEY,
    OWNER_ONLY,
    SECRET_KEY,
    SERVE_LOCK,
    locked,
    make_private,
    read_signer,
)
from node.home import at_terminal
from node.keeping.soundness import first_fault
from schemas.clock import iso_instant
from schemas.errors import Conflict, GridError, Invalid, Unavailable
from sync.database import open_database, write
from sync.env import flush
from sync.migrations import SYNC
from sync.replica import Replica

PART: Final = ".part"
WAL: Final = "-wal"
ASIDE: Final = "replaced-"


@dataclass(frozen=True, slots=True)
class Copied:
    """A database that was put aside or back: its node, how many events it holds, its size, and where what was there
    before is kept.
    """

    node: str
    events: int
    size: int
    path: Path
    kept: Path | None = None


def back_up(replica: Replica, folder: Path, target: Path) -> Copied:
    """Writes database, keys and config into a new folder; beside a running `serve`. Nothing half is left.

    Raises Conflict when the target holds something, Invalid when it can't be written or the copy is not sound.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict("folder_not_empty", field="DEST", value=target)
    erased = erasure_queries.count(replica.db)
    with _whole_or_not_at_all(target) as part:
        replica.db.execute("VACUUM INTO ?", [str(part / DATABASE)])
        shutil.copytree(folder / KEYS, part / KEYS)
        shutil.copy2(folder / CONFIG, part / CONFIG)
        node, events = _examined(part)
        if erasure_queries.count(replica.db) != erased:  # its texts may have been read before they were dropped
            raise Unavailable("busy", retry_after_s=2)
    with write(replica.db, "audit", replica.env):
        audit.note(replica, "backed_up", subject=str(target))
    return Copied(node, events, (target / DATABASE).stat().st_size, target)


def copy_to(replica: Replica, backup: Path, target: Path) -> None:
    """Copies a finished backup to another place, which has to be there: an empty mount point of an unplugged disk would
    be filled else. Raises Invalid when that can't be done; nothing half is left.
    """
    with _whole_or_not_at_all(target, parents=False) as part:
        shutil.copytree(backup, part, dirs_exist_ok=True)
        _examined(part)
    with write(replica.db, "audit", replica.env):
        audit.note(replica, "backed_up", subject=str(target))


@contextmanager
def _whole_or_not_at_all(target: Path, *, parents: bool = True) -> Iterator[Path]:
    """A folder beside the target to be filled, which then takes its place, all on the disk. Raises Invalid."""
    part = target.with_name(target.name + PART)
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=parents, mode=OWNER_ONLY)
        yield part
        _flush(part)
        if target.exists():
            target.rmdir()
        part.rename(target)
        flush(target.parent)
    except (OSError, sqlite3.Error, shutil.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise Invalid("folder_not_writable", field="DEST", value=target, why=error) from error
    except GridError:
        shutil.rmtree(part, ignore_errors=True)
        raise


def put_back(source: Path, folder: Path, now_ms: int) -> Copied:
    """Puts a backup in the place of a node's database, whose files are kept aside. `serve` has to be stopped.

    Raises Invalid when the source is no sound backup or another node's, Conflict while `serve` runs.
    """
    node, events = _examined(source)
    fresh = not folder.exists() or not any(folder.iterdir())
    if not fresh and node not in _nodes_of(folder):
        raise Invalid("restore_other_node", field="SRC", value=node, own=", ".join(_nodes_of(folder)))
    part = folder / (DATABASE + PART)
    try:
        if fresh:
            make_private(folder)
            shutil.copytree(source / KEYS, folder / KEYS)
            shutil.copy2(source / CONFIG, folder / CONFIG)
        with locked(folder / SERVE_LOCK, wait=False):
            shutil.copyfile(source / DATABASE, part)
            _cover(part, source, folder / DATABASE, now_ms)
            _flush(folder)  # whole and on the disk before what is there now is touched
            kept = _aside(folder, now_ms)
            part.replace(folder / DATABASE)
            _flush(folder)
    except Conflict as error:
        raise Conflict("stop_serve_first", field="--data", value=folder) from error
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Invalid("folder_not_writable", field="--data", value=folder, why=error) from error
    return Copied(node, events, (folder / DATABASE).stat().st_size, folder, kept)


def _cover(database: Path, source: Path, replaced: Path, now_ms: int) -> None:
    """What was erased since may still stand in it: private texts are covered until it has caught up with its parent.
    The log of administrative acts goes on from the database that is replaced.
    """
    audit.carry_over(database, replaced, at_terminal(), now_ms, str(source))
    with closing(open_database(database, SYNC).conn) as conn:
        conn.execute("UPDATE node_state SET covered = 1")
        conn.execute("PRAGMA journal_mode=DELETE")  # one plain file again


def _aside(folder: Path, now_ms: int) -> Path | None:
    """Moves the database with its side files into a folder named after the instant."""
    files = [folder / name for name in (DATABASE, DATABASE + WAL, DATABASE + "-shm") if (folder / name).exists()]
    if not files:
        return None
    stamp = (iso_instant(now_ms) or "").replace(":", "").replace("+", "p")
    kept = folder / f"{ASIDE}{stamp}"
    kept.mkdir()
    for file in files:
        file.rename(kept / file.name)
    return kept


def _examined(folder: Path) -> tuple[str, int]:
    """(node, events) of a backup whose database is whole and fits its key. Raises Invalid."""
    if not (folder / DATABASE).is_file() or not (folder / NODE_KEY).is_file():
        raise Invalid("no_backup_here", field="SRC", value=folder)
    wal = folder / (DATABASE + WAL)
    if wal.is_file() and wal.stat().st_size:  # the last records stand in it, and a copy of the database lacks them
        raise Invalid("backup_not_whole", field="SRC", value=wal)
    try:
        with closing(sqlite3.connect(f"file:{folder / DATABASE}?mode=ro&immutable=1", uri=True)) as conn:
            fault = first_fault(conn)
            (node,) = conn.execute("SELECT node FROM node_state").fetchone()
            (events,) = conn.execute("SELECT COUNT(*) FROM event").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise Invalid("backup_damaged", field="SRC", value=f"{folder}: {error}") from error
    if fault is not None or node not in _nodes_of(folder):
        raise Invalid("backup_damaged", field="SRC", value=f"{folder}: {fault or node}")
    return str(node), int(events)


def _nodes_of(folder: Path) -> list[str]:
    """The node ids that the keys of a folder give: more than one after a renewal."""
    paths = (path for path in sorted((folder / KEYS).glob("*.key")) if path != folder / SECRET_KEY)
    return [signer.node for signer in map(read_signer, paths) if signer is not None]


def _flush(folder: Path) -> None:
    """Has every file of a folder on the disk."""
    for path in [*folder.rglob("*"), folder]:
        flush(path)
