"""Why a file could not be read or written: the operating system says so in English only, and with a number."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_BY_NUMBER: Final[Mapping[int | None, str]] = MappingProxyType({
    errno.ENOENT: "missing",
    errno.EACCES: "not_allowed",
    errno.EPERM: "not_allowed",
    errno.EROFS: "read_only",
    errno.ENOTDIR: "below_a_file",
    errno.EISDIR: "folder",
    errno.EEXIST: "taken",
    errno.ENAMETOOLONG: "long_name",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EIO: "disk_broken",
})  # fmt: skip


def reason_key(error: BaseException) -> str | None:
    """The label of what went wrong; None where only the error's own words tell it."""
    if isinstance(error, UnicodeError):
        return "reason.no_text"
    name = _BY_NUMBER.get(error.errno) if isinstance(error, OSError) else None
    return f"reason.{name}" if name else None
