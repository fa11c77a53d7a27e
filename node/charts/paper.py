"""The colours of drawings on paper: a PDF maker reads no style sheet of the page for what is inside an svg."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_STATIC: Final = Path(__file__).resolve().parents[1] / "static"
_TOKEN: Final = re.compile(r"(--[\w-]+):([^;]+);")
_USED: Final = re.compile(r"var\((--[\w-]+)\)")
# Rules of drawings in app.css: fills, strokes, lines, grid, words, classes of coverage.
_RULE: Final = re.compile(
    r"^(?:svg )?(\.(?:f-\w+|s-\w+|ln|gr|pt|tx|shape|off|now|q\d|q\d-on|off-on)) (\{[^}]*\})$", re.M
)


@cache
def paper_style() -> str:
    """CSS for a `<style>` inside of, or beside, drawings made with `paper`: the light colours, each written out."""
    tokens = dict(_TOKEN.findall((_STATIC / "tokens.css").read_text("utf-8").partition("@media")[0]))
    rules = [f"{selector} {body}" for selector, body in _RULE.findall((_STATIC / "app.css").read_text("utf-8"))]
    return _USED.sub(lambda found: tokens[found[1]].strip(), "\n".join(rules)) + "\n"
