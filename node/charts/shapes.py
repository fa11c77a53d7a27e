"""A city's own boundaries, where it has loaded some: paths that were projected when they were loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from node.charts.markup import element, joined


@dataclass(frozen=True, slots=True)
class Shape:
    """A unit's path in the units of the drawing, the point (x, y) where its words stand, its figure and class."""

    name: str
    figure: str
    tone: str | None
    path: str
    at: tuple[int, int]
    href: str | None = None


def shape_map(shapes: Sequence[Shape], size: tuple[int, int], title: str) -> Markup:
    """The shapes with their names and figures written on them. The figures belong in a table beside it, too."""
    areas, words = [], []
    for one in shapes:
        tone = one.tone or "off"
        told = element("title", f"{one.name} {one.figure}")
        area = element("path", told, class_=f"shape {tone}", d=one.path)
        areas.append(element("a", area, href=one.href) if one.href else area)
        for text, drop in ((one.name, -4), (one.figure, 20)):
            words.append(
                element("text", text, class_=f"tx {tone}-on", x=one.at[0], y=one.at[1] + drop, text_anchor="middle")
            )
    return element(
        "svg", element("title", title), joined(areas), element("g", joined(words), aria_hidden="true", class_="over"),
        viewBox=f"0 0 {size[0]} {size[1]}", class_="heat", role="group", aria_label=title,
    )  # fmt: skip
