"""A file that is given up when the disk is full, so that what people enter can still be written (5-architecture)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sync.env import DISK_RESERVE_BYTES

NAME: Final = "ballast"
SIZE_BYTES: Final = 16 * 1024 * 1024
LOW_BYTES: Final = 8 * 1024 * 1024


def give_up(folder: Path, free_bytes: int) -> bool:
    """Makes room where next to none is left. True when the ballast was given up just now."""
    ballast = folder / NAME
    if free_bytes >= LOW_BYTES or not ballast.exists():
        return False
    ballast.unlink(missing_ok=True)  # another process may have been quicker
    return True


def take_in(folder: Path, free_bytes: int) -> None:
    """Puts the ballast there once there is room to spare. Raises OSError when there is none after all."""
    ballast, part = folder / NAME, folder / f"{NAME}.part"
    if ballast.exists() or free_bytes < SIZE_BYTES + 2 * DISK_RESERVE_BYTES:
        return
    try:
        with part.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, SIZE_BYTES)  # zeros would cost nothing on a disk that compresses
        part.replace(ballast)
    finally:
        part.unlink(missing_ok=True)
