"""What is asked of a rollup, once it is known that it can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from node import link_queries
from node.daily.campaigns import require
from schemas.errors import Invalid, NotFound
from schemas.periods import Period
from sync.directory import tree_of
from sync.replica import Replica

TreeMode = Literal["then", "now"]
CAMPAIGN: Final = "campaign"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the tallies, at which instant (unix ms) and log position; of a campaign's checks, if one is
    named: cases then stand at 0.
    """

    unit: str
    period: Period
    mode: TreeMode
    now_ms: int
    position: int
    campaign: str | None = None
    categories: str | None = None  # a version of a category list: what older codes became is counted as such


def asked(
    replica: Replica,
    unit: str,
    period: Period,
    tree: str,
    now_ms: int,
    campaign: str | None = None,
    categories: str | None = None,
) -> Question:
    """The question, if it can be asked. Raises NotFound and Invalid naming the field."""
    if tree not in ("then", "now"):
        raise Invalid("bad_tree", field="tree", value=tree)
    if not tree_of(replica).exists(unit):
        raise NotFound("unknown_unit", field="unit", value=unit)
    if campaign:
        require(replica.db, campaign, CAMPAIGN)
    position = link_queries.events_held(replica.db)
    return Question(
        unit, period, "now" if tree == "now" else "then", now_ms, position, campaign or None, categories or None
    )
