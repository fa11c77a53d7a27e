"""Lines that a level set aside: telling their writer over all hops, and sending the good bytes once more (3-sync)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.clock import business_day
from schemas.errors import Corrupt
from schemas.events import payload
from sync import chains, directory, log
from sync.certificates import intact
from sync.replica import Stored

if TYPE_CHECKING:
    from sync.intake import Intake

KIND: Final = "refusal"
SCHEMA: Final = "refusal/1"
LOST: Final = "lost"  # nobody set it aside: its own writer says that it is nowhere any more
LOST_AFTER_MS: Final = 3 * 86_400_000


def take_in(intake: Intake, stored: Stored) -> None:
    """A level above set a line aside. Whoever holds it intact sends it once more."""
    try:
        value = payload(stored.event)
    except Corrupt:  # kept and sent on; what can't be read has no effect
        return
    event_hash, code, chain = (str(value.get(name)) for name in ("hash", "code", "chain"))
    by = intake.judge.unit(stored.event.node)
    if code == LOST and by != intake.judge.unit(chain[:26]):  # nobody else can say so: it would silence an alarm
        return
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


def give_up(intake: Intake) -> None:
    """An own event that nobody has handed back for days is nowhere any more, though what follows it is held: its writer
    says so, and from then on the gap alarms nobody. Should it turn up all the same, it counts.
    """
    db, me = intake.db, intake.me
    rows = db.execute("SELECT chain, gaps FROM chain WHERE gaps <> '' AND node = ?", [me.node]).fetchall()
    for chain, gap in [(chain, gap) for chain, gaps in rows for gap in gaps.split(",")]:
        (since,) = db.execute("SELECT MIN(received_at) FROM event WHERE prev = ?", [gap]).fetchone()
        if since is None or intake.received_at - since < LOST_AFTER_MS or chains.is_told(db, gap):
            continue
        if me.is_top or db.execute("SELECT 1 FROM wanted WHERE hash = ? AND asked = 1", [gap]).fetchone():
            intake.author(
                kind=KIND, schema=SCHEMA, unit=me.unit, day=business_day(intake.now_ms),
                public={"hash": gap, "code": LOST, "chain": chain},
            )  # fmt: skip


def send_again(intake: Intake, event_hash: str) -> None:
    """Appends an event to the up log once more, if the bytes held here are good; once per hash."""
    known = log.held(intake.db, event_hash)
    if intake.is_replaying or known is None or intake.me.is_top or not intact(intake.db, event_hash):
        return
    added = intake.db.execute("INSERT INTO resent (hash) VALUES (?) ON CONFLICT DO NOTHING", [event_hash]).rowcount
    if added:
        log.append_up(intake.db, known.n, event_hash)
