"""Units with their versions, and the lines from a unit up to the city: who stood under whom on which day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property
from itertools import pairwise

from schemas.units.acts import Act
from schemas.units.versions import Fold, Unit

# (first day, the day after the last or None, the unit and its ancestors in that time)
Lineage = tuple[date, date | None, tuple[str, ...]]


class Lines:
    """All units with all their versions and all that was ever above them."""

    def __init__(self, acts: Iterable[tuple[object, Act]]) -> None:
        fold = Fold(acts)
        self.root = fold.root
        self.skipped = tuple(fold.skipped)
        self._versions = fold.versions
        self._successors = fold.successors
        self._parents_ever = fold.parents_ever
        self._addresses = fold.addresses
        self._above_ever: dict[str, frozenset[str]] = {}

    # One unit

    def exists(self, unit: str) -> bool:
        """Whether the unit was ever opened."""
        return unit in self._versions

    def all_ids(self) -> Iterable[str]:
        """Every unit that was ever opened."""
        return self._versions.keys()

    def level(self, unit: str) -> str | None:
        """The level of a unit, which never changes; None if it was never opened."""
        versions = self._versions.get(unit)
        return versions[0].level if versions else None

    def versions(self, unit: str) -> tuple[Unit, ...]:
        """All versions in the order of time; each ends on the day the next begins."""
        return tuple(self._versions.get(unit, ()))

    def successors(self, unit: str) -> tuple[str, ...]:
        """The units that the act closing a split or merged unit named."""
        return self._successors.get(unit, ())

    def predecessors(self, unit: str) -> tuple[str, ...]:
        """The units that were split into this one, or merged into it."""
        return self._predecessors.get(unit, ())

    @cached_property
    def _predecessors(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for unit, named in self._successors.items():
            for one in named:
                found[one] = (*found.get(one, ()), unit)
        return found

    def at(self, unit: str, day: date) -> Unit | None:
        """The version valid on a day; None before the unit opens and from the day it closes."""
        version = self.nearest(unit, day)
        if version is None or day < version.valid_from or (version.valid_to is not None and day >= version.valid_to):
            return None
        return version

    def nearest(self, unit: str, day: date) -> Unit | None:
        """The version valid on a day, else the last before it, else the first; None for an unknown unit."""
        versions = self._versions.get(unit)
        if versions is None:
            return None
        for version in reversed(versions):
            if version.valid_from <= day:
                return version
        return versions[0]

    def holder(self, code: str, day: date) -> Unit | None:
        """The unit that has this code on a day."""
        for unit in self._by_code.get(code, ()):
            version = self.at(unit, day)
            if version is not None and version.code == code:
                return version
        return None

    # Upwards

    def ancestors(self, unit: str, day: date) -> tuple[str, ...]:
        """The unit itself, its parent, and so on to the root, each by its nearest version; empty if unknown."""
        chain: list[str] = []
        version = self.nearest(unit, day)
        while version is not None:
            chain.append(version.id)
            version = self.nearest(version.parent_id, day) if version.parent_id is not None else None
        return tuple(chain)

    def address(self, unit: str, day: date) -> tuple[str, str] | None:
        """(new parent, where its node answers), as the last move of the unit, or of one above it, says."""
        for one, parent in pairwise(self.ancestors(unit, day)):
            named = [address for since, address in self._addresses.get(one, ()) if since <= day]
            if named:
                return (parent, named[-1]) if named[-1] else None
        return None

    def below(self, unit: str, ancestor: str, day: date) -> bool:
        """Whether `ancestor` is above the unit on a day, or the unit itself."""
        return ancestor in self.ancestors(unit, day)

    def ever_below(self, unit: str, ancestor: str) -> bool:
        """Whether `ancestor` is the unit, or above it through any parents that acts ever named.

        Acts that do not apply count too, so the answer only ever turns from False to True as acts are added.
        """
        return ancestor in self.ever_above(unit)

    def ever_above(self, unit: str) -> frozenset[str]:
        """The unit itself and all that `ever_below` finds above it."""
        above = self._above_ever.get(unit)
        if above is None:
            above = self._above_ever[unit] = self._all_above(unit)
        return above

    def ever_within(self, unit: str) -> list[str]:
        """The unit and all units that ever were below it, parents first."""
        found, seen = [unit], {unit}
        for one in found:  # grows while it is read
            new = [child for child in self._children.get(one, ()) if child not in seen]
            seen.update(new)
            found += new
        return found

    def lineages(self, unit: str, first: date, until: date | None) -> Iterator[Lineage]:
        """The spans of first..until (until excluded, None: without end) in which the unit's ancestors stay the same."""
        changes = {
            version.valid_from
            for above in self.ever_above(unit)
            for version in self._versions.get(above, [])[1:]
            if first < version.valid_from and (until is None or version.valid_from < until)
        }
        begin, above = first, self.ancestors(unit, first)
        for day in sorted(changes):
            then = self.ancestors(unit, day)
            if then != above:
                yield begin, day, above
                begin, above = day, then
        yield begin, until, above

    def _all_above(self, unit: str) -> frozenset[str]:
        seen, waiting = {unit}, [unit]
        while waiting:
            for parent in self._parents_ever.get(waiting.pop(), ()):
                if parent not in seen:  # forged acts may name a circle
                    seen.add(parent)
                    waiting.append(parent)
        return frozenset(seen)

    @cached_property
    def moved(self) -> frozenset[str]:
        """Units for which acts name more than one parent."""
        return frozenset(unit for unit, parents in self._parents_ever.items() if len(parents) > 1)

    def last_moved(self, unit: str) -> date | None:
        """The day from which the unit stands below its last parent; None if it never got another one."""
        pairs = pairwise(self.versions(unit))
        return max((after.valid_from for before, after in pairs if before.parent_id != after.parent_id), default=None)

    @cached_property
    def moved_ancestors(self) -> frozenset[str]:
        """Every unit that was ever above a unit for which acts name more than one parent; empty if nothing moved.

        Only for these can a rollup "as it was" differ from one in today's tree.
        """
        return frozenset().union(*(self._all_above(unit) - {unit} for unit in self.moved))

    # What is right below, and who has which code

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for unit, versions in self._versions.items():
            for parent in dict.fromkeys(version.parent_id for version in versions):
                if parent is not None:
                    children.setdefault(parent, []).append(unit)
        return children

    @cached_property
    def _by_code(self) -> dict[str, list[str]]:
        holders: dict[str, list[str]] = {}
        for unit, versions in self._versions.items():
            for code in dict.fromkeys(version.code for version in versions):
                holders.setdefault(code, []).append(unit)
        return holders
