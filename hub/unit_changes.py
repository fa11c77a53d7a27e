"""Changing the directory: tried out first, so that people see what would change, then signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Final

from hub.publishing import checks_of, publish
from schemas.strict_json import Json
from schemas.units.checks import ActChecks
from schemas.units.forms import acts_for, changes
from schemas.units.importing import Plan, plan
from schemas.units.tree import Act
from sync import directory
from sync.replica import Replica

MAX_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Trial:
    """Acts fit to be signed, and what they would change: the first 200 of it."""

    acts: Sequence[Act]
    changes: list[dict[str, Any]]

    def entries(self) -> list[Json]:
        """The acts as they are published."""
        return [{"type": "unit", **directory.act_json(act)} for act in self.acts]  # type: ignore[dict-item]


def tried(
    replica: Replica, verb: str, unit: str, day: date, form: Mapping[str, str], assigned: Mapping[str, str]
) -> Trial:
    """One change, checked against the tree as it stands. Raises Invalid naming the field."""
    checks = checks_of(replica)
    tree = directory.tree_of(replica)
    acts = [checks.take(entry) for entry in acts_for(verb, unit, day, form, assigned, tree)]
    return Trial(acts, _changes(replica, acts, checks))


def _changes(replica: Replica, acts: Sequence[Act], checks: ActChecks) -> list[dict[str, Any]]:
    return list(islice(changes(acts[:MAX_SHOWN], directory.tree_of(replica), checks.tree), MAX_SHOWN))


def planned(replica: Replica, text: str, day: date, within: str, *, close_missing: bool) -> tuple[Plan, Trial]:
    """What a list of units would change, and what is wrong with it."""
    checks = checks_of(replica)
    made = plan(text, directory.tree_of(replica), checks, day, within=within, close_missing=close_missing)
    return made, Trial(made.acts, _changes(replica, made.acts, checks) if not made.faults else [])


def signed(replica: Replica, trial: Trial) -> int:
    """Signs the acts in one transaction, checked once more; returns how many."""
    return publish(replica, trial.entries(), located=True)["unit"]
