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


class Suppressed(NamedTuple):
    """The cells to mask; those of them of which a mask may say that they are small; and those that nothing can protect,
    because all else in a sum is printed in another table.
    """

    masked: frozenset[Any]
    said: frozenset[Any]
    lost: frozenset[Any]


def is_small(value: int) -> bool:
    """Whether a figure is so small that people may be recognised behind it: 1 to 4."""
    return value in SMALL


def suppress(
    values: Mapping[Any, int],
    sums: Iterable[Sum],
    sensitive: Iterable[Key],
    printed: Iterable[Key] = (),
    hidden: Iterable[Key] = (),
) -> Suppressed:
    """What to mask: every sensitive cell of 1-4, and as many others as it takes to protect them.

    Only sums that hold are used, and those with a rest. Complements are the smallest figures above 0
    of the sum, then zeros, then its total. What is `printed` in another table is of no use as one; what is `hidden`
    there is masked here, too. Ends since each round masks at least one more cell.
    """
    known = [one for one in sums if one.rest or values[one.total] == sum(values[part] for part in one.parts)]
    out = frozenset(printed)
    primary = {key for key in sensitive if is_small(values[key])} - out
    masked = primary | set(hidden)
    lost = {key for one in known for key in (one.total, *one.parts) if _alone(key, one, out)} & primary
    changed = set(masked)
    while True:
        touched = [one for one in known if one.total in masked or any(part in masked for part in one.parts)]
        near = _near(touched, masked, changed)  # the others are as they were found in the round before
        weak = _determined(near, masked) - lost
        if not out:  # beside what is printed elsewhere a mask may have to keep silent about what it stands for
            weak |= _pinned(near, masked, primary, values)
        added, table = set[Key](), _Table(near, masked, values, out)
        for key in sorted(weak, key=repr):
            if not any(added & {one.total, *one.parts} for one in table.sums_of.get(key, ())):
                added |= table.complement(key)
        if not added:
            said = lost | _sayable(touched, masked - lost, primary - lost, values)
            return Suppressed(frozenset(masked), frozenset(said), frozenset(lost))
        masked |= added
        changed = added | weak


def _alone(key: Key, one: Sum, out: frozenset[Key]) -> bool:
    """Whether everything else in a sum is printed elsewhere."""
    return not one.rest and out.issuperset({one.total, *one.parts} - {key})


def _sayable(sums: Sequence[Sum], masked: set[Key], primary: set[Key], values: Mapping[Key, int]) -> set[Key]:
    """The small cells whose masks may say so: where that alone would leave one value, no mask of the sum says it."""
    said = set(primary)
    while pinned := _pinned(sums, masked, said, values):
        said -= {cell for one in sums for cell in (one.total, *one.parts) if pinned & {one.total, *one.parts}}
    return said


def _near(sums: Sequence[Sum], masked: set[Key], cells: set[Key]) -> list[Sum]:
    """The sums that masked cells link to some cells, in their order: what is masked elsewhere says nothing of these."""
    holders: dict[Key, list[int]] = {}
    hidden = [{one.total, *one.parts} & masked for one in sums]
    for place, found in enumerate(hidden):
        for cell in found:
            holders.setdefault(cell, []).append(place)
    seen, waiting, near = set(cells), list(cells), set[int]()
    while waiting:
        for place in holders.get(waiting.pop(), ()):
            if place not in near:
                near.add(place)
                new = hidden[place] - seen
                seen |= new
                waiting += new
    return [sums[place] for place in sorted(near)]


class _Table:
    """The sums in which masked cells stand, those with the fewest of them first; looked through once a round.

    Cells that are `out` are never offered: another table prints them.
    """

    def __init__(self, sums: Sequence[Sum], masked: set[Key], values: Mapping[Key, int], out: frozenset[Key]) -> None:
        self._values, self._masked, self._taken = values, masked, masked | out
        self._sums = sorted(sums, key=lambda one: sum(part in masked for part in (one.total, *one.parts)))
        self.sums_of: dict[Key, list[Sum]] = {}
        for one in self._sums:
            for cell in {one.total, *one.parts} & masked:
                self.sums_of.setdefault(cell, []).append(one)
        self._offered: dict[int, Key | None] = {}  # by the sum's identity: what it would mask

    def complement(self, key: Key) -> set[Key]:
        """One more cell to mask: of a sum that the key stands in, else of one that masked cells link to it."""
        found = self._first_offer(self.sums_of.get(key, []))
        if found is None:
            found = self._first_offer(_near(self._sums, self._masked, {key}))
        return set() if found is None else {found}

    def _first_offer(self, sums: Iterable[Sum]) -> Key | None:
        return next((cell for one in sums if (cell := self._offer(one)) is not None), None)

    def _offer(self, one: Sum) -> Key | None:
        if id(one) not in self._offered:
            self._offered[id(one)] = self._smallest(one)
        return self._offered[id(one)]

    def _smallest(self, one: Sum) -> Key | None:
        values = self._values
        parts = [part for part in one.parts if part not in self._taken]
        # Where a total is this small, a zero beside it can't be anything else: then the total has to go.
        small_total = one.total not in self._taken and values[one.total] <= SMALL.stop
        if parts and not (small_total and not any(map(values.get, parts))):
            return min(parts, key=lambda part: (values[part] == 0, values[part], repr(part)))
        return None if one.total in self._taken else one.total


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
