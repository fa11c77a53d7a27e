"""Each rule taken away, and each fault planted, breaks the law that it is there for: the simulator sees them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

import pytest
import rules
from disks import play, script_of
from ground import Ground
from rules import Rule
from shrink import laws_in
from simulate import simulate

from builders import E_GROUPS, E_TOWN, E_VILLAGE, EAST, W_GROUPS, W_TOWN, W_VILLAGE, WEST

MAX_SEEDS: Final = 200
OF_DISKS: Final = frozenset(
    {"restore", "restore_unmarked", "restore_hub", "clone", "replace", "move", "damage", "lost_request", "lost_reply"}
)


DEEDS: Final = frozenset(
    {"check", "exchange", "back_up", "rename", "restore", "restore_hub", "clone", "replace", "move", "casework"}
    | {"damage"}
)
LINES: Final = ((EAST, E_TOWN, E_VILLAGE, E_GROUPS[0]), (WEST, W_TOWN, W_VILLAGE, W_GROUPS[0]))


def laws_of_a_walk(seed: int) -> set[str]:
    """The laws that a walk of disks breaks, in a city of two lines of one to four computers."""
    random = Random(seed)
    nodes = [unit for line in LINES for unit in line[: random.randint(1, 4)]]
    script = script_of(seed, OF_DISKS, ground=Ground((2, 1, 1, 3), tuple(nodes)), deeds=DEEDS)
    return laws_in(play(script)[1])


def laws_of_a_city(seed: int) -> set[str]:
    """The laws that a city under faults of wire, clock and power breaks."""
    return {one.law.split()[0] for one in simulate(seed).breaches}


Look = Callable[[int], set[str]]
# The rule that is taken away, where that shows first, and the laws one of which it has to break.
CONTROLS: Final[tuple[tuple[Rule, Look, frozenset[str]], ...]] = (
    (rules.one_cursor_without_log_id, laws_of_a_walk, frozenset({"L1", "L4"})),
    (rules.cursor_down_without_acc, laws_of_a_walk, frozenset({"directory", "L4"})),
    (rules.no_handing_back, laws_of_a_walk, frozenset({"L1", "directory"})),
    (rules.counted_incarnations, laws_of_a_walk, frozenset({"L4", "L8"})),
    (rules.scope_by_the_tree_at_ingest, laws_of_a_walk, frozenset({"L2", "L3"})),
    (rules.late_key_refused_for_good, laws_of_a_walk, frozenset({"L1", "L6", "history"})),
    (rules.no_certificates_down, laws_of_a_city, frozenset({"L2", "L9"})),
    (rules.no_rerouting, laws_of_a_walk, frozenset({"history"})),
    (rules.no_certificate_presented, laws_of_a_walk, frozenset({"L1", "L4"})),
    (rules.nothing_given_on_seize, laws_of_a_walk, frozenset({"L11"})),
    (rules.nothing_asked, laws_of_a_walk, frozenset({"L11"})),
    (rules.dedupe_by_seq, laws_of_a_walk, frozenset({"L1"})),
    (rules.delete_before_acknowledged, laws_of_a_city, frozenset({"L1"})),
    (rules.set_aside_line_dropped, laws_of_a_walk, frozenset({"L1", "L6"})),
    (rules.chain_not_checked_after_restore, laws_of_a_walk, frozenset({"L8"})),
    (rules.order_by_clock, laws_of_a_city, frozenset({"L3"})),
    (rules.owner_set_on_both_sides, laws_of_a_walk, frozenset({"L9"})),
    (rules.days_end_by_another_zone, laws_of_a_city, frozenset({"L3"})),
)


# Where a rule's lack showed last, if late: tried before all the others, since a walk takes a second.
SEEN_AT: Final = {rules.no_rerouting: 94, rules.nothing_asked: 32}


@pytest.mark.parametrize(("rule", "look", "laws"), CONTROLS, ids=[rule.__name__ for rule, _, _ in CONTROLS])
def test_without_it_a_law_breaks_within_200_seeds(
    rule: Rule, look: Look, laws: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(monkeypatch)
    assert any(look(seed) & laws for seed in (SEEN_AT.get(rule, 1), *range(1, MAX_SEEDS + 1)))
