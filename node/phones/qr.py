"""QR codes as SVG that stands in a page: black on white whatever the page's colours, so that every camera reads it."""

from __future__ import annotations

from typing import Final

import segno
from markupsafe import Markup

MAX_CHARS: Final = 1_000


def svg(text: str, title: str) -> Markup:
    """The code of a text of at most MAX_CHARS characters, as an `svg` of class `qr` with its title for screen readers.
    Raises ValueError for a longer text.
    """
    if len(text) > MAX_CHARS:
        raise ValueError(f"{len(text)} characters do not fit, {MAX_CHARS} do")
    made = segno.make(text, error="m", micro=False)
    inline = made.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", title=title)
    return Markup(inline.replace("<svg ", '<svg role="img" ', 1))  # noqa: S704 - drawn from modules, the title escaped
