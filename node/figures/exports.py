"""Rollup tables as files, with a sheet that says what each figure means, and as plain text for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from node.figures.sheets import CSV_TYPE, XLSX_TYPE, Cell, Sheet, csv_chunks, xlsx_file
from schemas.clock import parse_instant
from schemas.labels import label, period_text
from schemas.masking import OTHER_TEXT, SMALL_TEXT, is_masked, shown
from schemas.units.acts import LEVELS

PARTS: Final = ("numerator", "denominator")
MAX_BESIDE: Final = 4  # columns of figures that a terminal of 80 characters has room for


def table_of(document: dict[str, Any], language: str) -> list[list[Cell]]:
    """Header, a row for each key, the total last. Rates stand as percentages with two decimals, or are empty, each
    with its numerator and denominator behind it; the last column says why one is over 100 %.
    """
    if _is_matrix(document):
        return _matrix(document, language)
    measures, rates = list(document["measures"]), list(document["rates"])
    header: list[Cell] = [label(language, "table.key"), label(language, "table.name")]
    header += [label(language, f"measure.{name}") for name in measures]
    for name in rates:
        header += rate_header(name, language)
    rows = [[*header, label(language, "table.notes")]]
    for row in _holders(document, language):
        cells: list[Cell] = [str(row["key"]), str(row["label"])]
        cells += [_figure(row["measures"][name]) for name in measures]
        for name in rates:
            cells += rate_cells(row["rates"][name])
        rows.append([*cells, "；".join(_reasons(row, language))])
    return rows


def rate_header(name: str, language: str) -> list[Cell]:
    """The heads of the three columns of a rate."""
    said = label(language, f"rate.{name}")
    return [f"{said} %", *(f"{said} {label(language, f'table.{part}')}" for part in PARTS)]


def rate_cells(rate: Mapping[str, Any]) -> list[Cell]:
    """A percentage, its numerator and its denominator; of a masked rate none of them."""
    if is_masked(rate):
        return [OTHER_TEXT] * 3
    return [rate["value"], *(rate[part] for part in PARTS)]


def _is_matrix(document: dict[str, Any]) -> bool:
    return any("cells" in row for row in document["rows"])


def _holders(document: dict[str, Any], language: str) -> list[dict[str, Any]]:
    """The rows of the document, its total, and the periods that it is compared with."""
    total = {"key": document["unit"], "label": label(language, "table.total"), **document}
    return [*document["rows"], total, *_beside(document, language)]


def _reasons(row: Mapping[str, Any], language: str) -> list[str]:
    """Why a rate of a row is over 100 %."""
    noted = [(name, rate["note"]) for name, rate in row["rates"].items() if "note" in rate]
    return [f"{label(language, f'rate.{name}')}：{note}" for name, note in noted]


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
    """(content, content type, file name) of a rollup as csv or xlsx; the same document gives the same bytes."""
    name = f"rollup-{document['unit']}-{document['period'].replace('..', '_')}.{kind}"
    table = table_of(document, language)
    if kind == "csv":
        return b"".join(csv_chunks(table)), CSV_TYPE, name
    sheets = [
        Sheet(label(language, "table.sheet"), table, figures_from=2),
        Sheet(label(language, "table.notes"), notes(document, language)),
        Sheet(label(language, "table.definitions"), definitions(document, language)),
    ]
    with xlsx_file(sheets, parse_instant(document["as_of"], "as_of")) as content:
        return content.read(), XLSX_TYPE, name


ASKED: Final = ("title", "unit", "period", "measure", "tree", "campaign", "categories", "as_of", "position")


def notes(document: Mapping[str, Any], language: str) -> list[list[Cell]]:
    """What a table is about, as of when: a row for each of ASKED that is known."""
    said = {name: str(document[name]) for name in ASKED if document.get(name) is not None}
    if "tree" in said:
        said["tree"] = label(language, f"page.rollup.tree.{said['tree']}")
    if "measure" in said:
        said["measure"] = label(language, f"measure.{said['measure']}")
    if "period" in said:
        said["period"] = period_text(said["period"], language)
    return [[label(language, f"table.note.{name}"), text] for name, text in said.items()]


def definitions(document: dict[str, Any], language: str) -> list[list[Cell]]:
    """What each figure of a document means; of a rate what is divided by what."""
    header = [label(language, f"table.{name}") for name in ("figure", "definition", "numerator", "denominator")]
    rows: list[list[Cell]] = [[*header]]
    for name in document["measures"]:
        rows.append([label(language, f"measure.{name}"), label(language, f"definition.{name}"), None, None])
    for name in document["rates"]:
        parts = [label(language, f"definition.{name}.{part}") for part in ("numerator", "denominator")]
        rows.append([f"{label(language, f'rate.{name}')} %", label(language, f"definition.{name}"), *parts])
    rows.append([SMALL_TEXT, label(language, "definition.small"), None, None])
    rows.append([OTHER_TEXT, label(language, "definition.complement"), None, None])
    return rows


def definitions_file(document: dict[str, Any], language: str) -> tuple[bytes, str, str]:
    """(content, content type, file name): what each figure of a csv means, which has no second sheet to say it on."""
    return b"".join(csv_chunks(definitions(document, language))), CSV_TYPE, "definitions.csv"


def with_definitions(document: dict[str, Any], language: str) -> dict[str, Any]:
    """The document with `definitions`: {measures: {name: {label, definition}}, rates: {name: {label, definition,
    numerator, denominator}}}.
    """

    def words(kind: str, name: str, *parts: str) -> dict[str, str]:
        said = {part: label(language, f"definition.{name}.{part}") for part in parts}
        return {"label": label(language, f"{kind}.{name}"), "definition": label(language, f"definition.{name}"), **said}

    found = {
        "measures": {name: words("measure", name) for name in document["measures"]},
        "rates": {name: words("rate", name, "numerator", "denominator") for name in document["rates"]},
    }
    return {**document, "definitions": found}


def text_table(document: dict[str, Any], language: str) -> str:
    """A table for a terminal, figures right-aligned; a Chinese character is two columns wide. A figure is a line where
    there are few rows; the matrix, and a table of many rows, have a line for each row.
    """
    few = not _is_matrix(document) and len(_holders(document, language)) <= MAX_BESIDE
    table = _upright(document, language) if few else table_of(document, language)
    texts = [["" if cell is None else str(cell) for cell in row] for row in table]
    left = 1 if few else 2
    widths = [max(_width(row[at]) for row in texts) for at in range(len(texts[0]))]
    lines = []
    for row in texts:
        cells = [
            cell + " " * (width - _width(cell)) if at < left else " " * (width - _width(cell)) + cell
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    holders = _holders(document, language) if few else []
    reasons = [f"{one['label']} {reason}" for one in holders for reason in _reasons(one, language)]
    return "\n".join([*lines, *reasons, about(document, language)]) + "\n"


def about(document: Mapping[str, Any], language: str) -> str:
    """Of what the figures are, and as of when."""
    named = {name: document[name] for name in ("unit", "period", "as_of", "position")}
    return label(language, "table.about", **named)


def _upright(document: dict[str, Any], language: str) -> list[list[Cell]]:
    """A line for each figure, a column for each row; a rate is `83.04 (666/802)`."""
    holders = _holders(document, language)
    table: list[list[Cell]] = [["", *(str(one["label"]) for one in holders)]]
    for name in document["measures"]:
        table.append([label(language, f"measure.{name}"), *(_figure(one["measures"][name]) for one in holders)])
    for name in document["rates"]:
        table.append([f"{label(language, f'rate.{name}')} %", *(_rate_text(one["rates"][name]) for one in holders)])
    return table


def _rate_text(rate: Mapping[str, Any]) -> str:
    value, above, below = rate_cells(rate)
    if is_masked(rate):
        return OTHER_TEXT
    return f"{value or '–'} ({above}/{below})"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
