"""Roles, each bound to a unit and acting in its subtree as far as a node hosts it (4-interfaces)."""

from __future__ import annotations

from typing import Final

ROLES: Final = ("worker", "mediator", "reviewer", "viewer", "analyst", "admin")
HUB_ROLES: Final = frozenset({"analyst"})
EVERYBODY: Final = frozenset(ROLES)
# Who enters and reads single records; a viewer sees figures only.
RECORDS: Final = frozenset({"worker", "mediator", "reviewer", "admin"})
# Who settles the cases of a unit.
CASEWORK: Final = frozenset({"mediator", "reviewer", "admin"})
REVIEW: Final = frozenset({"reviewer", "admin"})
ADMIN: Final = frozenset({"admin"})
