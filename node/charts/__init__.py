"""Charts drawn on the server: plain functions from figures to markup, coloured by the classes of `static/app.css`.

On a screen a drawing takes the width that it gets, and its words stand in HTML beside it; with `paper` it has a viewBox
of its real size, its words and its light colours inside, for the PDF and for documents that stand alone. A drawing
says by itself what it shows (`role="img"`, `<title>`), or is hidden from readers because the figures stand beside it.
"""

from __future__ import annotations

from node.charts.bars import bar, split
from node.charts.calendar import CalendarDay, calendar, heat
from node.charts.markup import Paper, coverage_tone, percent
from node.charts.shapes import Shape, shape_map
from node.charts.tiles import Tile, tile_map
from node.charts.trend import Series, trend

__all__ = (
    "CalendarDay",
    "Paper",
    "Series",
    "Shape",
    "Tile",
    "bar",
    "calendar",
    "coverage_tone",
    "heat",
    "percent",
    "shape_map",
    "split",
    "tile_map",
    "trend",
)
