"""Masking of small figures (2-domain, Measures): in bulletins, exports and to role `viewer`, cells of 1-4 below
township level print `<5`, and as many others are suppressed as it takes that no masked one can be worked out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from schemas.cases.measures import CASE_RATES, SETTLED_AT, STANDING_MEASURES
from schemas.measures import RATES
from schemas.suppression import Sum, is_small, suppress
from schemas.units.acts import LEVELS

Document: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[Any, ...]  # where a figure stands in a document
BELOW: Final = LEVELS[: LEVELS.index("township")]
SMALL_TEXT: Final = "<5"
OTHER_TEXT: Final = "*"
# (total, parts, whether there is a rest that everybody can count: duties still open, by the calendar) within one row;
# another one that does not hold there is no help to anybody.
ROW_SUMS: Final[tuple[tuple[str, tuple[str, ...], bool], ...]] = (
    ("checks_due", ("checks_zero", "checks_found", "checks_excused", "checks_missing"), True),
    ("checks_late", ("checks_zero", "checks_found"), False),  # where nothing came on time
    ("confirmations_due", ("confirmations_done", "confirmations_missing"), True),
    ("confirmations_late", ("confirmations_done",), False),
    ("mediated", ("agreed", "not_agreed"), False),
    ("agreed", SETTLED_AT, False),
)
# Figures at the end of a period: those of days don't add up, the last day's is the period's.
_STANDING: Final = frozenset(STANDING_MEASURES)


class Masked(dict[str, Any]):
    """`{"value": null, "masked": true}`. Which masks stand for a small figure and which only protect another is for
    those who print, and no part of the answer; nor is which of them `lost`: what is printed elsewhere tells the figure.
    """

    def __init__(self, *, small: bool, lost: bool = False) -> None:
        super().__init__(value=None, masked=True)
        self.small, self.lost = small, lost

    @property
    def text(self) -> str:
        """`<5` for a small figure, `*` for one that protects another."""
        return SMALL_TEXT if self.small else OTHER_TEXT


def is_masked(value: object) -> bool:
    """Whether a figure or a rate of a document is masked."""
    return isinstance(value, Mapping) and value.get("masked") is True


def shown(value: object) -> str:
    """A figure as it is printed."""
    return value.text if isinstance(value, Masked) else str(value)


def below_township(level: str | None) -> bool:
    """Whether figures about a unit of this level are masked when they are small."""
    return level in BELOW


def masked(
    document: Document,
    by: str | None,
    level_of: Callable[[str], str | None],
    elsewhere: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A rollup document with its small figures masked; `level_of` knows the level of a unit.

    The figures of a rate that rests on a masked one are masked with it. A document with nothing to mask comes back
    equal. No figure stands twice under different names but as a sum, so that what is printed gives none away.

    `elsewhere` are the unit's own measures as the same reader sees them in other tables: what is printed there stays,
    what is masked there is masked, and no figure of a township or above is used to protect one below.
    """
    figures = dict(_figures(document))
    sensitive = _sensitive(document, figures, by, level_of)
    own = below_township(level_of(document["unit"]))
    beside = {kind: _compared(document, one, own) for kind, one in document.get("comparison", {}).items()}
    printed, hidden = set[Path](), set[Path]()
    if elsewhere is not None:
        printed = set(figures) - set(sensitive)
        for name, value in elsewhere.items():
            (hidden if isinstance(value, Masked) and not value.lost else printed).add(("measures", name))
    if not hidden and not any(is_small(figures[path]) for path in sensitive):
        return _with_comparison(dict(document), beside)
    found = suppress(figures, _sums(document, figures, by), sensitive, printed, hidden)
    masks = {path: Masked(small=path in found.said, lost=path in found.lost) for path in found.masked}
    masks |= {
        ("measures", name): value for name, value in (elsewhere or {}).items() if isinstance(value, Masked)
    }  # the same mark as there
    return _with_comparison(_with_masks(document, masks), beside)


def _sensitive(
    document: Document, figures: Mapping[Path, int], by: str | None, level_of: Callable[[str], str | None]
) -> list[Path]:
    """The figures about units below township level."""
    own = below_township(level_of(document["unit"]))
    by_unit = by == "children"
    return [
        path
        for path in figures
        if (below_township(level_of(_row_key(document, path))) if by_unit and path[0] == "rows" else own)
    ]


def _compared(document: Document, other: Mapping[str, Any] | None, own: bool) -> dict[str, Any] | None:
    """The figures of another period, masked like a document of their own."""
    if other is None:
        return None
    table = {"unit": document["unit"], "measures": other["measures"], "rates": other["rates"], "rows": []}
    return {**other, **masked(table, None, lambda _: BELOW[0] if own else LEVELS[-1]), "rows": None}


def _with_comparison(document: dict[str, Any], beside: Mapping[str, dict[str, Any] | None]) -> dict[str, Any]:
    """A change between two figures of which one is masked is masked too."""
    if not beside:
        return document
    found: dict[str, Any] = {}
    for kind, other in beside.items():
        if other is None:
            found[kind] = None
            continue
        kept = {name: value for name, value in other.items() if name not in ("rows", "unit")}
        hidden = {
            name
            for name in other["change"]
            if is_masked(document["measures"][name]) or is_masked(other["measures"][name])
        }
        kept["change"] = {name: Masked(small=False) if name in hidden else one for name, one in other["change"].items()}
        kept["points"] = {
            name: None if is_masked(document["rates"][name]) or is_masked(other["rates"][name]) else one
            for name, one in other["points"].items()
        }
        found[kind] = kept
    return {**document, "comparison": found}


def _row_key(document: Document, path: Path) -> str:
    return str(document["rows"][path[1]]["key"])


def _figures(document: Document) -> Iterator[tuple[Path, int]]:
    for name, value in document["measures"].items():
        yield ("measures", name), value
    for place, row in enumerate(document["rows"]):
        for name, value in row["measures"].items():
            yield ("rows", place, "measures", name), value
        for level, cell in row.get("cells", {}).items():
            for name, value in cell.items():
                yield ("rows", place, "cells", level, name), value
        for part in ("subtotal", "year_to_date"):
            for name, value in row.get(part, {}).items():
                yield ("rows", place, part, name), value


def _sums(document: Document, figures: Mapping[Path, int], by: str | None) -> Iterator[Sum]:
    """Everything that an onlooker may add up; sums that don't hold are left aside by `suppress`."""
    rows = document["rows"]
    holders: list[Path] = [(), *(("rows", place) for place in range(len(rows)))]
    for holder in holders:
        for total, parts, rest in ROW_SUMS:
            paths = tuple((*holder, "measures", part) for part in parts)
            if (*holder, "measures", total) in figures and all(path in figures for path in paths):
                yield Sum((*holder, "measures", total), paths, rest)
    if rows and "cells" in rows[0]:
        yield from _matrix_sums(document)
    elif rows:
        for name in document["measures"]:
            if by == "day" and name in _STANDING:
                yield Sum(("measures", name), (("rows", len(rows) - 1, "measures", name),))
            else:
                yield Sum(("measures", name), tuple(("rows", place, "measures", name) for place in range(len(rows))))


def _matrix_sums(document: Document) -> Iterator[Sum]:
    rows = document["rows"]
    last = len(rows) - 1
    for name in document["measures"]:
        yield Sum(("rows", last, "measures", name), tuple(("rows", place, "measures", name) for place in range(last)))
        yield Sum(("measures", name), (("rows", last, "measures", name),))
    for name in rows[0]["subtotal"]:
        for place, row in enumerate(rows):
            subtotal: Path = ("rows", place, "subtotal", name)
            yield Sum(subtotal, tuple(("rows", place, "cells", level, name) for level in row["cells"]))
            yield Sum(("rows", place, "measures", name), (subtotal,))
            yield Sum(("rows", place, "year_to_date", name), (subtotal,))  # holds where the period begins the year
        columns: list[Path] = [("cells", level, name) for level in rows[0]["cells"]]
        for column in (*columns, ("subtotal", name), ("year_to_date", name)):
            yield Sum(("rows", last, *column), tuple(("rows", place, *column) for place in range(last)))


def _with_masks(document: Document, masks: Mapping[Path, Masked]) -> dict[str, Any]:
    rows = []
    for place, row in enumerate(document["rows"]):
        here = {path[2:]: mask for path, mask in masks.items() if path[:2] == ("rows", place)} if masks else {}
        rows.append(_holder(row, here))
    top = {path: mask for path, mask in masks.items() if path[0] == "measures"}
    return {**_holder(document, top), "rows": rows}


def _holder(holder: Document, masks: Mapping[Path, Masked]) -> dict[str, Any]:
    """One row, or the whole document, with its masks put in and the rates that rest on them masked too."""
    if not masks:
        return dict(holder)
    measures = {name: masks.get(("measures", name), value) for name, value in holder["measures"].items()}
    found: dict[str, Any] = {**holder, "measures": measures}
    if "cells" in holder:
        found["cells"] = {
            level: {name: masks.get(("cells", level, name), value) for name, value in cell.items()}
            for level, cell in holder["cells"].items()
        }
    for part in ("subtotal", "year_to_date"):
        if part in holder:
            found[part] = {name: masks.get((part, name), value) for name, value in holder[part].items()}
    found["rates"] = {
        name: _masked_rate(rate) if any(is_masked(measures.get(one)) for one in inputs_of(name)) else rate
        for name, rate in holder["rates"].items()
    }
    return found


def _masked_rate(rate: Mapping[str, Any]) -> dict[str, Any]:
    mask = Masked(small=False)
    kept = {name: value for name, value in rate.items() if name != "note"}
    return {**kept, "value": None, "numerator": mask, "denominator": mask, "masked": True}


class _Asked(dict[str, int]):
    """Every measure is 1, and which ones were asked for is remembered."""

    def __missing__(self, name: str) -> int:
        self[name] = 1
        return 1


def inputs_of(rate: str) -> Iterable[str]:
    """The measures that a rate is made of; none for one that is not made of measures of this version."""
    asked = _Asked()
    for part in RATES.get(rate) or CASE_RATES.get(rate) or ():
        part(asked)
    return tuple(asked)
