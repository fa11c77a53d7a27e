"""A bulletin as Markdown, as an HTML page that needs nothing else, and as a PDF."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hub import pdf
from hub.bulletin import Document, foot, issue_words
from node.charts import Paper, bar
from schemas.bulletin_blocks import Block, cell_text
from schemas.labels import label

FORMATS: Final = ("md", "html", "pdf")
TYPES: Final = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}
_BAR: Final = Paper(120, 10)
# What Markdown would take for markup.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~])")
_AT_START: Final = re.compile(r"^(\s*\d*)([+\-=.)])(?=\s|$)", re.M)


def rendered(document: Document, kind: str) -> bytes:
    """The bytes of a bulletin in one of FORMATS. Raises Unavailable and Conflict where no PDF can be made."""
    if kind == "md":
        return markdown(document).encode("utf-8")
    page = html(document).encode("utf-8")
    return pdf.made(page) if kind == "pdf" else page


def markdown(document: Document) -> str:
    """The bulletin as Markdown: headings, paragraphs, tables with figures right-aligned."""
    parts = [f"# {_plain(document['title'])}", f"{_plain(issue_words(document))}　{_plain(document['name'])}"]
    for block in document["blocks"]:
        if block["t"] == "h":
            parts.append(f"## {_inside(block['text'])}")
        elif block["t"] == "p":
            parts.append(_plain(cell_text(block["spans"])))
        elif block["t"] == "words":
            parts += [_plain(line.strip()) for line in block["text"].splitlines() if line.strip()]
        else:
            parts.append(_table(block))
    parts.append("  \n".join(_plain(line) for line in foot(document)))
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """A paragraph: no list, whatever it begins with."""
    return _AT_START.sub(r"\1\\\2", _inside(text))


def _inside(text: str) -> str:
    """Words inside a line."""
    return _MARKUP.sub(r"\\\1", text)


def _table(block: Block) -> str:
    rows = [block["head"], *block["rows"], *([block["foot"]] if block["foot"] else [])]
    lines = ["| " + " | ".join(_inside(cell_text(cell)) for cell in row) + " |" for row in rows]
    rule = "|" + "|".join(" --- " if at in block["words"] else " ---: " for at in range(len(block["head"]))) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def html(document: Document) -> str:
    """One file that needs no other: style, charts and words are inside."""
    return _environment().get_template("bulletin_document.html").render(**model(document), paper=True)


def model(document: Document) -> dict[str, Any]:
    """What both templates of a bulletin get."""
    return {"doc": document, "issue": issue_words(document), "foot": foot(document), "chart": chart,
            "chart_word": label(document["language"], "bulletin.column.chart"), "cell_text": cell_text}  # fmt: skip


def chart(block: Block, at: int, *, paper: bool) -> Markup:
    """The bar of one row of a table that has a column drawn; nothing for a masked figure."""
    column: int = block["bar"]
    values = [row[column]["n"] or 0 for row in block["rows"]]
    return bar(values[at], max(values, default=0), _BAR if paper else None)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("hub", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
