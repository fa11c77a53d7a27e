"""The files of a node's folder: what they are called, who may read them, and who holds them."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from node.console.terminal import language, progress
from schemas.errors import Conflict, Invalid, NotFound
from schemas.labels import label
from sync.keys import SEED_BYTES, Signer

DATABASE: Final = "grid.db"
CONFIG: Final = "config.toml"
KEYS: Final = "keys"
NODE_KEY: Final = "keys/node.key"
RENEWED_KEY: Final = "keys/{node}.key"
SECRET_KEY: Final = "keys/secret.key"  # noqa: S105 - a file name
PENDING_KEY: Final = "enrol.pending"
CA_FILE: Final = "ca.crt"
SERVE_LOCK: Final = "serve.lock"
SYNC_LOCK: Final = "sync.lock"
UPGRADE_LOCK: Final = "upgrade.lock"
OWNER_ONLY: Final = 0o700


def make_private(folder: Path) -> None:
    """Makes the folder if it is missing, and lets nobody but its owner in: names and narratives stand in the database.
    A disk that knows no owners, or somebody else's folder, is told on the terminal, and by `doctor`.
    Raises Invalid where it can't be made.
    """
    try:
        folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid("folder_not_writable", field="--data", value=folder, why=error) from error
    if not is_private(folder):
        try:
            folder.chmod(OWNER_ONLY)
        except PermissionError:
            progress(label(language(), "cli.folder_open", folder=folder))


def is_private(path: Path) -> bool:
    """Whether only its owner gets at it."""
    return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def require_empty(folder: Path) -> None:
    """Raises Conflict unless the folder is missing, empty, or of an enrolment that was cut short: its key is kept."""
    if folder.exists() and not folder.is_dir():
        raise Conflict("not_a_folder", field="--data", value=folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PENDING_KEY).is_file():
        raise Conflict("folder_not_empty", field="--data", value=folder)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds an exclusive lock on a file. Raises Conflict when somebody else has it and `wait` is off."""
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Conflict("locked", field="--data", value=path.parent) from error
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, and has it on the disk before it returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_signer(path: Path) -> Signer | None:
    """The key in a file; None where there is none, or it is no key."""
    seed = path.read_bytes() if path.is_file() else b""
    return Signer(seed) if len(seed) == SEED_BYTES else None


def read_key(path: Path) -> bytes:
    """The bytes of a key. Raises NotFound, or Invalid for a file that holds no key."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("key_missing", field="--data", value=path) from error
    if len(content) != SEED_BYTES:
        raise Invalid("key_broken", field="--data", value=path)
    return content
