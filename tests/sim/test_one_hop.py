"""One hop, walked at random: a parent, a child and copies of its disk write, exchange over a line that loses requests
and replies, go back in time. Once the line holds: nothing is lost, both logs are equal, and the link is idle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
import rules
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from builders import E_GROUPS, EAST, HOUR_MS, TODAY, City, Node
from sync import log, refusals
from sync.env import Reply, TransportError
from sync.verify import verify
from sync.wire import inflate, split

STEPS: Final = 24
EXAMPLES: Final = 30
CONTROL_EXAMPLES: Final = 200
MOST_DISKS: Final = 3
ROUNDS: Final = 40  # until quiet, with three disks on one key
WALK: Final = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, derandomize=True, deadline=None, database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
CONTROL: Final = settings(WALK, max_examples=CONTROL_EXAMPLES, phases=[Phase.generate])
FAULTS: Final = ("none", "none", "request lost", "reply lost", "reply cut")


def hashes(node: Node) -> set[str]:
    """All events that a node holds."""
    return {row[0] for row in node.db.execute("SELECT hash FROM event")}


class Hop(RuleBasedStateMachine):
    """The hub is `nodes[0]`; the others are disks of one child, which knew only each other's key at first."""

    def __init__(self) -> None:
        super().__init__()
        self.city = City()
        self.hub = self.city.hub
        self.city.join(self.hub, EAST)
        self.city.settle()
        self.backups: dict[int, bytes] = {}
        self.acts = 0

    @property
    def disks(self) -> list[Node]:
        """The child's disks."""
        return self.city.nodes[1:]

    # ---- what happens

    @rule(disk=st.integers(0, MOST_DISKS - 1), group=st.sampled_from(E_GROUPS), found=st.integers(0, 2))
    def child_reports(self, disk: int, group: str, found: int) -> None:
        """A record at one of the child's disks."""
        self.disks[disk % len(self.disks)].check(group, TODAY, found)

    @rule()
    def parent_publishes(self) -> None:
        """An act that goes down."""
        self.acts += 1
        name = f"第{self.acts}组"
        self.hub.publish({"type": "unit", "act": "rename", "unit": E_GROUPS[0], "date": str(TODAY), "name": name})

    @rule(disk=st.integers(0, MOST_DISKS - 1), fault=st.sampled_from(FAULTS))
    def exchange(self, disk: int, fault: str) -> None:
        """One exchange, perhaps over a bad line."""
        network = self.city.network

        def lose_request(_sent: object) -> Reply | None:
            raise TransportError("request lost")

        def spoil_reply(_sent: object, reply: Reply) -> Reply:
            if fault == "reply lost":
                raise TransportError("reply lost")
            return Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])

        network.before = lose_request if fault == "request lost" else None
        network.after = spoil_reply if fault.startswith("reply") else None
        self.disks[disk % len(self.disks)].client.exchange()
        network.before = network.after = None
        self.city.clock.forward(HOUR_MS // 60)

    @rule(place=st.integers(0, MOST_DISKS))
    def back_up(self, place: int) -> None:
        """A backup of one of them, to go back to."""
        at = place % len(self.city.nodes)
        self.backups[at] = self.city.nodes[at].snapshot()

    @precondition(lambda self: self.backups)
    @rule(place=st.integers(0, MOST_DISKS), marker=st.booleans())
    def go_back(self, place: int, *, marker: bool) -> None:
        """One of them is restored from its backup, with or without the marker beside it."""
        at = sorted(self.backups)[place % len(self.backups)]
        self.city.nodes[at].restore(self.backups[at], marker=marker)

    @precondition(lambda self: len(self.disks) < MOST_DISKS)
    @rule(disk=st.integers(0, MOST_DISKS - 1))
    def copy_disk(self, disk: int) -> None:
        """A second computer runs on a copy of the child's disk."""
        self.city.clone(self.disks[disk % len(self.disks)])

    # ---- what holds

    @invariant()
    def all_that_was_offered_is_stored_or_refused(self) -> None:
        """L6, at every moment."""
        for node in self.city.nodes:
            unknown = node.db.execute(
                "SELECT hash FROM inlog EXCEPT SELECT hash FROM event EXCEPT SELECT hash FROM refused"
            ).fetchall()
            assert unknown == []

    def teardown(self) -> None:
        """The line holds from now on."""
        held = set[str]().union(*(hashes(node) for node in self.city.nodes))
        self.city.settle(ROUNDS)
        assert held <= hashes(self.hub), "the hub lacks what somebody held"
        for disk in self.disks:
            self._logs_are_equal(disk)
            self._is_idle(disk)
        # What was in the one disk that went back is nowhere; after some days its writer says so, and all verifies.
        self.city.clock.forward(refusals.LOST_AFTER_MS + HOUR_MS)
        self.city.settle(ROUNDS)
        for node in self.city.nodes:
            assert verify(node.replica).problems == []
            node.db.conn.close()

    def _logs_are_equal(self, disk: Node) -> None:
        link, up_log = disk.replica.link_up, disk.replica.identity.up_log
        (down_log,) = disk.db.execute("SELECT down_log FROM link WHERE link = ?", [link]).fetchone()
        assert log.in_tip(self.hub.db, link, up_log) == log.up_tip(disk.db)
        assert log.in_tip(disk.db, link, down_log) == log.down_tip(self.hub.db, link)

    def _is_idle(self, disk: Node) -> None:
        before = len(self.city.network.log)
        disk.sync()
        (sent,) = self.city.network.log[before:]
        assert sent.reply is not None
        assert [split(inflate(body))[1] for body in (sent.body, sent.reply.body)] == [[], []]


def test_whatever_happens_on_one_hop_nothing_is_lost_and_it_comes_to_rest() -> None:
    run_state_machine_as_test(Hop, settings=WALK)


@pytest.mark.parametrize(
    "taken_away",
    [rules.no_handing_back, rules.dedupe_by_seq, rules.one_cursor_without_log_id, rules.cursor_down_without_acc],
    ids=lambda one: one.__name__,
)
def test_without_the_rule_the_walk_finds_a_loss(
    taken_away: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_away(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Hop, settings=CONTROL)
