"""Damage that `verify` finds is mended from below: whoever holds the event intact is asked to send it once more."""

from __future__ import annotations

from typing import Final

from node import node_queries
from sync import chains, refusals
from sync.database import write
from sync.intake import Intake
from sync.replica import Replica
from sync.verify import Report

DAMAGE: Final = frozenset({"unreadable", "bad_hash", "bad_parts", "bad_sig"})
CODE: Final = "bad_sig"  # what makes a node below send its copy again (3-sync, Exchange)


def ask_below(replica: Replica, report: Report) -> int:
    """Writes a refusal for each damaged event that came from below, once per event; returns how many are asked for."""
    damaged = dict.fromkeys(one.event for one in report.problems if one.event is not None and one.code in DAMAGE)
    asked = 0
    if not damaged:
        return asked
    with write(replica.db, "sync_state", replica.env):
        intake = Intake(replica, replica.env.now_ms())
        for event_hash in damaged:
            chain = node_queries.chain_of(replica.db, event_hash)
            told = node_queries.was_refused(replica.db, event_hash, replica.identity.unit, CODE)
            if chain is not None and chains.is_below(replica.db, chain) and not told:
                refusals.tell_writer(intake, event_hash, CODE, chain)
                asked += 1
        intake.finish()
    return asked
