"""Laws of the dated tree, over random sets of acts."""

from __future__ import annotations

import random
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tree_cases import PARENTS, days, keyed_acts

from schemas.units.tree import LEVELS, Act, Tree

ONE = timedelta(days=1)
KNOWN = tuple(PARENTS)


def whole(one: Tree) -> object:
    """Everything that a tree is made from."""
    units = {unit: (one.versions(unit), one.successors(unit)) for unit in KNOWN}
    return one.root, one.skipped, units, one.moved_ancestors


@given(keyed_acts(), st.randoms(use_true_random=False))
def test_the_order_in_which_acts_are_given_does_not_matter(
    acts: list[tuple[int, Act]], shuffler: random.Random
) -> None:
    mixed = list(acts)
    shuffler.shuffle(mixed)
    assert whole(Tree(mixed)) == whole(Tree(acts))


@given(keyed_acts(), days)
def test_ancestors_go_up_one_level_at_a_time(acts: list[tuple[int, Act]], day: date) -> None:
    one = Tree(acts)
    for unit in KNOWN:
        levels = [one.level(above) for above in one.ancestors(unit, day)]
        start = LEVELS.index(levels[0]) if levels and levels[0] else 0
        assert levels == list(LEVELS[start : start + len(levels)])
        assert not levels or levels[-1] == "city"


@given(keyed_acts())
def test_versions_follow_each_other_without_a_gap(acts: list[tuple[int, Act]]) -> None:
    one = Tree(acts)
    for unit in KNOWN:
        versions = one.versions(unit)
        assert [version.valid_to for version in versions[:-1]] == [version.valid_from for version in versions[1:]]
        assert all(version.valid_from < (version.valid_to or date.max) for version in versions[:-1])


@given(keyed_acts(), days)
def test_the_subtree_is_what_is_valid_and_below(acts: list[tuple[int, Act]], day: date) -> None:
    one = Tree(acts)
    for unit in KNOWN:
        found = list(one.subtree(unit, day))
        assert len(found) == len(set(found))
        assert set(found) == {other for other in one.units(day) if one.below(other.id, unit, day)}


@given(keyed_acts(), days, days)
def test_group_days_are_the_groups_counted_day_by_day(acts: list[tuple[int, Act]], one_day: date, other: date) -> None:
    one, (first, last) = Tree(acts), sorted((one_day, other))
    span = [first + ONE * number for number in range((last - first).days + 1)]
    for unit in KNOWN:
        counted = [sum(1 for below in one.subtree(unit, day) if below.level == "group") for day in span]
        assert [one.group_count(unit, day) for day in span] == counted
        assert one.group_days(unit, first, last) == sum(counted)
        if one.level(unit) == "group":
            assert one.group_days_own(unit, first, last) == sum(counted)
        else:
            rows = one.children_in(unit, first, last)
            assert sum(one.group_days_under(row, unit, first, last) for row in rows) == sum(counted)


@given(keyed_acts(), st.data())
def test_ever_below_only_grows_as_acts_are_added(acts: list[tuple[int, Act]], data: st.DataObject) -> None:
    fewer = Tree(data.draw(st.lists(st.sampled_from(acts), unique_by=id)) if acts else [])
    more = Tree(acts)
    for unit in KNOWN:
        below = {other for other in KNOWN if fewer.ever_below(unit, other)}
        assert below <= {other for other in KNOWN if more.ever_below(unit, other)}


@given(keyed_acts(), days)
def test_whoever_is_below_on_a_day_was_ever_below(acts: list[tuple[int, Act]], day: date) -> None:
    one = Tree(acts)
    assert all(one.ever_below(unit, above) for unit in KNOWN for above in one.ancestors(unit, day))


@given(keyed_acts(), days, days)
def test_above_what_never_moved_then_and_now_are_the_same(acts: list[tuple[int, Act]], then: date, now: date) -> None:
    one = Tree(acts)
    for unit in set(KNOWN) - one.moved_ancestors:
        below_then = {other for other in KNOWN if one.below(other, unit, then)}
        assert below_then == {other for other in KNOWN if one.below(other, unit, now)}
