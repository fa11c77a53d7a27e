"""Lines over days: a few series on one scale from 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from node.charts.markup import Paper, element, joined
from node.charts.paper import drawing

MAX_STEPS: Final = 4
LABELS: Final = 5
_MARGIN: Final = (34, 10, 10, 22)  # on paper: left, top, right, bottom
_TEXT_DROP: Final = 4
_LABEL_DROP: Final = 16


@dataclass(frozen=True, slots=True)
class Series:
    """Figures by day with the class of their line (`s-c1`, `s-c2`: told apart by colour and by dashes)."""

    values: Sequence[int]
    tone: str


def trend(series: Sequence[Series], labels: Sequence[str], title: str, paper: Paper | None = None) -> Markup:
    """The series over the same days, `labels` their words, `title` what is shown. The figures belong in a table or a
    list beside it.
    """
    ticks = scale(max((value for one in series for value in one.values), default=0))
    if paper is not None:
        return _on_paper(series, labels, title, ticks, paper)
    area = (0.0, 0.0, 100.0, 100.0)
    drawn = element(
        "svg", element("title", title), _grid(ticks, area), _lines(series, ticks[-1], area),
        viewBox="0 0 100 100", preserveAspectRatio="none", role="img", aria_label=title,
    )  # fmt: skip
    upright = [element("span", f"{tick:,}") for tick in reversed(ticks)]
    along = [element("span", labels[at]) for at in spread(len(labels))]
    return element(
        "div", element("div", joined(upright), class_="chart__y", aria_hidden="true"), drawn,
        element("div", joined(along), class_="chart__x", aria_hidden="true"), class_="chart",
    )  # fmt: skip


def scale(top: int) -> list[int]:
    """Round figures from 0 to at least `top`, in at most four steps of 1, 2 or 5 times a power of ten."""
    power = 1
    while True:
        for unit in (1, 2, 5):
            step = unit * power
            if step * MAX_STEPS >= top:
                steps = max(-(-top // step), 1)
                return [step * at for at in range(steps + 1)]
        power *= 10


def spread(count: int) -> list[int]:
    """At most five places in a row of `count`, evenly spread, the first and the last among them."""
    if count <= LABELS:
        return list(range(count))
    return [round(at * (count - 1) / (LABELS - 1)) for at in range(LABELS)]


def _on_paper(
    series: Sequence[Series], labels: Sequence[str], title: str, ticks: Sequence[int], paper: Paper
) -> Markup:
    left, top, right, bottom = _MARGIN
    area = (float(left), float(top), float(paper.width - right), float(paper.height - bottom))
    words = [
        element("text", f"{tick:,}", class_="tx", x=left - 6, y=_y(tick, ticks[-1], area) + _TEXT_DROP,
                text_anchor="end")
        for tick in ticks
    ]  # fmt: skip
    for at in spread(len(labels)):
        x = _x(at, len(labels), area)
        words.append(element("text", labels[at], class_="tx", x=x, y=area[3] + _LABEL_DROP, text_anchor="middle"))
    return drawing(joined([_grid(ticks, area), _lines(series, ticks[-1], area), *words]), paper, title)


Area = tuple[float, float, float, float]


def _x(at: int, count: int, area: Area) -> float:
    return area[0] + (area[2] - area[0]) * (at / (count - 1) if count > 1 else 0.5)


def _y(value: int, top: int, area: Area) -> float:
    return area[3] - (area[3] - area[1]) * value / top


def _grid(ticks: Sequence[int], area: Area) -> Markup:
    path = "".join(f"M{area[0]:g} {_y(tick, ticks[-1], area):.4g}H{area[2]:g}" for tick in ticks)
    return element("path", class_="gr", d=path)


def _lines(series: Sequence[Series], top: int, area: Area) -> Markup:
    drawn = []
    for one in series:
        points = [
            f"{_x(at, len(one.values), area):.2f} {_y(value, top, area):.2f}" for at, value in enumerate(one.values)
        ]
        if not points:
            continue
        if len(points) > 1:
            drawn.append(element("path", class_=f"ln {one.tone}", d="M" + " ".join(points)))
        drawn.append(element("path", class_=f"ln pt {one.tone}", d=f"M{points[-1]}h0"))
    return joined(drawn)
