"""The colours of drawings on paper: a PDF maker reads no style sheet of the page for what is inside an svg."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from markupsafe import Markup

from node.charts.markup import Paper, element

_STATIC: Final = Path(__file__).resolve().parents[1] / "static"
_TOKEN: Final = re.compile(r"(--[\w-]+):([^;]+);")
_VARIABLE: Final = re.compile(r"var\((--[\w-]+)\)")
_CLASS: Final = re.compile(r'class="([^"]+)"')
# Rules of drawings in app.css: fills, strokes, lines, grid, words, classes of coverage.
_DRAWN: Final = r"f-\w+|s-\w+|ln|gr|pt|tx|off|q\d|q\d-on|off-on"
_RULE: Final = re.compile(rf"^(?:svg )?\.({_DRAWN})\{{([^}}]*)\}}$", re.M)


def drawing(inside: Markup, paper: Paper, title: str | None, class_: str | None = None) -> Markup:
    """An svg of its real size with the rules of the classes that it uses; without a title it is hidden from readers."""
    named = element("title", title) if title else ""
    shown: dict[str, object] = {"role": "img", "aria_label": title} if title else {"aria_hidden": "true"}
    return element(
        "svg", named, element("style", Markup(_rules(inside))), inside,  # noqa: S704 - our own style sheet
        viewBox=paper.box, width=paper.width, height=paper.height, class_=class_, **shown,
    )  # fmt: skip


def _rules(inside: str) -> str:
    used = dict.fromkeys(name for found in _CLASS.findall(inside) for name in found.split())
    return "".join(f".{name}{{{body}}}" for name, body in light_rules() if name in used)


@cache
def light_rules() -> tuple[tuple[str, str], ...]:
    """(class, declarations) of drawings in the order of app.css, the light colours written out."""
    tokens = dict(_TOKEN.findall((_STATIC / "tokens.css").read_text("utf-8").partition("@media")[0]))
    rules = _RULE.findall((_STATIC / "app.css").read_text("utf-8"))
    return tuple((name, _VARIABLE.sub(lambda found: tokens[found[1]].strip(), body)) for name, body in rules)
