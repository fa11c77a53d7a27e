"""What the sync layer is handed: the meaning of payloads at a node."""

from __future__ import annotations

from collections.abc import Iterator

from sqlite_utils import Database

from node import queries, recount
from node.cases import disclosure_queries
from node.cases import queries as case_queries
from node.cases import recount as case_recount
from node.cases.disclosing import KEEP_DAYS
from node.daily import campaign_recount, excuse_recount
from node.desk.waits import DEFAULT_WAITS, Waits
from node.evidence import audit
from node.keeping.keeping import Copies
from node.migrations import DERIVED
from node.projections import NodeProjection
from node.reports import confirmation_queries, confirmation_recount, form_queries, form_recount
from sync.directory import tree_of
from sync.replica import Replica


class NodeApplication:
    """Projection, emptying and checking of a node's derived tables. `keep_days`: how long private texts are kept here
    that somebody else handles now; `waits`: after how long silence is an alarm; `copies`: how a node that stands in a
    folder keeps copies of itself.
    """

    def __init__(self, keep_days: int = KEEP_DAYS, waits: Waits = DEFAULT_WAITS, copies: Copies | None = None) -> None:
        self.keep_days = keep_days
        self.waits = waits
        self.copies = copies

    def projection(self, replica: Replica) -> NodeProjection:
        """A projection for one write transaction."""
        return NodeProjection(replica, self.keep_days)

    def clear(self, db: Database) -> None:
        """Empties every derived table."""
        for table in DERIVED:
            db.execute(f"DELETE FROM {table}")

    def addressed_below(self, replica: Replica, unit: str) -> list[str]:
        """Every event held of the cases with which somebody in the unit's subtree has to do, then what was disclosed to
        them or by them.
        """
        disclosed = disclosure_queries.addressed_within(replica.db, tree_of(replica).ever_within(unit))
        return case_queries.events_below(replica.db, unit) + disclosed

    def history_below(self, replica: Replica, unit: str) -> Iterator[str]:
        """The reports of the unit and of all that ever were below it."""
        tree = tree_of(replica)
        for one in tree.ever_within(unit):
            yield from queries.report_events(replica.db, one)
            yield from confirmation_queries.events_of_unit(replica.db, one)
            yield from form_queries.events_of_unit(replica.db, one)

    def verify(self, replica: Replica) -> tuple[int, list[tuple[str, str]]]:
        """How many tallies were compared with a recount from the events; what differs, and what is wrong in the log
        of administrative acts.
        """
        parts = (recount, confirmation_recount, form_recount, campaign_recount, excuse_recount, case_recount)
        found = [part.compare(replica) for part in parts]
        log = [("bad_audit", text) for text in audit.problems(replica.db)]
        return sum(count for count, _ in found), [*(one for _, problems in found for one in problems), *log]

    def note(self, replica: Replica, act: str, *, unit: str, subject: str, purpose: str = "") -> None:
        """Into the log of administrative acts."""
        audit.note(replica, act, unit=unit, subject=subject, purpose=purpose)
