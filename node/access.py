"""Who may do what: one table of role x route, enforced before the view runs. A route without an entry is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.roles import ADMIN, EVERYBODY, RECORDS, REVIEW


@dataclass(frozen=True, slots=True)
class Rule:
    """Roles that may use a route. `unit_in` names where the request says which unit it is about: a query parameter or
    a form field, `json` for the body's `unit`; the unit has to stand in the subtree of the user's unit.
    """

    roles: frozenset[str] = frozenset()
    public: bool = False
    unit_in: str | None = None


PUBLIC: Final = Rule(public=True)
# Evidence opens single records, which a viewer ("figures only") does not.
EVIDENCE: Final = RECORDS | {"analyst"}

RULES: Final[Mapping[str, Rule]] = {
    "static": PUBLIC,
    "health.healthz": PUBLIC,
    "health.metrics": PUBLIC,  # loopback or token, checked by the view
    "sync.hello": PUBLIC,  # signed by nodes, not by people
    "sync.exchange": PUBLIC,
    "sync.enrol_child": PUBLIC,
    "api-docs.openapi_json": PUBLIC,
    "checks.Checks:GET": Rule(RECORDS, unit_in="query"),
    "checks.Checks:POST": Rule(RECORDS, unit_in="json"),
    "checks.Returned:POST": Rule(REVIEW),
    "duties.Duties:GET": Rule(EVERYBODY - {"viewer"}, unit_in="query"),
    "units.Units:GET": Rule(EVERYBODY),
    "units.OneUnit:GET": Rule(EVERYBODY),
    "rollup.Rollup:GET": Rule(EVERYBODY, unit_in="query"),
    "directory.UnitActs:POST": Rule(ADMIN),  # the hub's
    "sync_state.SyncState:GET": Rule(EVERYBODY),
    "sync_state.SyncState:POST": Rule(EVERYBODY - {"viewer", "analyst"}),
    "events.Evidence:GET": Rule(EVIDENCE),
    "users.Users:GET": Rule(ADMIN),
    "users.Users:POST": Rule(ADMIN, unit_in="json"),
    "pages.sign_in": PUBLIC,
    "pages.sign_out": PUBLIC,
    "pages.first_password": PUBLIC,
    "pages.language": PUBLIC,
    "pages.home": Rule(EVERYBODY),
    "pages.today": Rule(RECORDS, unit_in="query"),
    "pages.found": Rule(RECORDS, unit_in="query"),
    "pages.enter_check": Rule(RECORDS, unit_in="form"),
    "pages.records": Rule(RECORDS, unit_in="query"),
    "pages.sync_page": Rule(EVERYBODY - {"viewer"}),
    "pages.sync_run": Rule(EVERYBODY - {"viewer", "analyst"}),
    "pages.rollup_page": Rule(EVERYBODY, unit_in="query"),
    "pages.users_page": Rule(ADMIN),
    "pages.add_user": Rule(ADMIN, unit_in="form"),
    "pages.nodes_page": Rule(ADMIN),
    "pages.add_node": Rule(ADMIN, unit_in="form"),
    "pages.more": Rule(EVERYBODY),
}


def rule_for(endpoint: str | None, method: str) -> Rule | None:
    """The rule of a route, or None: then it is refused."""
    if endpoint is None:
        return None
    if method in ("HEAD", "OPTIONS"):
        method = "GET"
    return RULES.get(endpoint) or RULES.get(f"{endpoint}:{method}")
