"""Texts that people hand in as files: lists of units, remarks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from schemas.errors import Invalid

MAX_BYTES: Final = 16 * 1024 * 1024
BYTE_ORDER_MARK: Final = "\ufeff"
# The second is what spreadsheets on Chinese Windows write.
ENCODINGS: Final = ("utf-8", "gb18030")


def text_of(raw: bytes) -> str:
    """The text in UTF-8, else in GB 18030, each with or without a byte order mark. Raises UnicodeError for neither."""
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding).removeprefix(BYTE_ORDER_MARK)
        except UnicodeDecodeError as error:
            wrong = error
    raise wrong


def text_in(path: Path, field: str) -> str:
    """The text of a file. Raises Invalid for one that can't be read, is too large or no text."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Invalid("file_too_large", field=field, value=path, limit=MAX_BYTES)
        return text_of(path.read_bytes())
    except (OSError, UnicodeError) as error:
        raise Invalid("file_unreadable", field=field, value=path, why=error) from error
