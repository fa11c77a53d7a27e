"""Small figures, masked for whoever may not open the records (2-domain, Masking); bulletins and exports use it too."""

from __future__ import annotations

from typing import Any

from node.access import EVIDENCE
from schemas.masking import masked
from sync.directory import tree_of
from sync.replica import Replica


def mask(replica: Replica, document: dict[str, Any], by: str | None) -> dict[str, Any]:
    """A rollup document by a dimension as it may be printed; `rollup.answer` gave it."""
    return masked(document, by or None, tree_of(replica).level)


def for_role(replica: Replica, document: dict[str, Any], by: str | None, role: str) -> dict[str, Any]:
    """The document as somebody of a role may read it: exact for who may open the records."""
    return document if role in EVIDENCE else mask(replica, document, by)
