"""The two words by which a level above speaks of a node: its certificate, and the end of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from schemas.clock import business_day
from schemas.encoding import b64
from schemas.events import Event
from sync import revocation

if TYPE_CHECKING:
    from sync.intake import Intake

CERT_KIND: Final = "cert"
CERT_SCHEMA: Final = "cert/1"


def claim(unit: str, node: str, key: bytes, level: str | None, replaced: Sequence[str] = ()) -> dict[str, object]:
    """What a certificate says; `replaced`: the nodes that this one takes the place of."""
    said: dict[str, object] = {"unit": unit, "node": node, "key": b64(key), "level": level}
    return said | ({"succeeds": replaced[-1]} if replaced else {})


def certify(intake: Intake, unit: str, node: str, key: bytes, level: str | None, replaced: Sequence[str] = ()) -> Event:
    """Signs a certificate."""
    return intake.author(
        kind=CERT_KIND, schema=CERT_SCHEMA, unit=unit, day=business_day(intake.now_ms),
        public=claim(unit, node, key, level, replaced),
    )  # fmt: skip


def revoke(intake: Intake, unit: str, node: str, last: str | None = None) -> Event:
    """Ends a node's right to write for its unit: what is held of it stays good, what it writes later has no effect.
    `last`: the event with which its chain ends, whatever else is held of that chain.
    """
    intake.replica.app.note(intake.replica, "node_revoked", unit=unit, subject=node)
    return intake.author(
        kind=revocation.KIND, schema=revocation.SCHEMA, unit=unit, day=business_day(intake.now_ms),
        public=revocation.position_now(intake.db, node, last),
    )  # fmt: skip
