"""Which cells of a table must not be printed so that no small one can be worked out from the others.

Pure: cells are any hashable keys, what an onlooker knows about them are sums. A cell is safe when neither the sums
together (linear algebra), nor a single sum with what a mask says about its cell, leave only one value for it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

SMALL: Final = range(1, 5)
_FIELD: Final = 2**61 - 1  # elimination modulo a prime: exact for coefficients this small
Key: TypeAlias = Hashable


class Sum(NamedTuple):
    """`total` is the sum of `parts`, and everybody knows it; with `rest` there is one more part that all can count."""

    total: Key
    parts: tuple[Key, ...]
    rest: bool = False


def is_small(value: int) -> bool:
    """Whether a figure is so small that people may be recognised behind it: 1 to 4."""
    return value in SMALL


def suppress(values: Mapping[Any, int], sums: Iterable[Sum], sensitive: Iterable[Key]) -> frozenset[Any]:
    """The cells to mask: every sensitive one of 1-4, and as many others as it takes to protect them.

    Only sums that hold are used, and those with a rest. Complements are the smallest figures above 0
    of the sum, then zeros, then its total.
    Ends since each round masks at least one more cell.
    """
    known = [one for one in sums if one.rest or values[one.total] == sum(values[part] for part in one.parts)]
    primary = {key for key in sensitive if is_small(values[key])}
    masked = set(primary)
    while True:
        touched = [one for one in known if one.total in masked or any(part in masked for part in one.parts)]
        weak = _determined(touched, masked) | _pinned(touched, masked, primary, values)
        added = set[Key]()
        for key in sorted(weak, key=repr):
            if not any(key in (one.total, *one.parts) and added & {one.total, *one.parts} for one in touched):
                added |= _complement(key, touched, masked, values)
        if not added:
            return frozenset(masked)
        masked |= added


def _complement(key: Key, sums: Sequence[Sum], masked: set[Key], values: Mapping[Key, int]) -> set[Key]:
    """One more cell to mask: of a sum that the key stands in, else of any sum that masked cells stand in."""
    for wanted in ([one for one in sums if key in (one.total, *one.parts)], sums):
        ordered = sorted(wanted, key=lambda one: sum(part in masked for part in (one.total, *one.parts)))
        for one in ordered:
            parts = [part for part in one.parts if part not in masked]
            # Where a total is this small, a zero beside it can't be anything else: then the total has to go.
            helpless = one.total not in masked and values[one.total] <= SMALL.stop and not any(map(values.get, parts))
            if parts and not helpless:
                return {min(parts, key=lambda part: (values[part] == 0, values[part], repr(part)))}
            if one.total not in masked:
                return {one.total}
    return set()


def _determined(sums: Sequence[Sum], masked: set[Key]) -> set[Key]:
    """The masked cells that the sums together leave no freedom: those alone in a row of the reduced system."""
    rows: dict[Key, dict[Key, int]] = {}  # pivot -> its row
    holders: dict[Key, set[Key]] = {}  # cell -> pivots of the rows that it stands in
    for one in sorted(sums, key=lambda one: len(one.parts)):
        row = {part: 1 for part in one.parts if part in masked}
        if one.total in masked:
            row[one.total] = _FIELD - 1
        for cell in list(row):
            if cell in rows and cell in row:
                _subtract(row, rows[cell], row[cell])
        if not row:
            continue
        pivot = min(row, key=lambda cell: len(holders.get(cell, ())))
        inverse = pow(row[pivot], -1, _FIELD)
        row = {cell: factor * inverse % _FIELD for cell, factor in row.items()}
        for other in list(holders.get(pivot, ())):
            before = set(rows[other])
            _subtract(rows[other], row, rows[other][pivot])
            for cell in before ^ rows[other].keys():
                holders.setdefault(cell, set()).symmetric_difference_update({other})
        rows[pivot] = row
        for cell in row:
            holders.setdefault(cell, set()).add(pivot)
    return {pivot for pivot, row in rows.items() if len(row) == 1}


def _subtract(row: dict[Key, int], other: Mapping[Key, int], factor: int) -> None:
    for cell, value in other.items():
        left = (row.get(cell, 0) - factor * value) % _FIELD
        if left:
            row[cell] = left
        else:
            row.pop(cell, None)


def _pinned(sums: Sequence[Sum], masked: set[Key], primary: set[Key], values: Mapping[Key, int]) -> set[Key]:
    """Small cells for which one sum leaves one value only: a `<5` is 1-4, a complement 0 or at least 5."""
    found: set[Key] = set()
    for one in sums:
        hidden = [part for part in one.parts if part in masked]
        if one.total in masked:
            if one.total in primary and not _free_total(one, hidden, primary, values):
                found.add(one.total)
            continue
        rest = sum(values[part] for part in hidden)
        small = sum(part in primary for part in hidden)
        for part in hidden:
            if part in primary:
                others = (small - 1, len(hidden) - small)
                possible = [value for value in SMALL if _reachable(rest - value, *others)]
                if len(possible) == 1:
                    found.add(part)
    return found


def _free_total(one: Sum, hidden: Sequence[Key], primary: set[Key], values: Mapping[Key, int]) -> bool:
    """Whether a small masked total can have more than one value, by what its parts can be."""
    printed = values[one.total] - sum(values[part] for part in hidden)
    small = sum(part in primary for part in hidden)
    others = len(hidden) - small
    return sum(_reachable(value - printed, small, others) for value in SMALL) > 1


def _reachable(rest: int, small: int, others: int) -> bool:
    """Whether so many figures of 1-4 and so many of 0 or at least 5 can add up to the rest."""
    if not others:
        return small <= rest <= small * SMALL[-1]
    return small <= rest <= small * SMALL[-1] or rest >= small + SMALL.stop
