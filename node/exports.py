"""Rollup tables as files: CSV (UTF-8 with BOM, for spreadsheets), XLSX, and plain text for a terminal."""

from __future__ import annotations

import csv
import io
import unicodedata
from typing import Any, Final

import xlsxwriter

from schemas.labels import label
from schemas.masking import OTHER_TEXT, SMALL_TEXT, is_masked, shown
from schemas.unit_acts import LEVELS

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")
CSV_TYPE: Final = "text/csv; charset=utf-8"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | float | None


def table_of(document: dict[str, Any], language: str) -> list[list[Cell]]:
    """Header, a row for each key, the total last. Rates stand as percentages with two decimals, or are empty."""
    if any("cells" in row for row in document["rows"]):
        return _matrix(document, language)
    measures, rates = list(document["measures"]), list(document["rates"])
    header: list[Cell] = [label(language, "table.key"), label(language, "table.name")]
    header += [label(language, f"measure.{name}") for name in measures]
    header += [f"{label(language, f'rate.{name}')} %" for name in rates]
    rows = [header]
    total = {"key": document["unit"], "label": label(language, "table.total"), **document}
    for row in [*document["rows"], total, *_beside(document, language)]:
        cells: list[Cell] = [str(row["key"]), str(row["label"])]
        cells += [_figure(row["measures"][name]) for name in measures]
        cells += [OTHER_TEXT if is_masked(row["rates"][name]) else row["rates"][name]["value"] for name in rates]
        rows.append(cells)
    return rows


def _beside(document: dict[str, Any], language: str) -> list[dict[str, Any]]:
    """The figures of the periods that the document is compared with, as rows below the total."""
    compared = document.get("comparison", {})
    return [
        {**other, "key": other["period"], "label": label(language, f"compare.{kind}")}
        for kind, other in compared.items()
        if other is not None
    ]


def _matrix(document: dict[str, Any], language: str) -> list[list[Cell]]:
    """Category x handling level: cases with a result and agreed ones of each level, subtotal, year to date."""
    words = [label(language, f"measure.{name}") for name in ("mediated", "agreed")]
    groups = [label(language, f"level.{level}") for level in LEVELS]
    groups += [label(language, "page.rollup.subtotal"), label(language, "page.rollup.year_to_date")]
    header: list[Cell] = [label(language, "table.key"), label(language, "table.name")]
    header += [f"{group} {word}" for group in groups for word in words]
    rows = [header]
    for row in document["rows"]:
        pairs = [*(row["cells"][level] for level in LEVELS), row["subtotal"], row["year_to_date"]]
        figures: list[Cell] = [_figure(pair[name]) for pair in pairs for name in ("mediated", "agreed")]
        rows.append([str(row["key"]), str(row["label"]), *figures])
    return rows


def _figure(value: Any) -> Cell:
    """A figure, or what is printed in the place of one that is masked."""
    return shown(value) if is_masked(value) else int(value)


def rollup_file(document: dict[str, Any], kind: str, language: str) -> tuple[bytes, str, str]:
    """(content, content type, file name) of a rollup as csv or xlsx."""
    name = f"rollup-{document['unit']}-{document['period'].replace('..', '_')}.{kind}"
    table = table_of(document, language)
    if kind == "csv":
        return _csv(table), CSV_TYPE, name
    return _xlsx(table, document, language), XLSX_TYPE, name


def text_table(document: dict[str, Any], language: str) -> str:
    """A table for a terminal, figures right-aligned; a Chinese character is two columns wide."""
    table = [["" if cell is None else str(cell) for cell in row] for row in table_of(document, language)]
    widths = [max(_width(row[at]) for row in table) for at in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [
            cell + " " * (width - _width(cell)) if at < 2 else " " * (width - _width(cell)) + cell
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    about = label(
        language, "table.about", unit=document["unit"], period=document["period"], as_of=document["as_of"],
        position=document["position"],
    )  # fmt: skip
    return "\n".join([*lines, about]) + "\n"


def _csv(table: list[list[Cell]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in table:
        writer.writerow([harmless(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def _xlsx(table: list[list[Cell]], document: dict[str, Any], language: str) -> bytes:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(label(language, "table.sheet"))
    percent = book.add_format({"num_format": "0.00"})
    for at, row in enumerate(table):
        for column, cell in enumerate(row):
            if at and column >= 2 and isinstance(cell, str) and cell not in (SMALL_TEXT, OTHER_TEXT):
                sheet.write_number(at, column, float(cell), percent)
            elif cell is not None:
                sheet.write(at, column, cell)
    notes = book.add_worksheet(label(language, "table.notes"))
    for at, name in enumerate(("unit", "period", "tree", "as_of", "position")):
        notes.write_string(at, 0, name)
        notes.write_string(at, 1, str(document[name]))
    book.close()
    return content.getvalue()


def harmless(cell: Cell) -> Cell:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
