"""The dated tree of units (2-domain, Units): who was whose child on which day, and how many groups were below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property

from schemas.group_days import Steps
from schemas.units.acts import EPOCH, KINDS, LEVELS, Act, level_above
from schemas.units.lines import Lineage, Lines
from schemas.units.versions import Unit

__all__ = ["EPOCH", "KINDS", "LEVELS", "Act", "Lineage", "Tree", "Unit", "level_above"]

_GROUP = LEVELS[0]
_ONE_DAY = timedelta(days=1)
MAX_LISTED = 8  # answers of `groups_below` that are kept


class Tree(Lines):
    """All units with all their versions: a pure function of the set of acts, in whatever order they are given.

    Never raises on odd acts: what does not apply is left out and listed in `skipped`, as (sort key, act).
    Tables that not every use needs are made at first use; a tree never changes, so threads may share it.
    """

    def __init__(self, acts: Iterable[tuple[object, Act]]) -> None:
        super().__init__(acts)
        self._steps: dict[tuple[str, str], Steps] = {}
        self._listed: dict[tuple[str, date], tuple[Unit, ...]] = {}

    # Downwards

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

    def groups_below(self, unit: str, day: date) -> Sequence[Unit]:
        """Groups below a unit, or the group itself, by id, all as of a day. The last few answers are kept: a city has
        20,000 groups, and its pages ask for the same days.
        """
        found = self._listed.get((unit, day))
        if found is None:
            if len(self._listed) >= MAX_LISTED:
                self._listed.clear()
            found = self._listed[unit, day] = tuple(sorted(self._groups_below(unit, day), key=lambda one: one.id))
        return found

    def _groups_below(self, unit: str, day: date) -> Iterator[Unit]:
        inside: dict[str, bool] = {}  # parent -> whether it is below the unit: looked up once for all its groups
        for versions in self._groups:
            one: Unit | None = versions[0]
            if len(versions) > 1:
                one = self.at(versions[0].id, day)
            elif versions[0].valid_from > day or (versions[0].valid_to is not None and day >= versions[0].valid_to):
                continue
            if one is None:
                continue
            parent = one.parent_id or ""
            if parent not in inside:
                inside[parent] = self.below(parent, unit, day)
            if inside[parent] or one.id == unit:
                yield one

    @cached_property
    def _groups(self) -> list[list[Unit]]:
        return [versions for versions in self._versions.values() if versions[0].level == _GROUP]

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
            if below[0].level == _GROUP and (level != _GROUP or _stayed(below, changes)):
                continue
            # A city's groups are many and asked for one by one only in part: no table of their own is kept here.
            steps = _own_days(below) if below[0].level == _GROUP else self._steps_of(child, level)
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


def _stayed(versions: Sequence[Unit], changes: dict[int, int]) -> bool:
    """Adds the days of a group that is as it was opened, as most are; False, and nothing added, if it changed."""
    if len(versions) > 1:
        return False
    first, closed = versions[0].valid_from.toordinal(), versions[0].valid_to
    changes[first] = changes.get(first, 0) + 1
    if closed is not None:
        changes[closed.toordinal()] = changes.get(closed.toordinal(), 0) - 1
    return True


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
