"""Bars: one figure against the greatest of its list, and a whole split into its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from node.charts.markup import Paper, element, joined, share
from node.charts.paper import drawing

BAR_HEIGHT: Final = 12
METER_HEIGHT: Final = 14


def bar(value: int, top: int, paper: Paper | None = None) -> Markup:
    """One bar, as long as `value` is of `top`; the figure stands beside it, so that it is hidden from readers."""
    if paper is None:
        drawn = element("rect", class_="f-bar", width=share(value, top), height=BAR_HEIGHT, rx=2)
        return element("svg", drawn, height=BAR_HEIGHT, aria_hidden="true")
    length = paper.width * value / top if top else 0.0
    return drawing(element("rect", class_="f-bar", width=length, height=paper.height, rx=2), paper, None)


def split(parts: Sequence[tuple[str, int]], total: int, paper: Paper | None = None) -> Markup:
    """A whole split into (class, figure) from the left; what they leave of `total` is drawn as not there. The figures
    stand beside it, so that it is hidden from readers.
    """
    height = METER_HEIGHT if paper is None else paper.height
    drawn = [element("rect", class_="f-none", width="100%" if paper is None else paper.width, height=height)]
    at = 0
    for tone, value in parts:
        if value and total:
            if paper is None:
                place: dict[str, object] = {"x": share(at, total), "width": share(value, total)}
            else:
                place = {"x": paper.width * at / total, "width": paper.width * value / total}
            drawn.append(element("rect", class_=tone, **place, height=height))
        at += value
    if paper is not None:
        return drawing(joined(drawn), paper, None)
    return element("svg", joined(drawn), class_="meter", height=height, aria_hidden="true")
