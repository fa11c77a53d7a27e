"""The dated tree of units (2-domain, Units): who was whose child on which day, and how many groups were below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise

from schemas.group_days import Steps
from schemas.unit_acts import EPOCH, KINDS, LEVELS, Act, check_act, level_above
from schemas.unit_versions import Fold, Unit

__all__ = ["EPOCH", "KINDS", "LEVELS", "Act", "Tree", "Unit", "check_act", "level_above"]

# (first day, the day after the last or None, the unit and its ancestors in that time)
Lineage = tuple[date, date | None, tuple[str, ...]]
_GROUP = LEVELS[0]
_ONE_DAY = timedelta(days=1)


class Tree:
    """All units with all their versions: a pure function of the set of acts, in whatever order they are given.

    Never raises on odd acts: what does not apply is left out and listed in `skipped`, as (sort key, act).
    Tables that not every use needs are made at first use; a tree never changes, so threads may share it.
    """

    def __init__(self, acts: Iterable[tuple[object, Act]]) -> None:
        fold = Fold(acts)
        self.root = fold.root
        self.skipped = tuple(fold.skipped)
        self._versions = fold.versions
        self._successors = fold.successors
        self._parents_ever = fold.parents_ever
        self._addresses = fold.addresses
        self._above_ever: dict[str, frozenset[str]] = {}
        self._steps: dict[tuple[str, str], Steps] = {}

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

    # Downwards

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

    def children(self, unit: str, day: date) -> list[Unit]:
        """The versions valid on a day whose parent is this unit, in the order of their codes."""
        found = [self.at(child, day) for child in self._children.get(unit, ())]
        return sorted((one for one in found if one is not None and one.parent_id == unit), key=_by_code)

    def children_in(self, unit: str, first: date, last: date) -> list[str]:
        """Ids of the units that were its children on any day from `first` to `last`, in the order of their codes.

        A child that was closed while groups stayed open below it still counts: its figures are part of the sum.
        """
        found = [child for child in self._children.get(unit, ()) if self._was_child(child, unit, first, last)]
        return sorted(found, key=lambda child: self._code_key(child, last))

    def children_ever(self, unit: str) -> tuple[str, ...]:
        """Ids of all units that were its children at any time."""
        return tuple(self._children.get(unit, ()))

    def _was_child(self, child: str, parent: str, first: date, last: date) -> bool:
        versions = self._versions[child]
        opened, closed = versions[0].valid_from, versions[-1].valid_to
        for begin, end in self.days_under(child, parent, first, last):
            if opened <= end and (closed is None or max(opened, begin) < closed):
                return True
            if self.group_days(child, begin, end):
                return True
        return False

    def children_nearest(self, unit: str, day: date) -> list[str]:
        """Units that stand under the unit by their version nearest to a day, closed ones too, in code order."""
        found = [child for child in self._children.get(unit, ()) if self._parent_at(child, day) == unit]
        return sorted(found, key=lambda child: self._code_key(child, day))

    def days_under(self, child: str, parent: str, first: date, last: date) -> Iterator[tuple[date, date]]:
        """The spans inside first..last in which the child's nearest version has this parent."""
        for begin, end in _spans_under(self._versions.get(child, ()), parent):
            start = first if begin is None else max(first, begin)
            stop = last if end is None else min(last, end - _ONE_DAY)
            if start <= stop:
                yield start, stop

    def _code_key(self, unit: str, day: date) -> tuple[str, str]:
        version = self.nearest(unit, day)
        return (version.code, unit) if version else ("", unit)

    def subtree(self, unit: str, day: date) -> Iterator[Unit]:
        """The unit and all below it that are valid on a day, parents first, siblings in the order of their codes."""
        version = self.nearest(unit, day)
        if version is None:
            return
        if self.at(unit, day) is not None:
            yield version
        for child in self.children_nearest(unit, day):
            yield from self.subtree(child, day)

    def _parent_at(self, unit: str, day: date) -> str | None:
        version = self.nearest(unit, day)
        return version.parent_id if version else None

    def units(self, day: date) -> Iterator[Unit]:
        """All units valid on a day, higher levels first."""
        for unit in self._versions:
            version = self.at(unit, day)
            if version is not None:
                yield version

    # Counting groups

    def group_count(self, unit: str, day: date) -> int:
        """How many groups valid on a day are below the unit as of that day; a group counts itself."""
        return self.level_count(unit, _GROUP, day)

    def group_days(self, unit: str, first: date, last: date) -> int:
        """The sum of `group_count` over the days from `first` to `last`, both included, in O(log changes)."""
        return self.level_days(unit, _GROUP, first, last)

    def level_count(self, unit: str, level: str, day: date) -> int:
        """How many units of a level valid on a day are below the unit as of that day; a unit counts itself."""
        return self._steps_of(unit, level).at(day.toordinal())

    def level_days(self, unit: str, level: str, first: date, last: date) -> int:
        """The sum of `level_count` over the days from `first` to `last`, both included, in O(log changes)."""
        return self._steps_of(unit, level).total(first.toordinal(), last.toordinal())

    def group_days_under(self, child: str, parent: str, first: date, last: date) -> int:
        """The part of the child's `group_days` from days on which it was under this parent."""
        return sum(self.group_days(child, begin, end) for begin, end in self.days_under(child, parent, first, last))

    def group_days_own(self, unit: str, first: date, last: date) -> int:
        """Days from `first` to `last` on which this group unit itself is valid; 0 for a unit of another level."""
        versions = self._versions.get(unit)
        if not versions or versions[0].level != _GROUP:
            return 0
        start, closed = max(first, versions[0].valid_from), versions[-1].valid_to
        end = last + _ONE_DAY if closed is None else min(last + _ONE_DAY, closed)
        return max((end - start).days, 0)

    def _steps_of(self, unit: str, level: str) -> Steps:
        steps = self._steps.get((unit, level))
        if steps is None:
            steps = self._steps[unit, level] = self._made_steps(unit, level)
        return steps

    def _made_steps(self, unit: str, level: str) -> Steps:
        versions = self._versions.get(unit)
        if not versions:
            return Steps({})
        if versions[0].level == level:
            return _own_days(versions)
        changes: dict[int, int] = {}
        for child in self._children.get(unit, ()):
            below = self._versions[child]
            if below[0].level == _GROUP:
                # A city's groups are many and asked for one by one only in part: no table of their own is kept here.
                steps = _own_days(below) if level == _GROUP else Steps({})
            else:
                steps = self._steps_of(child, level)
            for begin, end in _spans_under(below, unit):
                cut = steps.changes_within(_ordinal(begin), _ordinal(end))
                for day, by in cut.items():
                    changes[day] = changes.get(day, 0) + by
        return Steps(changes)


def _by_code(unit: Unit) -> tuple[str, str]:
    return unit.code, unit.id


def _spans_under(versions: Iterable[Unit], parent: str) -> Iterator[tuple[date | None, date | None]]:
    """Spans [from, to) in which the nearest version has this parent; None: without end on that side."""
    listed = list(versions)
    for place, version in enumerate(listed):
        if version.parent_id == parent:
            later = listed[place + 1].valid_from if place + 1 < len(listed) else None
            yield (version.valid_from if place else None), later


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def _own_days(versions: list[Unit]) -> Steps:
    """1 on the days on which the unit itself is valid."""
    changes = {versions[0].valid_from.toordinal(): 1}
    closed = versions[-1].valid_to
    if closed is not None:
        day = closed.toordinal()
        changes[day] = changes.get(day, 0) - 1
    return Steps(changes)
