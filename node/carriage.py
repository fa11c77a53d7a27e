"""Files on a stick: writing them so that half a file is never taken for a whole one, and reading what is brought."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import Invalid
from sync import carrier, receipts
from sync.carrier import UP, Carried, Imported
from sync.receipts import BACK, Acknowledged
from sync.replica import Replica
from sync.wire import MAX_PLAIN_BYTES


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import did: of a `.gsync` with the receipt to carry back, or of a `.gack`."""

    imported: Imported | None = None
    receipt: Carried | None = None
    acknowledged: Acknowledged | None = None

    def document(self) -> dict[str, Any]:
        """The answer as JSON."""
        if self.imported is not None:
            one = self.imported
            return {
                "kind": "gsync", "node": one.node, "unit": one.unit, "count": one.count, "new": one.new,
                "refused": one.refused, "cursor_moved": one.moved,
                "receipt": self.receipt.name if self.receipt else None,
            }  # fmt: skip
        assert self.acknowledged is not None
        said = self.acknowledged
        return {
            "kind": "gack", "unit": said.unit, "marks": said.marks, "refused": said.refused, "cursor_moved": said.moved,
        }  # fmt: skip


def bring(replica: Replica, name: str, content: bytes) -> Brought:
    """Takes a file in by what its name says it is. Raises Invalid for anything else, or one that is not whole."""
    if name.endswith(UP):
        imported = carrier.take_in(replica, content)
        receipt = receipts.receipt(replica, imported.node, imported.log, imported.chains)
        return Brought(imported=imported, receipt=receipt)
    if name.endswith(BACK):
        return Brought(acknowledged=receipts.take_receipt(replica, content))
    raise Invalid("file_kind", field="file", value=name, allowed=f"{UP}, {BACK}")


def read_file(path: Path) -> bytes:
    """A file's bytes. Raises Invalid when it can't be read, is over the limit, or is a pipe or device (endless)."""
    try:
        if path.exists() and not path.is_file():
            raise Invalid("file_no_file", field="file", value=path)
        if path.stat().st_size > MAX_PLAIN_BYTES:
            raise Invalid("carried_too_large", field="file", value=path.stat().st_size, limit=MAX_PLAIN_BYTES)
        return path.read_bytes()
    except OSError as error:
        raise Invalid("file_unreadable", field="file", value=path, why=error) from error


def make(folder: Path) -> None:
    """The folder, made if the one above it is there. Raises Invalid when it can't be made, or is a file."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise Invalid("folder_not_writable", field="folder", value=folder, why=error) from error


def put(folder: Path, file: Carried) -> Path:
    """The file whole on the disk under its name, or not at all; one that is there already is left alone.

    Raises Invalid when the folder can't be written.
    """
    target, part = folder / file.name, folder / f"{file.name}.part"
    if target.is_file():  # the name holds the hash of what is in it
        return target
    try:
        with part.open("wb") as handle:
            handle.write(file.content)
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Invalid("folder_not_writable", field="folder", value=folder, why=error) from error
    return target
