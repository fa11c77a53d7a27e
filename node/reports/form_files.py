"""The rollup of a form as a file, small figures below township level masked as in every export (2-domain, Masking)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from node.figures.exports import notes, rate_cells, rate_header
from node.figures.sheets import CSV_TYPE, XLSX_TYPE, Cell, Sheet, csv_chunks, xlsx_file
from node.reports.form_rollup import MEASURES
from schemas.clock import parse_instant
from schemas.labels import label
from schemas.masking import OTHER_TEXT, SMALL_TEXT, below_township
from schemas.suppression import Sum, suppress

Key = tuple[str, str]  # row ("" for the total) and column


def form_file(document: Mapping[str, Any], kind: str, language: str) -> tuple[bytes, str, str]:
    """(content, content type, file name) as csv or xlsx; the same document gives the same bytes."""
    name = f"form-{document['form']}-{document['unit']}-{document['period'].replace('..', '_')}.{kind}"
    table = table_of(document, language)
    if kind == "csv":
        return b"".join(csv_chunks(table)), CSV_TYPE, name
    about = notes(document, language)
    about += [[SMALL_TEXT, label(language, "definition.small")], [OTHER_TEXT, label(language, "definition.complement")]]
    sheets = [Sheet(label(language, "table.sheet"), table), Sheet(label(language, "table.notes"), about)]
    with xlsx_file(sheets, parse_instant(document["as_of"], "as_of")) as content:
        return content.read(), XLSX_TYPE, name


def table_of(document: Mapping[str, Any], language: str) -> list[list[Cell]]:
    """Header, a row for each unit, the total last; a masked cell prints `<5` or `*`."""
    fields = document["fields"]
    header: list[Cell] = [label(language, "table.key"), label(language, "table.name")]
    header += [label(language, f"form_measure.{name}") for name in MEASURES]
    header += [*rate_header("filled_rate", language), *(one["label"] for one in fields)]
    hidden, small = _masks(document)
    table = [header]
    rows = [*document["rows"], {**document, "key": "", "label": label(language, "table.total")}]
    for row in rows:
        cells: list[Cell] = [str(row["key"]), str(row["label"])]
        cells += [row["measures"][name] for name in MEASURES]
        cells += rate_cells(row["rates"]["filled_rate"])
        for one in fields:
            key = (str(row["key"]), one["key"])
            masked = SMALL_TEXT if key in small else OTHER_TEXT
            cells.append(masked if key in hidden else row["totals"][one["key"]])
        table.append(cells)
    return table


def _masks(document: Mapping[str, Any]) -> tuple[frozenset[Key], frozenset[Key]]:
    """Cells that must not be printed, and those of them of which may be said that they are small."""
    counts = [one["key"] for one in document["fields"] if one["type"] == "integer"]
    holders = dict(_holders(document))
    values = {(row, key): totals[key] or 0 for row, totals in holders.items() for key in counts}
    below = {str(row["key"]) for row in document["rows"] if below_township(row["level"])}
    below |= {""} if below_township(document["level"]) else set()
    sensitive = [key for key in values if key[0] in below]
    sums = [Sum(("", key), tuple((row, key) for row in holders if row)) for key in counts if len(holders) > 1]
    for rule in document["sums"]:
        if {rule["total"], *rule["parts"]} <= set(counts):
            sums += [Sum((row, rule["total"]), tuple((row, part) for part in rule["parts"])) for row in holders]
    found = suppress(values, sums, sensitive)
    return found.masked, found.said


def _holders(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "", document["totals"]
    for row in document["rows"]:
        yield str(row["key"]), row["totals"]
