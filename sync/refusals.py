"""Lines that a level set aside: telling their writer over all hops, and sending the good bytes once more (3-sync)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.clock import business_day
from schemas.errors import Corrupt
from schemas.events import payload
from sync import directory, log
from sync.certificates import intact
from sync.replica import Stored

if TYPE_CHECKING:
    from sync.intake import Intake

KIND: Final = "refusal"
SCHEMA: Final = "refusal/1"


def take_in(intake: Intake, stored: Stored) -> None:
    """A level above set a line aside. Whoever holds it intact sends it once more."""
    try:
        value = payload(stored.event)
    except Corrupt:  # kept and sent on; what can't be read has no effect
        return
    event_hash, code, chain = (str(value.get(name)) for name in ("hash", "code", "chain"))
    by = intake.judge.unit(stored.event.node)
    intake.db.execute(
        "INSERT INTO refusal (event, hash, chain, code, by, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [stored.event.hash, event_hash, chain, code, by or "", stored.event.header.rtime],
    )
    if code == "bad_sig" and stored.event.node != intake.me.node:
        send_again(intake, event_hash)


def tell_writer(intake: Intake, event_hash: str, code: str, chain: str) -> None:
    """Says in an event of our own, over all hops, that a line of this chain was set aside."""
    writer = directory.unit_of(intake.db, chain[:26])
    if writer is not None:
        intake.author(
            kind=KIND,
            schema=SCHEMA,
            unit=writer[0],
            day=business_day(intake.now_ms),
            public={"hash": event_hash, "code": code, "chain": chain},
        )


def send_again(intake: Intake, event_hash: str) -> None:
    """Appends an event to the up log once more, if the bytes held here are good; once per hash."""
    known = log.held(intake.db, event_hash)
    if intake.is_replaying or known is None or intake.me.is_top or not intact(intake.db, event_hash):
        return
    added = intake.db.execute("INSERT INTO resent (hash) VALUES (?) ON CONFLICT DO NOTHING", [event_hash]).rowcount
    if added:
        log.append_up(intake.db, known.n, event_hash)
