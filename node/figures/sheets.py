"""Tables as files, row by row: CSV (UTF-8 with BOM, for spreadsheets) and XLSX in constant memory. The same table gives
the same bytes, whenever it is asked for.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO, Final, NamedTuple

import xlsxwriter

CSV_TYPE: Final = "text/csv; charset=utf-8"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE_TYPES: Final = {"csv": CSV_TYPE, "xlsx": XLSX_TYPE}
CHUNK: Final = 64 * 1024
IN_MEMORY_BYTES: Final = 1024 * 1024  # a larger file waits on disk until it is read
MAX_SHEET_ROWS: Final = 1_048_576
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER: Final = re.compile(r"-?[0-9]+\.[0-9]+")  # a rate
_BOM: Final = b"\xef\xbb\xbf"
Cell = str | int | float | None


class Sheet(NamedTuple):
    """One sheet of a workbook: in rows below the first, texts from column `figures_from` on that are numbers become
    numbers with two decimals.
    """

    name: str
    rows: Iterable[list[Cell]]
    figures_from: int | None = None


def harmless(cell: Cell) -> Cell:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell


def csv_chunks(rows: Iterable[list[Cell]]) -> Iterator[bytes]:
    """The file in pieces, of one row or more."""
    yield _BOM
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
        if text.tell() >= CHUNK:
            yield text.getvalue().encode("utf-8")
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode("utf-8")


def csv_file(rows: Iterable[list[Cell]]) -> IO[bytes]:
    """The whole file, from its beginning; on disk when it is large."""
    found = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - the caller reads and closes it
    for chunk in csv_chunks(rows):
        found.write(chunk)
    found.seek(0)
    return found


def xlsx_file(sheets: Iterable[Sheet], at_ms: int) -> IO[bytes]:
    """A workbook, from its beginning; `at_ms` (unix ms) is the instant that it says it was made at."""
    found = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - the caller reads and closes it
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(found, options)
    book.set_properties({"created": datetime.fromtimestamp(at_ms // 1000, UTC).replace(tzinfo=None)})
    percent = book.add_format({"num_format": "0.00"})
    for sheet in sheets:
        _write(book.add_worksheet(sheet.name), sheet, percent)
    book.close()
    found.seek(0)
    return found


def _write(page: xlsxwriter.worksheet.Worksheet, sheet: Sheet, percent: object) -> None:
    for at, row in zip(range(MAX_SHEET_ROWS), sheet.rows, strict=False):
        for column, cell in enumerate(row):
            if cell is None:
                continue
            if isinstance(cell, str):
                is_figure = at and sheet.figures_from is not None and column >= sheet.figures_from
                if is_figure and _NUMBER.fullmatch(cell):
                    page.write_number(at, column, float(cell), percent)
                else:
                    page.write_string(at, column, cell)
            else:
                page.write_number(at, column, cell)


def pieces(content: IO[bytes]) -> Iterator[bytes]:
    """A file in pieces, closed at its end."""
    with content:
        while chunk := content.read(CHUNK):
            yield chunk
